"""The Accounts page in a real browser: connecting on a network's own page, without scripts, on a phone, in the dark.

The network is a small one of our own ("The Plaza"); its page is a real server on another site than the desk."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import BrowserContext, Page, expect

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person
from listeners import joined
from networks import accounts, practice, registry
from networks.network import Departure, Field, PageSignIn, PasswordSignIn, Rejected, SignedIn, SourceKind
from networks.tables import Account
from posts.tables import Post, Target
from tests.browser.conftest import SHOTS, overflow

WHY = "The app password was taken back on The Gate."


class _Asks(BaseHTTPRequestHandler):
    """Asks whether the desk may; yes and no lead back to it."""

    def do_GET(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        back = asked["back"] + "?" + urlencode({"state": asked["state"], "code": "a-code"})
        no = asked["back"] + "?" + urlencode({"state": asked["state"], "error": "access_denied"})
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        links = f"<a href='{back.replace('&', '&amp;')}'>Yes</a> <a href='{no.replace('&', '&amp;')}'>No</a>"
        self.wfile.write(f"<!doctype html><link rel=icon href=data:,><title>Plaza</title>{links}".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Nothing: the test's output is for failures."""


@pytest.fixture
def plaza() -> Iterator[str]:
    """The address of the network's own page, at another site than the desk's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Asks)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def town(plaza: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks: "gate" takes a password, "plaza" has a page."""

    def connect(given: Mapping[str, str], allow_private: bool) -> SignedIn:
        if given["app_password"] != "right":
            raise Rejected("The Gate does not know this handle and app password together.")
        return SignedIn("id-7", given["handle"], "Riverton PD", {}, "secret")

    def begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
        return Departure(f"{plaza}/yes?{urlencode({'back': redirect_uri, 'state': state})}", "kept")

    def finish(kept: str, code: str, allow_private: bool) -> SignedIn:
        return SignedIn("id-8", "riverton_cares@plaza.example", "Riverton Cares", {}, f"{kept} {code}")

    board = replace(practice.NETWORK, kinds=(SourceKind("mentions", "Mentions of the account"),))
    password = (
        Field("handle", "Handle", example="rivertonpd.gate.example"),
        Field("app_password", "App password", "Made at The Gate under Settings.", secret=True),
    )
    server = (Field("server", "Server", "Where the account lives.", example="plaza.example"),)
    known = {
        **registry.NETWORKS,
        "gate": replace(board, name="gate", label="The Gate", sign_in=PasswordSignIn(password, connect)),
        "plaza": replace(board, name="plaza", label="The Plaza", sign_in=PageSignIn(server, begin, finish)),
    }
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType(known))


@pytest.fixture
def out_and_in(sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person]) -> None:
    """An account that is signed out while three posts wait, one whose sign-in could not be renewed, and the board."""
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        eve = person(session, "Eve", Role.OFFICER)
        gate = SignedIn("id-1", "rivertonpd.gate.example", "Riverton Police Department, Community Liaison", {}, "s")
        out, _ = joined.keep(session, "gate", gate, eve.id, keys, now - timedelta(days=3))
        fine, _ = joined.keep(session, "plaza", SignedIn("id-2", "rpd@plaza.example", "Riverton PD"), None, keys, now)
        fine.rate_limit, fine.rate_remaining, fine.rate_resets_at = 300, 270, now + timedelta(minutes=4)
        fine.renewals_failed, fine.renewals_failing_since = 1, now - timedelta(minutes=9)
        accounts.add(session, network="practice", name="Practice", handle="", secret=None, keys=keys, now=now)
        accounts.mark_signed_out(session, out.id or 0, WHY, now - timedelta(hours=2))
        for number in range(3):
            post = Post(
                title=f"Coffee {number}", author_id=eve.id or 0, message="Coffee at nine.", state="scheduled",
                due_at=now + timedelta(hours=number), created_at=now, updated_at=now,
            )  # fmt: skip
            session.add(post)
            session.flush()
            session.add(
                Target(
                    post_id=post.id or 0, account_id=out.id or 0, state="waiting", due_at=now, next_try_at=now,
                    key=str(number), content_hash="", text="Coffee at nine.",
                )
            )  # fmt: skip


