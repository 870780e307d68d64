"""The inbox: mentions with what was read in them, filtered, a page at a time; and officers' corrections.

Only mentions that are scored, shown and still have a text; never selected or ordered by author."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import audit, database
from listeners import mentions as listeners_mentions
from listeners.tables import Mention, MentionTag
from sentiment import alerts, counts, disclosure
from sentiment.model import SENTIMENTS, TRUSTS
from sentiment.tables import Correction, MentionConcern, Score
from sentiment.taxonomy import CONCERNS, NEVER_TRACKED

STATES = ("new", "assigned", "snoozed", "done")
COUNTED = 200  # a count that reaches it means "or more"
AT_ONCE = 5 * COUNTED  # mentions of all states together, where that is quicker than state by state
MOST_LOOKED_THROUGH = 100_000  # mentions with one tag, say
FEW = ("assigned", "snoozed")  # states in which mentions are never many: somebody is at work on them
Cursor = tuple[datetime, int]  # posted_at and id of the last row seen
Found = tuple[Mention, Score | None]


class WrongLabel(ValueError):
    """A correction names a label that does not exist, or none at all."""


class NoSuchMention(LookupError):
    """The mention is gone, hidden, or has not been read yet."""


@dataclass(frozen=True)
class Filters:
    """What to show; none: everything. `place_id` 0: no place named. `since` is included, `until` is not."""

    concern: str | None = None
    place_id: int | None = None
    network: str | None = None
    language: str | None = None
    sentiment: str | None = None
    trust: str | None = None
    state: str | None = None
    tag: str | None = None
    assigned_to: int | None = None
    like: int | None = None  # this mention and its copies, which are not listed otherwise
    thread: bytes | None = None  # everything of a thread
    since: datetime | None = None
    until: datetime | None = None
    concern_of: int | None = None  # raising the first concern of that mention


@dataclass(frozen=True)
class InboxRow:
    """A mention, what the model read (none: no words to read), and the labels that hold after corrections."""

    mention: Mention
    score: Score | None
    concerns: tuple[str, ...]
    corrected: bool
    copies: int = 0  # nearly the same from others: counted, not listed
    tags: tuple[str, ...] = ()

    @property
    def likeliest(self) -> str | None:
        """Of its concerns the one that the model is surest of, the first where it says nothing of them."""
        said = self.score.concerns if self.score else {}
        return max(self.concerns, key=lambda key: said.get(key, 0.0), default=None)

    @property
    def trust(self) -> str | None:
        return self.score.trust_label if self.score else None

    @property
    def sentiment(self) -> str | None:
        return self.score.sentiment_label if self.score else None


@dataclass(frozen=True)
class Context:
    """A mention, what else stands in its thread in the order in which it was said, and what was said near it: at its
    place, or else about its first concern. Newest first, none of it twice."""

    row: InboxRow
    thread: tuple[InboxRow, ...]
    near: tuple[InboxRow, ...]


@dataclass(frozen=True)
class InboxPage:
    """Newest first. `counts`: mentions by state under the same filters, whatever `state` asks, to COUNTED at most; by
    place as sentiment.disclosure lets them.
    `after`: where the next page starts, none on the last one."""

    rows: tuple[InboxRow, ...]
    counts: dict[str, int]
    after: Cursor | None


def mentions(session: Session, filters: Filters, before: Cursor | None = None, limit: int = 50) -> InboxPage:
    """One page of the inbox, from `before` on."""
    found = _found(session, filters, before, limit + 1)
    page = found[:limit]
    last = page[-1][0] if len(found) > limit else None
    return InboxPage(
        rows=_rows(session, page),
        counts=_counts(session, filters),
        after=(last.posted_at, last.id) if last is not None and last.id is not None else None,
    )


def newest(session: Session, filters: Filters, limit: int) -> tuple[InboxRow, ...]:
    """The newest of such a list, uncounted."""
    return _rows(session, _found(session, filters, None, limit))


def arrived(session: Session, filters: Filters, after: datetime) -> int:
    """How many mentions came into such a list after then, to COUNTED at most."""
    some = sa.select(sa.literal(1)).select_from(Mention).outerjoin(Score, col(Score.mention_id) == col(Mention.id))
    some = some.where(*_listed(filters), *_where(filters), col(Mention.scored_at) > after).limit(COUNTED)
    if filters.state is not None:
        some = some.where(col(Mention.state) == filters.state)
    return session.connection().execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()


def by_day(session: Session, filters: Filters, begins: Sequence[datetime]) -> list[Counter[str]]:
    """Of such a list, how many `mentions` were posted on each day, and how many of them have each label of trust and of
    tone. `begins`: when the days begin, in order; the last one has no end."""
    days = [(col(Mention.posted_at) >= begin, number) for number, begin in reversed([*enumerate(begins)])]
    listed = sa.select(sa.case(*days).label("day"), col(Score.trust_label), col(Score.sentiment_label))
    listed = listed.select_from(Mention).outerjoin(Score, col(Score.mention_id) == col(Mention.id))
    listed = listed.where(*_listed(filters), *_where(filters), col(Mention.posted_at) >= begins[0])
    if filters.state is not None:
        listed = listed.where(col(Mention.state) == filters.state)
    few = listed.subquery()
    found: list[Counter[str]] = [Counter() for _ in begins]
    rows = sa.select(few.c.day, few.c.trust_label, few.c.sentiment_label, sa.func.count()).group_by(*few.c)
    for day, trust, sentiment, number in session.connection().execute(rows):
        found[day].update({"mentions": number} | {label: number for label in (trust, sentiment) if label})
    return found


def mention(session: Session, mention_id: int) -> InboxRow | None:
    """One mention as the inbox shows it, if it shows it."""
    found = _one(session, mention_id)
    return _rows(session, [found])[0] if found is not None else None


def in_context(session: Session, mention_id: int, within: timedelta, in_thread: int, near: int) -> Context | None:
    """One mention with what stands around it, at most so many of each; none if the inbox does not show it."""
    one = _one(session, mention_id)
    if one is None:
        return None
    this = one[0]
    thread = _found(session, Filters(thread=this.thread), None, in_thread) if this.thread is not None else []
    first, last = this.posted_at - within, this.posted_at + within
    here = Filters(place_id=this.place_id, concern_of=None if this.place_id else mention_id, since=first, until=last)
    around = _found(session, here, None, near + 1 + len(thread))
    every = {found[0].id: found for found in (one, *thread, *around)}
    rows = {row.mention.id: row for row in _rows(session, list(every.values()))}
    row = rows[mention_id]
    talk = [rows[found[0].id] for found in reversed(thread) if found[0].id != mention_id]
    there = {mention_id, *(other.mention.id for other in talk)}
    return Context(row, tuple(talk), tuple(rows[found[0].id] for found in around if found[0].id not in there)[:near])


def _one(session: Session, mention_id: int) -> Found | None:
    query = (
        select(Mention, Score)
        .outerjoin(Score, col(Score.mention_id) == col(Mention.id))
        .where(*_shown(), col(Mention.id) == mention_id)
    )
    return session.exec(query).one_or_none()


def _found(session: Session, filters: Filters, before: Cursor | None, limit: int) -> list[Found]:
    """Newest first, from `before` on. All of a concern by its own index: what does not raise it is not looked at."""
    query, at, number = select(Mention, Score), col(Mention.posted_at), col(Mention.id)
    where, concern = [*_listed(filters)], _concern(filters)
    if filters.tag is not None:
        tagged: sa.Select[Any] = sa.select(col(MentionTag.mention_id).label("id")).where(
            col(MentionTag.tag) == filters.tag
        )
        begun_with = _begun_with(tagged)
        query = query.join(begun_with, begun_with.c.id == number)
    elif concern is not None and filters.state is None and not _narrow(filters):  # by state the other way is as short
        query = query.join(MentionConcern, col(MentionConcern.mention_id) == number)
        at, number = col(MentionConcern.posted_at), col(MentionConcern.mention_id)
        where.append(col(MentionConcern.concern) == concern)
        filters = replace(filters, concern=None, concern_of=None)
    if filters.state is not None:
        where.append(_in_state(filters, filters.state))
    if before is not None:
        posted_at, mention_id = before
        where.append(sa.or_(at < posted_at, sa.and_(at == posted_at, number < mention_id)))
    query = query.outerjoin(Score, col(Score.mention_id) == col(Mention.id)).where(*where, *_where(filters, at))
    return list(session.exec(query.order_by(at.desc(), number.desc()).limit(limit)))


def correct(
    session: Session,
    mention_id: int,
    person_id: int,
    now: datetime,
    zone: ZoneInfo,
    trust: str | None = None,
    sentiment: str | None = None,
    concerns: Sequence[str] | None = None,
    *,
    held: listeners_mentions.Held = listeners_mentions.nothing_held,
) -> None:
    """An officer's word in place of the model's; none leaves a label as it is. It counts at once. `zone`: the
    department's.

    A never-tracked concern among `concerns` takes the mention out of the desk whole; one that is `held` keeps its
    words. Raises WrongLabel and NoSuchMention, with nothing changed."""
    _check(trust, sentiment, concerns)
    listeners_mentions.take_turn(session)
    locked = (
        select(Score)
        .join(Mention, col(Mention.id) == col(Score.mention_id))
        .where(*_shown(), col(Score.mention_id) == mention_id)
        .with_for_update(of=Score)
        .execution_options(populate_existing=True)
    )
    score = session.exec(locked).one_or_none()
    if score is None:
        raise NoSuchMention("This mention is no longer here, or has not been read yet. Nothing was changed.")
    raised = None if concerns is None else sorted(set(concerns))
    detail = {"trust": trust, "sentiment": sentiment, "concerns": raised}
    audit.record(session, now, person_id, "mention.correct", f"mention:{mention_id}", detail)
    counts.subtract(session, [mention_id])
    if NEVER_TRACKED & set(raised or ()):
        session.execute(sa.delete(MentionConcern).where(col(MentionConcern.mention_id) == mention_id))
        kept = listeners_mentions.those_held(session, [mention_id], held)
        alerts.withdraw(session, [mention_id], now, kept)
        session.delete(score)
        session.flush()
        listeners_mentions.hide(session, [mention_id], kept)
        return
    session.add(
        Correction(
            mention_id=mention_id,
            person_id=person_id,
            at=now,
            trust=trust,
            sentiment=sentiment,
            concerns=raised,
        )
    )
    score.trust_label = trust or score.trust_label
    score.sentiment_label = sentiment or score.sentiment_label
    session.add(score)
    if raised is not None:
        session.execute(sa.delete(MentionConcern).where(col(MentionConcern.mention_id) == mention_id))
        posted_at = session.get_one(Mention, mention_id).posted_at
        session.add_all(
            MentionConcern(mention_id=mention_id, concern=concern, posted_at=posted_at) for concern in raised
        )
    session.flush()
    counts.add(session, counts.counted(session, [mention_id]), counts.kept_from(now, zone))


def _check(trust: str | None, sentiment: str | None, concerns: Sequence[str] | None) -> None:
    if trust is None and sentiment is None and concerns is None:
        raise WrongLabel("A correction needs at least one label.")
    if trust is not None and trust not in TRUSTS:
        raise WrongLabel(f"Trust is one of {', '.join(TRUSTS)}.")
    if sentiment is not None and sentiment not in SENTIMENTS:
        raise WrongLabel(f"Sentiment is one of {', '.join(SENTIMENTS)}.")
    unknown = set(concerns or ()) - set(CONCERNS) - NEVER_TRACKED
    if unknown:
        raise WrongLabel(f"There is no concern named {', '.join(sorted(unknown))}.")


def _shown() -> tuple[sa.ColumnElement[bool], ...]:
    return col(Mention.shown).is_(True), col(Mention.scored_at).is_not(None), col(Mention.text).is_not(None)


def _listed(filters: Filters) -> tuple[sa.ColumnElement[bool], ...]:
    if filters.like is not None:
        same = sa.or_(col(Mention.id) == filters.like, col(Mention.copy_of) == filters.like)
        return (*_shown(), same)
    return (*listeners_mentions.listed(), col(Mention.text).is_not(None))


def _concern(filters: Filters) -> Any:
    """The concern that mentions must raise, or how to find it; none: any."""
    if filters.concern_of is None:
        return filters.concern
    its = sa.select(sa.func.min(col(MentionConcern.concern)))
    return its.where(col(MentionConcern.mention_id) == filters.concern_of).scalar_subquery()


def _where(filters: Filters, at: Any = None) -> list[sa.ColumnElement[bool]]:
    """All filters but the state. `at`: where the time of a mention stands, if not in its own row."""
    at = col(Mention.posted_at) if at is None else at
    where: list[sa.ColumnElement[bool]] = []
    concern = _concern(filters)
    if concern is not None:
        raising = sa.select(sa.literal(1)).where(
            col(MentionConcern.mention_id) == col(Mention.id), col(MentionConcern.concern) == concern
        )
        where.append(raising.exists())
    if filters.place_id is not None:
        where.append(col(Mention.place_id) == filters.place_id if filters.place_id else col(Mention.place_id).is_(None))
    for column, value in ((col(Mention.network), filters.network), (col(Mention.language), filters.language)):
        if value is not None:
            where.append(column == value)
    for label, value in ((Score.sentiment_label, filters.sentiment), (Score.trust_label, filters.trust)):
        if value is not None:
            where.append(database.one_by_one(_label(col(label)) == value))
    if filters.tag is not None:
        tagged = sa.select(col(MentionTag.mention_id)).where(col(MentionTag.tag) == filters.tag)
        where.append(col(Mention.id).in_(tagged))
    if filters.assigned_to is not None:
        where.append(col(Mention.assigned_to) == filters.assigned_to)
    if filters.thread is not None:
        where.append(col(Mention.thread) == filters.thread)
    if filters.since is not None:
        where.append(at >= filters.since)
    if filters.until is not None:
        where.append(at < filters.until)
    return where


def _in_state(filters: Filters, state: str) -> sa.ColumnElement[bool]:
    """A place's mentions are gone through by the place: written so, no index of states is gone through beside it."""
    own = col(Mention.state) == state
    return database.one_by_one(own) if filters.place_id and state not in FEW else own


