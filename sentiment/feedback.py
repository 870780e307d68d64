"""Officers' corrections, learned from: the linear heads are refitted a little, the encoder stays as it was shipped.

Only corrections of mentions whose network lets them train, and whose text is still kept. A refit goes on from the heads
in use, and learns from each correction once: what they saw would tell nothing of how they read what is new, and what
was learned stays when its text is gone. Refused when what the heads say of posts that nothing learned from (the
fairness pairs) gets worse than it is or was as shipped, or what they say of corrections left out gets no better. What
is kept lies beside the store, for the weights that are shipped now; the shipped files are never touched, and each
refit can be taken back."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import structlog
from scipy.optimize import minimize
from scipy.special import log_softmax
from sqlmodel import Session, col, select

from listeners.tables import Mention
from networks.registry import NETWORKS
from sentiment.model import SENTIMENTS, TRUSTS, Heads, Model, Vector, heads_of, notes_of, save_heads
from sentiment.tables import Correction

log = structlog.get_logger(__name__)
FOLDER = "model"  # of the data folder
FEWEST = 20  # corrections of a kind, from which its head is refitted
PULL = 3.0  # how strongly a head is held to where it was, in corrections' worth of squared weights
FOLDS = 5
WORSE = 0.005  # of F1, or of mean log-loss, that counts as worse
PAIRS = Path(__file__).parent / "training"
TAKEN_BACK = ".undone"  # the ending of a refit that is not used: its number is never given again
_EVER = datetime.min.replace(tzinfo=UTC)
_NOTHING: Mapping[str, datetime] = MappingProxyType({})
Array = npt.NDArray[np.float64]


class NotBetter(Exception):
    """The refit is refused; the message says why. Nothing was changed."""


@dataclass(frozen=True)
class Corrected:
    """A mention's text with what officers say of it; none where they said nothing."""

    text: str
    trust: str | None
    sentiment: str | None


@dataclass(frozen=True)
class Refit:
    """What a refit would do: figures before and after, by what they were measured on."""

    heads: Heads
    used: Mapping[str, int]  # corrections, by head
    before: Mapping[str, float]
    after: Mapping[str, float]


def gather(session: Session, learned: Mapping[str, datetime] = _NOTHING) -> tuple[list[Corrected], Counter[str]]:
    """The corrections that may train, the latest word on each mention; and how many may not, by reason. `learned`: by
    head, until when it has learned already."""
    rows = session.exec(
        select(Correction, Mention)
        .join(Mention, col(Mention.id) == col(Correction.mention_id))
        .order_by(col(Correction.mention_id), col(Correction.id))
    )
    found: dict[int, Corrected] = {}
    left: Counter[str] = Counter()
    for correction, mention in rows:
        network = NETWORKS.get(mention.network)
        if network is None or not network.policy.corrections_may_train:
            left["its network does not allow it"] += 1
        elif mention.text is None or not mention.shown:  # a legal hold keeps words beyond their time
            left["its text has expired"] += 1
        else:
            trust = correction.trust if correction.at > learned.get("trust", _EVER) else None
            sentiment = correction.sentiment if correction.at > learned.get("sentiment", _EVER) else None
            if (correction.trust or correction.sentiment) and not (trust or sentiment):
                left["the refit in use learned from it"] += 1
                continue
            before = found.get(correction.mention_id, Corrected(mention.text, None, None))
            found[correction.mention_id] = Corrected(mention.text, trust or before.trust, sentiment or before.sentiment)
    return list(found.values()), left


def refit(
    reader: Model,
    corrected: Sequence[Corrected],
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    shipped: Heads | None = None,
) -> Refit:
    """The heads of `reader`, which is in use, refitted to these corrections. Raises NotBetter when there are too few,
    or it makes anything worse than it is, or than it was as `shipped` (default: as it is).

    `pairs`: texts and their trust that nothing learned from (default: the fairness pairs)."""
    features = reader.features([one.text for one in corrected])
    heads, used = reader.heads, {}
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    first: dict[str, float] = {}  # as shipped: many refits, each a little worse, would be much worse
    for name, classes in (("trust", TRUSTS), ("sentiment", SENTIMENTS)):
        told = [one.trust if name == "trust" else one.sentiment for one in corrected]
        given, truth = _known(features, told, classes)
        if len(truth) < FEWEST:
            continue
        head: tuple[Vector, Vector] = getattr(reader.heads, name)
        before[f"{name}: log-loss on corrections left out"] = _loss(head, given, truth)
        after[f"{name}: log-loss on corrections left out"] = _left_out(head, given, truth)
        fitted = _fitted(head, given, truth)
        heads = replace(heads, trust=fitted) if name == "trust" else replace(heads, sentiment=fitted)
        used[name] = len(truth)
    if not used:
        raise NotBetter(f"there are too few corrections that may train: {FEWEST} of trust or of sentiment are needed")
    if "trust" in used:
        texts = _pairs() if pairs is None else tuple(pairs)
        given, truth = _known(reader.features([text for text, _ in texts]), [trust for _, trust in texts], TRUSTS)
        for figures, one in ((before, reader.heads), (after, heads), (first, shipped or reader.heads)):
            figures["trust: mistrust F1 on posts that nothing learned from"] = _f1(one, given, truth)
            figures["trust: log-loss on posts that nothing learned from"] = _loss(one.trust, given, truth)
    for figure, was in before.items():
        up = 1 if "F1" in figure else -1  # the better way
        than = up * max(up * was, up * first.get(figure, was))
        if up * (than - after[figure]) > WORSE or ("left out" in figure and after[figure] >= was):
            as_shipped = "" if than == was else f" (it was {than:.3f} as shipped)"
            raise NotBetter(
                f"{figure} would go from {was:.3f}{as_shipped} to {after[figure]:.3f}; the heads stay as they are"
            )
    return Refit(heads, used, before, after)


