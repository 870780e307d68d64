"""The sample town from end to end: its posts come in, are scored, a concern is found, an alert and a digest are
written, a post is approved and published. It joins the rooms as the desk does, on a clock that ends this morning."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import clock, database, key_mark, people, sign_ins
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage
from listeners import archive_import, places, sources
from networks import accounts, practice
from networks.tables import Account
from posts import claims, drafts, queue
from posts import publishing as sending
from posts.pools import Pools
from posts.tables import Target
from scheduler.jobs import alerting, digests, publishing, reach, scoring
from scheduler.sample_town import outreach, town
from sentiment import alerts, model

MARK = "sample-town"  # a folder with this file was made by the demo and may be made anew
LINK_LIFETIME = timedelta(hours=12)
ANSWER = (
    "You told us about speeding on Elm Street by Lincoln School. From today an officer is at Elm and 4th at drop-off "
    "and pick-up, and on Thursday at 6 pm we are at the Elm Street Library to hear what you want changed."
)
REMINDER = "Coffee with officers, Saturday 9 to 11 at the Elm Street Library. Hablamos español. Ask us anything."
WAITING = (
    "The listening meeting at St. Brigid's: what you told us, and what happens next. We publish it here on Friday."
)

EARLIER = (  # days ago, kind, title, words, what residents answered on the board
    (
        9,
        "safety",
        "Lock the frame",
        "Two bicycles were taken from Market Street this week. Lock the frame, not the wheel. On Friday we engrave "
        "numbers for free at the station.",
        ("Does that work for a cargo bike, too?",),
    ),
    (
        5,
        "event",
        "Listening meeting at St. Brigid's",
        "Tomorrow at 6 pm we listen at St. Brigid's, in English and in Spanish. Nobody writes down who says what.",
        ("Thank you for coming to us.", "¿Habrá otra el mes que viene?", "Is there parking?"),
    ),
)


class Bar(Protocol):
    """A progress bar: a context that yields a function which moves it on."""

    def __call__(
        self, label: str, unit: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], None]]: ...


class NotOurs(Exception):
    """The folder holds something that the demo did not make."""


@dataclass(frozen=True)
class Told:
    """What the demo did, and the desk it left."""

    mentions: int
    scored: int
    alerts: int
    published: int
    digest: Path
    seconds: float
    desk: tuple[sa.Engine, Settings, Keys]
    links: Sequence[tuple[str, str, str]]  # name, role in words, sign-in address

    def summary(self) -> dict[str, int | float | str]:
        """The demo's closing line (docs/for-developers, `liaison demo --once`)."""
        return {
            "mentions": self.mentions,
            "scored": self.scored,
            "alerts": self.alerts,
            "published": self.published,
            "digest": str(self.digest),
            "seconds": round(self.seconds, 1),
        }


def play(folder: Path, *, base_url: str, say: Callable[[str], None], bar: Bar) -> Told:
    """Makes the sample town in `folder` anew and plays its 30 days. Raises NotOurs for a folder of somebody else's."""
    started = time.monotonic()
    _clear(folder)
    engine, settings, keys = _open(folder, base_url)
    now = clock.now()
    morning = town.last_morning(now)
    say(f"Riverton, a town that does not exist. Its 30 days end on {morning:%A %d %B at %H:%M %Z}.")

    with database.writing(engine) as session:
        _settle(session, keys, now)
    mentions = _listen(engine, settings, keys, morning, bar)
    say(f"{mentions} public posts came in; names were dropped at the door.")
    with bar("reading", "mentions", mentions) as step:
        scored = scoring.score_all(engine, model.load(), settings, morning, progress=step)
    say(f"{scored} read for sentiment, trust and concerns.")
    raised = _watch(engine, settings, morning)
    for title, at in raised:
        say(f"Alert, {at.astimezone(town.ZONE):%a %d %b %H:%M}: {title}")
    published = _answer(engine, settings, keys, now)
    say(f"{published} post, approved by a second person, is on the practice board.")
    with database.writing(engine) as session:
        board = [account.id or 0 for account in accounts.connected(session)]
        officer, approver = _id_of(session, town.OFFICER), _id_of(session, town.APPROVER)
        outreach.reach_out(session, settings, keys, officer, approver, board, now)
    _earlier(engine, settings, keys, now)
    digest = digests.preview(engine, settings, folder / "digest", town.CHIEF.email, morning)
    with clock.at(morning):
        digests.put_due(engine, settings, morning)
    _due_now(engine, now)
    say(f"The chief's digest: {digest}")
    with database.writing(engine) as session:
        links = _links(session, settings, keys, now)
    return Told(
        mentions=mentions,
        scored=scored,
        alerts=len(raised),
        published=published,
        digest=digest,
        seconds=time.monotonic() - started,
        desk=(engine, settings, keys),
        links=links,
    )


def is_there(folder: Path) -> bool:
    """Whether a town was made in this folder."""
    return (folder / MARK).exists() and (folder / "liaison.db").exists()


def again(folder: Path, base_url: str) -> tuple[tuple[sa.Engine, Settings, Keys], Sequence[tuple[str, str, str]]]:
    """The town as it was left, its schema brought up to date, and new links to sign in by."""
    engine, settings, keys = _open(folder, base_url)
    with database.writing(engine) as session:
        return (engine, settings, keys), _links(session, settings, keys, clock.now())


def _open(folder: Path, base_url: str) -> tuple[sa.Engine, Settings, Keys]:
    settings = Settings(
        data_dir=folder,
        database_url=None,
        secret_key=None,
        smtp_url=None,
        base_url=base_url,
        department=town.DEPARTMENT,
        public_actions=True,
        public_events=True,
        public_transparency=True,
    )
    engine = database.connect(settings.database)
    database.migrate(engine)
    return engine, settings, key_mark.keys(engine, settings)


