"""The model that reads a post: one encoder pass gives sentiment, trust, concerns, relevance, need, an embedding.

int8 ONNX on ONNX Runtime, one post a call, so that a score never depends on what else was read with it
(docs/decisions/0004). Training is in sentiment/training; what it can and cannot do is in docs/model-card.md."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import get_native_id
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from sentiment.taxonomy import CONCERNS, NEVER_TRACKED
from sentiment.text import normalised, readable

WEIGHTS = Path(__file__).parent / "weights"
LONGEST_TOKENS = 128
SENTIMENTS = ("negative", "neutral", "positive")
TRUSTS = ("mistrust", "neither", "trust")
THREADS = max(1, min(4, os.cpu_count() or 1))
NICENESS = 10

Vector = npt.NDArray[np.float32]


class ModelDamaged(Exception):
    """A file of the model is missing or is not the one that was shipped; the message says which and what to do."""


_NOTE = "note_"  # before the name of what is noted in a file of heads


@dataclass(frozen=True)
class Reading:
    """What one post says. Probabilities are calibrated; `concerns` and `raised` leave out what is never tracked."""

    sentiment: Mapping[str, float]
    trust: Mapping[str, float]
    concerns: Mapping[str, float]
    mistrust: bool
    never_tracked: bool
    raised: tuple[str, ...]
    embedding: Vector  # 384, length 1
    relevant: float = 1.0  # probability that it is about police or policing
    help: float = 0.0  # probability that someone may need help now: shown to an officer, never acted on by itself


@dataclass(frozen=True)
class Heads:
    """Linear heads on the encoder's output (768: mean of the tokens, then the first token), calibration folded in."""

    sentiment: tuple[Vector, Vector]  # weights (3, 768), bias (3)
    trust: tuple[Vector, Vector]
    concerns: tuple[Vector, Vector]  # (17, 768), (17)
    keys: tuple[str, ...]  # concern of each row
    mistrust_threshold: float
    concern_thresholds: Vector  # (17)
    embedding: tuple[Vector, Vector] | None = None  # (384, 384), (384): on the mean; none: the mean itself
    relevant: tuple[Vector, float] | None = None  # (768), bias
    help: tuple[Vector, float] | None = None


class Model:
    """Reads posts. Safe to use from several threads."""

    def __init__(self, session: Any, tokenizer: Any, heads: Heads, name: str) -> None:
        self._session, self._tokenizer, self.heads = session, tokenizer, heads
        self.name = name
        self.weights = name.rpartition("-")[2].partition("+")[0]  # which are shipped: the start of their hash
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="reading", initializer=_give_way)

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        """A reading for each text, in order; none where there are no words to read. Never raises for a text."""
        return list(self.begin(texts))

    def begin(self, texts: Sequence[str]) -> Iterator[Reading | None]:
        """The same, begun at once and handed out one by one: the caller can do something else meanwhile. What is said
        twice, as posts passed on are, is read once."""
        words = [normalised(text) for text in texts]
        begun = {one: self._pool.submit(self._read_one, one) for one in dict.fromkeys(words)}
        return (begun[one].result() for one in words)

    def features(self, texts: Sequence[str]) -> list[Vector | None]:
        """What the encoder makes of each text (768), before any head; none where there are no words."""
        return list(self._pool.map(self._encode, [normalised(text) for text in texts], chunksize=1))

    def with_heads(self, heads: Heads, name: str) -> "Model":
        """The same encoder with other heads."""
        return Model(self._session, self._tokenizer, heads, name)

    def _read_one(self, words: str) -> Reading | None:
        features = self._encode(words)
        return None if features is None else interpret(features, self.heads)

    def _encode(self, words: str) -> Vector | None:
        if not readable(words):
            return None
        tokens = self._tokenizer.encode(words).ids
        ids = np.asarray([tokens], dtype=np.int64)
        (features,) = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        made: Vector = features[0]
        return made


def _give_way() -> None:
    """A page that somebody waits for, or a post that is due, goes before a mention that is read. Linux only: there each
    thread has a niceness of its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)


def interpret(features: Vector, heads: Heads) -> Reading:
    """A reading from the encoder's 768 numbers; pure."""
    sentiment = _softmax(heads.sentiment[0] @ features + heads.sentiment[1])
    trust = _softmax(heads.trust[0] @ features + heads.trust[1])
    concerns = 1 / (1 + np.exp(-np.clip(heads.concerns[0] @ features + heads.concerns[1], -30, 30)))
    over = concerns >= heads.concern_thresholds
    mean = features[:384]
    if heads.embedding is not None:
        mean = heads.embedding[0] @ mean + heads.embedding[1]
    return Reading(
        sentiment=dict(zip(SENTIMENTS, sentiment.tolist(), strict=True)),
        trust=dict(zip(TRUSTS, trust.tolist(), strict=True)),
        concerns={
            key: float(value) for key, value in zip(heads.keys, concerns, strict=True) if key not in NEVER_TRACKED
        },
        mistrust=bool(trust[0] >= heads.mistrust_threshold),
        never_tracked=any(bool(hit) for key, hit in zip(heads.keys, over, strict=True) if key in NEVER_TRACKED),
        raised=tuple(key for key, hit in zip(heads.keys, over, strict=True) if hit and key not in NEVER_TRACKED),
        embedding=(mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32),
        relevant=_yes(heads.relevant, features, otherwise=1.0),
        help=_yes(heads.help, features, otherwise=0.0),
    )


