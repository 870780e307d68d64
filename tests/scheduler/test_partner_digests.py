"""The week's counts for partners: with consent, once a Monday, counts only, stopped by whoever holds the mail."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database, secrets
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, OutboxMessage, Person
from networks.tables import Account
from posts import drafts, events, partners
from posts.tables import EventPost, Partner, Target
from posts.workflow import WrongState
from scheduler.jobs import partner_digests
from sentiment import figures
from sentiment.figures import ConcernRow
from sentiment.trust import Change

MONDAY = timedelta(days=6)  # after the Tuesday of the tests


@pytest.fixture
def school(sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], now: datetime) -> int:
    """A partner that agreed."""
    given = partners.Given(
        "Elm Street School", "school", None, ("es",), "", partners.Reach("Rosa", "rosa@school.example")
    )
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER)
        made = partners.keep(session, given, keys, 1, now)
        partners.keep(session, partners.Given("Food bank", "non_profit"), keys, 1, now)
        partners.send_digest(session, made.id or 0, "by phone, 3 December", keys, 1, now)
        return made.id or 0


def sent(engine: sa.Engine, keys: Keys) -> list[EmailMessage]:
    """What waits, opened: the address in it is sealed with it."""
    with database.reading(engine) as session:
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all()
    assert [row.sealed for row in rows] == [True] * len(rows)
    return [message_from_bytes(keys.open(row.message).encode(), policy=policy.default) for row in rows]


def test_it_goes_once_a_monday_to_who_agreed_in_its_language(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, school: int, now: datetime
) -> None:
    assert partner_digests.put_due(sqlite_engine, settings, keys, now) == 0  # a Tuesday
    for hours in (-3, 0, 3):
        partner_digests.put_due(sqlite_engine, settings, keys, now + MONDAY + timedelta(hours=hours))
    (mail,) = sent(sqlite_engine, keys)
    assert (mail["To"], str(mail["Subject"]).startswith("La semana")) == ("rosa@school.example", True)
    assert partners.stop_token(keys, school) in mail["List-Unsubscribe"]


def test_it_has_counts_in_whole_fives_and_no_texts(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, school: int, now: datetime
) -> None:
    with database.reading(sqlite_engine) as session:
        overview = figures.town(session, now, settings.department.zone)[0]
        partner = session.get_one(Partner, school)
    partner.languages = ["en"]
    rows = [
        ConcernRow(concern, concern, authors, 99, None, None, Change("unknown"), "Elm Street", 1, ())
        for concern, authors in (("traffic_safety", 43), ("drugs", 4))
    ]
    text = partner_digests.write(partner, overview, rows, 3, [], "https://desk.example/x", settings).get_content()
    assert "at least 40 people" in text
    assert "published 3 posts" in text
    assert [word for word in ("43", "99", "Elm Street", "at least 0", "drugs") if word in text] == []


def test_of_an_event_it_tells_what_was_approved(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, school: int, now: datetime
) -> None:
    wall = now.replace(tzinfo=None) + timedelta(days=9)
    with database.writing(sqlite_engine) as session:
        event = events.make(
            session, events.Given("Town hall", "town_hall", wall, "UTC", 90, "Elm Street Library"), 1, now
        )
        told = {"event": events.facts(event).kept()}
        post = drafts.create(session, 1, "Come along.", (), now, category="event", shows=told)
        post.state = "published"
        session.add_all(
            [
                post,
                EventPost(event_id=event.id or 0, post_id=post.id or 0, kind="announcement", told=told["event"]),
                account := Account(network="practice", name="PD", handle="", created_at=now),
            ]
        )
        session.flush()
        session.add(
            Target(
                post_id=post.id or 0, account_id=account.id or 0, state="published", due_at=now, next_try_at=now,
                key="k", content_hash=post.content_hash, text="Come along.", published_at=now,
            )
        )  # fmt: skip
        event.name, event.where = "Nobody approved this", "Nor this"
        session.add(event)
    assert partner_digests.put_due(sqlite_engine, settings, keys, now + MONDAY) == 1
    text = sent(sqlite_engine, keys)[0].get_content()
    assert ("Town hall" in text, "cambió; vea nuestras publicaciones" in text) == (True, True)
    assert [words for words in ("Nobody approved this", "Nor this") if words in text] == []


def test_it_needs_consent_and_an_address_and_ends_with_the_partnership(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, school: int, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        for number, consent in ((school, " "), (2, "by phone")):
            with pytest.raises(WrongState):
                partners.send_digest(session, number, consent, keys, 1, now)
        partners.retire(session, school, 1, now)
    assert partner_digests.put_due(sqlite_engine, settings, keys, now + MONDAY) == 0


def test_the_address_in_the_mail_is_signed(keys: Keys) -> None:
    token = partners.stop_token(keys, 7)
    assert partners.read_stop_token(keys, token) == 7
    for forged in (token.replace("7-", "8-", 1), "7-", "7", "", "x-1", "7-é"):
        assert partners.read_stop_token(keys, forged) is None


@pytest.mark.parametrize(
    ("email", "goes_on"), [("", False), ("other@school.example", False), ("Rosa@School.example", True)]
)
def test_consent_is_of_one_address_and_ends_with_it(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, school: int, now: datetime, email: str, goes_on: bool
) -> None:
    given = partners.Given("Elm Street School", "school", None, ("es",), "", partners.Reach("Rosa", email))
    with database.writing(sqlite_engine) as session:
        partners.keep(session, given, keys, 1, now, school)
        assert (partners.read(session, school).digest_since is not None) is goes_on
        deeds = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id).desc()).limit(2)).all()
    assert ("partner.digest_stop" in deeds) is not goes_on
    assert partner_digests.put_due(sqlite_engine, settings, keys, now + MONDAY) == int(goes_on)


def test_nothing_is_sent_to_who_has_no_address(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, school: int, now: datetime
) -> None:
    """Partners whose address was taken out before that ended the mails."""
    with database.writing(sqlite_engine) as session:
        session.get_one(Partner, school).reach = None
    assert partner_digests.put_due(sqlite_engine, settings, keys, now + MONDAY) == 0
    assert sent(sqlite_engine, keys) == []


def test_a_partner_whose_address_no_key_opens_can_be_changed(
    sqlite_engine: sa.Engine, keys: Keys, school: int, now: datetime
) -> None:
    given = partners.Given("Elm Street School", "school", reach=partners.Reach("Rosa", "rosa@school.example"))
    with database.writing(sqlite_engine) as session:
        session.get_one(Partner, school).reach = secrets.derive("another").seal('["Rosa", "rosa@school.example", ""]')
        session.flush()
        changed = partners.keep(session, given, keys, 1, now, school)
        assert (partners.reach(changed, keys).email, changed.digest_since) == ("rosa@school.example", None)
