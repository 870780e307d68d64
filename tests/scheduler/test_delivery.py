"""Mail leaves the outbox once, against a real SMTP server on loopback that answers as it is told."""

import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import AuthResult, LoginPassword
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select, update

from config import database, outbox
from config.settings import Settings
from config.tables import OutboxMessage
from scheduler import delivery, outgoing, smtp
from scheduler.delivery import Delivered, deliver_due
from tests.scheduler.postbox import Post, free_port, self_signed, using

LATER = timedelta(days=2)


def put(engine: sa.Engine, name: str, now: datetime, *, due_at: datetime | None = None, kind: str = "digest") -> str:
    message = EmailMessage()
    message["Subject"] = "Trust is steady – nothing unusual"
    message["From"] = "Liaison <desk@riverton.example>"
    message["To"] = f"{name}@riverton.example"
    message["Message-ID"] = f"<digest.{name}@riverton.example>"
    message.set_content(f"Dear {name},\n.\nnothing unusual.\n")
    with database.writing(engine) as session:
        outbox.put(
            session,
            key=f"digest:{name}",
            kind=kind,
            recipient=f"{name}@riverton.example",
            message=message,
            now=now,
            due_at=due_at,
        )
    return f"{name}@riverton.example"


def row(engine: sa.Engine, name: str) -> OutboxMessage:
    with database.reading(engine) as session:
        return session.exec(select(OutboxMessage).where(col(OutboxMessage.key) == f"digest:{name}")).one()


