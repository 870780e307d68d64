"""Who is told of an alert, when, and how often: at once, together, not in quiet hours, up the line, each once."""

import html
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database, people
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import MailPreference, OutboxMessage, Person
from scheduler import alert_mail
from scheduler.jobs import alerting
from scheduler.tables import AlertChannel, AlertNotice
from sentiment import alert_details, alerts, surges
from sentiment.tables import Alert, Score
from tests.sentiment import street
from tests.sentiment.street import Said

URGENT = sorted(surges.URGENT)[0]
MINUTE = timedelta(minutes=1)


def raised(session: Session, at: datetime, concern: str = "traffic_safety", **values: Any) -> int:
    made = Alert(
        kind="cell",
        concern=concern,
        title="Traffic and road safety: far more than usual",
        raised_at=at,
        since=at - timedelta(hours=5),
        updated_at=at,
        window_hours=24,
        posts=17,
        authors=14,
        expected=3.1,
        p_value=1e-6,
        keyphrases=["crossing guard"],
        **{"state": "new", **values},
    )
    session.add(made)
    session.flush()
    return made.id or 0


def mails(engine: sa.Engine) -> list[tuple[str, str]]:
    with database.reading(engine) as session:
        rows = session.exec(
            select(OutboxMessage).where(OutboxMessage.transport == "mail").order_by(col(OutboxMessage.id))
        )
        return [(row.recipient.partition("@")[0], row.subject) for row in rows]


Add = Callable[..., Person]


@pytest.fixture
def officer(engine: sa.Engine, person: Add) -> int:
    with database.writing(engine) as session:
        return people.known_id(person(session, "Ana", Role.OFFICER))


def test_an_alert_is_told_at_once_to_officers_and_to_each_once(
    engine: sa.Engine, settings: Settings, now: datetime, officer: int, person: Add
) -> None:
    with database.writing(engine) as session:
        person(session, "Cho", Role.ANALYST)
        raised(session, now)
    assert alerting.tell(engine, settings, now) == 1
    assert mails(engine) == [("ana", "Alert: Traffic and road safety: far more than usual")]
    assert alerting.tell(engine, settings, now + MINUTE) == 0


