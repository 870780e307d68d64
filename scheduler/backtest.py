"""`liaison backtest STREAM --alerts OUT`: what the desk would have alerted, had it heard posts as they were made.

The desk's own intake, scoring and alerts, hour by hour on a clock of its own, with a store that is held in memory and
gone afterwards. Nobody takes or closes an alert, and nothing is sent. While an hour is looked at, the model reads the
next ones: what it says of a text depends on that text alone."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col

import scheduler.tables  # noqa: F401  (all tables are made)
from config import clock, database, output, secrets
from config.settings import Settings
from listeners import intake, sources
from listeners.masking import masked, storable
from listeners.tables import Mention, Source
from networks import archive
from networks.archive import Taken
from scheduler.jobs import scoring
from sentiment import alerts
from sentiment.emerging import Sensitivity
from sentiment.model import Reading
from sentiment.recent import Memory
from sentiment.scoring import Reader
from sentiment.tables import ALL, Alert, AlertMention, AlertTuning

TICK = timedelta(hours=1)
AHEAD = 24  # hours whose posts are read before they are heard, at most


Readings = Mapping[str, Reading | None]


@dataclass(frozen=True)
class Replayed:
    """What a back-test read and raised."""

    posts: int
    refused: int
    alerts: int


def replay(
    stream: Path,
    target: Path,
    *,
    settings: Settings,
    reader: Reader,
    sensitivity: Sensitivity = "balanced",
    progress: Callable[[int], None] = lambda number: None,
) -> Replayed:
    """Plays the posts of `stream` (CONTRACT: id, posted_at, text, author, network) in order of time and writes a line
    an alert, as it was when it was raised. Raises OSError, archive.UnreadableArchive; then `target` is as it was."""
    lines = list(archive.read(stream))
    posts = sorted((line for line in lines if isinstance(line, Taken)), key=lambda line: line.mention.posted_at)
    raised = 0
    with output.written(target) as out:
        for line in alerted(posts, settings=settings, reader=reader, sensitivity=sensitivity, progress=progress):
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            raised += 1
    return Replayed(posts=len(posts), refused=len(lines) - len(posts), alerts=raised)


def alerted(
    posts: Sequence[Taken],
    *,
    settings: Settings,
    reader: Reader,
    sensitivity: Sensitivity = "balanced",
    progress: Callable[[int], None] = lambda number: None,
) -> Iterator[dict[str, Any]]:
    """The alerts of posts in order of time, each as a line of the output, in order of time."""
    engine = in_memory()
    keys = secrets.for_tests()
    memory = Memory()
    names: dict[bytes, str | float] = {}  # the ids that the file gave its posts, by a mention's key
    with database.writing(engine) as session:
        source = sources.add(
            session, network="archive", name="back-test", settings={}, every_seconds=0, now=clock.now()
        )
    pool = ThreadPoolExecutor(1, thread_name_prefix="reading-ahead")
    try:
        for (at, heard), ahead in _read_ahead(pool, _ticks(posts), reader, settings):
            with clock.at(at):
                if heard:
                    with database.writing(engine) as session:
                        names.update(_hear(session, source, heard, keys, settings, at))
                    scoring.score_all(engine, ahead, settings, at)
                with database.writing(engine) as session:
                    if sensitivity != "balanced" and session.get(AlertTuning, ALL) is None:
                        session.add(AlertTuning(concern=ALL, sensitivity=sensitivity))
                        session.flush()
                    for alert in alerts.raise_alerts(session, at, settings.department.zone, memory):
                        yield _line(session, alert, names)
            progress(len(heard))
    finally:
        pool.shutdown(cancel_futures=True)
        engine.dispose()


@dataclass(frozen=True)
class _Ahead:
    """A Reader of one hour's posts, which another thread began to read."""

    reader: Reader
    begun: Future[Readings]

    @property
    def name(self) -> str:
        return self.reader.name

    def read(self, texts: Sequence[str]) -> list[Reading | None]:
        known = self.begun.result()
        return [known[text] if text in known else self.reader.read([text])[0] for text in texts]


def _read_ahead(
    pool: ThreadPoolExecutor, ticks: Iterable[tuple[datetime, list[Taken]]], reader: Reader, settings: Settings
) -> Iterator[tuple[tuple[datetime, list[Taken]], _Ahead]]:
    """Each hour with a reader of its posts; those of the hours after it are under way."""
    under_way: deque[tuple[tuple[datetime, list[Taken]], _Ahead]] = deque()
    for tick in ticks:
        texts = [masked(storable(line.mention.text), settings.department.handles) for line in tick[1]]
        under_way.append((tick, _Ahead(reader, pool.submit(_readings, reader, texts))))
        if len(under_way) > AHEAD:
            yield under_way.popleft()
    yield from under_way


def _readings(reader: Reader, texts: Sequence[str]) -> Readings:
    return dict(zip(texts, reader.read(texts), strict=True))


def in_memory() -> sa.Engine:
    """An empty store in this process's memory, gone with its engine. One connection: one thing at a time."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    SQLModel.metadata.create_all(engine)
    return engine


def _ticks(posts: Sequence[Taken]) -> Iterator[tuple[datetime, list[Taken]]]:
    """Each full hour from the first post on, with the posts since the hour before; one more hour after the last."""
    if not posts:
        return
    at = posts[0].mention.posted_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + TICK
    start = 0
    while start < len(posts):
        stop = start
        while stop < len(posts) and posts[stop].mention.posted_at <= at:
            stop += 1
        yield at, list(posts[start:stop])
        start, at = stop, at + TICK


def _hear(
    session: Session, source: Source, heard: Sequence[Taken], keys: secrets.Keys, settings: Settings, at: datetime
) -> dict[bytes, str | float]:
    """Takes posts in as an import does; the ids that the file gave them, by a mention's key."""
    found = [(line.network, line.mention) for line in heard]
    intake.store(session, intake.prepare(found, source, intake.EVERYTHING, keys, settings, at))
    return {keys.hash("mention", f"{line.network}\n{line.mention.remote_id}"): line.id for line in heard}


def _line(session: Session, alert: Alert, names: Mapping[bytes, str | float]) -> dict[str, Any]:
    linked = (
        sa.select(col(Mention.key))
        .join(AlertMention, col(AlertMention.mention_id) == col(Mention.id))
        .where(col(AlertMention.alert_id) == alert.id)
        .order_by(col(Mention.id))
    )
    return {
        "raised_at": alert.raised_at.isoformat(),
        "kind": alert.kind,
        "title": alert.title,
        "keyphrases": alert.keyphrases,
        "concern": alert.concern,
        "mention_ids": [names[key] for key in session.connection().execute(linked).scalars() if key in names],
        "count": alert.posts,
        "expected": round(alert.expected, 3),
        "authors": alert.authors,
        "p_value": alert.p_value,
    }
