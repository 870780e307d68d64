"""Emerging concerns: a handful of people who suddenly write of the same new thing. Pure; nothing here reads the store.

What is new shows twice: in words (one or two that several authors use) and in meaning (posts close to each other).
Both are counted in distinct authors against the weeks before, over all posts and over those alone that lean to an
emergency; recent.py keeps the posts, topics.py makes alerts of what is found. A group must hang together and must speak
of a concern more than posts here usually do, as the model reads them: the yardsticks are taken from the desk's own
posts, so that another model needs no other numbers. Long, because a group's way from candidate to finding stands here
in one piece.

Sources: Noufaily et al. 2013 and Farrington et al. 1996 (counts against a baseline with a guard); Benjamini & Hochberg
1995; Bourgon, Gentleman & Huber 2010 (filters before tests)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
FALSE_A_WEEK: Mapping[Sensitivity, float] = MappingProxyType({"fewer": 0.3, "balanced": 0.75, "more": 6.0})
TICKS_A_WEEK = 168
NEAR = 0.999  # of random pairs of posts are less alike than two posts "near" each other
NEIGHBOURS = 3
NEAR_EACH = 0.5  # others near each of a candidate's posts, on the average: as many as where half of them are its core;
NEAR_LEANING = 1.0  # and of those who lean to an emergency: three of them share a word like "hill" by chance
SHARED = 0.5  # of the smaller one's posts: two groups are one
SPOKEN: Mapping[Sensitivity, float] = MappingProxyType({"fewer": 2.5, "balanced": 2.0, "more": 1.5})  # standard errors
SPOKEN_OTHERWISE = 1.0  # standard errors more where it is no emergency, for sixteen concerns are looked at
RAISED = 0.5  # of the core's posts raise it by themselves, where it is no emergency
CONCERNED = 0.12  # mean probability over the core that it raises the concern: below it, it is talk of weather or songs
URGENTLY = 0.99  # for an emergency it is what so many of the posts here stay below,
LEAST_URGENTLY, MOST_URGENTLY = 0.06, 0.2  # between these
LEANT = 1.0  # standard deviations of the mean log-odds: to an emergency they lean, whatever the probability,
SURELY = 1e-3  # which is enough where so small a part of the usual chance is
LEANING = 2.0  # standard deviations of the log-odds: of a town's posts a few in a hundred lean so to a concern
AUTHORS_OTHERWISE = 4
TIED = 0.5  # of the core's posts have to do with this town, where it is no emergency
PIECES = 1 / 3  # of the core's posts are cut out of a longer text: programs that post a book piece by piece
BOOKISH = 0.1  # of the posts of the day that are near the core's: not every piece of a book looks cut
ALIKE = 10  # at most, for each of the core's
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
    """What is ordinary here: the middle of all posts' vectors, how alike two posts must be to be near, the mean and
    spread of each concern's log-odds, and the mean probability that a core must have to speak of it."""

    middle: Floats
    near: float
    means: Floats
    spreads: Floats
    concerned: Floats


@dataclass(frozen=True)
class Day:
    """The posts of the longest window, from `start` to before `end`, and their vectors without what all posts share."""

    start: int
    end: int
    vectors: Floats


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
    likely: bool = True  # the model takes it for that concern; else it only leans to it
    kin: frozenset[int] = frozenset()  # posts of the day near it, whatever words they use


@dataclass(frozen=True)
class _Candidate:
    posts: Ints  # all that match within 24 hours
    term: int | None
    leader: int | None


@dataclass(frozen=True)
class _Speaking:
    """What of a candidate speaks of a concern: its core (posts whose nearest others are near), and by how many standard
    errors. Of a word whose posts have no such core, all of them, not `close_enough`: they may still be of one thing if
    nobody used the word before. `likely`: the model takes them for that concern; else they only lean to it."""

    core: Ints
    close_enough: bool
    concern: int
    errors: float
    likely: bool


@dataclass(frozen=True)
class _Unusual:
    """The least likely of the windows: distinct authors in it, expected ones, and the chance of so many in any window
    (Bonferroni)."""

    hours: int
    authors: int
    expected: float
    p_value: float


