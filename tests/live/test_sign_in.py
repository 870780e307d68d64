"""In the desk: connect an account of a real network, publish, follow the link; lose the sign-in, connect again, and
what waited goes out."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database, people, sign_ins
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.network import Limits, Outgoing
from networks.registry import NETWORKS
from networks.tables import Account
from posts.pools import Pools
from scheduler.jobs import publishing as job
from tests.live import department as departments
from tests.live.bluesky_network import Network
from tests.live.department import Department
from tests.live.mastodon_server import Account as There
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until
from tests.web.browsing import Browser, form_token, send
from web import app as web_app

pytestmark = pytest.mark.live
FAMILY, FLAG, ACCENTED = "👨‍👩‍👧‍👦", "🇲🇽", "ö̲"


@dataclass(frozen=True)
class Desk:
    department: Department
    sam: Browser  # the administrator's

    def account(self) -> Account:
        with database.reading(self.department.engine) as session:
            return session.exec(select(Account)).one()

    def tick_until(self, number: int, state: str) -> None:
        pools = Pools(self.department.engine, self.department.settings, self.department.keys)

        def look() -> bool:
            job.tick(self.department.engine, self.department.settings, self.department.keys, pools, clock.now())
            return {target.state for target in self.department.targets(number)} == {state}

        try:
            wait_until(look, f"post {number} to be {state}", 30)
        finally:
            pools.drain(10)

    def shows(self, path: str, *words: str) -> None:
        page = self.sam.get(path).text
        assert [word for word in words if word not in page] == []


@pytest.fixture
def desk(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]) -> Iterator[Desk]:
    department = departments.made(sqlite_engine, keys, settings, person)
    with database.writing(sqlite_engine) as session:
        sam = person(session, "Sam Whitfield", Role.ADMINISTRATOR)
        token = sign_ins.open_sign_in(session, people.known_id(sam), keys, clock.now())
    app = web_app.create(sqlite_engine, department.settings, keys)
    with Browser(app, follow_redirects=False) as browser:
        browser.cookies.set("liaison", token)
        yield Desk(department, browser)


def connect_bluesky(desk: Desk, network: Network, handle: str, password: str, again: str = "") -> str:
    told = send(
        desk.sam, "/accounts/connect/bluesky", page="/accounts", handle=handle, app_password=password,
        service=network.pds, directory=network.plc, account_id=again,
    )  # fmt: skip
    assert told.status_code == 303, told.text
    return told.headers["location"]


def test_on_bluesky(desk: Desk, bluesky: Network) -> None:
    us = bluesky.create("riverton")
    name, password = bluesky.app_password(us)
    assert connect_bluesky(desk, bluesky, us.handle, password) == "/accounts?said=account-connect"
    number = desk.department.approved("Coffee with officers at nine", 1)
    desk.tick_until(number, "published")
    (first,) = bluesky.feed(us.did)
    (target,) = desk.department.targets(number)
    assert target.remote_url is not None
    assert (target.remote_id, first["uri"].rpartition("/")[2]) == (first["uri"], target.remote_url.rpartition("/")[2])
    desk.shows(f"/posts/{number}", target.remote_url, "See it there")

    bluesky.revoke(us, name)
    force_renewal(desk)
    waits = desk.department.approved("The market opens at ten", 1)
    desk.tick_until(waits, "waiting")
    wait_until(lambda: desk.account().state == "signed_out", "the account to be signed out")
    desk.shows("/accounts", "1 account is signed out.", "One post waits")
    desk.shows("/queue", "on Bluesky is signed out.")
    assert len(bluesky.feed(us.did)) == 1

    _, fresh = bluesky.app_password(us)
    assert connect_bluesky(desk, bluesky, us.handle, fresh, "1") == "/accounts?said=account-reconnect"
    desk.tick_until(waits, "published")
    assert [one["value"]["text"] for one in bluesky.feed(us.did)] == [
        "The market opens at ten",
        "Coffee with officers at nine",
    ]


def force_renewal(desk: Desk) -> None:
    """The access token that is kept becomes one that has run out, as it does after two hours."""
    with database.reading(desk.department.engine) as session:
        account = session.exec(select(Account)).one()
    keeper = accounts.connection(desk.department.engine, account, desk.department.keys, desk.department.settings).keeper
    assert keeper is not None
    kept = keeper.session()
    assert kept is not None
    keeper.keep_session(departments.aged(kept))


def test_on_mastodon(desk: Desk, mastodon: Server) -> None:
    us = mastodon.create("riverton")
    assert connect_mastodon(desk, mastodon, us) == "/accounts?said=account-connect"
    number = desk.department.approved("Coffee with officers at nine", 1)
    desk.tick_until(number, "published")
    (first,) = mastodon.statuses(us)
    desk.shows(f"/posts/{number}", first["url"], "See it there")

    mastodon.revoke(token_of(desk))
    waits = desk.department.approved("The market opens at ten", 1)
    desk.tick_until(waits, "waiting")
    wait_until(lambda: desk.account().state == "signed_out", "the account to be signed out")
    desk.shows("/accounts", "1 account is signed out.", "One post waits")
    desk.shows("/queue", "on Mastodon is signed out.")
    assert len(mastodon.statuses(us)) == 1

    assert connect_mastodon(desk, mastodon, us, "1") == "/accounts?said=account-reconnect"
    desk.tick_until(waits, "published")
    assert [one["text"] for one in mastodon.statuses(us)] == ["The market opens at ten", "Coffee with officers at nine"]


def connect_mastodon(desk: Desk, server: Server, who: There, again: str = "") -> str:
    """Goes to the server's page, chooses the account there, and comes back as a browser does."""
    told = send(desk.sam, "/accounts/connect/mastodon", page="/accounts", server=server.url, account_id=again)
    found = re.search(r'href="([^"]+/oauth/authorize[^"]+)"', told.text)
    assert found is not None, told.text
    back = server.authorize(found.group(1).replace("&amp;", "&"), who)
    path = back.removeprefix(desk.department.settings.base_url)
    return desk.sam.get(path).headers["location"]