def keep(folder: Path, reader: Model, heads: Heads, learned: Mapping[str, datetime] = _NOTHING) -> int:
    """Keeps refitted heads for these weights, in use from now on; their number, which no others had: it tells what read
    a mention. `learned`: by head, until when."""
    folder.mkdir(parents=True, exist_ok=True)
    had = [*_numbers(folder, reader.weights), *_numbers(folder, reader.weights, TAKEN_BACK)]
    number = max(had, default=0) + 1
    notes = {name: until.isoformat() for name, until in learned.items()}
    save_heads(heads, folder / f"{reader.weights}-{number}.npz", notes)
    return number


def learned_until(folder: Path, shipped: Model) -> dict[str, datetime]:
    """Until when the heads in use have learned from corrections, by head."""
    path = _last(folder, shipped.weights)
    if path is None or isinstance(_read(path), str):
        return {}
    return {name: datetime.fromisoformat(until) for name, until in notes_of(path).items()}


def undo(folder: Path, reader: Model) -> int | None:
    """Takes the last refit back; the number of the one in use now (0: as shipped). None when there was none."""
    numbers = _numbers(folder, reader.weights)
    if not numbers:
        return None
    last = folder / f"{reader.weights}-{numbers[-1]}.npz"
    last.rename(last.with_suffix(TAKEN_BACK))
    return numbers[-2] if len(numbers) > 1 else 0


def in_use(folder: Path, shipped: Model) -> Model:
    """The shipped model with the last heads that were kept for its weights; itself where there are none, or where they
    cannot be read."""
    path = _last(folder, shipped.weights)
    if path is None:
        return shipped
    heads = _read(path)
    if isinstance(heads, str):
        log.error("refit_unreadable", file=str(path), error=heads, effect="mentions are read by the model as shipped")
        return shipped
    return shipped.with_heads(heads, f"{shipped.name}+{path.stem.rpartition('-')[2]}")


def damage(folder: Path, name: str) -> str | None:
    """Why the last heads that were kept for the model of this name cannot be read; none where they can, or there are
    none."""
    path = _last(folder, name.rpartition("-")[2])
    heads = _read(path) if path is not None else None
    return f"{path}: {heads}" if isinstance(heads, str) else None


def _last(folder: Path, weights: str) -> Path | None:
    numbers = _numbers(folder, weights)
    return folder / f"{weights}-{numbers[-1]}.npz" if numbers else None


def _read(path: Path) -> Heads | str:
    """The heads in a file, or why they cannot be read."""
    try:
        return heads_of(path)
    except Exception as error:  # a cut or altered archive fails in numpy, zipfile or zlib, each in its own way
        return f"{type(error).__name__}: {error}"


def _numbers(folder: Path, weights: str, ending: str = ".npz") -> list[int]:
    found = (path.stem.removeprefix(f"{weights}-") for path in folder.glob(f"{weights}-*{ending}"))
    return sorted(int(number) for number in found if number.isdecimal())


@cache
def _pairs() -> tuple[tuple[str, str], ...]:
    found = []
    for path in sorted(PAIRS.glob("pairs_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            found += [(text, pair["trust"]) for key, text in pair["texts"].items() if key in ("general", "es")]
    return tuple(found)


def _known(
    features: Sequence[Vector | None], labels: Sequence[str | None], classes: Sequence[str]
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Those that have words and a label: features (n, 768), classes (n)."""
    both = [(one, label) for one, label in zip(features, labels, strict=True) if one is not None and label is not None]
    given = np.array([one for one, _ in both], dtype=np.float64)
    return given, np.array([classes.index(label) for _, label in both], dtype=np.int64)


def _fitted(head: tuple[Vector, Vector], features: Array, truth: npt.NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Multinomial logistic regression, held to where it began."""
    start = np.hstack([head[0], head[1][:, None]]).astype(np.float64)
    given = np.hstack([features, np.ones((len(features), 1))])
    right = np.eye(len(start))[truth]

    def loss(flat: Array) -> tuple[float, Array]:
        change = flat.reshape(start.shape)
        likely = log_softmax(given @ (start + change).T, axis=1)
        slope = (np.exp(likely) - right).T @ given + 2 * PULL * change
        return float(-(likely * right).sum() + PULL * (change**2).sum()), slope.ravel()

    found = minimize(loss, np.zeros(start.size), jac=True, method="L-BFGS-B").x.reshape(start.shape) + start
    return found[:, :-1].astype(np.float32), found[:, -1].astype(np.float32)


def _left_out(head: tuple[Vector, Vector], features: Array, truth: npt.NDArray[np.int64]) -> float:
    """The mean log-loss on each fold by heads fitted to the others."""
    fold = np.arange(len(truth)) % FOLDS
    losses = []
    for one in range(FOLDS):
        out = fold == one
        losses.append(_loss(_fitted(head, features[~out], truth[~out]), features[out], truth[out]))
    return float(np.mean(losses))


def _loss(head: tuple[Vector, Vector], features: Array, truth: npt.NDArray[np.int64]) -> float:
    likely = log_softmax(features @ head[0].T.astype(np.float64) + head[1], axis=1)
    return float(-likely[np.arange(len(truth)), truth].mean())


def _f1(heads: Heads, features: Array, truth: npt.NDArray[np.int64]) -> float:
    """Of the mistrust flag."""
    shares = np.exp(log_softmax(features @ heads.trust[0].T.astype(np.float64) + heads.trust[1], axis=1))
    said, true = shares[:, 0] >= heads.mistrust_threshold, truth == 0
    return float(2 * (said & true).sum() / max(int(said.sum() + true.sum()), 1))
