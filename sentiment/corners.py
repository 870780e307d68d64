"""Several people who, within hours, raise one concern at one known place. Nothing here reads the store.

Neighbours tell of one fright in as many ways as they are, so that their posts need share no words and lie close in no
embedding: here the place and the concern, as the model reads it, stand in for both. Their authors are counted against
what is usual for just this place and concern. The windows are shorter than those of cells.py, whose days know nothing
of hours; recent.py keeps the posts, and leaves out programs, copies and forms."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sentiment import cells, emerging, recent
from sentiment.emerging import Heard, Window
from sentiment.recent import Memory
from sentiment.surges import Surge
from sentiment.tuning import FACTOR, Tuning

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class _Corner:
    place: int
    concern: int  # a position among the concerns
    hours: int
    authors: int
    expected: float
    p_value: float  # of so many in any of the windows (Bonferroni)
    posts: Counts  # positions in Heard


def find(memory: Memory, now: float, tuned: Tuning) -> list[Surge]:
    """What stands out at `now` (hours since 1970) among the posts that are held, least likely first."""
    heard = memory.heard()
    strict = [tuned.strict(key) / FACTOR[tuned.department] for key in recent.KEYS]
    corners, tests = _corners(heard, now)

    def weighed(corner: _Corner) -> float:
        return corner.p_value / strict[corner.concern]

    corners.sort(key=weighed)
    rate = emerging.FALSE_A_WEEK[tuned.department] / emerging.TICKS_A_WEEK
    passing = emerging.discoveries([weighed(corner) for corner in corners], tests, rate)
    return [
        Surge(
            concern=recent.KEYS[corner.concern],
            place_id=corner.place,
            whole_place=False,
            hours=corner.hours,
            authors=corner.authors,
            expected=corner.expected,
            p_value=corner.p_value,
            once_in_days=1 / (24 * max(corner.p_value, 1e-12) * tests),
            mention_ids=frozenset(memory.ids[corner.posts].tolist()),
        )
        for corner in corners[:passing]
    ]


def _corners(heard: Heard, now: float) -> tuple[list[_Corner], int]:
    """The places with a concern that enough authors raise, each by its least likely window; and how many there were to
    look at: each place with each concern that was ever raised there."""
    end = int(np.searchsorted(heard.hours, now, side="right"))
    windows = emerging.windows_of(heard, now)
    if not windows:
        return [], 0
    known, place_of = np.unique(heard.places[:end], return_inverse=True)
    tests = int(np.count_nonzero(_raised(heard, place_of, known.size, 0, end)[known != 0]))
    best: dict[tuple[int, int], _Corner] = {}
    for window in windows:
        recent_ones = np.arange(window.first, end)
        enough = _raised(heard, place_of, known.size, window.first, end) >= cells.LEAST_AUTHORS
        usual = _usual(heard, place_of, known.size, window)
        for row, concern in np.argwhere(enough & (known != 0)[:, None]).tolist():
            posts = recent_ones[(place_of[window.first :] == row) & heard.raised[window.first : end, concern]]
            authors = np.unique(heard.authors[posts]).size
            if authors < cells.LEAST_AUTHORS or posts.size > emerging.LOUD * authors:
                continue
            if expit(heard.concerns[posts, concern].astype(np.float32)).mean() < emerging.CONCERNED:
                continue
            before, exposure = float(usual[row, concern]), window.exposure
            p_value = min(1.0, len(emerging.WINDOWS_HOURS) * emerging.chance(authors, before, exposure))
            place = int(known[row])
            if (place, concern) not in best or p_value < best[place, concern].p_value:
                expected = (before + 0.5) * exposure
                best[place, concern] = _Corner(place, concern, window.hours, authors, expected, p_value, posts)
    return list(best.values()), tests


def _usual(heard: Heard, place_of: Counts, places: int, window: Window) -> NDArray[np.float64]:
    """Posts of the window's baseline that are usual for each place and concern: those that were there; of a pair that
    was seldom seen, as many as how often the place is named and the concern raised would make, if that is more."""
    seen = _raised(heard, place_of, places, window.since, window.until)
    named = np.bincount(place_of[window.since : window.until], minlength=places)
    share: NDArray[np.float64] = heard.raised[window.since : window.until].mean(axis=0)
    usual: NDArray[np.float64] = np.maximum(seen, named[:, None] * share)
    return usual


def _raised(heard: Heard, place_of: Counts, places: int, first: int, stop: int) -> Counts:
    """How many posts from `first` to before `stop` raise each concern at each place (places x concerns)."""
    posts, concerns = np.nonzero(heard.raised[first:stop])
    number = heard.raised.shape[1]
    at = place_of[first:stop][posts] * number + concerns
    return np.bincount(at, minlength=places * number).reshape(places, number)
