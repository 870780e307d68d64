"""Emerging concerns: a handful of people who suddenly write of the same new thing. Pure; nothing here reads the store.

What is new shows twice: in words (one or two that several authors use) and in meaning (posts close to each other).
Both are counted in distinct authors against the weeks before; recent.py keeps the posts, topics.py makes alerts of
what is found. A group must hang together and must speak of a concern more than posts here usually do, as the model
reads them: both yardsticks are taken from the desk's own posts, so that another model needs no other numbers.

Sources: Noufaily et al. 2013 and Farrington et al. 1996 (counts against a baseline with a guard); Benjamini & Hochberg
1995; Bourgon, Gentleman & Huber 2010 (filters before tests)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import betainc, expit

Sensitivity = Literal["fewer", "balanced", "more"]

WINDOWS_HOURS = (2, 6, 24)
BASELINE_HOURS = 21 * 24
GUARD_HOURS = 24  # between window and baseline, so that a slow start is not taken for usual
LEAST_BASELINE = 200  # posts
LEAST_AUTHORS = 3
DISPERSION = 1.6  # of a term's authors beyond Poisson, as measured on streams of public posts
FALSE_A_WEEK: Mapping[Sensitivity, float] = MappingProxyType({"fewer": 0.3, "balanced": 1.5, "more": 6.0})
TICKS_A_WEEK = 168
NEAR = 0.999  # of random pairs of posts are less alike than two posts "near" each other
NEIGHBOURS = 3
SHARED = 0.5  # of the smaller one's posts: two groups are one
SPOKEN: Mapping[Sensitivity, float] = MappingProxyType({"fewer": 2.5, "balanced": 2.0, "more": 1.5})  # standard errors
SPOKEN_OTHERWISE = 1.0  # standard errors more where it is no emergency, for sixteen concerns are looked at
RAISED = 0.5  # of the core's posts raise it by themselves, where it is no emergency
CONCERNED = 0.12  # mean probability over the core that it raises the concern: below it, it is talk of weather or songs
AUTHORS_OTHERWISE = 4
TIED = 0.5  # of the core's posts have to do with this town, where it is no emergency
PIECES = 1 / 3  # of the core's posts are cut out of a longer text: programs that post a book piece by piece
LOUD = 3.0  # posts an author on the same thing: more, and it is a few accounts that are loud
LEAST_SPOKEN = 0.6  # standard deviations, however many posts
_PIECE = 2048  # vectors at a time in full precision
_TERMS = 100_000  # hashes at a time
_ROWS = 512  # posts of a day at a time held against all of them
_SAMPLE = 20_000  # random pairs that tell how alike posts are here

Floats = NDArray[np.float32]
Vectors = NDArray[np.float32] | NDArray[np.float16]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Heard:
    """The posts of the last weeks, oldest first, those left out (programs, copies, forms) not among them.

    `hours`: when each was posted, in hours since 1970. `authors`: a number an author. `terms`: hashes of each post's
    words and pairs, one after another; those of post i are `terms[ends[i]:ends[i + 1]]`. `vectors`: n x 384, length 1.
    `concerns`: n x concerns, log-odds; `raised`: those at or over the model's thresholds. `tied`: those that
    match a watch rule, name a place of the town or address us; `places`: which place, 0 for none. `pieces`: those that
    are cut out of a longer text. `urgent`: which concerns are told of at once. Vectors and log-odds may be of half
    precision."""

    hours: NDArray[np.float64]
    authors: Ints
    terms: NDArray[np.uint32]
    ends: Ints
    vectors: Vectors
    concerns: Vectors
    raised: NDArray[np.bool_]
    tied: NDArray[np.bool_]
    places: Ints
    pieces: NDArray[np.bool_]
    urgent: tuple[int, ...]


@dataclass(frozen=True)
class Yardstick:
    """What is ordinary here: the middle of all posts' vectors, how alike two posts must be to be near, and the mean and
    spread of each concern's log-odds."""

    middle: Floats
    near: float
    means: Floats
    spreads: Floats


@dataclass(frozen=True)
class Group:
    """Posts that belong together and are more than usual. `posts` are positions in Heard, `core` those that hang
    together (all, of a word that nobody used before); `terms` the hashes that gave it away; `concern` a position among
    the concerns."""

    posts: frozenset[int]
    core: frozenset[int]
    terms: tuple[int, ...]
    concern: int
    hours: int
    authors: int
    expected: float
    p_value: float
    spoken: float  # standard errors by which it speaks of the concern more than ordinary posts


@dataclass(frozen=True)
class _Candidate:
    posts: Ints  # all that match within 24 hours
    term: int | None
    leader: int | None


