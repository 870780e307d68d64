"""Who asks, through proxies of our own and through headers that anybody can write."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from starlette.testclient import TestClient

from config import addresses, database
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from web import app as web_app

PROXIES = ["127.0.0.1", "10.0.0.0/24"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "asks"),
    [
        ("198.51.100.7", "203.0.113.5", "198.51.100.7"),  # no proxy of ours: the header is anybody's
        ("127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "192.0.2.1, 203.0.113.5", "203.0.113.5"),  # the first was there when it came to our proxy
        ("127.0.0.1", "203.0.113.5, 10.0.0.3", "203.0.113.5"),  # two proxies of ours
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5, <script>", "127.0.0.1"),
        ("testclient", "203.0.113.5", "testclient"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(peer: str, forwarded: str, asks: str) -> None:
    assert addresses.asking(peer, forwarded, PROXIES) == asks
    assert addresses.asking(peer, forwarded, []) == peer


def test_an_ipv6_network_is_one_place() -> None:
    places = {addresses.one_place(one) for one in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1")}
    assert places == {"2001:db8::/64", "2001:db8:0:1::/64"}
    assert [addresses.one_place(one) for one in ("192.0.2.1", "::ffff:192.0.2.1", "")] == ["192.0.2.1", "192.0.2.1", ""]


def test_what_is_no_network_is_refused_in_the_settings() -> None:
    with pytest.raises(ValidationError, match="no address or network"):
        Settings(trusted_proxies=["caddy"])


def test_behind_our_proxy_guessing_keeps_nobody_else_out(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", password="correct horse battery")
    desk = web_app.create(sqlite_engine, settings.model_copy(update={"trusted_proxies": ["127.0.0.1"]}), keys)
    with TestClient(desk, client=("127.0.0.1", 50000)) as browser:
        page = browser.get("/sign-in").text
        token = page[page.index('name="csrf" value="') + 19 :].split('"')[0]

        def try_it(password: str, address: str) -> int:
            form = {"csrf": token, "email": "ada@riverton.example", "password": password}
            headers = {"x-forwarded-for": address}
            return browser.post("/sign-in", data=form, headers=headers, follow_redirects=False).status_code

        assert [try_it("wrong", "203.0.113.5") for _ in range(9)] == [401] * 8 + [429]
        assert try_it("correct horse battery", "198.51.100.7") == 303
