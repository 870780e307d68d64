"""Hourly counts and author-days: what scored mentions add up to, kept when their texts are gone.

A deletion upstream and a correction take back exactly what was added; expiry never changes a count."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from config import database
from listeners import mentions
from listeners.tables import Mention
from sentiment.tables import ALL, AuthorDay, Correction, DayChange, HourCount, MentionConcern, Score

AUTHOR_DAYS_KEPT = 60
GRAIN = 2.0**20  # probabilities are summed in multiples of 2**-20: such sums are exact, whatever their order
_MEASURES = ("posts", "mistrust", "trust", "negative", "positive")
_LOOK_UP = 500  # ids in one IN list


@dataclass(frozen=True)
class Counted:
    """What one mention adds to its cells: ALL and each of its concerns, at its place, network and language."""

    author: bytes
    day: date  # in the department's zone
    hour: datetime  # UTC, its first instant
    place_id: int  # 0: no place named
    network: str
    language: str
    concerns: tuple[str, ...]
    mistrust: float
    trust: float
    negative: float
    positive: float

    def labelled(self, trust: str | None, sentiment: str | None) -> "Counted":
        """The same with an officer's word in place of the model's probabilities; none keeps the model's."""
        counted = self
        if trust is not None:
            counted = replace(counted, mistrust=float(trust == "mistrust"), trust=float(trust == "trust"))
        if sentiment is not None:
            counted = replace(counted, negative=float(sentiment == "negative"), positive=float(sentiment == "positive"))
        return counted


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def add(session: Session, counted: Iterable[Counted], author_days_from: date | None = None) -> None:
    """Adds to the cells, in the caller's transaction: one upsert a cell, however many mentions it gets.
    `author_days_from`: of older mentions the author-days are gone, and are not made again."""
    author_days, hours = _cells(counted)
    if author_days_from is not None:
        author_days = {key: sums for key, sums in author_days.items() if key[1] >= author_days_from}
    for model, cells in ((AuthorDay, author_days), (HourCount, hours)):
        if not cells:
            continue
        keys = _keys(model)
        insert = database.upsert(session, model)
        insert = insert.on_conflict_do_update(
            index_elements=keys,
            set_={name: insert.table.c[name] + insert.excluded[name] for name in _MEASURES},
        )
        session.connection().execute(insert, _rows(keys, cells))
    _changed(session, author_days)


def subtract(session: Session, mention_ids: Sequence[int]) -> None:
    """Takes back what these mentions added: before a deletion, in its transaction. Unscored ones added nothing, and
    an author-day that is past its 60 days is gone already. Cells that come to nothing are removed."""
    take_back(session, counted(session, mention_ids))


def take_back(session: Session, counted: Iterable[Counted]) -> None:
    """As `subtract`, what was read before. Days whose author-days are gone do not change: what was added up of them and
    kept (sentiment.sums) stays true of its day, and could not be added up anew."""
    author_days, hours = _cells(counted)
    first = first_day(session)
    author_days = {key: sums for key, sums in author_days.items() if first is not None and key[1] >= first}
    for model, cells in ((AuthorDay, author_days), (HourCount, hours)):
        if not cells:
            continue
        table = _table(model)
        keys = _keys(model)
        here = sa.and_(*(table.c[key] == sa.bindparam(f"the_{key}", type_=table.c[key].type) for key in keys))
        less = sa.update(table).where(here).values({m: table.c[m] - sa.bindparam(f"less_{m}") for m in _MEASURES})
        rows = [
            {f"the_{key}": row[key] for key in keys} | {f"less_{measure}": row[measure] for measure in _MEASURES}
            for row in _rows(keys, cells)
        ]
        connection = session.connection()
        connection.execute(less, rows)
        only_keys = [{name: value for name, value in row.items() if name.startswith("the_")} for row in rows]
        connection.execute(sa.delete(table).where(here, table.c.posts <= 0), only_keys)
    _changed(session, author_days)


def counted(session: Session, mention_ids: Sequence[int]) -> list[Counted]:
    """What these mentions count for now, from their stored scores, concerns and corrections. Locks their scores until
    the transaction ends, so that nothing is taken back twice; the turn is taken before, so that none waits in a circle
    with a scorer."""
    mentions.take_turn(session)
    found: list[Counted] = []
    for start in range(0, len(mention_ids), _LOOK_UP):
        found += _counted(session, mention_ids[start : start + _LOOK_UP])
    return found


def kept_from(now: datetime, zone: ZoneInfo) -> date:
    """The first day whose author-days are kept, by the department's `zone`."""
    return now.astimezone(zone).date() - timedelta(days=AUTHOR_DAYS_KEPT)


def first_day(session: Session) -> date | None:
    """The oldest day of the author-days: how far back the usual level can reach."""
    found: date | None = session.connection().execute(oldest_day()).scalar()
    return found