@dataclass(frozen=True)
class Window:
    """The last `hours`, which begin at post `first`; its baseline is of the posts from `since` to before `until`."""

    hours: int
    first: int
    since: int
    until: int

    def exposure(self, end: int) -> float:
        """Posts in the window, which ends before post `end`, over posts in its baseline."""
        return (end - self.first) / (self.until - self.since)


def yardstick(heard: Heard, seed: int = 1) -> Yardstick:
    """Measures what is ordinary on these posts; the same posts give the same yardstick."""
    middle = heard.vectors.mean(axis=0, dtype=np.float32)
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(heard.hours), size=(2, _SAMPLE))
    one, other = pairs[:, pairs[0] != pairs[1]]
    alike = np.concatenate(
        [
            np.einsum(
                "ij,ij->i",
                _centred(heard.vectors[one[at : at + _PIECE]], middle),
                _centred(heard.vectors[other[at : at + _PIECE]], middle),
            )
            for at in range(0, one.size, _PIECE)
        ]
    )
    return Yardstick(
        middle=middle,
        near=float(np.quantile(alike, NEAR)),
        means=heard.concerns.mean(axis=0, dtype=np.float32),
        spreads=np.maximum(heard.concerns.std(axis=0, dtype=np.float32), 1e-3),
    )


def find(
    heard: Heard,
    ordinary: Yardstick,
    now: float,
    sensitivity: Sensitivity = "balanced",
    strict: Sequence[float] | None = None,
) -> list[Group]:
    """The groups that stand out at `now` (hours since 1970), least likely first; merged, so that each post is in one
    group or another but seldom in two. `strict`: for each concern a factor on the p-value that it must pass."""
    end = int(np.searchsorted(heard.hours, now, side="right"))
    start = int(np.searchsorted(heard.hours, now - max(WINDOWS_HOURS), side="right"))
    if end - start < LEAST_AUTHORS:
        return []
    vectors = _centred(heard.vectors[start:end], ordinary.middle)
    spoken = (heard.concerns[start:end].astype(np.float32) - ordinary.means) / ordinary.spreads
    close = _close(vectors, ordinary.near)
    groups: list[Group] = []
    candidates = list(_candidates(heard, start, end, close))
    through = [
        (candidate, gated)
        for candidate in _hanging_together(candidates, start, close)
        if (gated := _gate(heard, candidate, start, vectors, close, spoken, ordinary.near, SPOKEN[sensitivity]))
    ]
    windows = windows_of(heard, now)
    matching = _matches(heard, ordinary, [candidate for candidate, _ in through], windows, end)
    for (candidate, (core, close_enough, concern, errors)), before in zip(through, matching, strict=True):
        found = _unusual(heard, candidate, windows, before.tolist(), end)
        if found is not None and (close_enough or not before.any()):
            hours, authors, expected, p_value = found
            groups.append(
                Group(
                    posts=frozenset(candidate.posts.tolist()),
                    core=core,
                    terms=() if candidate.term is None else (candidate.term,),
                    concern=concern,
                    hours=hours,
                    authors=authors,
                    expected=expected,
                    p_value=p_value,
                    spoken=errors,
                )
            )
    return merged(_discovered(groups, len(candidates), FALSE_A_WEEK[sensitivity] / TICKS_A_WEEK, strict))


def merged(groups: Sequence[Group]) -> list[Group]:
    """Groups that share half their core are one: the least likely leads, the others add their posts and terms."""
    found: list[Group] = []
    for group in sorted(groups, key=lambda one: (one.p_value, -one.authors, min(one.core))):
        for index, other in enumerate(found):
            if len(group.core & other.core) >= SHARED * min(len(group.core), len(other.core)):
                found[index] = Group(
                    posts=other.posts | group.posts,
                    core=other.core | group.core,
                    terms=(*other.terms, *group.terms),
                    concern=other.concern,
                    hours=other.hours,
                    authors=other.authors,
                    expected=other.expected,
                    p_value=other.p_value,
                    spoken=max(other.spoken, group.spoken),
                )
                break
        else:
            found.append(group)
    return found


def chance(authors: int, before: float, exposure: float) -> float:
    """P(X >= authors) for X negative binomial: `before` matches in the baseline, of which the window is `exposure`
    (posts in the window over posts in the baseline). Size (before + 1/2) / phi, so variance = mean (1 + exposure phi),
    with P(X >= k) the incomplete beta function I(k, size) at exposure phi / (1 + exposure phi)."""
    size, odds = (before + 0.5) / DISPERSION, exposure * DISPERSION
    return float(betainc(authors, size, odds / (1 + odds)))