def test_a_due_mail_arrives_as_it_was_written(
    engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    put(engine, "ada", now)
    assert deliver_due(engine, using(settings, f"smtp://{serve(post)}"), now) == Delivered(sent=1)
    (mail,) = post.box
    assert mail["Message-ID"] == "<digest.ada@riverton.example>"
    assert mail.get_payload(decode=True) == b"Dear ada,\r\n.\r\nnothing unusual.\r\n"
    found = row(engine, "ada")
    assert (found.state, found.tries, found.last_error, found.lease_until) == ("sent", 1, None, None)
    assert found.sent_at is not None


def test_what_was_sent_is_not_sent_again(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    put(sqlite_engine, "ada", now)
    with_server = using(settings, f"smtp://{serve(post)}")
    deliver_due(sqlite_engine, with_server, now)
    assert deliver_due(sqlite_engine, with_server, now + LATER) == Delivered()
    assert len(post.box) == 1


def test_a_mail_waits_for_its_time(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    put(sqlite_engine, "ada", now, due_at=now + timedelta(hours=1))
    with_server = using(settings, f"smtp://{serve(post)}")
    assert deliver_due(sqlite_engine, with_server, now + timedelta(minutes=59)) == Delivered()
    assert deliver_due(sqlite_engine, with_server, now + timedelta(hours=1)) == Delivered(sent=1)


def test_at_most_the_limit_is_sent_oldest_first(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    for index, name in enumerate(("bea", "ada", "cy")):
        put(sqlite_engine, name, now - timedelta(hours=index))
    assert deliver_due(sqlite_engine, using(settings, f"smtp://{serve(post)}"), now, limit=2).sent == 2
    assert [mail["To"] for mail in post.box] == ["cy@riverton.example", "ada@riverton.example"]


def test_a_call_for_an_urgent_update_goes_before_what_waits_longer(
    engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    for name in ("bea", "ada", "cy"):
        put(engine, name, now - timedelta(hours=1))
    put(engine, "mia", now, kind="urgent")
    assert deliver_due(engine, using(settings, f"smtp://{serve(post)}"), now, limit=2).sent == 2
    assert [mail["To"] for mail in post.box] == ["mia@riverton.example", "bea@riverton.example"]


def test_without_a_mail_server_mail_waits_and_says_why(
    engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    put(engine, "ada", now)
    for _ in range(2):
        assert deliver_due(engine, settings, now) == Delivered(held=1, why=delivery.NO_SERVER)
    found = row(engine, "ada")
    assert (found.state, found.tries, found.last_error) == ("waiting", 0, delivery.NO_SERVER)
    assert deliver_due(engine, using(settings, f"smtp://{serve(Post())}"), now) == Delivered(sent=1)


def test_an_address_of_no_use_holds_the_mail_and_does_not_show_the_password(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    put(sqlite_engine, "ada", now)
    said = deliver_due(sqlite_engine, using(settings, "http://desk:secret@mail.example"), now)
    assert (said.held, said.why[:50]) == (1, "LIAISON_SMTP_URL: the mail server's address begins")
    assert "secret" not in (row(sqlite_engine, "ada").last_error or "")


def test_a_server_that_was_away_gets_all_mail_within_minutes_of_its_return(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post, port = Post(), free_port()
    put(sqlite_engine, "ada", now)
    put(sqlite_engine, "bea", now)
    with_server = using(settings, f"smtp://127.0.0.1:{port}")
    at = now
    for _ in range(8):
        said = deliver_due(sqlite_engine, with_server, at)
        assert (said.sent, said.failed) == (0, 0)
        at += timedelta(minutes=20)
    assert row(sqlite_engine, "ada").state == "waiting"
    assert row(sqlite_engine, "ada").due_at - (at - timedelta(minutes=20)) < timedelta(minutes=11)
    serve(post, port)
    assert deliver_due(sqlite_engine, with_server, at) == Delivered(sent=2)


def test_a_mail_put_off_by_the_server_comes_later_with_the_same_id(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    ada = put(sqlite_engine, "ada", now)
    put(sqlite_engine, "bea", now)
    post.at_rcpt[ada] = ["451 4.7.1 greylisted"]
    with_server = using(settings, f"smtp://{serve(post)}")
    assert deliver_due(sqlite_engine, with_server, now) == Delivered(sent=1, retried=1)
    found = row(sqlite_engine, "ada")
    assert (found.state, found.tries) == ("waiting", 1)
    assert found.last_error == "ada@riverton.example: 451 4.7.1 greylisted"
    assert now < found.due_at <= now + timedelta(minutes=2)
    assert deliver_due(sqlite_engine, with_server, now + timedelta(minutes=2)) == Delivered(sent=1)
    assert [mail["Message-ID"] for mail in post.to(ada)] == ["<digest.ada@riverton.example>"]


@pytest.mark.parametrize("where", ["at_rcpt", "at_data"])
def test_a_mail_refused_for_good_fails_with_the_servers_words_and_holds_up_nobody(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str], where: str
) -> None:
    post = Post()
    getattr(post, where)[put(sqlite_engine, "ada", now)] = ["550 5.1.1 no such mailbox"]
    put(sqlite_engine, "bea", now)
    with_server = using(settings, f"smtp://{serve(post)}")
    assert deliver_due(sqlite_engine, with_server, now) == Delivered(sent=1, failed=1)
    found = row(sqlite_engine, "ada")
    assert (found.state, found.lease_until) == ("failed", None)
    assert (found.last_error or "").endswith("550 5.1.1 no such mailbox")
    assert deliver_due(sqlite_engine, with_server, now + LATER) == Delivered()


@pytest.mark.parametrize("said", ["421 4.3.2 shutting down", "drop"])
def test_a_line_that_breaks_at_one_mail_does_not_hold_up_the_next(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str], said: str
) -> None:
    post = Post()
    post.at_data[put(sqlite_engine, "ada", now)] = [said]
    put(sqlite_engine, "bea", now + timedelta(seconds=1))
    with_server = using(settings, f"smtp://{serve(post)}")
    assert deliver_due(sqlite_engine, with_server, now + timedelta(seconds=1)) == Delivered(sent=1, retried=1)
    assert row(sqlite_engine, "ada").state == "waiting"
    assert deliver_due(sqlite_engine, with_server, now + LATER) == Delivered(sent=1)


def test_a_lost_reply_is_the_one_double_and_carries_the_same_id(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    ada = put(sqlite_engine, "ada", now)
    post.at_data[ada] = ["reply lost"]
    with_server = using(settings, f"smtp://{serve(post)}")
    assert deliver_due(sqlite_engine, with_server, now) == Delivered(retried=1)
    assert deliver_due(sqlite_engine, with_server, now + LATER) == Delivered(sent=1)
    assert [mail["Message-ID"] for mail in post.to(ada)] == ["<digest.ada@riverton.example>"] * 2


def test_a_server_that_filters_a_mail_before_its_last_word_gets_it_once(
    sqlite_engine: sa.Engine,
    settings: Settings,
    now: datetime,
    serve: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.5)
    post = Post()
    post.meanwhile = lambda: sleep(1)
    ada = put(sqlite_engine, "ada", now)
    assert deliver_due(sqlite_engine, using(settings, f"smtp://{serve(post)}"), now) == Delivered(sent=1)
    assert len(post.to(ada)) == 1


def test_a_message_begun_before_the_margin_ends_within_its_lease() -> None:
    assert outgoing.MARGIN.total_seconds() > 2 * smtp.TIMEOUT + 2 * smtp.WHOLE_MESSAGE


@pytest.mark.parametrize("said", ["drop", "reply lost"])
def test_a_mail_at_which_the_line_breaks_again_and_again_comes_more_seldom_and_is_given_up(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str], said: str
) -> None:
    post = Post()
    post.at_data[put(sqlite_engine, "ada", now)] = [said] * 99
    with_server = using(settings, f"smtp://{serve(post)}")
    at = now
    while row(sqlite_engine, "ada").state == "waiting":
        deliver_due(sqlite_engine, with_server, at)
        at += timedelta(hours=3)
    assert (row(sqlite_engine, "ada").state, at - now < timedelta(days=7)) == ("failed", True)
    assert row(sqlite_engine, "ada").tries < 25


def test_a_claim_is_respected_until_its_lease_ends(
    engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    put(engine, "ada", now)
    with database.writing(engine) as session:
        session.exec(update(OutboxMessage).values(state="sending", lease_until=now + outgoing.LEASE))
    with_server = using(settings, f"smtp://{serve(post)}")
    assert deliver_due(engine, with_server, now + outgoing.LEASE - timedelta(seconds=1)) == Delivered()
    assert deliver_due(engine, with_server, now + outgoing.LEASE) == Delivered(sent=1)


def test_who_lost_the_lease_has_no_say_any_more(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    post.at_data[put(sqlite_engine, "ada", now)] = ["550 no"]
    theirs = now + timedelta(hours=1)

    def another_takes_it() -> None:
        with database.writing(sqlite_engine) as session:
            session.exec(update(OutboxMessage).values(lease_until=theirs))

    post.meanwhile = another_takes_it
    deliver_due(sqlite_engine, using(settings, f"smtp://{serve(post)}"), now)
    found = row(sqlite_engine, "ada")
    assert (found.state, found.lease_until, found.last_error) == ("sending", theirs, None)


def test_several_senders_at_once_send_each_mail_once(
    engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    names = [f"person{number}" for number in range(24)]
    for name in names:
        put(engine, name, now)
    with_server = using(settings, f"smtp://{serve(post)}")
    with ThreadPoolExecutor(3) as pool:
        rounds = list(pool.map(lambda _: deliver_due(engine, with_server, now, limit=4), range(9)))
    assert sum(said.sent for said in rounds) == 24
    assert sorted(mail["To"] for mail in post.box) == sorted(f"{name}@riverton.example" for name in names)


def allow(user: str, password: str) -> Callable[..., AuthResult]:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, given: LoginPassword) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (user.encode(), password.encode()), handled=False)

    return check


on_an_open_line = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # loopback


@on_an_open_line
def test_name_and_password_are_given(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    put(sqlite_engine, "ada", now)
    where = serve(post, authenticator=allow("desk@riverton", "p@ss:1"), auth_required=True, auth_require_tls=False)
    assert deliver_due(sqlite_engine, using(settings, f"smtp://desk%40riverton:p%40ss%3A1@{where}"), now).sent == 1


@on_an_open_line
@pytest.mark.parametrize("who", ["", "desk:wrong-word@"])
def test_who_is_not_let_in_keeps_the_mail_and_says_so(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str], who: str
) -> None:
    put(sqlite_engine, "ada", now)
    put(sqlite_engine, "bea", now)
    where = serve(Post(), authenticator=allow("desk", "right"), auth_required=True, auth_require_tls=False)
    said = deliver_due(sqlite_engine, using(settings, f"smtp://{who}{where}"), now)
    assert (said.sent, said.retried, said.failed) == (0, 2, 0)
    found = row(sqlite_engine, "ada")
    assert (found.state, found.last_error) == ("waiting", said.why)
    assert ("53" in said.why, "wrong-word" in said.why) == (True, False)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def test_starttls_encrypts_before_anything_is_said(
    sqlite_engine: sa.Engine,
    settings: Settings,
    now: datetime,
    serve: Callable[..., str],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post = Post()
    put(sqlite_engine, "ada", now)
    where = serve(post, tls_context=tls(certificate), require_starttls=True, authenticator=allow("desk", "right"))
    assert deliver_due(sqlite_engine, using(settings, f"smtp+starttls://desk:right@{where}"), now) == Delivered(sent=1)
    assert post.encrypted == [True]


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str], certificate: Path
) -> None:
    put(sqlite_engine, "ada", now)
    where = serve(Post(), tls_context=tls(certificate))
    said = deliver_due(sqlite_engine, using(settings, f"smtp+starttls://{where}"), now)
    assert (said.retried, f"{where} and Liaison cannot agree on TLS" in said.why) == (1, True)


def test_a_server_without_starttls_gets_nothing_over_an_open_line(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, serve: Callable[..., str]
) -> None:
    post = Post()
    put(sqlite_engine, "ada", now)
    said = deliver_due(sqlite_engine, using(settings, f"smtp+starttls://{serve(post)}"), now)
    assert (said.retried, "STARTTLS" in said.why, post.box) == (1, True, [])


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", smtp.MailServer("smtp", "mail.example", 25)),
        ("smtps://mail.example", smtp.MailServer("smtps", "mail.example", 465)),
        (
            "smtp+starttls://a%40b:c%2Fd@mail.example",
            smtp.MailServer("smtp+starttls", "mail.example", 587, "a@b", "c/d"),
        ),
        ("smtp://u:p@[::1]:2525", smtp.MailServer("smtp", "::1", 2525, "u", "p")),
    ],
)
def test_a_mail_servers_address_is_read(url: str, server: smtp.MailServer) -> None:
    assert smtp.server(url) == server


@pytest.mark.parametrize("url", ["", "mail.example", "smtp://", "smtp://host:no", "https://mail.example"])
def test_an_address_that_cannot_be_read_is_named(url: str) -> None:
    with pytest.raises(smtp.BadAddress, match="mail server's address"):
        smtp.server(url)


@pytest.mark.parametrize("password", ["hid/den", "1234/hid", "hid#den", "1234?hid", "[hid"])
def test_a_password_that_is_not_percent_encoded_is_told_without_any_part_of_it(password: str) -> None:
    with pytest.raises(smtp.BadAddress, match="percent-encoded") as refused:
        smtp.server(f"smtp://desk:{password}@mail.example:25")
    assert [part for part in ("hid", "den", "1234", "desk") if part in str(refused.value)] == []


def test_a_server_value_does_not_show_its_password() -> None:
    assert repr(smtp.server("smtp://u:secret@mail.example")) == "MailServer(smtp://mail.example:25)"


@given(st.integers(1, 10_000))
def test_waits_double_and_end_at_their_most(tries: int) -> None:
    whole = min(timedelta(minutes=1) * 2 ** min(tries - 1, 12), timedelta(hours=24))
    assert whole * 0.8 <= outgoing.backoff(tries, timedelta(hours=24)) <= whole
