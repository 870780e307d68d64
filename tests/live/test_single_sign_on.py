"""Single sign-on at a real OpenID provider: npm oidc-provider, which its author has certified."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from config import database, people, second_factor
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings, SingleSignOn
from config.tables import Person
from tests.live import installed, processes
from tests.web.browsing import Browser
from web import app as web_app

pytestmark = pytest.mark.live
CALLBACK = "http://127.0.0.1:8000/sign-in/sso/back"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The issuer's address."""
    tools, port = installed.oidc(), processes.free_port()
    script = str(Path(__file__).with_name("oidc_provider.mjs"))
    folder = tmp_path_factory.mktemp("oidc")
    running = processes.start("oidc", [str(tools.node), script, str(tools.home), str(port), CALLBACK], folder)
    running.said("ready", 30)
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def desk(
    provider: str, sqlite_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]
) -> Callable[..., Browser]:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada", Role.OFFICER)

    def opened(private: bool = True, **more: object) -> Browser:
        sso = SingleSignOn(issuer=provider, client_id="liaison", client_secret=SecretStr("known to two"), **more)
        own = settings.model_copy(update={"single_sign_on": sso, "fetch_private_addresses": private})
        return Browser(web_app.create(sqlite_engine, own, keys), follow_redirects=False, raise_server_exceptions=True)

    return opened


def sign_in_there(address: str, name: str) -> str:
    """What a person does at the provider, in a browser of their own; the path that leads back to the desk."""
    with httpx.Client(follow_redirects=False) as browser:
        for _ in range(20):
            answer = browser.get(address)
            while "location" in answer.headers:
                address = urljoin(address, answer.headers["location"])
                if address.startswith(CALLBACK):
                    return address.removeprefix("http://127.0.0.1:8000")
                answer = browser.get(address)
            action = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
            assert action is not None, answer.text[:2000]
            assert prompt is not None
            fields = {"prompt": prompt.group(1), "login": name, "password": "x"}
            answer = browser.post(urljoin(address, action.group(1)), data=fields)
            address = urljoin(address, answer.headers["location"])
    raise AssertionError("the provider did not lead back")


def begin(browser: Browser) -> str:
    asked = browser.get("/sign-in/sso?next=/deliveries")
    assert asked.status_code == 303, asked.text[:500]
    return str(asked.headers["location"])


def test_someone_invited_comes_in_and_their_second_factor_is_the_providers_affair(
    desk: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    browser = desk()
    with database.writing(sqlite_engine) as session:
        second_factor.require(session, [Role.OFFICER])
    there = begin(browser)
    sent = parse_qs(urlsplit(there).query)
    assert (sent["code_challenge_method"], sent["response_type"]) == (["S256"], ["code"])
    assert {"state", "nonce", "code_challenge"} <= set(sent)
    came = browser.get(sign_in_there(there, "ada"))
    assert (came.status_code, came.headers["location"]) == (303, "/deliveries")
    assert browser.get("/deliveries").status_code == 200


def test_the_same_way_back_twice_or_with_another_state_lets_nobody_in(desk: Callable[..., Browser]) -> None:
    browser, other = desk(), desk()
    back = sign_in_there(begin(browser), "ada")
    begin(other)
    assert other.get(back).status_code == 400  # somebody else's way back, in a browser that began its own
    assert browser.get(back.replace("state=", "state=x")).status_code == 400
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 400


def test_who_was_not_invited_or_has_no_verified_address_stays_out(
    desk: Callable[..., Browser], sqlite_engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Unchecked", Role.OFFICER)
    for name in ("stranger", "unchecked"):
        browser = desk()
        assert browser.get(sign_in_there(begin(browser), name)).status_code == 403
        assert "liaison" not in browser.cookies


def test_roles_come_from_the_claim_where_one_is_set(desk: Callable[..., Browser], sqlite_engine: sa.Engine) -> None:
    more = {"roles_claim": "groups", "roles": {"desk-leads": Role.APPROVER}}
    browser = desk(**more)
    assert browser.get(sign_in_there(begin(browser), "lead")).status_code == 303
    with database.reading(sqlite_engine) as session:
        lead = people.by_email(session, "lead@riverton.example")
        assert lead is not None
        assert people.roles_of(session, people.known_id(lead)) == {Role.APPROVER}
    browser = desk(**more)
    assert browser.get(sign_in_there(begin(browser), "ada")).status_code == 403  # the claim gives her none


def test_a_provider_at_a_private_address_is_not_asked_unless_that_is_meant(desk: Callable[..., Browser]) -> None:
    assert desk(private=False).get("/sign-in/sso").status_code == 502
