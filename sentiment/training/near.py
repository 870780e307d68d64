"""The embedding's linear map, fitted again on what the finished int8 encoder sees: other matters shall be far."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sentiment import model
from sentiment.training import corpora, course, learned, student

POSTS = 6000
STRENGTH = 10.0  # of the ridge, in posts


def refit(data: Path, files: student.Files, out: Path) -> None:
    """Changes the heads in `out`: the mean of the tokens -> the embedding of the model before (course.hear)."""
    vectors = student.by_key(files.heard, "vectors")
    ours = [post for post in (*corpora.written(), *corpora.argued()) if post.key in vectors]
    posts = [post for post in (*learned.real(data), *ours, *course.moods(data, course.ASKED)) if post.key in vectors]
    posts = posts[:POSTS]
    reader = model.load(out)
    pairs = [
        (found[: student.HIDDEN], vectors[post.key])
        for post, found in zip(posts, reader.features([post.text for post in posts]), strict=True)
        if found is not None
    ]
    seen, wanted = (np.stack(side).astype(np.float64) for side in zip(*pairs, strict=True))
    middle, spread = seen.mean(0), seen.std(0) + 1e-6
    scaled = (seen - middle) / spread
    slope = np.linalg.solve(scaled.T @ scaled + STRENGTH * np.eye(len(middle)), scaled.T @ wanted)
    weights = (slope / spread[:, None]).T
    bias = -weights @ middle  # without the mean of all posts: with it every two posts would be near
    made = (weights.astype(np.float32), bias.astype(np.float32))
    model.save_heads(replace(reader.heads, embedding=made), out / "heads.npz")