def _centred(vectors: Vectors, middle: Floats) -> Floats:
    """Without what all posts share, which in some encoders is most of a vector; length 1 again."""
    moved = vectors.astype(np.float32)
    moved -= middle
    moved /= np.maximum(np.sqrt(np.einsum("ij,ij->i", moved, moved)), 1e-9)[:, None]
    return moved


def _close(vectors: Floats, near: float) -> NDArray[np.bool_]:
    """Which posts are near each other (posts x posts), a post to itself too; each pair is worked out once."""
    close = np.empty((vectors.shape[0], vectors.shape[0]), dtype=bool)
    for at in range(0, vectors.shape[0], _ROWS):
        rows = slice(at, at + _ROWS)
        close[rows, at:] = vectors[rows] @ vectors[at:].T >= near
        close[at:, rows] = close[rows, at:].T
    return close


def _candidates(heard: Heard, start: int, end: int, close: NDArray[np.bool_]) -> Iterator[_Candidate]:
    """Terms that several authors of the last 24 hours use, and posts (leaders) that several others are near to."""
    here = heard.terms[heard.ends[start] : heard.ends[end]]
    of_post = np.repeat(np.arange(start, end), np.diff(heard.ends[start : end + 1]))
    order = np.argsort(here, kind="stable")
    terms, posts = here[order], of_post[order]
    firsts = np.flatnonzero(np.concatenate([[True], terms[1:] != terms[:-1]])) if terms.size else np.zeros(0, dtype=int)
    stops = np.append(firsts[1:], terms.size)
    often = stops - firsts >= LEAST_AUTHORS
    for first, stop in zip(firsts[often].tolist(), stops[often].tolist(), strict=True):
        if len(set(heard.authors[posts[first:stop]].tolist())) >= LEAST_AUTHORS:
            yield _Candidate(posts[first:stop], int(terms[first]), None)
    taken = np.zeros(end - start, dtype=bool)
    for leader in np.argsort(-close.sum(axis=1), kind="stable"):  # from where it is densest
        if taken[leader]:
            continue
        members = np.flatnonzero(close[leader])
        if members.size < LEAST_AUTHORS:
            break
        taken[members] = True
        if len(set(heard.authors[start + members].tolist())) >= LEAST_AUTHORS:
            yield _Candidate(start + members, None, start + int(leader))


def _hanging_together(candidates: Sequence[_Candidate], start: int, close: NDArray[np.bool_]) -> Iterator[_Candidate]:
    """Those with as many near pairs, each post with itself among them, as a core of half the posts has at least."""
    if not candidates:
        return
    sizes = np.array([candidate.posts.size for candidate in candidates])
    posts = np.concatenate([candidate.posts for candidate in candidates]) - start
    shape = (len(candidates), close.shape[0])
    holds = csr_array((np.ones(posts.size, dtype=np.int32), posts, np.append(0, sizes.cumsum())), shape=shape)
    near = csr_array(close, dtype=np.int32)
    for at in range(0, len(candidates), _ROWS):  # all at once take as much memory as the posts themselves
        some = holds[at : at + _ROWS]
        pairs = (some @ near).multiply(some).sum(axis=1)
        for one in np.flatnonzero(2 * pairs >= 3 * sizes[at : at + _ROWS]).tolist():
            yield candidates[at + one]


def _gate(
    heard: Heard,
    candidate: _Candidate,
    start: int,
    vectors: Floats,
    close: NDArray[np.bool_],
    spoken: Floats,
    near: float,
    errors: float,
) -> tuple[frozenset[int], bool, int, float] | None:
    """The candidate's core (posts whose nearest others are near), true, the concern it speaks of, and by how many
    standard errors; none for talk that raises no concern. Of a word whose posts have no such core, all of them, and
    false: they may still be of one thing if nobody used the word before."""
    here = candidate.posts - start
    between = vectors[here] @ vectors[here].T
    np.fill_diagonal(between, -1)
    others = min(NEIGHBOURS, here.size - 1)
    nearest = np.partition(between, -others, axis=1)[:, -others:].mean(axis=1)
    core = here[nearest >= near]
    close_enough = 2 * core.size >= here.size and np.unique(heard.authors[start + core]).size >= LEAST_AUTHORS
    if not close_enough:
        if candidate.term is None:
            return None
        core = here
    speaking = np.unique(heard.authors[start + core])
    authors = speaking.size
    if heard.pieces[start + core].mean() >= PIECES:
        return None
    around = np.flatnonzero(close[core].any(axis=0))
    if np.count_nonzero(np.isin(heard.authors[start + around], speaking)) > LOUD * authors:
        return None
    mean = spoken[core].mean(axis=0)
    said = np.where(mean >= LEAST_SPOKEN, mean * np.sqrt(core.size), -np.inf)
    said[expit(heard.concerns[start + core].astype(np.float32)).mean(axis=0) < CONCERNED] = -np.inf
    otherwise = np.ones(said.size, dtype=bool)
    otherwise[list(heard.urgent)] = False
    said[otherwise] -= SPOKEN_OTHERWISE
    said[otherwise & (heard.raised[start + core].mean(axis=0) < RAISED)] = -np.inf
    if authors < AUTHORS_OTHERWISE or heard.tied[start + core].mean() < TIED:
        said[otherwise] = -np.inf
    concern = int(said.argmax())
    if said[concern] < errors:
        return None
    return frozenset((core + start).tolist()), close_enough, concern, float(said[concern])