def _yes(head: tuple[Vector, float] | None, features: Vector, otherwise: float) -> float:
    if head is None:
        return otherwise
    return float(1 / (1 + np.exp(-np.clip(head[0] @ features + head[1], -30, 30))))


def _softmax(logits: Vector) -> Vector:
    raised = np.exp(logits - logits.max())
    shares: Vector = raised / raised.sum()
    return shares


def check(folder: Path | None = None) -> str:
    """The model's name, once each file is there and is the one that was shipped. Raises ModelDamaged."""
    place = folder or WEIGHTS
    cure = "put it back with `git checkout -- sentiment/weights`, or install Liaison again"
    try:
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        files: dict[str, str] = manifest["files"]
        for name, digest in files.items():
            if hashlib.sha256((place / name).read_bytes()).hexdigest() != digest:
                raise ModelDamaged(f"the model's file {place / name} was altered; {cure}")
        # Heads count: what other heads read is read anew, and refits of these are not those of others.
        everything = "".join(files[name] for name in sorted(files))
        return f"{manifest['name']}-{hashlib.sha256(everything.encode()).hexdigest()[:8]}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"the model in {place} cannot be read ({error}); {cure}") from error


@cache
def load(folder: Path | None = None) -> Model:
    """The shipped model, or the one in `folder`; checked, and kept for the life of the process. Raises ModelDamaged."""
    place = folder or WEIGHTS
    name = check(place)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # else it warns that PyTorch is missing: on purpose
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import onnxruntime
    from transformers import PreTrainedTokenizerFast

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # several posts at once are quicker than several threads on one
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(place / "encoder.onnx"),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # sum and normalisation as one are four times slower here
        )
        tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_file=str(place / "tokenizer.json")
        ).backend_tokenizer
        heads = heads_of(place / "heads.npz")
    except Exception as error:  # the three libraries raise errors of their own for a file they cannot read
        raise ModelDamaged(f"the model in {place} cannot be loaded: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST_TOKENS)
    return Model(session, tokenizer, heads, name)


def heads_of(path: Path) -> Heads:
    """The heads in a file. Raises ValueError for concerns that the taxonomy does not know."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        keys = tuple(str(key) for key in stored["concern_keys"])
        unknown = set(keys) - set(CONCERNS) - NEVER_TRACKED
        if unknown:
            raise ValueError(f"concerns that the taxonomy does not know: {sorted(unknown)}")
        return Heads(
            sentiment=(stored["sentiment_weights"], stored["sentiment_bias"]),
            trust=(stored["trust_weights"], stored["trust_bias"]),
            concerns=(stored["concern_weights"], stored["concern_bias"]),
            keys=keys,
            mistrust_threshold=float(stored["mistrust_threshold"]),
            concern_thresholds=stored["concern_thresholds"],
            embedding=(stored["embedding_weights"], stored["embedding_bias"]) if "embedding_bias" in stored else None,
            relevant=_row(stored, "relevant"),
            help=_row(stored, "help"),
        )


def notes_of(path: Path) -> dict[str, str]:
    """What was noted beside the heads in a file."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name.removeprefix(_NOTE): str(stored[name]) for name in stored if name.startswith(_NOTE)}


def save_heads(heads: Heads, path: Path, notes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Writes what `heads_of` reads, and what `notes_of` does; beside it first, so that nobody reads half a file."""
    values: dict[str, Any] = {
        "sentiment_weights": heads.sentiment[0],
        "sentiment_bias": heads.sentiment[1],
        "trust_weights": heads.trust[0],
        "trust_bias": heads.trust[1],
        "concern_weights": heads.concerns[0],
        "concern_bias": heads.concerns[1],
        "mistrust_threshold": np.float32(heads.mistrust_threshold),
        "concern_thresholds": heads.concern_thresholds,
        "concern_keys": np.array(heads.keys),
    }
    if heads.embedding is not None:
        values |= {"embedding_weights": heads.embedding[0], "embedding_bias": heads.embedding[1]}
    for name, row in (("relevant", heads.relevant), ("help", heads.help)):
        if row is not None:
            values |= {f"{name}_weights": row[0], f"{name}_bias": np.float32(row[1])}
    values |= {f"{_NOTE}{name}": np.array(note) for name, note in notes.items()}
    part = path.with_suffix(".part.npz")
    np.savez(part, **values)
    part.replace(path)


def _row(stored: Mapping[str, Any], name: str) -> tuple[Vector, float] | None:
    if f"{name}_bias" not in stored:
        return None
    return stored[f"{name}_weights"], float(stored[f"{name}_bias"])