@dataclass(frozen=True)
class Window:
    """The last `hours`, which begin at post `first`; its baseline is of the posts from `since` to before `until`.
    `exposure`: all posts in the window over all posts in its baseline."""

    hours: int
    first: int
    since: int
    until: int
    exposure: float


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
        concerned=_concerned(heard),
    )


def _concerned(heard: Heard) -> Floats:
    """Mean probabilities from which a core speaks of each concern. An emergency's goes with how sure the model is of
    the likeliest of posts here: it is rare, so that a figure for one model says little of the next."""
    found = np.full(heard.concerns.shape[1], CONCERNED, dtype=np.float32)
    for concern in heard.urgent:
        likeliest = float(expit(np.quantile(heard.concerns[:, concern].astype(np.float32), URGENTLY)))
        found[concern] = min(max(likeliest, LEAST_URGENTLY), MOST_URGENTLY)
    return found


def find(
    heard: Heard,
    ordinary: Yardstick,
    now: float,
    sensitivity: Sensitivity = "balanced",
    strict: Sequence[float] | None = None,
) -> list[Group]:
    """The groups that stand out at `now` (hours since 1970), least likely first; merged, so that each post is in one
    group or another but seldom in two. `strict`: for each concern a factor on the p-value that it must pass."""
    windows = windows_of(heard, now)
    if not windows:
        return []
    rate = FALSE_A_WEEK[sensitivity] / TICKS_A_WEEK
    day = day_of(heard, ordinary, now)
    groups, candidates = _of_all(heard, ordinary, day, windows, SPOKEN[sensitivity])
    found = _discovered(groups, candidates, rate, strict)
    for concern in heard.urgent:
        groups, candidates = _of_leaning(heard, ordinary, day, windows, concern)
        found += _discovered(groups, candidates, rate, strict)
    return [replace(group, kin=_kin(group, ordinary, day)) for group in merged(found)]


def _kin(group: Group, ordinary: Yardstick, day: Day) -> frozenset[int]:
    """The posts of the day that are near the group's core, on the average of its posts: near its middle would be any
    other emergency too."""
    core = np.array(sorted(group.core)) - day.start
    near = day.vectors @ day.vectors[core].mean(axis=0) >= ordinary.near
    return frozenset((day.start + np.flatnonzero(near)).tolist())


def _of_all(
    heard: Heard, ordinary: Yardstick, day: Day, windows: Sequence[Window], errors: float
) -> tuple[list[Group], int]:
    """Groups among all posts of the last 24 hours that speak of any concern, and how many candidates there were."""
    start = day.start
    spoken = (heard.concerns[start : day.end].astype(np.float32) - ordinary.means) / ordinary.spreads
    close = _close(day.vectors, ordinary.near)
    candidates = list(_candidates(heard, start, day.end, close))
    hanging = list(_hanging_together(candidates, start, close))
    through = [
        (candidate, gated)
        for candidate in _able_to_speak(heard, ordinary, hanging, day, spoken, errors)
        if (gated := _gate(heard, ordinary, candidate, day, close, spoken, errors))
    ]
    matching = _matches(heard, ordinary, [candidate for candidate, _ in through], windows, day.end)
    groups = []
    for (candidate, gated), before in zip(through, matching, strict=True):
        found = _unusual(heard, candidate, windows, before.tolist())
        if found is not None and (gated.close_enough or not before.any()):
            groups.append(_group(candidate, candidate.posts, gated, found))
    return groups, len(candidates)


