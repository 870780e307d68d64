"""Which cells stand out now, against their baseline: each concern, each concern at a place, and each place as a whole,
since people who worry about one thing at one corner raise it as traffic, as schools and as patrols.

cells.py holds the statistics; alerts.py makes threads of what is found here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from listeners import rhythm
from listeners.tables import Mention
from sentiment import cells, counts
from sentiment.tables import ALL, AuthorDay, MentionConcern, Score
from sentiment.taxonomy import CONCERNS
from sentiment.tuning import Tuning

SHARED = 0.5  # of the smaller one's posts: two surges are one
EXPLAINED = 0.8  # of the authors above the usual: one concern is all that is unusual at a place
URGENT = frozenset({"emergencies"})  # never folded into what else goes on
LEADING = 0.01  # p-value of a place's leading concern by itself
CARRIED = 0.5  # of the authors above the usual: a place carries a concern's surge
_TELLING = 5  # words from which a text is not said twice by chance
_LOOK_UP = 500  # ids in one IN list


@dataclass(frozen=True)
class Surge:
    """A cell with far more authors than usual in the `hours` before now."""

    concern: str  # of a place as a whole: the one that most of its authors raise
    place_id: int | None  # none: wherever
    whole_place: bool  # posts of any concern at the place, not of the one alone
    hours: int
    authors: int  # distinct; accounts that only repeat another's words are not counted
    expected: float  # authors
    p_value: float
    once_in_days: float  # how often chance alone makes one such surge, over all cells
    mention_ids: frozenset[int]


@dataclass(frozen=True)
class Said:
    author: bytes
    text: str  # empty once it is gone
    repost: bool = False


@dataclass(frozen=True)
class _Recent:
    id: int
    author: bytes
    posted_at: datetime


_Cell = tuple[str, int | None]  # concern (ALL: any that is not urgent) and place (none: wherever)
_NOT_URGENT = tuple(concern for concern in CONCERNS if concern not in URGENT)


Days = dict[_Cell, dict[date, int]]  # distinct authors of each cell on each day


@dataclass
class Usual:
    """The baseline's days, once read: they end days ago, so that they serve for all looks of one day. `unconcerned`:
    each day's authors who raised no concern."""

    days: tuple[date, date] | None = None
    seen: Days = field(default_factory=dict)
    unconcerned: dict[date, int] = field(default_factory=dict)


