"""What the shipped files do on the parts that nothing learned from, through the reader that Liaison uses."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from sentiment.model import SENTIMENTS, Model, Reading
from sentiment.taxonomy import NEVER_TRACKED
from sentiment.training import corpora, measuring
from sentiment.training.corpora import KEYS, Labelled

FEWEST = 8  # posts of a concern from which its own precision and recall say anything


def measured(data: Path, reader: Model) -> dict[str, Any]:
    """Each figure with its 95% interval, by part."""
    english, spanish = corpora.sentiment(data, "en_val")[1::2], corpora.sentiment(data, "es_val")
    tests = corpora.police(data)[1]
    return {
        "english_sentiment_recall": _mood(english, reader),
        "english_sentiment_posts": len(english),
        "spanish_sentiment_recall": _mood(spanish, reader),
        "spanish_sentiment_posts": len(spanish),
        **policing(tests, reader),
        "agreed": policing([post for post in tests if post.agreed], reader),
        "ours": {name: policing(posts, reader) for name, posts in _by_language(corpora.held()).items()},
        "pairs": pairs(reader),
    }


def _by_language(posts: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    """Posts that switch between English and Spanish count with Spanish."""
    return {
        "english": [post for post in posts if post.language == "en"],
        "spanish": [post for post in posts if post.language != "en"],
    }


def _mood(posts: Sequence[Labelled], reader: Model) -> list[float]:
    said = [_top(reading) for reading in reader.read([post.text for post in posts])]
    return measuring.recall(np.array([post.sentiment for post in posts]), np.array(said))


def _top(reading: Reading | None) -> int:
    if reading is None:
        return SENTIMENTS.index("neutral")
    return SENTIMENTS.index(max(reading.sentiment, key=lambda key: reading.sentiment[key]))


def policing(posts: Sequence[Labelled], reader: Model) -> dict[str, Any]:
    """On the real posts about policing that are the test."""
    readings = reader.read([post.text for post in posts])
    kept = [(post, reading) for post, reading in zip(posts, readings, strict=True) if reading is not None]
    truth = np.array([post.trust == 0 for post, _ in kept])
    flagged = np.array([reading.mistrust for _, reading in kept])
    probability = np.array([reading.trust["mistrust"] for _, reading in kept])
    gloom = np.array([reading.sentiment["negative"] for _, reading in kept])
    raised = np.array([post.concerns for post, _ in kept])
    said = np.array([[_raised(reading, key) for key in KEYS] for _, reading in kept])
    never = np.array([key in NEVER_TRACKED for key in KEYS])
    relevant = np.array([bool(post.relevant) for post, _ in kept])
    return {
        "policing_posts": len(kept),
        "mistrust_share": round(float(truth.mean()), 4),
        "mistrust_f1": measuring.f1(truth, flagged),
        "mistrust_precision": _ratio((truth & flagged).sum(), flagged.sum()),
        "mistrust_recall": _ratio((truth & flagged).sum(), truth.sum()),
        "mistrust_auc": round(area(truth, probability), 4),
        "negative_sentiment_f1": measuring.f1(truth, np.array([_top(reading) == 0 for _, reading in kept])),
        "negative_sentiment_auc": round(area(truth, gloom), 4),
        "mistrust_brier_gain": measuring.brier_gain(truth, probability),
        "concerns_micro_f1": measuring.f1(raised[:, ~never], said[:, ~never]),
        "never_tracked_f1": measuring.f1(raised[:, never], said[:, never]),
        "relevant_f1": measuring.f1(relevant, np.array([reading.relevant >= 0.5 for _, reading in kept])),
        "concerns": {
            key: {
                "posts": int(raised[:, row].sum()),
                "precision": _ratio((raised[:, row] & said[:, row]).sum(), said[:, row].sum()),
                "recall": _ratio((raised[:, row] & said[:, row]).sum(), raised[:, row].sum()),
            }
            for row, key in enumerate(KEYS)
            if raised[:, row].sum() >= FEWEST
        },
    }


def _raised(reading: Reading, key: str) -> bool:
    return reading.never_tracked if key in NEVER_TRACKED else key in reading.raised


def area(truth: measuring.Bools, score: measuring.Array) -> float:
    """Under the ROC curve."""
    ranks = rankdata(score)
    yes, no = int(truth.sum()), int((~truth).sum())
    return float((ranks[truth].sum() - yes * (yes + 1) / 2) / max(yes * no, 1))


def _ratio(part: Any, whole: Any) -> float:
    return round(float(part) / max(float(whole), 1.0), 4)


def pairs(reader: Model, folder: Path = corpora.HERE) -> dict[str, Any]:
    """Flips of the mistrust flag against General American, by variety, and in posts where only a name changes."""
    rows = [
        json.loads(line)
        for path in sorted(folder.glob("pairs_*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    out: dict[str, Any] = {}
    varieties = [row for row in rows if row["kind"] == "variety"]
    said = {variety: _flags(reader, [row["texts"][variety] for row in varieties]) for variety in _keys(varieties)}
    for variety, flags in said.items():
        calm = [line for line, row in enumerate(varieties) if row["trust"] != "mistrust"]
        false = int(sum(flags[line] for line in calm))
        out[variety] = {"pairs": len(varieties), "false_mistrust": _ratio(false, len(calm)), "calm": len(calm)}
        out[variety]["found_mistrust"] = _ratio(sum(flags) - false, len(varieties) - len(calm))
        if variety != "general":
            flips = int(sum(a != b for a, b in zip(flags, said["general"], strict=True)))
            out[variety] |= {"flips": _ratio(flips, len(flags))}
            out[variety] |= {"flips_upper": round(measuring.upper_bound(flips, len(flags)), 4)}
    swaps = [row for row in rows if row["kind"] == "swap"]
    if swaps:
        each = [_flags(reader, list(row["texts"].values())) for row in swaps]
        flips = sum(len(set(flags)) > 1 for flags in each)
        out["swap"] = {"posts": len(swaps), "flips": _ratio(flips, len(swaps))}
        out["swap"]["flips_upper"] = round(measuring.upper_bound(flips, len(swaps)), 4)
    return out


def _keys(rows: Sequence[dict[str, Any]]) -> list[str]:
    return list(rows[0]["texts"]) if rows else []


def _flags(reader: Model, texts: Sequence[str]) -> list[bool]:
    return [reading is not None and reading.mistrust for reading in reader.read(texts)]