def state(engine: sa.Engine, number: int) -> tuple[str, str]:
    with database.reading(engine) as session:
        found = session.get_one(Account, number)
        return found.handle, found.state


@pytest.mark.usefixtures("out_and_in")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True), (320, False)])
def test_how_accounts_are_fits_and_does_not_complain(quiet_page: Callable[..., Page], width: int, dark: bool) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = quiet_page("Sam", Role.OFFICER, Role.ADMINISTRATOR, width=width, dark=dark)
    for path in ("/accounts", "/accounts?again=1", "/queue", "/sources", "/"):
        page.goto(path)
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert overflow(page) <= 0, path
        name = {"/accounts": "accounts-out", "/accounts?again=1": "accounts-again", "/": "today-out"}.get(path)
        shot = f"{name or path.strip('/') + '-out'}-{width}{'-dark' if dark else ''}.png"
        page.screenshot(path=SHOTS / shot, full_page=True)


@pytest.mark.usefixtures("out_and_in")
def test_from_what_waits_to_connected_again_and_without_scripts(
    quiet_page: Callable[..., Page], complaints: list[str], sqlite_engine: sa.Engine
) -> None:
    page = quiet_page("Sam", Role.OFFICER, Role.ADMINISTRATOR)
    page.route("**/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/queue")
    page.get_by_role("link", name="Connect it again").click()
    article = page.get_by_role("article", name="Riverton Police Department")
    expect(article).to_contain_text(WHY)
    expect(article).to_contain_text("3 posts wait; they go out when the account is connected again.")
    article.get_by_role("link", name="Connect again").click()
    form = page.locator("#connect-gate")
    expect(form.get_by_label("Handle")).to_have_value("rivertonpd.gate.example")
    form.get_by_label("App password").fill("wrong")
    form.get_by_role("button", name="Connect").click()
    expect(form.get_by_role("alert")).to_contain_text("does not know this handle")
    expect(form.get_by_label("App password")).to_have_value("")
    assert [line for line in complaints if "422" not in line] == []
    complaints.clear()
    form.get_by_label("App password").fill("right")
    form.get_by_role("button", name="Connect").click()
    expect(form.get_by_role("alert")).to_contain_text("sign in with the one that is to be connected again")
    assert state(sqlite_engine, 1) == ("rivertonpd.gate.example", "signed_out")
    complaints.clear()


def test_on_the_network_s_own_page_one_says_no_and_then_yes(
    quiet_page: Callable[..., Page], complaints: list[str], sqlite_engine: sa.Engine
) -> None:
    page = quiet_page("Sam", Role.ADMINISTRATOR, width=390)
    page.goto("/accounts")
    for answer in ("No", "Yes"):
        form = page.locator("#connect-plaza")
        if answer == "No":
            form.locator("summary").click()
            form.get_by_label("Server").fill("plaza.example")
        expect(form.get_by_label("Server")).to_have_value("plaza.example")
        form.get_by_role("button", name="Go on").click()
        page.get_by_role("link", name="Go on to localhost").click()
        page.get_by_role("link", name=answer).click()
        if answer == "No":
            expect(page.get_by_role("alert")).to_contain_text("nothing was connected")
            assert [line for line in complaints if "422" not in line] == []
            complaints.clear()
    expect(page.get_by_role("article", name="Riverton Cares")).to_contain_text("Connected")
    assert state(sqlite_engine, 1) == ("riverton_cares@plaza.example", "connected")


def test_a_yes_that_was_begun_in_another_browser_connects_nothing(
    context_of: Callable[..., BrowserContext], sqlite_engine: sa.Engine
) -> None:
    lure = context_of("Sam", Role.ADMINISTRATOR).new_page()
    lure.goto("/accounts")
    lure.locator("#connect-plaza summary").click()
    lure.locator("#connect-plaza").get_by_label("Server").fill("plaza.example")
    lure.locator("#connect-plaza").get_by_role("button", name="Go on").click()
    lure.get_by_role("link", name="Go on to localhost").click()
    yes = lure.get_by_role("link", name="Yes").get_attribute("href")
    other = context_of("Sam", Role.ADMINISTRATOR).new_page()
    other.goto(yes or "")
    expect(other.get_by_role("alert")).to_contain_text("was not begun here")
    with database.reading(sqlite_engine) as session:
        assert accounts.kept(session) == []