def windows_of(heard: Heard, now: float) -> list[Window]:
    """Those of the windows that have enough weeks before."""
    found = []
    for hours in WINDOWS_HOURS:
        ends = [now - hours, now - hours - GUARD_HOURS, now - hours - GUARD_HOURS - BASELINE_HOURS]
        first, until, since = np.searchsorted(heard.hours, ends, side="right").tolist()
        if until - since >= LEAST_BASELINE:
            found.append(Window(hours, first, since, until))
    return found


def _unusual(
    heard: Heard, candidate: _Candidate, windows: Sequence[Window], before: Sequence[int], end: int
) -> tuple[int, int, float, float] | None:
    """The least likely of the windows: its hours, distinct authors, expected ones, and the chance of so many in any of
    the windows (Bonferroni). `before`: matches in each one's baseline. None without enough weeks before."""
    best: tuple[int, int, float, float] | None = None
    for window, matches in zip(windows, before, strict=True):
        authors = len(set(heard.authors[candidate.posts[candidate.posts >= window.first]].tolist()))
        if authors < LEAST_AUTHORS:
            continue
        exposure = window.exposure(end)
        p_value = min(1.0, len(WINDOWS_HOURS) * chance(authors, matches, exposure))
        if best is None or p_value < best[3]:
            best = window.hours, authors, (matches + 0.5) * exposure, p_value
    return best


def _matches(
    heard: Heard, ordinary: Yardstick, candidates: Sequence[_Candidate], windows: Sequence[Window], end: int
) -> Ints:
    """How many posts of each window's baseline match each candidate (candidates x windows); the weeks' words and
    vectors are gone through once for all."""
    found = np.zeros((len(candidates), len(windows)), dtype=np.int64)
    row_of = {candidate.term: row for row, candidate in enumerate(candidates) if candidate.term is not None}
    led = [(row, candidate.leader) for row, candidate in enumerate(candidates) if candidate.leader is not None]
    if row_of:
        wanted = np.array(sorted(row_of), dtype=np.uint32)
        rows = np.array([row_of[term] for term in wanted.tolist()])
        for start in range(0, int(heard.ends[end]), _TERMS):
            terms = heard.terms[start : min(start + _TERMS, heard.ends[end])]
            nearest = np.minimum(np.searchsorted(wanted, terms), wanted.size - 1)
            at = np.flatnonzero(wanted[nearest] == terms)
            posts = np.searchsorted(heard.ends, start + at, side="right") - 1
            for column, window in enumerate(windows):
                inside = (posts >= window.since) & (posts < window.until)
                found[:, column] += np.bincount(rows[nearest[at[inside]]], minlength=len(candidates))
    if led:
        leaders = _centred(heard.vectors[[leader for _, leader in led]], ordinary.middle)
        for start in range(0, end, _PIECE):
            piece = _centred(heard.vectors[start : min(start + _PIECE, end)], ordinary.middle)
            near = leaders @ piece.T >= ordinary.near
            for column, window in enumerate(windows):
                here = near[:, max(0, window.since - start) : max(0, window.until - start)]
                found[[row for row, _ in led], column] += np.count_nonzero(here, axis=1)
    return found


def _discovered(groups: Sequence[Group], candidates: int, rate: float, strict: Sequence[float] | None) -> list[Group]:
    """Those that are discoveries among all candidates; what did not pass the gate counts as not unusual at all, which
    errs towards silence."""

    def weighed(group: Group) -> float:  # weights on hypotheses: Genovese, Roeder & Wasserman 2006
        return group.p_value / (1.0 if strict is None else strict[group.concern])

    ordered = sorted(groups, key=weighed)
    return ordered[: discoveries([weighed(group) for group in ordered], candidates, rate)]


def discoveries(p_values: Sequence[float], tests: int, rate: float) -> int:
    """How many of these, smallest first, pass Benjamini and Hochberg's step-up at a false discovery rate of `rate`
    over so many tests."""
    passing = [rank for rank, p_value in enumerate(p_values, start=1) if p_value <= rate * rank / tests]
    return max(passing, default=0)