def _label(label: Any) -> sa.ColumnElement[str]:
    """A mention's label, looked up mention by mention: joined, a database may sort all of those with it first."""
    return sa.select(label).where(col(Score.mention_id) == col(Mention.id)).correlate(Mention).scalar_subquery()


def _counts(session: Session, filters: Filters) -> dict[str, int]:
    """By state, each counted to COUNTED at most: a person needs no more, and a million rows are not looked through."""
    if _narrow(filters):
        return _counted_whole(session, filters)
    found, whole = _newest_of_concern(session, filters) if filters.concern is not None else ({}, False)
    left = [state for state in STATES if state in FEW or (not whole and found.get(state, 0) < COUNTED)]
    row = session.connection().execute(sa.select(*(_of_state(filters, state) for state in left))).one()
    found |= row._mapping
    told = disclosure.in_fives if filters.place_id else int
    return {state: min(told(found[state]), COUNTED) for state in STATES if told(found.get(state, 0))}


def _of_state(filters: Filters, state: str) -> sa.Label[int]:
    some = sa.select(sa.literal(1)).select_from(Mention)
    if state in FEW:
        begun_with = _begun_with(sa.select(col(Mention.id)).where(col(Mention.state) == state))
        some = some.join(begun_with, begun_with.c.id == col(Mention.id)).where(*_listed(filters), *_where(filters))
    elif filters.concern is not None:
        some = _of_concern(some, filters)
    else:
        some = some.where(*_listed(filters), *_where(filters))
    few = some.where(_in_state(filters, state)).limit(COUNTED).subquery()
    return sa.select(sa.func.count()).select_from(few).scalar_subquery().label(state)


