"""Mastodon's own ways over a real API: the sign-in with a challenge, the same thanks to two residents, what a
stream tells of deletions, and a token that was taken back."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from config import clock
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.network import (
    Connection,
    Listener,
    OutcomeUnknown,
    Outgoing,
    OwnPost,
    PageSignIn,
    Publisher,
    Reach,
    SignInExpired,
)
from networks.registry import NETWORKS
from posts.drafts import new_key
from tests.live import department as departments
from tests.live.department import Department
from tests.live.fault_proxy import Faults
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until

pytestmark = pytest.mark.live
NETWORK = NETWORKS["mastodon"]
THANKS = "Thank you, we passed it on."


@pytest.fixture
def department(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]) -> Department:
    return departments.made(sqlite_engine, keys, settings, person)


def connection(department: Department, account: int, **settings: str) -> Connection:
    found = department.account(account)
    return accounts.connection(department.engine, found, department.keys, department.settings, settings)


def desk(made: Connection) -> Publisher:
    assert NETWORK.publisher is not None
    return NETWORK.publisher(made)


def ear(made: Connection) -> Listener:
    assert NETWORK.listener is not None
    return NETWORK.listener(made)


def named(made: Connection, status: object) -> str:
    """The remote id of a status, or of an account, at the address that the connection uses: perhaps a proxy's."""
    return f"{status}@{urlsplit(made.settings['home']).netloc}"


def test_a_person_is_sent_to_the_server_with_a_challenge(mastodon: Server) -> None:
    found = sign_in()
    departure = found.begin({"server": mastodon.url}, "http://127.0.0.1:9/accounts/callback", "the state", True)
    asked = parse_qs(urlsplit(departure.url).query)
    assert (asked["state"], asked["code_challenge_method"]) == (["the state"], ["S256"])
    us = mastodon.create("riverton")
    back = parse_qs(urlsplit(mastodon.authorize(departure.url, us)).query)
    signed = found.finish(departure.kept, back["code"][0], True)
    host = urlsplit(mastodon.url).netloc
    assert (signed.remote_id, signed.handle) == (f"{us.id}@{host}", f"{us.username}@{host}")


def sign_in() -> PageSignIn:
    assert isinstance(NETWORK.sign_in, PageSignIn)
    return NETWORK.sign_in


def test_the_same_thanks_to_two_residents_are_two_posts_even_if_a_reply_is_lost(
    mastodon: Server, department: Department, faults: Faults
) -> None:
    us, ines, omar = (mastodon.create(stem) for stem in ("riverton", "ines", "omar"))
    proxy = faults.before(mastodon.url)
    made = connection(department, departments.on_mastodon(department, mastodon, us, proxy.url))
    made = replace(made, remote_id=named(made, us.id))
    first, second = (mastodon.post(who.token, f"@{us.username} the lamp is out") for who in (ines, omar))
    to_ines, to_omar = (
        Outgoing(new_key(clock.now()), THANKS, reply_to=named(made, one["id"]), begun_at=clock.now())
        for one in (first, second)
    )
    desk(made).publish(to_ines)
    with pytest.raises(OutcomeUnknown, match="not there yet"):
        desk(made).find(to_omar)
    proxy.next("lost-reply", "POST /api/v1/statuses")
    with pytest.raises(OutcomeUnknown):
        desk(made).publish(to_omar)
    there = mastodon.statuses(us)
    assert [(one["text"], one["in_reply_to_id"]) for one in there] == [
        (f"@{omar.username} {THANKS}", second["id"]), (f"@{ines.username} {THANKS}", first["id"]),
    ]  # fmt: skip
    found = [desk(made).find(one) for one in (to_omar, to_ines)]
    assert [one and one.remote_id for one in found] == [named(made, one["id"]) for one in there]