def token_of(desk: Desk) -> str:
    account = desk.account()
    assert account.sealed_secret is not None
    found = re.search(r'"token": "([^"]+)"', desk.department.keys.open(account.sealed_secret))
    assert found is not None
    return found.group(1)


def test_three_hundred_characters_go_out_and_one_more_is_refused_before_it_is_sent(
    desk: Desk, bluesky: Network
) -> None:
    us = bluesky.create("riverton")
    _, password = bluesky.app_password(us)
    connect_bluesky(desk, bluesky, us.handle, password)
    longest = FAMILY * 40 + FLAG * 60 + ACCENTED * 100 + "x" * 100
    limits = NETWORKS["bluesky"].limits
    assert isinstance(limits, Limits)
    assert (limits.count(longest), len(longest.encode()) <= 3000) == (300, True)
    assert limits.problems(Outgoing(key="", text=longest)) == ()
    assert limits.problems(Outgoing(key="", text=longest + FLAG)) != ()
    number = desk.department.approved(longest, 1)
    desk.tick_until(number, "published")
    assert [one["value"]["text"] for one in bluesky.feed(us.did)] == [longest]
    told = desk.sam.get("/compose")  # an administrator writes nothing: the officer's browser does
    assert told.status_code == 403
    with database.writing(desk.department.engine) as session:
        token = sign_ins.open_sign_in(session, desk.department.officer, desk.department.keys, clock.now())
    desk.sam.cookies.set("liaison", token)
    given = {
        "message": longest + FLAG,
        "accounts": "1",
        "then": "submit",
        "csrf": form_token(desk.sam.get("/compose").text),
    }
    refused = desk.sam.post("/compose", data=given)
    assert (refused.status_code, "The text is 1 character too long; the limit is 300." in refused.text) == (422, True)
    assert len(bluesky.feed(us.did)) == 1