def _clear(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise NotOurs(f"{folder} holds something else; name another folder with --dir")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Made by `liaison demo`, and made anew by the next one.\n", encoding="utf-8")


def _settle(session: Session, keys: Keys, now: datetime) -> None:
    """People, places, and the practice board: an account on it, and an ear for it."""
    for person in town.PEOPLE:
        people.add_person(
            session,
            name=person.name,
            email=person.email,
            password=None,
            roles=person.roles,
            time_zone=town.ZONE.key,
            now=now - timedelta(days=40),
        )
    for name, other_names in town.PLACES.items():
        places.add(session, name, other_names)
    sources.add(session, network="practice", name="Practice board", settings={}, every_seconds=15, now=now)
    accounts.add(
        session, network="practice", name="Riverton PD (practice)", handle="RivertonPD", secret=None, keys=keys, now=now
    )


def _listen(engine: sa.Engine, settings: Settings, keys: Keys, morning: datetime, bar: Bar) -> int:
    """The town's posts through the same import that an officer uses; how many were new."""
    export = settings.data_dir / "riverton.jsonl"
    lines = [json.dumps(post, ensure_ascii=False) for post in town.posts(morning)]
    export.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with bar("importing", "lines", len(lines)) as step:
        counts = archive_import.import_file(
            engine,
            export,
            settings=settings,
            keys=keys,
            now=morning,
            source_name="Riverton, sample posts",
            progress=step,
        )
    return counts.new


def _watch(engine: sa.Engine, settings: Settings, morning: datetime) -> list[tuple[str, datetime]]:
    """Looks for alerts as the desk would have, every three hours of the last ten days."""
    at = morning - timedelta(days=10)
    while at <= morning:
        alerting.look(engine, settings, at)
        at += timedelta(hours=3)
    with database.reading(engine) as session:
        raised = [(alert.title, alert.raised_at) for alert in alerts.all_alerts(session)]
    return sorted(raised, key=lambda found: found[1])


def _earlier(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> None:
    """What went out on the days before, with what residents answered on the board; and how far it reached."""
    for days, kind, title, words, answers in EARLIER:
        moment = now - timedelta(days=days)
        with clock.at(moment):
            with database.writing(engine) as session:
                officer, approver = _id_of(session, town.OFFICER), _id_of(session, town.APPROVER)
                board = [account.id or 0 for account in accounts.connected(session)]
                post = drafts.create(session, officer, words, board, moment, title=title, category=kind)
                number = post.id or 0
                wall = moment.astimezone(town.ZONE).replace(tzinfo=None)
                drafts.schedule(session, number, officer, wall, town.ZONE.key, moment)
                drafts.submit(session, number, officer, moment)
                drafts.approve(session, number, approver, drafts.read(session, number).content_hash, moment)
                account = session.get_one(Account, board[0])
            for claim in claims.claim(engine, keys, moment):
                sending.run(engine, claim, accounts.publisher(engine, account, keys, settings), clock.now)
        with database.writing(engine) as session:
            ours = session.exec(select(Target).where(Target.post_id == number)).one()
            for hours, said in enumerate(answers, 2):
                at = moment + timedelta(hours=hours)
                practice.post_as_resident(session, f"resident {hours}", said, at, reply_to=int(ours.remote_id or 0))
    reach.read(engine, settings, keys, now)


def _answer(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """An officer writes, a supervisor approves, the queue publishes; beside it a week's plan in every state."""
    local = now.astimezone(town.ZONE)
    tomorrow = (local + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    with database.writing(engine) as session:
        officer = _id_of(session, town.OFFICER)
        approver = _id_of(session, town.APPROVER)
        board = [account.id or 0 for account in accounts.connected(session)]
        for title, text, at, approved in (
            ("You told us about Elm Street", ANSWER, local.replace(tzinfo=None), True),
            ("Coffee with officers", REMINDER, tomorrow, True),
            ("What we heard at St. Brigid's", WAITING, tomorrow + timedelta(hours=6), False),
        ):
            post = drafts.create(session, officer, text, board, now, title=title)
            number = post.id or 0
            drafts.schedule(session, number, officer, at, town.ZONE.key, now)
            drafts.submit(session, number, officer, now)
            if approved:
                content = drafts.read(session, number).content_hash
                drafts.approve(session, number, approver, content, now)
    pools = Pools(engine, settings, keys)
    publishing.tick(engine, settings, keys, pools, clock.now())
    pools.drain(10)
    with database.reading(engine) as session:
        return sum(row.state == "published" for row in queue.going_out(session, now - timedelta(days=1), clock.now()))


def _due_now(engine: sa.Engine, now: datetime) -> None:
    """Mails of the days that were played are as new as the demo: none of them has waited for long."""
    with database.writing(engine) as session:
        waits = sa.update(OutboxMessage).where(col(OutboxMessage.state) == "waiting", col(OutboxMessage.due_at) < now)
        session.execute(waits.values(created_at=now, due_at=now))


def _links(session: Session, settings: Settings, keys: Keys, now: datetime) -> list[tuple[str, str, str]]:
    return [
        (
            person.name,
            person.words,
            f"{settings.base_url}/sign-in/link/"
            + sign_ins.new_code(session, sign_ins.SAMPLE_TOWN, _id_of(session, person), keys, now, LINK_LIFETIME),
        )
        for person in town.PEOPLE
    ]


def _id_of(session: Session, person: town.SamplePerson) -> int:
    found = people.by_email(session, person.email)
    if found is None:
        raise LookupError(person.email)
    return people.known_id(found)