def _of_leaning(
    heard: Heard, ordinary: Yardstick, day: Day, windows: Sequence[Window], concern: int
) -> tuple[list[Group], int]:
    """The same among the posts alone that lean to one concern: what few people say of a fire is lost among all who say
    "fire", and stands out among those who mean one. They share a word or a meaning, and the concern, so that they need
    not lie as close; exposure is of all posts, for an emergency makes more of them lean."""
    odds = heard.concerns[:, concern].astype(np.float32)
    leaning = np.flatnonzero(odds >= ordinary.means[concern] + LEANING * ordinary.spreads[concern])
    part = _part(heard, leaning)
    start, end = np.searchsorted(leaning, [day.start, day.end]).tolist()
    close = _close(day.vectors[leaning[start:end] - day.start], ordinary.near)
    candidates = list(_candidates(part, start, end, close))
    through = [
        candidate
        for candidate in _hanging_together(candidates, start, close, NEAR_LEANING)
        if expit(float(odds[leaning[candidate.posts]].mean())) >= ordinary.concerned[concern]
        and not _loud(part, candidate.posts, start, close)
        and not bookish(heard, ordinary, leaning[candidate.posts], day)
    ]
    inside = []
    for window in windows:
        first, since, until = np.searchsorted(leaning, [window.first, window.since, window.until]).tolist()
        inside.append(replace(window, first=first, since=since, until=until))
    groups = []
    for candidate, before in zip(through, _matches(part, ordinary, through, inside, end), strict=True):
        found = _unusual(part, candidate, inside, before.tolist())
        if found is not None:
            posts = leaning[candidate.posts]
            mean = (odds[posts].mean() - ordinary.means[concern]) / ordinary.spreads[concern]
            speaking = _Speaking(posts, True, concern, float(mean * np.sqrt(posts.size)), True)
            groups.append(_group(candidate, posts, speaking, found))
    return groups, max(len(candidates), end - start)  # each post might have led a group


def _group(candidate: _Candidate, posts: Ints, speaking: _Speaking, found: _Unusual) -> Group:
    return Group(
        posts=frozenset(posts.tolist()),
        core=frozenset(speaking.core.tolist()),
        terms=() if candidate.term is None else (candidate.term,),
        concern=speaking.concern,
        hours=found.hours,
        authors=found.authors,
        expected=found.expected,
        p_value=found.p_value,
        spoken=speaking.errors,
        likely=speaking.likely,
    )


def day_of(heard: Heard, ordinary: Yardstick, now: float) -> Day:
    """The last 24 hours before `now`."""
    start, end = np.searchsorted(heard.hours, [now - max(WINDOWS_HOURS), now], side="right").tolist()
    return Day(start, end, _centred(heard.vectors[start:end], ordinary.middle))


def _part(heard: Heard, posts: Ints) -> Heard:
    """These posts alone."""
    lengths = np.diff(heard.ends)
    wanted = np.zeros(lengths.size, dtype=bool)
    wanted[posts] = True
    return replace(
        heard,
        hours=heard.hours[posts],
        authors=heard.authors[posts],
        terms=heard.terms[np.repeat(wanted, lengths)],
        ends=np.append(0, np.cumsum(lengths[posts])).astype(np.int64),
        vectors=heard.vectors[posts],
        concerns=heard.concerns[posts],
        raised=heard.raised[posts],
        tied=heard.tied[posts],
        places=heard.places[posts],
        pieces=heard.pieces[posts],
    )


def _probability(odds: Vectors) -> Floats:
    return np.asarray(expit(odds.astype(np.float32)), dtype=np.float32)


