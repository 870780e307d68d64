"""A desk in full use over a big town: every page has something to show, a million mentions stand in 30 days, and 20,000
posts in two years. Rows are made with numpy and written by the databases' own quick ways; the desk's intake is measured
elsewhere."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import Session

from config import clock, database, people, secrets
from config.permissions import Role
from config.settings import Department, Settings
from config.tables import Person
from posts import drafts
from scheduler.jobs import sums
from sentiment.counts import hour_of
from sentiment.tables import ALL
from sentiment.taxonomy import CONCERNS
from tests.browser import pages_of_the_desk

DAYS = 30  # of mentions: then they go
YEARS = 2  # of posts
PLACES, AUTHOR_EVERY = 40, 8
NETWORKS = ("x", "facebook", "mastodon", "bluesky", "reddit", "news")
MEASURES = ("posts", "mistrust", "trust", "negative", "positive")
FIRST = 1000  # the number of the first that is made here
TEXT = "Cars go much too fast past the school in the morning, somebody should really do something about it"
Rows = Iterable[tuple[Any, ...]]


@dataclass(frozen=True)
class Mentions:
    """So many, oldest first; each array has one entry a mention."""

    posted: list[datetime]
    author: list[bytes]
    concern: list[str]
    place: list[int]
    network: list[str]
    language: list[str]
    mistrust: list[float]


def settings(folder: Path, url: str) -> Settings:
    return Settings(
        data_dir=folder / "data",
        database_url=SecretStr(url),
        department=Department(name="Riverton Police Department", handles=["RivertonPD"]),
    )


def build(folder: Path, url: str, mentions: int, posts: int) -> None:
    """Fills the store at `url`, which is empty; keys are in `folder`."""
    own, now = settings(folder, url), clock.now()
    own.data_dir.mkdir(parents=True, exist_ok=True)
    engine = database.connect(url)
    database.migrate(engine)
    pages_of_the_desk.fill(engine, own, secrets.load(own, begin=True), _person)
    with database.writing(engine) as session:
        session.execute(
            sa.text("INSERT INTO place (id, name, other_names, kind) VALUES (:id, :name, '[]', '')"),
            [{"id": number, "name": f"{number} Street"} for number in range(2, PLACES)],
        )
        for counts in ("author_day", "hour_count"):  # of the few mentions that are there: their cells are written anew
            session.execute(sa.text(f"DELETE FROM {counts}"))
        like = _a_post(session, now)
    said = _said(mentions, now)
    for table, columns, rows in (
        *_mention_rows(engine, said),
        *_count_rows(said, own),
        *_post_rows(engine, like, posts, now),
    ):
        _write(engine, table, columns, rows)
    _settle(engine)
    sums.keep(engine, own, now)
    engine.dispose()


def multiplied(engine: sa.Engine, own: Settings, times: int) -> None:
    """PostgreSQL: the mentions of this store, with their scores and author-days, so many times, each time of other
    authors in other threads. Indexes that are no keys are made after, as quick loads do."""
    with engine.connect() as connection:
        most = int(connection.exec_driver_sql("SELECT max(id) FROM mention").scalar_one())
        indexes = connection.exec_driver_sql(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
            "LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid WHERE c.oid IS NULL AND i.indrelid::regclass::text "
            "IN ('mention', 'score', 'mention_concern', 'author_day')"
        ).all()
    with engine.begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")  # the rows refer to what is there
        connection.exec_driver_sql("SET maintenance_work_mem = '1GB'")
        for name, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        for table, order in (("mention", "id"), ("score", "mention_id"), ("mention_concern", "mention_id")):
            _multiply(connection, table, order, times, f"WHERE {order} BETWEEN {FIRST} AND {most}", most)
        _multiply(connection, "author_day", "author, day", times, "WHERE get_byte(author, 0) = 0", most)
        sums_of = ", ".join(f"{name} = {name} * {times}" for name in MEASURES)
        connection.exec_driver_sql(f"UPDATE hour_count SET {sums_of}")
        for table in ("kept_sum", "kept_places"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        for _, made in indexes:
            connection.exec_driver_sql(made)
    _settle(engine)
    sums.keep(engine, own, clock.now())


def _multiply(connection: sa.Connection, table: str, order: str, times: int, where: str, most: int) -> None:
    """Copies rows: numbers go on behind `most`, the first byte of what is hashed tells the copies apart."""
    for one in range(1, times):
        changed = {name: f"{name} + {one * most}" for name in ("id", "mention_id", "copy_of")}
        changed |= {name: f"set_byte({name}, 0, {one})" for name in ("key", "author", "thread")}
        columns = [str(column["name"]) for column in sa.inspect(connection).get_columns(table)]
        taken = ", ".join(changed.get(name, f'"{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        connection.exec_driver_sql(
            f"INSERT INTO {table} ({names}) SELECT {taken} FROM {table} {where} ORDER BY {order}"
        )


def _person(session: Session, name: str, *roles: Role) -> Person:
    mail = f"{name.lower()}@riverton.example"
    zone, at = "America/New_York", clock.now()
    return people.add_person(session, name=name, email=mail, password=None, roles=roles, time_zone=zone, now=at)


def _a_post(session: Session, now: datetime) -> int:
    """Approved and sent: what all others are like."""
    post = drafts.create(session, 1, "The library's book sale is on Saturday.", [1], now, title="Book sale")
    number, wall = post.id or 0, (now + timedelta(days=1)).replace(tzinfo=None)
    drafts.schedule(session, number, 1, wall, "UTC", now)
    drafts.submit(session, number, 1, now)
    drafts.approve(session, number, 2, drafts.read(session, number).content_hash, now)
    session.execute(sa.text("UPDATE post SET state = 'published' WHERE id = :id"), {"id": number})
    session.execute(
        sa.text("UPDATE target SET state = 'published', remote_id = 'r', published_at = due_at WHERE post_id = :id"),
        {"id": number},
    )
    return number


def _said(number: int, now: datetime) -> Mentions:
    chance = np.random.default_rng(8)
    ago = np.sort(chance.uniform(0.01, DAYS - 0.5, number))[::-1]
    concerns = list(CONCERNS)
    return Mentions(
        posted=[now - timedelta(days=float(days)) for days in ago],
        author=[
            int(one).to_bytes(16, "big") for one in chance.integers(0, max(1, number // AUTHOR_EVERY), number).tolist()
        ],
        concern=[concerns[one] for one in chance.integers(0, len(concerns), number).tolist()],
        place=np.where(chance.random(number) < 0.4, chance.integers(1, PLACES, number), 0).tolist(),
        network=[NETWORKS[one] for one in chance.integers(0, len(NETWORKS), number).tolist()],
        language=["es" if one < 0.2 else "en" for one in chance.random(number).tolist()],
        mistrust=chance.beta(1, 3, number).tolist(),
    )


def _mention_rows(engine: sa.Engine, said: Mentions) -> Iterator[tuple[str, list[str], Rows]]:
    """One in two is new, the rest is done; one in fifty copies another; threads of twenty."""
    mention, score = _row(engine, "mention", "id", 1), _row(engine, "score", "mention_id", 1)
    put = _instants(engine)
    chance = np.random.default_rng(9)
    vectors = [chance.bytes(len(score["embedding"])) for _ in range(100)]

    def mentions() -> Rows:
        for number, posted in enumerate(said.posted):
            at = put(posted)
            yield tuple(
                (
                    mention
                    | {
                        "id": FIRST + number,
                        "key": (FIRST + number).to_bytes(16, "big"),
                        "author": said.author[number],
                        "text": TEXT,
                        "network": said.network[number],
                        "language": said.language[number],
                        "place_id": said.place[number] or None,
                        "thread": (number // 20).to_bytes(16, "big"),
                        "copy_of": FIRST + number - 1 if number % 50 == 1 else None,
                        "posted_at": at,
                        "received_at": at,
                        "scored_at": at,
                        "expires_at": put(posted + timedelta(days=DAYS)),
                        "state": "new" if number % 2 else "done",
                    }
                ).values()
            )

    def scores() -> Rows:
        for number, posted in enumerate(said.posted):
            mistrust = said.mistrust[number]
            yield tuple(
                (
                    score
                    | {
                        "mention_id": FIRST + number,
                        "mistrust": mistrust,
                        "trust_label": "mistrust" if mistrust > 0.5 else "trust" if mistrust < 0.02 else "neither",
                        "sentiment_label": "negative"
                        if mistrust > 0.4
                        else "positive"
                        if mistrust < 0.02
                        else "neutral",
                        "day": posted.date(),
                        "embedding": vectors[number % len(vectors)],
                    }
                ).values()
            )

    yield "mention", list(mention), mentions()
    yield "score", list(score), scores()
    yield (
        "mention_concern",
        ["mention_id", "concern", "posted_at"],
        ((FIRST + number, said.concern[number], put(at)) for number, at in enumerate(said.posted) if number % 10),
    )


def _count_rows(said: Mentions, own: Settings) -> Iterator[tuple[str, list[str], Rows]]:
    """Author-days and hourly counts of the mentions, and the same 30 days once more before them: 60 days are kept."""
    days: dict[tuple[Any, ...], list[float]] = {}
    hours: dict[tuple[Any, ...], list[float]] = {}
    for number, at in enumerate(said.posted):
        for concern in (ALL, said.concern[number]):
            where = (concern, said.place[number], said.network[number], said.language[number])
            day = at.astimezone(own.department.zone).date()
            for cells, key in (
                (days, (said.author[number], day, *where)),
                (days, (said.author[number], day - timedelta(days=DAYS), *where)),
                (hours, (hour_of(at).replace(tzinfo=None), *where)),
            ):
                added = cells.setdefault(key, [0, 0.0])
                added[0] += 1
                added[1] += said.mistrust[number]
    cell = ["concern", "place_id", "network", "language"]

    def rows(cells: Mapping[tuple[Any, ...], list[float]]) -> Rows:
        for key, (posts, mistrust) in cells.items():
            yield (*key, int(posts), mistrust, mistrust / 3, mistrust / 2, mistrust / 4)

    yield "author_day", ["author", "day", *cell, *MEASURES], rows(days)
    yield "hour_count", ["hour", *cell, *MEASURES], rows(hours)


def _post_rows(engine: sa.Engine, like: int, posts: int, now: datetime) -> Iterator[tuple[str, list[str], Rows]]:
    """Posts of two years, each with a variant, versions, an approval and what was sent."""
    put = _instants(engine)
    shift = timedelta(days=365 * YEARS) / posts
    for table, key in (
        ("post", "id"),
        ("variant", "post_id"),
        ("post_version", "post_id"),
        ("review", "post_id"),
        ("target", "post_id"),
    ):
        row = _row(engine, table, key, like)
        moments = [name for name in row if name.endswith("_at") or name == "at"]

        def rows(row: dict[str, Any] = row, moments: list[str] = moments, table: str = table, key: str = key) -> Rows:
            for number in range(posts):
                at = now - shift * number - timedelta(hours=1)
                made = row | {name: put(at) for name in moments if row[name] is not None}
                made |= {"id": FIRST + number, key: FIRST + number}
                if table == "target":
                    made |= {"key": f"bench-{number}"}
                if table == "post":
                    made |= {"wall_time": at.replace(tzinfo=None) if engine.dialect.name != "sqlite" else put(at)}
                    made |= {"category": ("general", "event", "safety", "answer")[number % 4]}
                yield tuple(made.values())

        yield table, list(row), rows()


def _row(engine: sa.Engine, table: str, key: str, value: int) -> dict[str, Any]:
    """One row as the database holds it."""
    columns = sa.inspect(engine).get_columns(table)
    whole = {one["name"] for one in columns if isinstance(one["type"], sa.JSON) and engine.dialect.name != "sqlite"}
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f'SELECT * FROM "{table}" WHERE {key} = {value} LIMIT 1').mappings().one()
        return {name: json.dumps(one) if name in whole else one for name, one in found.items()}


def _instants(engine: sa.Engine) -> Any:
    """How the database takes an instant."""
    if engine.dialect.name != "sqlite":
        return lambda moment: moment
    return lambda moment: moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _write(engine: sa.Engine, table: str, columns: list[str], rows: Rows) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    connection = engine.raw_connection()
    raw: Any = connection.driver_connection
    if engine.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        raw.execute("PRAGMA synchronous=OFF")
        raw.execute("PRAGMA cache_size=-200000")
        raw.execute("BEGIN")
        raw.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', map(_plain, rows))
        raw.execute("COMMIT")
    else:
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        raw.commit()
    connection.invalidate()  # with its pragmas


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        one.isoformat(sep=" ", timespec="microseconds")
        if isinstance(one, datetime)
        else one.isoformat()
        if isinstance(one, date)
        else one
        for one in row
    )


def _settle(engine: sa.Engine) -> None:
    """Numbers go on behind the last; the planner knows the tables."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if engine.dialect.name != "sqlite":
            for table in ("mention", "post", "variant", "post_version", "review", "target"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
        connection.exec_driver_sql("ANALYZE")