def _newest_of_concern(session: Session, filters: Filters) -> tuple[dict[str, int], bool]:
    """How many of the newest mentions of a concern are in each state that many are in, and whether these were all. Each
    state by itself would go through a concern's mentions again, where the other filters leave few of them."""
    many = [state for state in STATES if state not in FEW]
    newest = _of_concern(sa.select(col(Mention.state)).select_from(Mention), filters)
    few = newest.where(col(Mention.state).in_(many)).limit(AT_ONCE).subquery()
    rows = session.connection().execute(sa.select(few.c.state, sa.func.count()).group_by(few.c.state))
    found: dict[str, int] = {state: number for state, number in rows}  # noqa: C416  (rows are no pairs to a type checker)
    return found, sum(found.values()) < AT_ONCE


def _of_concern(query: sa.Select[Any], filters: Filters) -> sa.Select[Any]:
    """Newest first, so that a database goes by the concern's own index."""
    at, rest = col(MentionConcern.posted_at), replace(filters, concern=None)
    query = query.join(MentionConcern, col(MentionConcern.mention_id) == col(Mention.id))
    query = query.where(col(MentionConcern.concern) == filters.concern, *_listed(rest), *_where(rest, at))
    return query.order_by(at.desc())


def _begun_with(few: sa.Select[Any]) -> sa.Subquery:
    """A few mentions (`id`) to begin a question with: their limit keeps the database from taking another way."""
    return few.limit(MOST_LOOKED_THROUGH).subquery()