def test_a_stream_tells_which_post_was_deleted(mastodon: Server, department: Department) -> None:
    ines = mastodon.create("ines")
    us = mastodon.create("riverton")
    account = departments.on_mastodon(department, mastodon, us)
    made = connection(department, account, kind="hashtag", hashtag="ElmBridge")
    rings, gone, stop = threading.Semaphore(0), list[str](), threading.Event()
    assert NETWORK.doorbell is not None
    line = threading.Thread(target=NETWORK.doorbell, args=(made, rings.release, gone.append, stop), daemon=True)
    line.start()
    posted: list[str] = []

    def rung() -> bool:  # the stream is open some time after it was asked for
        posted.append(mastodon.post(ines.token, f"Number {len(posted)} #ElmBridge")["id"])
        return rings.acquire(timeout=1)

    try:
        wait_until(rung, "the bell to ring")
        mastodon.delete(ines.token, posted[-1])
        wait_until(lambda: gone == [named(made, posted[-1])], "the deletion to be told")
    finally:
        stop.set()
        line.join(20)
    assert not line.is_alive()


def test_a_token_that_was_taken_back_ends_the_sign_in_everywhere(mastodon: Server, department: Department) -> None:
    us = mastodon.create("riverton")
    account = departments.on_mastodon(department, mastodon, us)
    made = connection(department, account, kind="mentions")
    mastodon.revoke(json.loads(made.secret or "{}")["token"])
    outgoing = Outgoing(new_key(clock.now()), "Coffee at nine", begun_at=clock.now() - timedelta(minutes=11))
    with pytest.raises(SignInExpired):
        desk(made).publish(outgoing)
    with pytest.raises(SignInExpired):
        desk(made).find(outgoing)
    with pytest.raises(SignInExpired):
        ear(made).mentions(None)


def test_a_poll_goes_out_and_its_votes_are_read_back(mastodon: Server, department: Department) -> None:
    us, ines = (mastodon.create(stem) for stem in ("riverton", "ines"))
    made = connection(department, departments.on_mastodon(department, mastodon, us))
    chosen = {"poll": "Elm St | Oak Ln", "poll_days": "7"}
    sent = desk(made).publish(Outgoing(new_key(clock.now()), "Where do cars go too fast?", options=chosen))
    number = sent.remote_id.partition("@")[0]
    poll = (mastodon.status(number) or {})["poll"]
    assert [one["title"] for one in poll["options"]] == ["Elm St", "Oak Ln"]
    mastodon.call("POST", f"/api/v1/polls/{poll['id']}/votes", token=ines.token, json={"choices": [1]})
    assert NETWORK.polls is not None
    found = NETWORK.polls(made).count(sent.remote_id)
    assert found is not None
    assert (found.choices, found.closed) == ((("Elm St", 0), ("Oak Ln", 1)), False)


def test_how_a_post_of_ours_fares_is_counted_by_its_server(mastodon: Server, department: Department) -> None:
    us, ines = (mastodon.create(stem) for stem in ("riverton", "ines"))
    made = connection(department, departments.on_mastodon(department, mastodon, us))
    sent = desk(made).publish(Outgoing(new_key(clock.now()), "Coffee at nine."))
    number = sent.remote_id.partition("@")[0]
    assert NETWORK.reach is not None
    gauge = NETWORK.reach(made)
    assert gauge.reach([OwnPost(sent.remote_id)]).reach == {sent.remote_id: Reach(None, 0, 0, 0)}
    for deed in ("favourite", "reblog"):
        mastodon.call("POST", f"/api/v1/statuses/{number}/{deed}", token=ines.token)
    mastodon.post(ines.token, f"@{us.username} see you there", reply_to=number)
    assert gauge.reach([OwnPost(sent.remote_id)]).reach == {sent.remote_id: Reach(None, 1, 1, 1)}
    desk(made).remove(sent.remote_id)
    assert gauge.reach([OwnPost(sent.remote_id)]).reach == {sent.remote_id: None}
