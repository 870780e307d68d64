"""Live counts: each is told only their own numbers, the store is asked once for all, no stream keeps a server open."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import Session

from config import clock, database, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from networks import accounts
from posts import drafts
from tests.web.browsing import Browser
from tests.web.test_questions import questions
from web import live, serving
from web.guard import Visitor
from web.live import Standing, Watch
from web.pages import Counts

FULL = Standing(mentions=7, alerts=2, approvals={1: 3, 2: 1}, over=frozenset())


def visitor(number: int, *roles: Role) -> Visitor:
    ada = Person(id=number, name="Ada", email="ada@riverton.example", time_zone="UTC", created_at=clock.now())
    return Visitor(ada, frozenset(roles), "127.0.0.1")


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (visitor(1, Role.OFFICER), Counts(7, 2, 0)),
        (visitor(1, Role.APPROVER), Counts(7, 2, 1)),  # nobody approves their own
        (visitor(9, Role.APPROVER), Counts(7, 2, 4)),
        (visitor(1, Role.ANALYST), Counts(0, 2, 0)),
        (visitor(1, Role.AUDITOR), Counts(0, 0, 0)),
    ],
)
def test_each_is_told_what_they_may_see(who: Visitor, told: Counts) -> None:
    assert FULL.counts(who) == told


def waiting_post(session: Session, author: int, keys: Keys) -> None:
    now = clock.now()
    account = accounts.add(session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=now)
    post = drafts.create(session, author, "Coffee at nine.", [account.id or 0], now)
    wall = (now + timedelta(days=1)).replace(tzinfo=None, microsecond=0)
    drafts.schedule(session, post.id or 0, author, wall, "UTC", now)
    drafts.submit(session, post.id or 0, author, now)


def test_how_things_stand_and_whose_sign_in_is_over(
    engine: sa.Engine, keys: Keys, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        token = sign_ins.open_sign_in(session, ada, keys, clock.now())
        waiting_post(session, ada, keys)
    here, gone = keys.hash("token", token), keys.hash("token", "no such")
    with database.reading(engine) as session:
        assert live.standing(session, [here, gone]) == Standing(0, 0, {ada: 1}, frozenset({gone}))


def test_all_who_listen_share_one_answer_of_the_store(
    sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TURN", 0)
    with database.writing(sqlite_engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        tokens = [keys.hash("token", sign_ins.open_sign_in(session, ada, keys, clock.now())) for _ in range(9)]
    told: list[Counts | None] = []
    watch = Watch(sqlite_engine, serving=lambda: len(told) < len(tokens))

    async def listen(token: bytes) -> None:
        async for counts in watch.changes(visitor(ada, Role.OFFICER), token):
            told.append(counts)

    async def everyone() -> None:
        await asyncio.gather(*map(listen, tokens))

    with questions(sqlite_engine) as asked:
        asyncio.run(everyone())
    assert told == [Counts()] * 9  # nothing changed after that, so nothing was said
    assert len(asked) == 2  # what waits, and whose sign-in is over


def test_a_stream_tells_at_once_and_a_token_that_is_no_sign_in_is_told_so(
    desk_app: FastAPI, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    told = ada.get("/live")
    assert told.headers["content-type"].startswith("text/event-stream")
    event, data = told.text.strip().splitlines()
    assert event == "event: counts"
    assert json.loads(data.removeprefix("data: ")) == {"mentions": 0, "alerts": 0, "approvals": 0}
    with database.writing(sqlite_engine) as session:
        sign_ins.end_all(session, 1, desk_app.state.desk.keys)
    assert ada.get("/live").status_code == 303


def test_open_streams_do_not_keep_a_server_that_stops(
    desk_app: FastAPI, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    cookie = browser_of("Ada", Role.OFFICER).cookies["liaison"]
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = serving.server_of(desk_app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/live"
        bound.listen()
        with httpx2.stream("GET", address, headers={"Cookie": f"liaison={cookie}"}, timeout=9) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "event: counts"
            server.should_exit = True
            thread.join(serving.DRAIN_SECONDS - 1)
            assert not thread.is_alive()
            assert [line for line in lines if line.startswith("event")] == []  # it ended by itself


def test_where_nobody_is_signed_in_a_stream_ends_for_good_and_in_silence(stranger: Browser) -> None:
    """204: a page of words would be a complaint on the browser's console, and an error would be tried again."""
    answer = stranger.get("/live", headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.content) == (204, b"")