def _narrow(filters: Filters) -> bool:
    """Whether these filters leave few mentions: then going by them is quick, and going by states is not."""
    return any(one is not None for one in (filters.tag, filters.like, filters.thread, filters.assigned_to))


def _counted_whole(session: Session, filters: Filters) -> dict[str, int]:
    here = sa.select(col(Mention.state)).where(*_listed(filters), *_where(filters)).limit(MOST_LOOKED_THROUGH)
    few = here.subquery()  # as in _begun_with: its limit keeps the database from going by states
    rows = session.connection().execute(sa.select(few.c.state, sa.func.count()).group_by(few.c.state))
    found = {state: min(number, COUNTED) for state, number in rows}
    return {state: found[state] for state in STATES if state in found}


def _rows(session: Session, found: Sequence[tuple[Mention, Score | None]]) -> tuple[InboxRow, ...]:
    """With what hangs on each mention, asked for in one question."""
    ids = [mention.id for mention, _ in found if mention.id is not None]
    if not ids:
        return ()
    hanging: dict[tuple[int, str], list[str]] = defaultdict(list)
    for kind, mention_id, word in session.connection().execute(_hanging(ids)):
        hanging[mention_id, kind].append(word)
    return tuple(
        InboxRow(
            mention,
            score,
            concerns=tuple(sorted(hanging[number, "concern"])),
            corrected=bool(hanging[number, "corrected"]),
            copies=int(next(iter(hanging[number, "copies"]), "0")),
            tags=tuple(sorted(hanging[number, "tag"])),
        )
        for number, mention, score in ((mention.id or 0, mention, score) for mention, score in found)
    )


def _hanging(ids: Sequence[int]) -> sa.CompoundSelect[Any]:
    """What hangs on these mentions: kind, mention, word. Copies are told by their number."""
    word = sa.cast(sa.func.count(), sa.String)
    return sa.union_all(
        sa.select(sa.literal("concern"), col(MentionConcern.mention_id), col(MentionConcern.concern)).where(
            col(MentionConcern.mention_id).in_(ids)
        ),
        sa.select(sa.literal("corrected"), col(Correction.mention_id), sa.literal("")).where(
            col(Correction.mention_id).in_(ids)
        ),
        sa.select(sa.literal("tag"), col(MentionTag.mention_id), col(MentionTag.tag)).where(
            col(MentionTag.mention_id).in_(ids)
        ),
        sa.select(sa.literal("copies"), col(Mention.copy_of), word)
        .where(col(Mention.copy_of).in_(ids), col(Mention.shown), col(Mention.scored_at).is_not(None))
        .group_by(col(Mention.copy_of)),
    )