def test_who_cannot_be_mailed_keeps_the_alert_from_nobody_else(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        for name in ("Ana", "Jose", "Luc"):
            person(session, name, Role.OFFICER)
        people.by_email(session, "jose@riverton.example").email = "josé@riverton.example"  # type: ignore[union-attr]
        raised(session, now)
    assert alerting.tell(sqlite_engine, settings, now) == 2
    assert [name for name, _ in mails(sqlite_engine)] == ["ana", "luc"]


def test_only_what_was_told_of_the_new_alerts_is_looked_up(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        session.add(AlertChannel(name="all", kind="json", address=keys.seal("https://x.example"), created_at=now))
        raised(session, now - timedelta(days=3))
        session.add_all(
            AlertNotice(alert_id=1, recipient=f"person:{n}", reason="raised", at=now - timedelta(days=3))
            for n in range(50)
        )
        raised(session, now)
    loaded: list[int] = []

    def note(notice: AlertNotice, _context: object) -> None:
        loaded.append(notice.alert_id)

    sa.event.listen(AlertNotice, "load", note)
    told = [alerting.tell(sqlite_engine, settings, now), alerting.tell(sqlite_engine, settings, now + MINUTE)]
    sa.event.remove(AlertNotice, "load", note)
    assert (told, loaded) == ([1, 0], [2])


def test_what_is_new_is_told_outside_without_words_of_posts(
    engine: sa.Engine, settings: Settings, now: datetime, officer: int
) -> None:
    with database.writing(engine) as session:
        alert = session.get_one(Alert, raised(session, now))
        alert.kind, alert.title = "emerging", "New: Jane Roe, red truck"
        alert.keyphrases = ["jane roe"]
        session.add(alert)
        session.flush()
        detail = alert_details.of_one(session, alert.id or 0, settings.department.zone)
    assert detail is not None
    subject, words = alert_mail.call(detail, "k", "raised", settings, now)
    assert subject == "Alert: New: Traffic and road safety"
    assert "Jane" not in json.dumps(words)
    alerting.tell(engine, settings, now)
    assert mails(engine) == [("ana", "Alert: New: Traffic and road safety")]


def test_three_schedulers_at_once_tell_it_once(
    engine: sa.Engine, settings: Settings, now: datetime, officer: int
) -> None:
    with database.writing(engine) as session:
        raised(session, now)
    with ThreadPoolExecutor(3) as schedulers:
        told = list(schedulers.map(lambda _: alerting.tell(engine, settings, now), range(3)))
    assert (sum(told), len(mails(engine))) == (1, 1)


def test_who_asked_for_alerts_gets_them_and_who_declined_does_not(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        for name, role, wanted in (
            ("Ana", Role.OFFICER, False),
            ("Cho", Role.ANALYST, True),
            ("Aud", Role.AUDITOR, True),
        ):
            number = people.known_id(person(session, name, role))
            session.add(MailPreference(person_id=number, alerts=wanted))
        raised(session, now)
    alerting.tell(sqlite_engine, settings, now)
    assert [name for name, _ in mails(sqlite_engine)] == ["cho"]  # an auditor may read no figures


def test_alerts_that_come_close_together_are_told_in_one_mail(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ana", Role.OFFICER)
        raised(session, now)
    alerting.tell(sqlite_engine, settings, now)
    with database.writing(sqlite_engine) as session:
        raised(session, now + MINUTE, concern="drugs")
        raised(session, now + 2 * MINUTE, concern="youth_schools")
    assert alerting.tell(sqlite_engine, settings, now + 3 * MINUTE) == 0
    assert alerting.tell(sqlite_engine, settings, now + 11 * MINUTE) == 1
    assert len(mails(sqlite_engine)) == 2
    assert mails(sqlite_engine)[1][1].endswith("(+ 1 more)")


def test_an_emergency_waits_for_nothing(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        number = people.known_id(person(session, "Ana", Role.OFFICER))
        session.add(MailPreference(person_id=number, quiet_from=0, quiet_until=1439, concerns=["drugs"]))
        raised(session, now, concern="drugs")
        raised(session, now, concern=URGENT)
    assert alerting.tell(sqlite_engine, settings, now) == 1
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(OutboxMessage.key)).all() == [f"alert:2:{number}"]


def test_quiet_hours_end_with_one_mail_of_what_is_still_new(
    sqlite_engine: sa.Engine, settings: Settings, person: Add
) -> None:
    night = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # 23:00 in New York
    with database.writing(sqlite_engine) as session:
        number = people.known_id(person(session, "Ana", Role.OFFICER))
        session.add(MailPreference(person_id=number, quiet_from=22 * 60, quiet_until=6 * 60 + 30))
        raised(session, night)
        raised(session, night + 90 * MINUTE, concern="drugs")
        raised(session, night + 95 * MINUTE, concern="youth_schools", state="taken")
    moment = night
    while moment < datetime(2026, 11, 24, 11, 30, tzinfo=UTC):
        assert alerting.tell(sqlite_engine, settings, moment) == 0
        moment += 5 * MINUTE
    assert alerting.tell(sqlite_engine, settings, moment) == 1  # 06:30 there
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(OutboxMessage.key)).all() == [f"alert:1+2:{number}"]


def test_what_nobody_takes_within_the_hour_goes_to_the_supervisors_once(
    engine: sa.Engine, settings: Settings, now: datetime, officer: int, person: Add
) -> None:
    with database.writing(engine) as session:
        person(session, "Luc", Role.APPROVER)
        raised(session, now)
    for minutes in range(0, 180, 5):
        alerting.tell(engine, settings, now + minutes * MINUTE)
        expected = 1 if minutes < 60 else 2
        assert len(mails(engine)) == expected
    assert mails(engine)[1] == ("luc", "Nobody has it yet: Traffic and road safety: far more than usual")


def test_what_somebody_took_goes_up_no_line(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        ana = people.known_id(person(session, "Ana", Role.OFFICER))
        person(session, "Luc", Role.APPROVER)
        number = raised(session, now)
    alerting.tell(sqlite_engine, settings, now)
    with database.writing(sqlite_engine) as session:
        alerts.take(session, number, ana, now + 30 * MINUTE)
    alerting.tell(sqlite_engine, settings, now + 90 * MINUTE)
    assert [name for name, _ in mails(sqlite_engine)] == ["ana"]


def test_without_patience_set_nothing_goes_up_the_line(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Luc", Role.APPROVER)
        raised(session, now)
    never = settings.model_copy(update={"alert_escalation_minutes": 0})
    assert alerting.tell(sqlite_engine, never, now + timedelta(hours=5)) == 0


def test_a_person_of_one_place_is_told_of_it_and_of_what_has_no_place(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    with database.writing(sqlite_engine) as session:
        elm, oak = street.place(session, "Elm Street"), street.place(session, "Oak Street")
        number = people.known_id(person(session, "Ana", Role.OFFICER))
        session.add(MailPreference(person_id=number, places=[elm]))
        raised(session, now, place_id=oak)
        raised(session, now, place_id=elm)
        raised(session, now)
    alerting.tell(sqlite_engine, settings, now)
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(OutboxMessage.key)).all() == [f"alert:2+3:{number}"]


def test_a_channel_is_told_figures_and_never_what_people_wrote(
    engine: sa.Engine, settings: Settings, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        posts = [
            street.Said(now - MINUTE * number, f"resident {number}", "A very private sentence", ("traffic_safety",))
            for number in range(6)
        ]
        street.say(session, posts)
        for name, urgent, concerns in (("all", False, []), ("urgent", True, []), ("drugs", False, ["drugs"])):
            session.add(
                AlertChannel(
                    name=name,
                    kind="json",
                    address=keys.seal("https://x.example"),
                    urgent_only=urgent,
                    concerns=concerns,
                    created_at=now,
                )
            )
        session.flush()
        raised(session, now)
    assert alerting.tell(engine, settings, now) == 1
    assert alerting.tell(engine, settings, now + MINUTE) == 0
    with database.reading(engine) as session:
        row = session.exec(select(OutboxMessage)).one()
    assert (row.transport, row.recipient, row.key) == ("webhook", "channel:1", "alert:1:raised:channel:1")
    words = json.loads(row.message)
    assert (words["event"], words["posts"], words["authors"]) == ("alert.raised", 17, 14)
    assert "private sentence" not in row.message.decode()
    assert "crossing guard" not in row.message.decode()
    alerting.tell(engine, settings, now + 61 * MINUTE)
    with database.reading(engine) as session:
        assert len(session.exec(select(OutboxMessage)).all()) == 2  # once more: nobody has it yet


def test_an_alerts_mail_can_be_stopped_from_itself(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, person: Add
) -> None:
    secure = settings.model_copy(update={"base_url": "https://desk.riverton.example"})
    with database.writing(sqlite_engine) as session:
        person(session, "Ana", Role.OFFICER)
        raised(session, now)
    alerting.tell(sqlite_engine, secure, now)
    with database.reading(sqlite_engine) as session:
        message = message_from_bytes(session.exec(select(OutboxMessage)).one().message, policy=default)
    assert message["List-Unsubscribe"].startswith("<https://desk.riverton.example/stop/1-alerts-")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_look_that_fails_leaves_nothing_out_of_the_next(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    """Two weeks, too short for counts of days: what stands out is found among the posts that are held in memory."""
    with database.writing(sqlite_engine) as session:
        elm = street.place(session, "Elm Street")
        ordinary = [
            Said(now - timedelta(days=2, hours=number), f"resident {number}", f"Seen from my window, number {number}")
            for number in range(300, 0, -1)
        ]
        near_misses = [
            Said(now - 5 * (9 - n) * MINUTE, f"parent {n}", f"Near miss by number {n}", ("traffic_safety",), elm)
            for n in range(9)
        ]
        ids = street.say(session, ordinary + near_misses)
        damaged = session.get_one(Score, ids[-1])
        whole, damaged.embedding = damaged.embedding, b"123"
        session.add(damaged)
    with pytest.raises(ValueError, match="buffer"):
        alerting.look(sqlite_engine, settings, now)
    with database.writing(sqlite_engine) as session:
        mended = session.get_one(Score, ids[-1])
        mended.embedding = whole
        session.add(mended)
    assert alerting.look(sqlite_engine, settings, now) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Another count beside it: posts read as “Traffic and road safety” in the whole town, over two days."),
        (
            "es",
            "Al lado, otra cuenta: publicaciones leídas como “Tráfico y seguridad vial” en toda la ciudad, en dos "
            "días.",
        ),
    ],
)
def test_the_columns_of_a_mail_are_called_another_count_than_the_alert_s(
    sqlite_engine: sa.Engine, now: datetime, language: str, said: str
) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(
            session, [street.Said(now - timedelta(hours=3), f"a{n}", concerns=("traffic_safety",)) for n in range(9)]
        )
        detail = alert_details.of_one(session, raised(session, now), street.ZONE)
    assert detail is not None
    content = alert_mail.compose(
        detail, key="k", department="Riverton", zone=street.ZONE, now=now, path="/alerts/1", language=language
    )
    made = alert_mail.render(content, "https://desk.example", language)
    text = " ".join(made.text.split())
    assert said in text
    assert text.index(content.said) < text.index(said) < text.index(" 9 ")
    assert said in " ".join(html.unescape(made.html).split())
