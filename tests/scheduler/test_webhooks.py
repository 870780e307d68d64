"""Programs and chat rooms are told once, by signed calls, to public addresses only."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database, outbox
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage
from scheduler import chat_sender, webhooks
from scheduler.jobs import alerting
from scheduler.tables import AlertChannel
from scheduler.webhooks import Called


class Program:
    """A program of the team: it notes what it is sent and answers as it is told, one answer a call."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                status, headers = outer.answers.pop(0) if outer.answers else (200, {})
                self.send_response(status)
                for name, value in {"content-length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def program() -> Iterator[Program]:
    made = Program()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def near(settings: Settings) -> Settings:
    """Settings that let calls go to this machine, as a department with a program of its own would set."""
    return settings.model_copy(update={"fetch_private_addresses": True})


SECRET = webhooks.new_secret()


def channel(engine: sa.Engine, keys: Keys, now: datetime, address: str, kind: str = "json", **values: Any) -> int:
    with database.writing(engine) as session:
        made = AlertChannel(
            name="team",
            kind=kind,
            address=keys.seal(address),
            secret=keys.seal(SECRET) if kind == "json" else None,
            created_at=now,
            **values,
        )
        session.add(made)
        session.flush()
        return made.id or 0


def put(engine: sa.Engine, number: int, now: datetime, key: str = "alert:1:raised:channel:1") -> None:
    with database.writing(engine) as session:
        outbox.put_call(
            session,
            key=key,
            kind="alert",
            recipient=webhooks.recipient(number),
            subject="Alert: Traffic",
            words={"words": "17 posts by 14 authors.", "url": "https://desk.example/alerts/1", "delivery": key},
            now=now,
        )


def row(engine: sa.Engine) -> OutboxMessage:
    with database.reading(engine) as session:
        return session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id).desc())).first()  # type: ignore[return-value]


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    body = '{"test": 2432232314}'
    made = webhooks.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_call_is_signed_over_its_id_its_time_and_its_body(
    engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    put(engine, channel(engine, keys, now, f"{program.address}/hook"), now)
    assert webhooks.deliver_due(engine, near, keys, now) == Called(sent=1)
    ((path, headers, body),) = program.got
    assert (path, headers["webhook-id"]) == ("/hook", "alert:1:raised:channel:1")
    assert abs(int(headers["webhook-timestamp"]) - now.timestamp()) < 60
    expected = webhooks.signature(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == expected
    assert json.loads(body)["words"] == "17 posts by 14 authors."
    assert webhooks.deliver_due(engine, near, keys, now + timedelta(days=1)) == Called()
    assert len(program.got) == 1


def test_what_fails_for_now_is_tried_again_with_the_same_id_and_then_no_more(
    engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    put(engine, channel(engine, keys, now, program.address), now)
    program.answers = [(500, {}), (429, {}), (200, {})]
    moment, outcomes = now, []
    for _ in range(4):
        outcomes.append(webhooks.deliver_due(engine, near, keys, moment))
        moment += timedelta(minutes=10)
    assert outcomes == [Called(retried=1), Called(retried=1), Called(sent=1), Called()]
    assert len({headers["webhook-id"] for _, headers, _ in program.got}) == 1


def test_an_answer_by_the_byte_is_left_and_told_again_later(
    near: Settings, keys: Keys, now: datetime, sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "WHOLE", 0.2)
    over = threading.Event()

    def drip() -> None:
        with suppress(OSError), listening.accept()[0] as caller:
            caller.sendall(b"HTTP/1.1 200 OK\r\nx-never-ends: ")
            while not over.wait(0.02):
                caller.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, daemon=True).start()
        put(sqlite_engine, channel(sqlite_engine, keys, now, f"http://127.0.0.1:{listening.getsockname()[1]}/"), now)
        assert webhooks.deliver_due(sqlite_engine, near, keys, now) == Called(retried=1)
        over.set()


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_what_refuses_for_good_is_not_called_again(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program, status: int
) -> None:
    number = channel(sqlite_engine, keys, now, program.address)
    put(sqlite_engine, number, now)
    program.answers = [(status, {})]
    assert webhooks.deliver_due(sqlite_engine, near, keys, now) == Called(failed=1)
    assert row(sqlite_engine).last_error == f"it answered {status}"
    with database.reading(sqlite_engine) as session:
        assert session.get_one(AlertChannel, number).last_error == f"it answered {status}"


def test_a_program_that_stays_away_is_given_up_after_two_days(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    put(sqlite_engine, channel(sqlite_engine, keys, now, program.address), now)
    program.answers = [(503, {})] * 60
    moment = now
    while row(sqlite_engine).state != "failed" and moment < now + timedelta(days=5):
        webhooks.deliver_due(sqlite_engine, near, keys, moment)
        moment += timedelta(hours=6)
    assert timedelta(days=2) < moment - now <= timedelta(days=3)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:9/x", "http://[::1]:9/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.8/"],
)
def test_a_private_address_is_never_called(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, address: str
) -> None:
    put(sqlite_engine, channel(sqlite_engine, keys, now, address), now)
    assert webhooks.deliver_due(sqlite_engine, settings, keys, now) == Called(failed=1)
    assert "is a private address" in (row(sqlite_engine).last_error or "")


def test_a_redirect_is_not_followed_wherever_it_leads(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    inside = Program()
    try:
        put(sqlite_engine, channel(sqlite_engine, keys, now, program.address), now)
        program.answers = [(307, {"location": f"{inside.address}/secret"})]
        assert webhooks.deliver_due(sqlite_engine, near, keys, now) == Called(failed=1)
        assert inside.got == []
        assert "redirect" in (row(sqlite_engine).last_error or "")
    finally:
        inside.server.shutdown()
        inside.server.server_close()


def test_a_channel_switched_off_is_told_nothing_more(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    put(sqlite_engine, channel(sqlite_engine, keys, now, program.address, active=False), now)
    assert webhooks.deliver_due(sqlite_engine, near, keys, now) == Called(failed=1)
    assert program.got == []


def test_a_chat_room_is_told_through_apprise(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    address = f"mmost://{program.address.removeprefix('http://')}/3ccdd113474722377935511fc85d3dd4"
    put(sqlite_engine, channel(sqlite_engine, keys, now, address, kind="chat"), now)
    assert webhooks.deliver_due(sqlite_engine, near, keys, now) == Called(sent=1)
    ((path, _headers, body),) = program.got
    assert path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    said = json.loads(body)["text"]
    assert "Alert: Traffic" in said
    assert "https://desk.example/alerts/1" in said


def test_a_chat_room_at_a_private_address_or_behind_a_redirect_is_not_told(
    sqlite_engine: sa.Engine, settings: Settings, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    address = f"mmost://{program.address.removeprefix('http://')}/3ccdd113474722377935511fc85d3dd4"
    number = channel(sqlite_engine, keys, now, address, kind="chat")
    put(sqlite_engine, number, now)
    assert webhooks.deliver_due(sqlite_engine, settings, keys, now) == Called(retried=1)
    assert program.got == []
    inside = Program()
    try:
        program.answers = [(302, {"location": f"{inside.address}/secret"})]
        assert webhooks.deliver_due(sqlite_engine, near, keys, now + timedelta(hours=1)) == Called(retried=1)
        assert (len(program.got), inside.got) == (1, [])
    finally:
        inside.server.shutdown()
        inside.server.server_close()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "Slack"),
        ("https://discord.com/api/webhooks/123/abc", "Discord"),
        ("mmosts://chat.example/3ccdd113474722377935511fc85d3dd4", "Mattermost"),
        ("file:///etc/passwd", None),
        ("mailto://a:b@c.example", None),
        ("json://127.0.0.1/x", None),
        ("exec://rm", None),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/?template=/etc/hostname", None),
        ("https://discord.com/api/webhooks/123/abc?template=/etc/hostname", None),
        ("", None),
    ],
)
def test_only_chat_services_are_told(address: str, name: str | None) -> None:
    assert chat_sender.service(address) == name


def test_a_channel_is_tested_in_the_language_of_its_alerts(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    number = channel(sqlite_engine, keys, now, program.address)
    spanish = near.model_copy(update={"department": near.department.model_copy(update={"language": "es"})})
    with database.writing(sqlite_engine) as session:
        alerting.put_test(session, session.get_one(AlertChannel, number), spanish, now)
    webhooks.deliver_due(sqlite_engine, spanish, keys, now)
    said = json.loads(program.got[0][2])["words"]
    assert said == f"Esto es una prueba de {near.department.name}. Las alertas se contarán aquí."


def test_the_test_button_tells_the_channel_once_a_second(
    sqlite_engine: sa.Engine, near: Settings, keys: Keys, now: datetime, program: Program
) -> None:
    number = channel(sqlite_engine, keys, now, program.address)
    with database.writing(sqlite_engine) as session:
        found = session.get_one(AlertChannel, number)
        assert alerting.put_test(session, found, near, now)
        assert not alerting.put_test(session, found, near, now)
    assert webhooks.deliver_due(sqlite_engine, near, keys, now) == Called(sent=1)
    assert json.loads(program.got[0][2])["test"] is True
    with database.reading(sqlite_engine) as session:
        assert session.get_one(AlertChannel, number).last_ok_at is not None
