"""Retention on a clock of its own: a month leaves exactly what docs/policy.md says; a legal hold stops it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlmodel import col, func, select

from config import audit, backup, clock, database, legal_holds, outbox, people, sign_ins
from config.legal_holds import HoldRefused, Kind
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, LegalHold, OutboxMessage, Person, SignIn
from listeners import archive_import, contexts, joined
from listeners.tables import ActionContext, Mention, Source
from networks import accounts
from networks.network import SignedIn
from posts import drafts, questions
from posts.tables import Post, PostVersion, Question, QuestionAnswer, Target, UnitAction, Variant
from scheduler.jobs import expiry
from sentiment import alerts, hindsight, tuning
from sentiment.tables import Alert, AlertMention, AuthorDay, Hindsight, HourCount
from sentiment.topics import Topic
from tests.sentiment.street import Said, hear, score

DAY = timedelta(days=1)


def heard(engine: sa.Engine, posts: list[Said]) -> list[int]:
    with database.writing(engine) as session:
        ids = hear(session, posts)
        score(session, ids, posts)
    return ids


def said_on(first: datetime, days: int) -> list[Said]:
    return [Said(first + DAY * n, f"author {n}", f"word {n}", ("traffic_safety",)) for n in range(days)]


def left(engine: sa.Engine) -> list[int]:
    with database.reading(engine) as session:
        return [number or 0 for number in session.exec(select(Mention.id).order_by(col(Mention.id)))]


def number_of(engine: sa.Engine, table: type) -> int:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).select_from(table)).one()


def alert_on(engine: sa.Engine, ids: list[int], now: datetime) -> int:
    with database.writing(engine) as session:
        alert = Alert(
            kind="cell", concern="traffic_safety", title="Speeding", raised_at=now, since=now, updated_at=now,
            window_hours=24, posts=2, authors=2, expected=0.1, p_value=0.001,
        )  # fmt: skip
        session.add(alert)
        session.flush()
        session.add_all([AlertMention(alert_id=alert.id or 0, mention_id=number) for number in ids])
        return alert.id or 0


def test_the_name_of_what_was_new_goes_with_the_last_of_its_posts(
    engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    number = alert_on(engine, heard(engine, said_on(now, 2)), now)
    with database.writing(engine) as session:
        alert = session.get_one(Alert, number)
        alert.kind, alert.title, alert.keyphrases = "emerging", "New: Jane Roe, red truck", ["jane roe", "red truck"]
        session.add(alert)
    told = []
    for days in (30, 31, 60):
        expiry.expire(engine, settings, now + DAY * days)
        with database.reading(engine) as session:
            alert = session.get_one(Alert, number)
            told.append((alert.title, len(alert.keyphrases), alert.authors))
    gone = ("New: Traffic and road safety", 0, 2)
    assert told == [("New: Jane Roe, red truck", 2, 2), gone, gone]


def test_words_of_posts_go_also_from_what_was_not_raised(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    new = Topic(
        concern="traffic_safety", title="New: Jane Roe", place_id=None, keyphrases=("jane roe",),
        mention_ids=frozenset(), kin=frozenset(), hours=24, authors=4, expected=0.1, p_value=0.001, since=now,
    )  # fmt: skip
    with database.writing(sqlite_engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        tuned = replace(tuning.read(session, now), muted_until={"traffic_safety": now + DAY})
        assert alerts._raise_new(session, [new], [], {}, now, settings.department.zone, tuned) == []
        (held,) = tuning.held_back(session, now)
        assert held.title == "New: Traffic and road safety"
        hindsight.ask(session, ada, now)
        found = hindsight.Raised(now, "New: Jane Roe", "traffic_safety", None)
        hindsight.keep(session, 1, hindsight.Answer(now, now.date(), now.date(), {"more": (found,)}))
    for days, there in ((settings.retention_days, 1), (settings.retention_days + 1, 0)):
        expiry.expire(sqlite_engine, settings, now + DAY * days)
        assert number_of(sqlite_engine, Hindsight) == there


@pytest.mark.long
def test_a_month_leaves_exactly_what_the_policy_says(engine: sa.Engine, settings: Settings, now: datetime) -> None:
    ids = heard(engine, said_on(now, 90))
    counted = number_of(engine, HourCount)
    settings = settings.model_copy(update={"context_days": 45})
    with database.writing(engine) as session:  # each fifth day's words led to an action on that day
        for n in range(0, 90, 5):
            session.get_one(Mention, ids[n]).network = "bluesky"
            assert contexts.keep(session, n, [ids[n]], now + DAY * n) == 1
    for day in range(91):
        moment = now + DAY * day
        expiry.expire(engine, settings, moment)
        if day % 15 == 0:
            kept = [number for n, number in enumerate(ids) if n > day - settings.retention_days]
            assert left(engine) == kept, day
            with database.reading(engine) as session:
                oldest = session.exec(select(func.min(AuthorDay.day))).one()
                tied = {one.action_id: one.mention_id for one in session.exec(select(ActionContext))}
            assert tied == {
                n: ids[n] if n > day - settings.retention_days else None for n in range(0, 90, 5) if n > day - 45
            }, day
            assert oldest >= (moment - DAY * 61).date()
    assert number_of(engine, HourCount) == counted
    with database.reading(engine) as session:
        runs = session.exec(select(AuditEntry.detail).where(AuditEntry.action == expiry.ACTION)).all()
    assert sum(run.get("mentions", 0) for run in runs) == 90 - len(left(engine))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_legal_hold_of_each_kind_stops_the_purge_until_it_is_lifted(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person], kind: Kind
) -> None:
    ids = heard(engine, said_on(now, 3))
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        account = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        post = drafts.create(session, ada, "Thank you.", [account.id or 0], now)
        post.reply_to_mention_id = ids[1]
        session.add_all([post, Source(network="practice", name="Board", account_id=account.id)])
        session.flush()
        board = session.exec(select(Source.id).where(Source.name == "Board")).one()
        session.get_one(Mention, ids[1]).source_id = board or 0
        post_id, account_id = post.id or 0, account.id or 0
    alert = alert_on(engine, [ids[1]], now)
    with database.writing(engine) as session:
        session.get_one(Mention, ids[1]).network = "bluesky"
        asked = UnitAction(
            concern="traffic_safety", said="a", wanted="b", unit="c", due_on=now.date(), asked_by=ada,
            asked_at=now + DAY, alert_id=alert, post_id=post_id,
        )  # fmt: skip
        session.add(asked)
        session.flush()
        action_id = asked.id or 0
        contexts.keep(session, action_id, [ids[1]], now)
    subject = {Kind.POST: post_id, Kind.ACCOUNT: account_id, Kind.ALERT: alert}.get(kind)
    period = (now + DAY * 0.5, now + DAY * 1.5) if kind is Kind.PERIOD else None
    with database.writing(engine) as session:
        hold = legal_holds.place(session, kind, "Doe v. Riverton", ada, now, subject_id=subject, period=period).id or 0
    gone = expiry.expire(engine, settings, now + DAY * 40)
    assert (left(engine), gone["held"]) == ([ids[1]], 1)
    with database.reading(engine) as session:
        kept = session.get_one(Mention, ids[1])
        assert (kept.shown, kept.text) == (False, "word 1")  # out of the desk's sight, its words kept
        held_with_it = [one.words for one in contexts.of_action(session, action_id)]
    assert held_with_it == ([] if kind is Kind.ACCOUNT else ["word 1"])
    with database.writing(engine) as session:
        legal_holds.lift(session, hold, "The case was settled.", ada, now + DAY * 50)
    expiry.expire(engine, settings, now + DAY * 50)
    assert left(engine) == []
    with database.reading(engine) as session:
        placing = select(AuditEntry).where(col(AuditEntry.action).startswith("legal_hold")).order_by(col(AuditEntry.id))
        told = [(entry.action, entry.person_id, entry.detail["reason"]) for entry in session.exec(placing)]
    assert told == [("legal_hold.place", ada, "Doe v. Riverton"), ("legal_hold.lift", ada, "Doe v. Riverton")]


def test_lines_of_an_import_that_were_refused_go_with_the_days_and_are_for_the_desk_s_account_alone(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, tmp_path: Path
) -> None:
    now = clock.now()
    export = tmp_path / "export.jsonl"
    export.write_text('{"text": "Nan Example says so"\n')
    side = archive_import.import_file(sqlite_engine, export, settings=settings, keys=keys, now=now).side_file
    assert side is not None
    assert (side.stat().st_mode & 0o777, "Nan Example" in side.read_text()) == (0o600, True)
    for days, there in ((settings.retention_days - 1, True), (settings.retention_days + 1, False)):
        expiry.expire(sqlite_engine, settings, now + DAY * days)
        assert side.exists() is there


def test_a_hold_on_a_period_keeps_what_was_answered_then_out_of_the_desks_sight(
    engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        question = Question(code="a", text="How is it?", closes_on=now.date(), asked_by=ada, asked_at=now)
        session.add(question)
        session.flush()
        session.add_all(
            QuestionAnswer(
                question_id=question.id or 0, said_at=now + DAY * n, words=f"word {n}", expires_at=now + DAY * (30 + n)
            )
            for n in range(3)
        )
        asked = question.id or 0
        hold = legal_holds.place(session, Kind.PERIOD, "Request 26-9", None, now, period=(now + DAY, now + DAY * 2))

    def words() -> list[str]:
        with database.reading(engine) as session:
            found = session.exec(select(QuestionAnswer.words).where(col(QuestionAnswer.words).is_not(None)))
            return [one for one in found if one is not None]

    expiry.expire(engine, settings, now + DAY * 40)
    assert words() == ["word 1"]
    with database.writing(engine) as session:
        assert questions.answers(session, asked, now + DAY * 40) == []
        legal_holds.lift(session, hold.id or 0, "It was given out.", None, now + DAY * 50)
    expiry.expire(engine, settings, now + DAY * 50)
    assert words() == []


@pytest.mark.parametrize("through", [Target, Variant])
def test_a_hold_on_an_account_keeps_what_was_answered_from_it(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person],
    through: type[Target] | type[Variant],
) -> None:  # fmt: skip
    ids = heard(engine, said_on(now, 3))
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        held, other = (
            accounts.add(session, network="practice", name=name, handle="", secret=None, keys=keys, now=now).id or 0
            for name in ("PD", "Other")
        )
        for account, answered in ((held, ids[0]), (other, ids[1])):
            post = drafts.create(session, ada, "Thank you.", [], now)
            post.reply_to_mention_id = answered
            session.add(post)
            where: dict[str, Any] = {"post_id": post.id, "account_id": account}
            sent: dict[str, Any] = {
                "state": "published",
                "due_at": now,
                "next_try_at": now,
                "content_hash": "",
                "text": "Thanks",
            }
            session.add(through(**where, **(sent | {"key": f"k{account}"} if through is Target else {})))
        legal_holds.place(session, Kind.ACCOUNT, "Doe v. Riverton", ada, now, subject_id=held)
    expiry.expire(engine, settings, now + DAY * 40)
    assert left(engine) == [ids[0]]


def test_a_hold_whose_years_no_zone_can_tell_stops_no_purge(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Callable[..., Person]
) -> None:
    """Such holds were placed before they were refused."""
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER)
        session.add(
            LegalHold(
                kind="period", starts_at=datetime(1, 1, 1, tzinfo=UTC), ends_at=datetime(9999, 12, 31, 23, tzinfo=UTC),
                reason="All", placed_at=now,
            )
        )  # fmt: skip
    ids = heard(sqlite_engine, said_on(now, 2))
    for zone in ("America/New_York", "Asia/Tokyo"):
        there = settings.department.model_copy(update={"time_zone": zone})
        gone = expiry.expire(sqlite_engine, settings.model_copy(update={"department": there}), now + DAY * 40)
        assert (left(sqlite_engine), "heard_words" in gone) == (ids, True)


@pytest.mark.parametrize(("network", "left_after"), [("x", 1), ("mastodon", 2)])
def test_where_deletions_must_be_followed_what_an_account_heard_goes_with_it(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, network: str, left_after: int
) -> None:
    ids = heard(engine, said_on(now, 2))
    with database.writing(engine) as session:
        account = accounts.connect(session, network, SignedIn("1", "riverton", "Riverton PD", {}, "secret"), keys, now)
        session.flush()
        source = Source(network=network, name="Ours", account_id=account.id)
        session.add(source)
        session.flush()
        session.get_one(Mention, ids[0]).source_id = source.id or 0
        joined.remove(session, account.id or 0, None, now)
    expiry.expire(engine, settings, now)
    assert left(engine) == ids[-left_after:]


def test_a_hold_survives_backup_restore_and_migration(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    ids = heard(sqlite_engine, said_on(now, 2))
    alert = alert_on(sqlite_engine, [ids[0]], now)
    with database.writing(sqlite_engine) as session:
        legal_holds.place(session, Kind.ALERT, "Request 26-114", None, now, subject_id=alert)
    expiry.expire(sqlite_engine, settings, now + DAY * 40)
    (tmp_path / "data").mkdir(exist_ok=True)
    backup.make(sqlite_engine, tmp_path / "data", keys, tmp_path / "b.tar", now)
    url = f"sqlite:///{tmp_path / 'again' / 'liaison.db'}"
    backup.restore(url, tmp_path / "again", keys, tmp_path / "b.tar")
    restored = database.connect(url)
    database.migrate(restored)
    expiry.expire(restored, settings, now + DAY * 400)
    assert left(restored) == [ids[0]]
    restored.dispose()


def test_a_hold_needs_a_reason_and_one_subject(sqlite_engine: sa.Engine, now: datetime) -> None:
    wrong: list[tuple[Kind, str, dict[str, object]]] = [
        (Kind.POST, " ", {"subject_id": 1}),
        (Kind.POST, "why", {}),
        (Kind.PERIOD, "why", {"subject_id": 1}),
        (Kind.PERIOD, "why", {"period": (now, now)}),
        (Kind.ALERT, "why", {"period": (now, now + DAY)}),
        (Kind.PERIOD, "why", {"period": (datetime(1, 1, 1, tzinfo=UTC), now)}),
        (Kind.PERIOD, "why", {"period": (now, datetime(9999, 12, 31, tzinfo=UTC))}),
    ]
    for kind, reason, more in wrong:
        with pytest.raises(HoldRefused), database.writing(sqlite_engine) as session:
            legal_holds.place(session, kind, reason, None, now, **more)  # type: ignore[arg-type]
    with database.reading(sqlite_engine) as session:
        assert legal_holds.in_force(session) == []


def test_mail_loses_its_words_with_the_days_and_its_row_stays(
    engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    letter = EmailMessage()
    letter["Message-ID"], letter["Subject"] = "<a@b.example>", "Trust is steady"
    letter.set_content("Somebody wrote: nobody comes when we call.")
    with database.writing(engine) as session:
        for key, state in (("old", "sent"), ("stuck", "waiting")):
            outbox.put(session, key=key, kind="digest", recipient="a@b.example", message=letter, now=now)
            session.exec(sa.update(OutboxMessage).where(col(OutboxMessage.key) == key).values(state=state))
        outbox.put(session, key="new", kind="digest", recipient="a@b.example", message=letter, now=now + DAY * 20)
    expiry.expire(engine, settings, now + DAY * 31)
    with database.reading(engine) as session:
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.key))).all()
    assert [(row.key, row.state, bool(row.message)) for row in rows] == [
        ("new", "waiting", True), ("old", "sent", False), ("stuck", "failed", False)
    ]  # fmt: skip


def test_sign_ins_that_ended_are_forgotten_a_month_later(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        sign_ins.open_sign_in(session, people.known_id(person(session, "Ada")), keys, now)
    expiry.expire(sqlite_engine, settings, now + DAY * 30)
    assert number_of(sqlite_engine, SignIn) == 1
    expiry.expire(sqlite_engine, settings, now + DAY * 31)
    assert number_of(sqlite_engine, SignIn) == 0


def test_own_posts_stay_for_ever_unless_a_records_schedule_lets_them_go(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        account = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        made = [drafts.create(session, ada, f"Post {n}", [account.id or 0], now) for n in range(4)]
        for post in made[:3]:
            drafts.cancel(session, post.id or 0, ada, now)
        held, tells, draft = (post.id for post in made[1:])
        session.add(
            UnitAction(
                concern="traffic_safety", said="Cars are fast", wanted="Look", unit="Traffic", due_on=now.date(),
                asked_by=ada, asked_at=now, post_id=tells,
            )
        )  # fmt: skip
        legal_holds.place(session, Kind.POST, "Request 26-7", ada, now, subject_id=held)
    later = now + DAY * 365 * 7
    expiry.expire(engine, settings, later)
    assert number_of(engine, Post) == 4
    expiry.expire(engine, settings.model_copy(update={"records_years": 5}), later)
    with database.reading(engine) as session:
        assert set(session.exec(select(Post.id))) == {held, tells, draft}
        assert set(session.exec(select(PostVersion.post_id))) == {held, tells, draft}
        assert audit.newest(session, expiry.ACTION) is not None


@given(
    ages=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    days=st.integers(1, 60),
    held=st.sets(st.integers(0, 11)),
)
@how(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_ages_what_is_left_is_what_is_young_or_held(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, ages: list[int], days: int, held: set[int]
) -> None:
    with sqlite_engine.execution_options(writes=True).begin() as connection:
        for table in ("alert_mention", "mention_concern", "score", "mention", "legal_hold", "author_day", "hour_count"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    posts = [Said(now - DAY * age, f"a{n}") for n, age in enumerate(ages)]
    ids = heard(sqlite_engine, posts)
    with database.writing(sqlite_engine) as session:
        for number, age in zip(ids, ages, strict=True):
            session.get_one(Mention, number).expires_at = now + DAY * (days - age)
    kept = [ids[n] for n in held if n < len(ids)]
    alert = alert_on(sqlite_engine, kept, now)
    with database.writing(sqlite_engine) as session:
        legal_holds.place(session, Kind.ALERT, "why", None, now, subject_id=alert)
    expiry.expire(sqlite_engine, settings, now)
    assert left(sqlite_engine) == [n for n, age in zip(ids, ages, strict=True) if age < days or n in kept]
