"""Who gets which digest when: a month on a private clock, clocks that change, people who come, leave and move, several
schedulers at once. What each got is asserted one by one."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from config import audit, database, people, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import MailPreference, OutboxMessage, Person
from networks import accounts
from posts import drafts, lapsing, partners, queue, targets
from posts.tables import Target
from posts.workflow import TargetState
from scheduler.delivery import deliver_due
from scheduler.jobs import digests, mornings, partner_digests, reports
from sentiment import waiting
from sentiment.editions import Edition, Rhythm
from sentiment.morning import Answered, Sent
from sentiment.tables import Alert
from tests.posts.conftest import set_up
from tests.scheduler.postbox import Post, using
from tests.scheduler.test_alerting import raised
from tests.sentiment.street import Said, hear

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def at(moment: str) -> datetime:
    return datetime.fromisoformat(f"2026-{moment}+00:00")


def days(first: str, last: str, hour: str) -> list[str]:
    """Each day from `first` to `last` (UTC dates) at `hour` (UTC)."""
    day, found = at(f"{first}T00:00"), []
    while day <= at(f"{last}T00:00"):
        found.append(f"{day:%m-%d} {hour}")
        day += timedelta(days=1)
    return found


def add(
    session: Session, name: str, zone: str, hour: int | None, now: datetime, role: Role = Role.ANALYST, **chosen: Any
) -> int:
    person = people.add_person(
        session, name=name, email=f"{name}@riverton.example", password=None, roles=[role], time_zone=zone, now=now
    )
    person.digest_hour = hour
    session.add(person)
    number = people.known_id(person)
    if chosen:
        session.add(MailPreference(person_id=number, **chosen))
    return number


BEGIN, END = at("10-01T00:00"), at("11-03T00:00")
SINCE = at("09-01T00:00")
# Who is told what at which hour of which zone. Clocks change in Sydney and on Lord Howe (by half an hour) on 4 October,
# in London on 25 October, in New York on 1 November; Kolkata and Kathmandu never change and lie off the full hour.
EXPECTED = {
    "ny-seven": [*days("10-01", "10-31", "11:00"), *days("11-01", "11-02", "12:00")],
    "ny-one": [*days("10-01", "10-31", "05:00"), "11-01 05:00", "11-02 06:00"],  # on 1 November the first of two
    "london-one": [*days("10-01", "10-25", "00:00"), *days("10-26", "11-02", "01:00")],  # on the 25th the first of two
    "london-late": [*days("10-01", "10-24", "22:00"), *days("10-25", "11-02", "23:00")],
    "sydney-two": [*days("10-01", "10-03", "16:00"), *days("10-04", "11-02", "15:00")],  # on the 4th it does not exist
    "sydney-week": [f"{day} 20:00" for day in ("10-04", "10-11", "10-18", "10-25", "11-01")],  # Mondays there
    "howe-two": [*days("10-01", "10-02", "15:30"), "10-03 15:30", *days("10-04", "11-02", "15:00")],
    "howe-month": ["10-31 20:00"],  # the first at seven there; the one of October was due before the month began
    "kolkata-six": days("10-01", "11-02", "00:30"),
    "kolkata-joins": days("10-12", "11-02", "01:30"),  # from the day after
    "kathmandu-all": [
        *days("10-01", "11-02", "01:15"),
        *[f"{day} 01:15" for day in ("10-02", "10-09", "10-16", "10-23", "10-30")],  # Fridays
        "10-01 01:15",
        "11-01 01:15",
    ],
    "kathmandu-leaves": days("10-01", "10-19", "01:15"),
}


def looks() -> list[datetime]:
    """When it is looked what is due: each hour, each moment at which a mail should come, and the quarter before. What
    fell due in between would come at the next of these, and be one mail too many. From an hour before, so that what
    was due at the very end of September is settled."""
    hours = [BEGIN + number * HOUR for number in range(-1, (END - BEGIN) // HOUR)]
    told = [at(moment.replace(" ", "T")) for moments in EXPECTED.values() for moment in moments]
    return sorted({*hours, *told, *(moment - QUARTER for moment in told)})


@pytest.mark.long
def test_a_month_for_twelve_people_in_six_zones_brings_exactly_these_mails(
    sqlite_engine: sa.Engine, settings: Settings, serve: Callable[..., str]
) -> None:
    post = Post()
    told = using(settings, f"smtp://{serve(post)}")
    with database.writing(sqlite_engine) as session:
        add(session, "ny-seven", "America/New_York", 7, SINCE)
        add(session, "ny-one", "America/New_York", 1, SINCE)
        add(session, "london-one", "Europe/London", 1, SINCE)
        add(session, "london-late", "Europe/London", 23, SINCE)
        add(session, "sydney-two", "Australia/Sydney", 2, SINCE)
        add(session, "sydney-week", "Australia/Sydney", None, SINCE, weekly_on=0)
        add(session, "howe-two", "Australia/Lord_Howe", 2, SINCE)
        add(session, "howe-month", "Australia/Lord_Howe", None, SINCE, monthly=True)
        add(session, "kolkata-six", "Asia/Kolkata", 6, SINCE)
        add(session, "kathmandu-all", "Asia/Kathmandu", 7, SINCE, weekly_on=4, monthly=True)
        leaves = add(session, "kathmandu-leaves", "Asia/Kathmandu", 7, SINCE)
        add(session, "kathmandu-nothing", "Asia/Kathmandu", 7, SINCE, role=Role.AUDITOR)  # may read no figures
        add(session, "london-never", "Europe/London", None, SINCE)
    got: dict[str, list[str]] = defaultdict(list)
    for now in looks():
        if now == at("10-11T12:00"):
            with database.writing(sqlite_engine) as session:
                add(session, "kolkata-joins", "Asia/Kolkata", 7, now)
        if now == at("10-19T12:00"):
            with database.writing(sqlite_engine) as session:
                session.get_one(Person, leaves).active = False
        if digests.put_due(sqlite_engine, told, now):
            # another scheduler, or this one after a restart within the minute
            assert digests.put_due(sqlite_engine, told, now) == 0
            deliver_due(sqlite_engine, told, now)
        for mail in post.box:
            name = str(mail["To"]).partition("@")[0].rpartition("<")[2]
            if now >= BEGIN:
                got[name].append(f"{now:%m-%d %H:%M}")
        post.box.clear()
    assert set(got) == set(EXPECTED)
    for name, expected in EXPECTED.items():
        assert sorted(got[name]) == sorted(expected), name


def test_three_schedulers_at_the_same_minute_put_one_digest_a_person(
    engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    with database.writing(engine) as session:
        for number in range(8):
            add(session, f"reader-{number}", "America/New_York", 8, SINCE)
    with ThreadPoolExecutor(3) as schedulers:
        added = list(schedulers.map(lambda _: digests.put_due(engine, settings, now), range(3)))
    assert sum(added) == 8
    with database.reading(engine) as session:
        assert sorted(session.exec(select(OutboxMessage.recipient))) == [
            f"reader-{number}@riverton.example" for number in range(8)
        ]


def test_a_server_that_restarts_before_the_hour_or_was_down_over_it_sends_the_digest_once_it_is_back(
    sqlite_engine: sa.Engine, settings: Settings
) -> None:
    with database.writing(sqlite_engine) as session:
        add(session, "ada", "America/New_York", 9, SINCE)
    assert digests.put_due(sqlite_engine, settings, at("11-24T13:59")) == 0
    assert digests.put_due(sqlite_engine, settings, at("11-24T14:20")) == 1
    assert digests.put_due(sqlite_engine, settings, at("11-25T01:59")) == 0
    assert digests.put_due(sqlite_engine, settings, at("11-26T02:00")) == 0  # that of the 25th is no news any more


def test_a_late_hour_missed_at_midnight_is_still_sent_after_it(sqlite_engine: sa.Engine, settings: Settings) -> None:
    with database.writing(sqlite_engine) as session:
        number = add(session, "ada", "America/New_York", 23, SINCE)
    assert digests.put_due(sqlite_engine, settings, at("11-25T06:30")) == 1  # half past one at night there
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(OutboxMessage.key)).all() == [f"digest:{number}:2026-11-24"]


def test_who_flies_west_gets_no_second_digest_of_the_same_date(sqlite_engine: sa.Engine, settings: Settings) -> None:
    with database.writing(sqlite_engine) as session:
        number = add(session, "ada", "Pacific/Auckland", 7, SINCE)
    assert digests.put_due(sqlite_engine, settings, at("11-23T18:00")) == 1  # the 24th in Auckland
    with database.writing(sqlite_engine) as session:
        session.get_one(Person, number).time_zone = "America/Los_Angeles"
    assert digests.put_due(sqlite_engine, settings, at("11-23T18:05")) == 1  # the 23rd in Los Angeles, not told yet
    assert digests.put_due(sqlite_engine, settings, at("11-24T15:00")) == 0  # the 24th was told in Auckland
    assert digests.put_due(sqlite_engine, settings, at("11-25T15:00")) == 1


def test_a_change_of_hour_after_todays_digest_brings_no_second_one(
    sqlite_engine: sa.Engine, settings: Settings
) -> None:
    with database.writing(sqlite_engine) as session:
        number = add(session, "ada", "America/New_York", 7, SINCE)
    assert digests.put_due(sqlite_engine, settings, at("11-24T12:00")) == 1
    with database.writing(sqlite_engine) as session:
        session.get_one(Person, number).digest_hour = 9
    assert digests.put_due(sqlite_engine, settings, at("11-24T14:00")) == 0


_zones = st.sampled_from(
    ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "UTC"]
)


@profile(max_examples=60, deadline=None)
@given(zone=_zones, hour=st.integers(0, 23), start=st.dates(date(2026, 1, 1), date(2027, 12, 1)))
def test_whatever_the_zone_and_hour_each_local_day_has_its_digest_within_its_hour(
    zone: str, hour: int, start: date
) -> None:
    rhythm = Rhythm(Edition.DAILY, hour)
    begin = datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    seen: dict[date, datetime] = {}
    for quarter in range(4 * 24 * 4):
        now = begin + quarter * QUARTER
        day = digests.due_day(rhythm, zone, SINCE - timedelta(days=900), now)
        if day is not None:
            seen.setdefault(day, now)
    inner = [start + timedelta(days=number) for number in range(1, 3)]
    assert [day for day in inner if day not in seen] == []
    for day in inner:
        local = seen[day].astimezone(ZoneInfo(zone))
        assert local.date() == day
        assert local.hour - hour in (0, 1)  # an hour that is skipped is the next


def test_a_digest_can_be_stopped_from_the_mail_itself(sqlite_engine: sa.Engine, settings: Settings) -> None:
    secure = settings.model_copy(update={"base_url": "https://desk.riverton.example"})
    with database.writing(sqlite_engine) as session:
        number = add(session, "ada", "America/New_York", 7, SINCE, weekly_on=1)
    digests.put_due(sqlite_engine, secure, at("11-24T12:00"))
    with database.reading(sqlite_engine) as session:
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.key))).all()
    assert [row.key for row in rows] == [f"digest:{number}:2026-11-24", f"digest:{number}:weekly:2026-11-24"]
    heads = [row.message.decode().partition("\r\n\r\n")[0] for row in rows]
    assert all("List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head for head in heads)
    assert f"/stop/{number}-daily-" in heads[0].replace("\r\n ", "")
    assert f"/stop/{number}-weekly-" in heads[1].replace("\r\n ", "")


@pytest.fixture(autouse=True)
def _one_key(settings: Settings) -> Iterator[None]:
    secrets.load(settings)
    yield


def test_the_monthly_edition_is_of_the_month_before(sqlite_engine: sa.Engine, settings: Settings) -> None:
    with database.writing(sqlite_engine) as session:
        add(session, "ada", "America/New_York", None, SINCE, monthly=True)
    digests.put_due(sqlite_engine, settings, at("12-01T12:00"))
    with database.reading(sqlite_engine) as session:
        row = session.exec(select(OutboxMessage)).one()
    assert row.subject.startswith("November: ")
    assert "Covers November." in row.message.decode()


@pytest.mark.parametrize(
    ("zone", "moment"), [("Australia/Lord_Howe", "10-31T20:00"), ("Pacific/Honolulu", "11-01T17:00")]
)
def test_far_from_the_department_the_monthly_edition_is_of_the_month_before_too(
    sqlite_engine: sa.Engine, settings: Settings, zone: str, moment: str
) -> None:
    with database.writing(sqlite_engine) as session:
        add(session, "ada", zone, None, SINCE, monthly=True)
    digests.put_due(sqlite_engine, settings, at(moment))  # at seven on the first there
    with database.reading(sqlite_engine) as session:
        row = session.exec(select(OutboxMessage)).one()
    assert (row.key[-10:], row.subject.startswith("October: ")) == ("2026-11-01", True)


def test_what_was_answered_counts_a_mention_once_and_also_one_that_has_gone(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        said = Said(now - HOUR * 3, "nan")
        (there,) = hear(session, [said])
        ada = add(session, "ada", "UTC", None, now)
        on = [
            accounts.add(session, network="practice", name=name, handle="", secret=None, keys=keys, now=now).id or 0
            for name in ("PD", "Town")
        ]
        for number in (there, there + 100, None):  # the second has gone, the third answers nobody
            post = drafts.create(session, ada, "Thank you.", on, now)
            post.reply_to_mention_id = number
            session.add(post)
            session.flush()
            session.add_all(
                Target(
                    post_id=post.id or 0, account_id=account, part=part, state="published", due_at=now, next_try_at=now,
                    key=f"{post.id} {account} {part}", content_hash="", text="", published_at=now + HOUR * part,
                )
                for account in on
                for part in (0, 1)
            )  # fmt: skip
    with database.reading(engine) as session:
        assert mornings._answered(session, now - HOUR, now + HOUR) == Answered(2, HOUR * 3)


def test_who_cannot_be_mailed_keeps_nobody_elses_digest(sqlite_engine: sa.Engine, settings: Settings) -> None:
    with database.writing(sqlite_engine) as session:
        for name in ("ana", "jose", "luc"):
            add(session, name, "Europe/London", 7, SINCE)
        people.by_email(session, "jose@riverton.example").email = "josé@riverton.example"  # type: ignore[union-attr]
    assert digests.put_due(sqlite_engine, settings, at("10-05T07:00")) == 2
    with database.reading(sqlite_engine) as session:
        told = session.exec(select(OutboxMessage.recipient).order_by(col(OutboxMessage.id))).all()
    assert told == ["ana@riverton.example", "luc@riverton.example"]


def went_out(session: Session, network: str, by: int, when: datetime) -> None:
    """A post that was published on an account of that network."""
    account = accounts.add(
        session, network=network, name=f"Us {when}", handle="", secret=None, keys=secrets.for_tests(), now=when
    )
    post = drafts.create(session, by, "Cones on Elm Street.", [], when)
    post.state = "published"
    session.add(
        Target(
            post_id=post.id or 0, account_id=account.id or 0, state="published", due_at=when, next_try_at=when,
            key=f"{network} {when}", content_hash="", text="Cones on Elm Street.", published_at=when,
        )
    )  # fmt: skip


def test_what_went_to_the_practice_board_alone_is_told_apart_and_to_our_own_people_only(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys
) -> None:
    now = at("11-09T14:00")  # a Monday
    with database.writing(sqlite_engine) as session:
        ana = add(session, "ana", "UTC", 7, SINCE)
        for minutes, network in ((60, "practice"), (50, "practice"), (40, "bluesky")):
            went_out(session, network, ana, now - timedelta(minutes=minutes))
        school = partners.Given("School", "school", languages=("en",), reach=partners.Reach("Rosa", "r@school.example"))
        partners.send_digest(
            session, partners.keep(session, school, keys, ana, now).id or 0, "by phone", keys, ana, now
        )
        person = session.get_one(Person, ana)
        assert queue.published_between(session, now - HOUR, now) == queue.Published(1, 1, 2)
    told = digests.previewed(sqlite_engine, settings, keys, person, now, Edition.DAILY)[0].text
    assert "Sent: 1 post on 1 network; 2 on the practice board, all confirmed." in told
    rows = {row.name: row.value for row in reports.gather(sqlite_engine, settings, person, Edition.WEEKLY, now).rows}
    assert [rows[f"Posts {what}"] for what in ("published", "on the practice board")] == [1, 2]
    assert {name: value for name, value in rows.items() if name.startswith("Published: ")} == {"Published: General": 1}
    assert partner_digests.put_due(sqlite_engine, settings, keys, now) == 1
    with database.reading(sqlite_engine) as session:
        (mail,) = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "partner")).all()
    assert (
        "published one post"
        in message_from_bytes(keys.open(mail.message).encode(), policy=policy.default).get_content()
    )


NOT_SENT = [  # its state, when it was due, when that was settled, and how tomorrow's digest at seven names it
    ("failed", "11-08T15:00", "11-08T15:01", "did not go out: see why"),
    ("missed", "11-08T16:00", "11-08T18:00", "missed its time and did not go out: give it another, or leave it"),
    ("partly_published", "11-08T06:50", "11-08T07:20", "did not go out everywhere: see why"),
    ("failed", "11-09T06:30", "11-09T06:31", "did not go out: see why"),
    ("missed", "11-08T06:30", "11-08T06:40", ""),  # it was told of in the digest before
    ("partly_published", "10-20T10:00", "11-08T20:00", ""),  # what had gone out was taken down
    ("published", "11-08T15:00", "11-08T15:01", ""),
]


@pytest.mark.parametrize(("state", "due", "settled", "said"), NOT_SENT)
def test_what_was_not_sent_since_the_last_digest_is_named_to_its_author(
    engine: sa.Engine, settings: Settings, state: str, due: str, settled: str, said: str
) -> None:
    now = at("11-09T07:00")
    with database.writing(engine) as session:
        ana, bo = (add(session, name, "UTC", 7, SINCE, Role.OFFICER) for name in ("ana", "bo"))
        post = drafts.create(session, ana, "Cones on Elm Street.", [], at(due), title="Cones")
        post.state, post.due_at, post.updated_at = state, at(due), at(settled)
        session.add(post)
        session.flush()
        named = {}
        for number in (ana, bo):
            morning = mornings.Town(settings, now).morning(
                session, session.get_one(Person, number), MailPreference(person_id=number), Edition.DAILY, "k"
            )
            lines = [waiting.in_words(one, ZoneInfo("UTC"), now.date(), "en") for one in morning.waiting]
            named[number] = [(line.link, line.rest.strip(), line.path) for line in lines]
    assert named == {ana: [("“Cones”", said, f"/posts/{post.id}")] if said else [], bo: []}


def test_what_became_too_late_is_counted_with_what_was_sent(engine: sa.Engine, settings: Settings) -> None:
    now = at("11-09T07:00")
    with database.writing(engine) as session:
        ana = add(session, "ana", "UTC", 7, SINCE)
        for state, due in (("missed", "11-08T16:00"), ("missed", "11-08T06:00"), ("partly_published", "11-08T17:00")):
            post = drafts.create(session, ana, "Cones.", [], at(due))
            post.state, post.due_at = state, at(due)
            went_out(session, "bluesky", ana, at(due))
            (of_post,) = session.exec(select(Target).where(col(Target.due_at) == at(due)))
            if state == "partly_published":  # one of its two accounts was too late
                of_post.post_id, of_post.state, of_post.published_at = post.id or 0, "missed", None
            settled = "post.lapse" if state == "missed" else "target.missed"
            audit.record(session, at(due), None, settled, f"post:{post.id}", {})
            session.add_all([post, of_post])
    with database.reading(engine) as session:
        assert mornings._sent(session, now - 24 * HOUR, now) == Sent(1, 1, missed=2)


def test_what_was_due_before_a_digest_and_ended_after_it_is_counted_once_by_the_next(
    engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    desk = set_up(engine, keys, now, person)
    desk.approved("Cones on Elm Street.", timedelta(minutes=10))
    refused = desk.targets(desk.approved("Coffee at nine.", timedelta(minutes=12)))
    digest = now + timedelta(minutes=20)
    windows = [(digest + day * 24 * HOUR, digest + (day + 1) * 24 * HOUR) for day in (-1, 0, 1)]
    with database.reading(engine) as session:
        assert mornings._sent(session, *windows[0]) == Sent()
    with database.writing(engine) as session:
        for target in refused:
            targets.settle(session, session.get_one(Target, target.id), TargetState.FAILED, "No.", digest + QUARTER)
        lapsing.lapse(session, digest + HOUR, HOUR)
    with database.reading(engine) as session:
        counted = [mornings._sent(session, *window) for window in windows]
    assert counted == [Sent(), Sent(failed=2, missed=1), Sent()]


@pytest.mark.parametrize(("state", "told"), [("new", True), ("taken", True), ("resolved", False)])
def test_a_resolved_alert_is_not_in_the_headline(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, state: str, told: bool
) -> None:
    with database.writing(engine) as session:
        person = session.get_one(Person, add(session, "ana", "UTC", 7, SINCE))
        raised(session, now - HOUR)
        session.execute(sa.update(Alert).values(state=state, closed_at=None if told else now))
    made = digests.previewed(engine, settings, keys, person, now, Edition.DAILY)[0]
    assert ("Traffic" in made.subject, "It was closed." in made.text) == (told, not told)