def merged(groups: Sequence[Group]) -> list[Group]:
    """Groups that share half their core are one: the least likely leads, the others add their posts and terms."""
    found: list[Group] = []
    for group in sorted(groups, key=lambda one: (one.p_value, -one.authors, min(one.core))):
        for index, other in enumerate(found):
            if len(group.core & other.core) >= SHARED * min(len(group.core), len(other.core)):
                found[index] = replace(
                    other,
                    posts=other.posts | group.posts,
                    core=other.core | group.core,
                    terms=tuple(dict.fromkeys((*other.terms, *group.terms))),
                    spoken=max(other.spoken, group.spoken),
                    likely=other.likely or group.likely,
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
    moved = _single(vectors)
    moved -= middle
    moved /= np.maximum(np.sqrt(np.einsum("ij,ij->i", moved, moved)), 1e-9)[:, None]
    return moved


def _single(vectors: Vectors) -> Floats:
    """A copy in single precision. Of half precision by moving the bits, with the exponent set right by a product: the
    same numbers (but of no infinities), and three times as quick as numpy, which goes from one to the next."""
    if vectors.dtype != np.float16:
        return vectors.astype(np.float32)
    bits = vectors.view(np.int16).astype(np.int32)  # the sign is spread over what was made room for
    bits <<= 13
    bits &= ~0x70000000  # of the copies of the sign, the first stays
    numbers = bits.view(np.float32)
    numbers *= np.float32(2.0**112)  # the exponents begin at -127 in place of -15
    return numbers


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


def _hanging_together(
    candidates: Sequence[_Candidate], start: int, close: NDArray[np.bool_], near_each: float = NEAR_EACH
) -> Iterator[_Candidate]:
    """Those whose posts have so many others near them, on the average."""
    if not candidates:
        return
    holds, sizes = _holds(candidates, start, close.shape[0])
    near = csr_array(close, dtype=np.int32)
    for at in range(0, len(candidates), _ROWS):  # all at once take as much memory as the posts themselves
        some = holds[at : at + _ROWS]
        pairs, of = (some @ near).multiply(some).sum(axis=1), sizes[at : at + _ROWS]
        for one in np.flatnonzero(pairs >= (1 + near_each) * of).tolist():
            yield candidates[at + one]


def _holds(candidates: Sequence[_Candidate], start: int, posts: int) -> tuple[csr_array, Ints]:
    """Which of the day's posts, from `start` on, each candidate holds (candidates x posts, ones), and how many."""
    sizes = np.array([candidate.posts.size for candidate in candidates])
    held = np.concatenate([candidate.posts for candidate in candidates]) - start
    ends = np.append(0, sizes.cumsum())
    return csr_array((np.ones(held.size, dtype=np.int32), held, ends), shape=(len(candidates), posts)), sizes


def _able_to_speak(
    heard: Heard, ordinary: Yardstick, candidates: Sequence[_Candidate], day: Day, spoken: Floats, errors: float
) -> Iterator[_Candidate]:
    """Those that the gate may let through. A core is half of a candidate's posts or more, so that what it must reach on
    the average, all of them together must reach for half of them: asked of all candidates at once, it leaves few for
    the gate, which looks at each by itself."""
    if not candidates:
        return
    holds, sizes = _holds(candidates, day.start, day.end - day.start)
    least = 0.999 * sizes[:, None] / 2  # posts of a core; a little less, since sums are rounded
    here = slice(day.start, day.end)
    leaning = holds @ np.maximum(spoken, 0)
    likely = holds @ _probability(heard.concerns[here]) >= ordinary.concerned * least
    speaking = (leaning >= LEAST_SPOKEN * least) & (leaning >= errors * np.sqrt(least))
    otherwise = likely & (holds @ heard.raised[here].astype(np.int32) >= RAISED * least)
    otherwise &= holds @ heard.tied[here].astype(np.int32)[:, None] >= TIED * least
    urgent = np.zeros(spoken.shape[1], dtype=bool)
    urgent[list(heard.urgent)] = True
    able = speaking & np.where(urgent, likely | (leaning >= LEANT * least), otherwise)
    for one in np.flatnonzero(able.any(axis=1)).tolist():
        yield candidates[one]


def _gate(
    heard: Heard,
    ordinary: Yardstick,
    candidate: _Candidate,
    day: Day,
    close: NDArray[np.bool_],
    spoken: Floats,
    errors: float,
) -> _Speaking | None:
    """What speaks of a concern in it; none for talk that raises no concern."""
    start = day.start
    here = candidate.posts - start
    between = day.vectors[here] @ day.vectors[here].T
    np.fill_diagonal(between, -1)
    others = min(NEIGHBOURS, here.size - 1)
    nearest = np.partition(between, -others, axis=1)[:, -others:].mean(axis=1)
    core = here[nearest >= ordinary.near]
    close_enough = 2 * core.size >= here.size and np.unique(heard.authors[start + core]).size >= LEAST_AUTHORS
    if not close_enough:
        if candidate.term is None:
            return None
        core = here
    if _loud(heard, start + core, start, close):
        return None
    authors = np.unique(heard.authors[start + core]).size
    mean = spoken[core].mean(axis=0)
    said = np.where(mean >= LEAST_SPOKEN, mean * np.sqrt(core.size), -np.inf)
    otherwise = np.ones(said.size, dtype=bool)
    otherwise[list(heard.urgent)] = False
    likely = _probability(heard.concerns[start + core]).mean(axis=0) >= ordinary.concerned
    said[~likely & (otherwise | (mean < LEANT))] = -np.inf
    said[otherwise] -= SPOKEN_OTHERWISE
    said[otherwise & (heard.raised[start + core].mean(axis=0) < RAISED)] = -np.inf
    if authors < AUTHORS_OTHERWISE or heard.tied[start + core].mean() < TIED:
        said[otherwise] = -np.inf
    concern = int(said.argmax())
    if said[concern] < errors or bookish(heard, ordinary, start + core, day):
        return None
    return _Speaking(start + core, close_enough, concern, float(said[concern]), bool(likely[concern]))


def _loud(heard: Heard, core: Ints, start: int, close: NDArray[np.bool_]) -> bool:
    """Whether these are a few accounts with many posts each."""
    speaking = np.unique(heard.authors[core])
    around = np.flatnonzero(close[core - start].any(axis=0))
    return bool(np.count_nonzero(np.isin(heard.authors[start + around], speaking)) > LOUD * speaking.size)


def bookish(heard: Heard, ordinary: Yardstick, posts: Ints, day: Day) -> bool:
    """Whether these are pieces of a book, by their looks or by the looks of the posts of the day that are near them,
    the most alike first: what is not near says nothing of them, however like it is among the rest."""
    if heard.pieces[posts].mean() >= PIECES:
        return True
    cut = heard.pieces[day.start : day.end]
    if not cut.any():
        return False
    alike = _centred(heard.vectors[posts], ordinary.middle) @ day.vectors.T
    others = min(ALIKE + 1, cut.size)  # itself among them
    most = np.argpartition(-alike, others - 1, axis=1)[:, :others]
    near = np.take_along_axis(alike, most, axis=1) >= ordinary.near
    return bool(np.count_nonzero(cut[most] & near) >= max(1, BOOKISH * np.count_nonzero(near)))


def windows_of(heard: Heard, now: float) -> list[Window]:
    """Those of the windows that have enough weeks before."""
    found, end = [], int(np.searchsorted(heard.hours, now, side="right"))
    for hours in WINDOWS_HOURS:
        ends = [now - hours, now - hours - GUARD_HOURS, now - hours - GUARD_HOURS - BASELINE_HOURS]
        first, until, since = np.searchsorted(heard.hours, ends, side="right").tolist()
        if until - since >= LEAST_BASELINE:
            found.append(Window(hours, first, since, until, (end - first) / (until - since)))
    return found


def _unusual(heard: Heard, candidate: _Candidate, windows: Sequence[Window], before: Sequence[int]) -> _Unusual | None:
    """The candidate in its least likely window. `before`: matches in each one's baseline. None with too few authors."""
    best: _Unusual | None = None
    for window, matches in zip(windows, before, strict=True):
        authors = len(set(heard.authors[candidate.posts[candidate.posts >= window.first]].tolist()))
        if authors < LEAST_AUTHORS:
            continue
        p_value = min(1.0, len(WINDOWS_HOURS) * chance(authors, matches, window.exposure))
        if best is None or p_value < best.p_value:
            best = _Unusual(window.hours, authors, (matches + 0.5) * window.exposure, p_value)
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
        last = max(window.until for window in windows)
        for start in range(min(window.since for window in windows), last, _PIECE):
            piece = _centred(heard.vectors[start : min(start + _PIECE, last)], ordinary.middle)
            near = leaders @ piece.T >= ordinary.near
            for column, window in enumerate(windows):
                here = near[:, max(0, window.since - start) : max(0, window.until - start)]
                found[[row for row, _ in led], column] += np.count_nonzero(here, axis=1)
    return found


def _discovered(groups: Sequence[Group], candidates: int, rate: float, strict: Sequence[float] | None) -> list[Group]:
    """Those that are discoveries among all candidates; what did not pass the gate counts as not unusual at all, which
    errs towards silence."""

    def weighed(group: Group) -> float:  # weights on hypotheses: Genovese, Roeder & Wasserman 2006
        usual = 1.0 if strict is None else strict[group.concern]
        return group.p_value / (usual if group.likely else SURELY * usual)

    ordered = sorted(groups, key=weighed)
    return ordered[: discoveries([weighed(group) for group in ordered], candidates, rate)]


def discoveries(p_values: Sequence[float], tests: int, rate: float) -> int:
    """How many of these, smallest first, pass Benjamini and Hochberg's step-up at a false discovery rate of `rate`
    over so many tests."""
    passing = [rank for rank, p_value in enumerate(p_values, start=1) if p_value <= rate * rank / tests]
    return max(passing, default=0)