def find(
    session: Session, now: datetime, zone: ZoneInfo, tuned: Tuning | None = None, usual: Usual | None = None
) -> list[Surge]:
    """Every cell that stands out in the last 24 or 72 hours (of which the latest count most), most authors first; by
    the shorter window where that suffices. Empty while the store holds fewer than 14 days before the guard."""
    last = now.astimezone(zone).date() - timedelta(
        days=max(cells.WINDOWS_HOURS) // 24 + cells.GUARD_DAYS + 1  # the longest window reaches into this day's noon
    )
    first = last - timedelta(days=cells.BASELINE_DAYS - 1)
    history = counts.first_day(session)
    if history is None:
        return []
    first = max(first, history)
    if (last - first).days + 1 < cells.LEAST_BASELINE_DAYS:
        return []
    heard = _heard_since(session, now, zone)
    more_is_heard = heard is not None and heard > first
    if heard is not None and (last - heard).days + 1 >= cells.LEAST_BASELINE_DAYS:
        first, more_is_heard = max(first, heard), False
    days = (last - first).days + 1
    recent = _recent(session, now)
    if not recent:
        return []
    usual = usual if usual is not None else Usual()
    if usual.days != (first, last):
        usual.seen, usual.unconcerned = _daily_authors(session, first, last), _unconcerned(session, first, last)
        usual.days = (first, last)
    names, daily = _grid({**{cell: {} for cell in recent}, **usual.seen}, first, last)
    dates = [first + timedelta(days=day) for day in range(days)]
    unconcerned = np.array([float(usual.unconcerned.get(day, 0)) for day in dates]) if more_is_heard else None
    baseline = cells.fit(daily, np.array([day.weekday() for day in dates]), unconcerned)
    limit, tuned = cells.threshold(len(names)), tuned or Tuning()
    local = now.astimezone(zone).replace(tzinfo=None)
    ends = [local - timedelta(days=day) for day in range(len(cells.FADING) + 1)]
    each_day = [baseline.exposure(start, end) for end, start in pairwise(ends)]
    if more_is_heard:
        talking = _talking(session, recent, now)
        each_day = [baseline.stretched(day, authors) for day, authors in zip(each_day, talking, strict=True)]
    exposures = {hours: sum(each_day[: hours // 24]) for hours in cells.WINDOWS_HOURS}
    found: list[Surge] = []
    at = {cell: index for index, cell in enumerate(names)}

    def chance(index: int, newest: Mapping[bytes, datetime], hours: int) -> float:
        """Of so many authors in a cell; `newest`: when each last spoke."""
        by_day = Counter(_days_before(now, at) for at in newest.values())
        days = range(hours // 24)
        return baseline.fading_p_value(index, [by_day[day] for day in days], [each_day[day] for day in days])

    def leading(place_id: int | None, ids: frozenset[int], speaking: set[bytes], exposure: float) -> str | None:
        """The concern that most of these posts' speaking authors raise, if it is unusual at this place by itself."""
        raised = {
            concern: len(speaking & {one.author for one in recent.get((concern, place_id), ()) if one.id in ids})
            for concern in _NOT_URGENT
        }
        concern = max(raised, key=lambda key: (raised[key], key))
        if raised[concern] < cells.LEAST_AUTHORS:
            return None
        by_itself = baseline.p_value(at[concern, place_id], raised[concern], exposure)
        return concern if by_itself < LEADING else None

    for index, cell in enumerate(names):
        passing = limit * tuned.strict(cell[0])
        for hours, exposure in exposures.items():
            inside = [one for one in recent.get(cell, ()) if one.posted_at > now - timedelta(hours=hours)]
            newest = {one.author: one.posted_at for one in inside}  # oldest first, so the last one stays
            if len(newest) < cells.LEAST_AUTHORS or chance(index, newest, hours) >= passing:
                continue
            speaking = voices(said(session, [one.id for one in inside]))  # only for the few cells that pass
            authors, p_value = len(speaking), chance(index, {who: newest[who] for who in speaking}, hours)
            if authors < cells.LEAST_AUTHORS or p_value >= passing:
                continue
            ids = frozenset(one.id for one in inside)
            concern = leading(cell[1], ids, speaking, exposure) if cell[0] == ALL else cell[0]
            if concern is None or p_value >= limit * tuned.strict(concern):
                continue  # what holds for its concern holds for a whole place too
            found.append(
                Surge(
                    concern=concern,
                    place_id=cell[1],
                    whole_place=cell[0] == ALL,
                    hours=hours,
                    authors=authors,
                    expected=baseline.expected(index, exposure),
                    p_value=p_value,
                    once_in_days=1 / (max(p_value, 1e-12) * len(names) * len(exposures)),
                    mention_ids=ids,
                )
            )
            break  # the shorter window says more
    found.sort(key=lambda surge: (-surge.authors, surge.p_value, surge.concern))
    return [surge for surge in found if not (surge.whole_place and any(_explains(one, surge) for one in found))]


def merged(surges: Iterable[Surge]) -> list[Surge]:
    """One surge where several are at one place, or share half their posts: the one with most authors, or the same
    concern's at the place that carries it, since a place says more. Emergencies first, which no other takes in; they
    take in what their posts make half of."""
    chosen: list[Surge] = []
    waiting = sorted(surges, key=lambda surge: not urgent(surge.concern))
    while waiting:
        first = waiting[0]
        same = [other for other in waiting if other is first or _one(first, other)]
        chosen.append(next((other for other in same if carries(other, first)), first))
        waiting = [other for other in waiting if other not in same]
    return chosen


def urgent(concern: str) -> bool:
    return concern in URGENT


def _one(first: Surge, other: Surge) -> bool:
    """Whether the first takes the other in; no emergency is left where the first is none."""
    if urgent(first.concern) and not urgent(other.concern):
        return len(first.mention_ids & other.mention_ids) >= SHARED * len(other.mention_ids)
    if shared(first.mention_ids, other.mention_ids) >= SHARED:
        return True
    return first.place_id is not None and first.place_id == other.place_id and not urgent(other.concern)


def carries(part: Surge, whole: Surge) -> bool:
    """Whether a concern's surge at a place makes up most of what is unusual in its surge everywhere."""
    if part.concern != whole.concern or part.place_id is None or whole.place_id is not None:
        return False
    return part.authors - part.expected >= CARRIED * (whole.authors - whole.expected)


def _explains(part: Surge, whole: Surge) -> bool:
    """Whether one concern is nearly all that is unusual at a place, so that the place as a whole adds only chance."""
    if part.whole_place or part.place_id != whole.place_id or urgent(part.concern):
        return False
    return part.authors - part.expected >= EXPLAINED * (whole.authors - whole.expected)


def shared(some: frozenset[int], others: frozenset[int]) -> float:
    """What part of the smaller set of posts is in the other too, 0 to 1."""
    smaller = min(len(some), len(others))
    return len(some & others) / smaller if smaller else 0.0


def _recent(session: Session, now: datetime) -> dict[_Cell, list[_Recent]]:
    """The mentions of the longest window by cell, oldest first."""
    rows = session.connection().execute(
        sa.select(
            col(Mention.id),
            col(Mention.author),
            col(Mention.posted_at),
            col(Mention.place_id),
            col(MentionConcern.concern),
        )
        .join(MentionConcern, col(MentionConcern.mention_id) == col(Mention.id))
        .where(
            col(Mention.posted_at) > now - timedelta(hours=max(cells.WINDOWS_HOURS)),
            col(Mention.posted_at) <= now,
            col(Mention.shown),
        )
        .order_by(col(Mention.posted_at), col(Mention.id))
    )
    found: dict[_Cell, list[_Recent]] = defaultdict(list)
    for row in rows.all():
        one = _Recent(row.id, row.author, row.posted_at)
        found[row.concern, None].append(one)
        if row.place_id is not None:
            found[row.concern, row.place_id].append(one)
            whole = found[ALL, row.place_id]
            twice = bool(whole) and whole[-1] == one  # a mention of two concerns comes in two rows, side by side
            if row.concern not in URGENT and not twice:
                whole.append(one)
    return dict(found)


def _heard_since(session: Session, now: datetime, zone: ZoneInfo) -> date | None:
    """The first whole day on which every source was heard that brings much in the longest window; none where no source
    was asked (imports). Posts of a surge that the model takes for no concern look as if more were heard: a large source
    that came is what tells the two apart."""
    since = rhythm.heard_since(session, now - timedelta(hours=max(cells.WINDOWS_HOURS)), now)
    return rhythm.whole_day(since, zone)


def _talking(session: Session, recent: Mapping[_Cell, Sequence[_Recent]], now: datetime) -> list[int]:
    """How many authors raise no concern in each of the last days, the last 24 hours first."""
    days = len(cells.FADING)
    concerned: list[set[bytes]] = [set() for _ in range(days)]
    for (_, place_id), there in recent.items():
        if place_id is None:
            for one in there:
                concerned[_days_before(now, one.posted_at)].add(one.author)
    begins = [now - timedelta(days=day + 1) for day in range(days)]
    before = sa.case(*((col(Mention.posted_at) > begin, number) for number, begin in enumerate(begins)))
    spoke = (  # with a score, as in author-days: what has no words has none
        sa.select(before.label("before"), col(Mention.author))
        .join(Score, col(Score.mention_id) == col(Mention.id))
        .where(col(Mention.posted_at) > begins[-1], col(Mention.posted_at) <= now, col(Mention.shown))
        .distinct()
        .subquery()
    )
    authors = sa.select(spoke.c.before, sa.func.count()).group_by(spoke.c.before)
    everybody = {number: those for number, those in session.connection().execute(authors)}  # noqa: C416
    return [max(0, everybody.get(number, 0) - len(some)) for number, some in enumerate(concerned)]


def _days_before(now: datetime, at: datetime) -> int:
    """0 within 24 hours before `now`, 1 within the 24 before these, ..."""
    return int((now - at) / timedelta(days=1))


def _unconcerned(session: Session, first: date, last: date) -> dict[date, int]:
    """How many authors raised no concern on each day."""
    author = sa.func.count(sa.distinct(col(AuthorDay.author)))
    by_day = sa.select(col(AuthorDay.day), author).where(col(AuthorDay.day).between(first, last))
    by_day = by_day.group_by(col(AuthorDay.day))
    connection = session.connection()
    everybody = connection.execute(by_day.where(col(AuthorDay.concern) == ALL)).all()
    concerned = connection.execute(by_day.where(col(AuthorDay.concern).in_(list(CONCERNS)))).all()
    raised = Counter({day: number for day, number in concerned})  # noqa: C416  (rows are no pairs to a type checker)
    return {day: number - raised[day] for day, number in everybody}


def _daily_authors(session: Session, first: date, last: date) -> Days:
    """Distinct authors of each cell on each day. The cells are all concerns, and each concern and any concern together
    (ALL) at each place that these days name."""
    author = sa.func.count(sa.distinct(col(AuthorDay.author)))
    window = (col(AuthorDay.concern).in_(list(CONCERNS)), col(AuthorDay.day).between(first, last))
    at_places = (*window, col(AuthorDay.place_id) != 0)
    seen: Days = {(concern, None): {} for concern in CONCERNS}
    connection = session.connection()
    everywhere = sa.select(col(AuthorDay.concern), col(AuthorDay.day), author)
    for concern, day, number in connection.execute(
        everywhere.where(*window).group_by(col(AuthorDay.concern), col(AuthorDay.day))
    ):
        seen.setdefault((concern, None), {})[day] = number
    by_place = sa.select(col(AuthorDay.concern), col(AuthorDay.place_id), col(AuthorDay.day), author)
    for concern, place_id, day, number in connection.execute(
        by_place.where(*at_places).group_by(col(AuthorDay.concern), col(AuthorDay.place_id), col(AuthorDay.day))
    ):
        seen.setdefault((concern, place_id), {})[day] = number
    any_concern = sa.select(col(AuthorDay.place_id), col(AuthorDay.day), author)
    for place_id, day, number in connection.execute(
        any_concern.where(*at_places, col(AuthorDay.concern).not_in(URGENT)).group_by(
            col(AuthorDay.place_id), col(AuthorDay.day)
        )
    ):
        seen.setdefault((ALL, place_id), {})[day] = number
    return seen


def _grid(seen: Days, first: date, last: date) -> tuple[list[_Cell], NDArray[np.float64]]:
    """The cells in a fixed order, and their authors as cells x days."""
    names = sorted(seen, key=lambda cell: (cell[0], cell[1] or 0))
    daily = np.zeros((len(names), (last - first).days + 1))
    for index, cell in enumerate(names):
        for day, number in seen[cell].items():
            daily[index, (day - first).days] = number
    return names, daily


def said(session: Session, mention_ids: Iterable[int]) -> list[Said]:
    """What these mentions say, oldest first. Programs and near-copies of what others said are left out."""
    ids = list(mention_ids)
    found: list[tuple[datetime, int, Said]] = []
    for start in range(0, len(ids), _LOOK_UP):
        own = sa.select(
            col(Mention.author), col(Mention.text), col(Mention.repost), col(Mention.posted_at), col(Mention.id)
        ).where(
            col(Mention.id).in_(ids[start : start + _LOOK_UP]),
            col(Mention.copy_of).is_(None),
            col(Mention.automatic).is_(False),
        )
        rows = session.connection().execute(own)
        found += [(row.posted_at, row.id, Said(row.author, row.text or "", row.repost)) for row in rows]
    return [one for _, _, one in sorted(found, key=lambda at: at[:2])]


def voices(said: Iterable[Said]) -> set[bytes]:
    """The authors with at least one text that nobody else said before: twenty accounts with one text are one voice;
    texts in order of time. A text of under five words, or one that is gone, is taken as the author's own, but for a
    repost: the first stands for whoever wrote it."""
    first_said: dict[str, bytes] = {}
    own: set[bytes] = set()
    for one in said:
        words = [word for word in one.text.casefold().split() if word != "rt" and not word.startswith(("@", "http"))]
        taken_as_own = len(words) < _TELLING and not one.repost
        if taken_as_own or first_said.setdefault(" ".join(words), one.author) == one.author:
            own.add(one.author)
    return own