def oldest_day() -> sa.Select[Any]:
    """The question that `first_day` asks, for whoever asks more in one."""
    return sa.select(sa.func.min(col(AuthorDay.day))).where(col(AuthorDay.concern) == ALL)


def forget_author_days(session: Session, before: date, limit: int) -> int:
    """Removes up to `limit` author-days of days before that (`kept_from`); how many."""
    table = _table(AuthorDay)
    keys = [table.c[key] for key in _keys(AuthorDay)]
    old = sa.select(*keys).where(table.c.day < before).limit(limit)
    return session.connection().execute(sa.delete(table).where(sa.tuple_(*keys).in_(old))).rowcount


def forget_author(session: Session, author: bytes) -> None:
    """Removes an account's author-days: their owner asked for it. Hourly counts know no author and stay."""
    table = _table(AuthorDay)
    mine = table.c.author == author
    connection = session.connection()
    days = connection.execute(sa.select(table.c.day).where(mine).distinct()).scalars().all()
    connection.execute(sa.delete(table).where(mine))
    _note_changes(session, days)


def _counted(session: Session, mention_ids: Sequence[int]) -> list[Counted]:
    connection = session.connection()
    scores = connection.execute(
        sa.select(
            col(Score.mention_id),
            col(Score.day),
            col(Score.mistrust),
            col(Score.trust),
            col(Score.negative),
            col(Score.positive),
            col(Mention.author),
            col(Mention.posted_at),
            col(Mention.place_id),
            col(Mention.network),
            col(Mention.language),
        )
        .join(Mention, col(Mention.id) == col(Score.mention_id))
        .where(col(Score.mention_id).in_(mention_ids))
        .order_by(col(Score.mention_id))
        .with_for_update(of=Score)
    ).all()
    concerns: dict[int, list[str]] = defaultdict(list)
    for mention_id, concern in connection.execute(
        sa.select(col(MentionConcern.mention_id), col(MentionConcern.concern)).where(
            col(MentionConcern.mention_id).in_(mention_ids)
        )
    ):
        concerns[mention_id].append(concern)
    trust: dict[int, str] = {}
    sentiment: dict[int, str] = {}
    for mention_id, its_trust, its_sentiment in connection.execute(
        sa.select(col(Correction.mention_id), col(Correction.trust), col(Correction.sentiment))
        .where(col(Correction.mention_id).in_(mention_ids))
        .order_by(col(Correction.id))
    ):
        trust.update({mention_id: its_trust} if its_trust else {})
        sentiment.update({mention_id: its_sentiment} if its_sentiment else {})
    return [
        Counted(
            author=row.author,
            day=row.day,
            hour=hour_of(row.posted_at),
            place_id=row.place_id or 0,
            network=row.network,
            language=row.language,
            concerns=tuple(concerns[row.mention_id]),
            mistrust=row.mistrust,
            trust=row.trust,
            negative=row.negative,
            positive=row.positive,
        ).labelled(trust.get(row.mention_id), sentiment.get(row.mention_id))
        for row in scores
    ]


def _changed(session: Session, author_days: "_Cells") -> None:
    """Notes on which days something changed, so that what was added up of them (sentiment.sums) is added up anew."""
    _note_changes(session, {day for _, day, *_ in author_days})


def _note_changes(session: Session, changed: Iterable[date]) -> None:
    days = sorted(changed)
    if days:
        insert = database.upsert(session, DayChange)
        insert = insert.on_conflict_do_update(
            index_elements=["day"], set_={"changes": insert.table.c.changes + insert.excluded.changes}
        )
        session.connection().execute(insert, [{"day": day, "changes": 1} for day in days])


_Cells = dict[tuple[Any, ...], list[float]]


def _cells(counted: Iterable[Counted]) -> tuple[_Cells, _Cells]:
    """Sums by author-day key and by hour key, in the order of the tables' primary keys."""
    author_days: _Cells = defaultdict(lambda: [0, 0.0, 0.0, 0.0, 0.0])
    hours: _Cells = defaultdict(lambda: [0, 0.0, 0.0, 0.0, 0.0])
    for one in counted:
        amounts = (1, *(round(p * GRAIN) / GRAIN for p in (one.mistrust, one.trust, one.negative, one.positive)))
        for concern in (ALL, *one.concerns):
            where = (concern, one.place_id, one.network, one.language)
            for cell in (author_days[one.author, one.day, *where], hours[one.hour, *where]):
                for index, amount in enumerate(amounts):
                    cell[index] += amount
    return author_days, hours


def _table(model: type[SQLModel]) -> sa.Table:
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table


def _keys(model: type[SQLModel]) -> list[str]:
    return [column.name for column in _table(model).primary_key]


def _rows(keys: list[str], cells: _Cells) -> list[dict[str, Any]]:
    # sorted, so that two scorers on one store never wait for each other in a circle
    return [dict(zip((*keys, *_MEASURES), (*key, *cells[key]), strict=True)) for key in sorted(cells)]
