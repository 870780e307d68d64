"""The Accounts page: connecting by password and on a network's own page, testing, being signed out, removing."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select, update

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, Person
from listeners.tables import Source
from networks import accounts, joining, practice, registry
from networks.network import (
    Connection,
    Departure,
    Field,
    PageSignIn,
    PasswordSignIn,
    RateLimited,
    Rejected,
    SignedIn,
    SignInExpired,
    SourceKind,
    Unavailable,
)
from networks.tables import Account, PendingSignIn
from posts.tables import Post, ReachWatch, Target
from tests.web.browsing import Browser, Response, form_token, send
from tests.web.test_people import waiting
from web import accounts as accounts_page
from web.desk import Desk
from web.guard import Visitor

SECRET = "hunter2-hunter2"


@dataclass
class Town:
    """Two networks of our own: "gate" takes a password, "plaza" has a page. `fails`: what the next question gets."""

    fails: Exception | None = None
    who: str = "id-1"
    asked: list[Any] = field(default_factory=list)

    def _signed(self) -> SignedIn:
        if self.fails is not None:
            raise self.fails
        return SignedIn(self.who, f"{self.who}.town", "Riverton PD", {"server": "town"}, SECRET, "a session")

    def connect(self, given: Mapping[str, str], allow_private: bool) -> SignedIn:
        self.asked.append(dict(given))
        return self._signed()

    def begin(self, given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
        self.asked.append((given["server"], redirect_uri, state))
        if self.fails is not None:
            raise self.fails
        return Departure(f"https://plaza.example/yes?state={state}", f"kept {SECRET}")

    def finish(self, kept: str, code: str, allow_private: bool) -> SignedIn:
        self.asked.append((kept, code))
        return self._signed()

    def test(self, connection: Connection) -> SignedIn:
        self.asked.append(connection.secret)
        return self._signed()


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    made = Town()
    fields = (Field("handle", "Handle"), Field("password", "Password", secret=True))
    board = replace(practice.NETWORK, kinds=(SourceKind("mentions", "Mentions of the account"),))
    gate = replace(board, name="gate", label="The Gate", sign_in=PasswordSignIn(fields, made.connect), test=made.test)
    plaza = replace(
        board,
        name="plaza",
        label="The Plaza",
        sign_in=PageSignIn((Field("server", "Server"),), made.begin, made.finish),
    )
    known = {"practice": practice.NETWORK, "feed": registry.NETWORKS["feed"], "gate": gate, "plaza": plaza}
    monkeypatch.setattr(registry, "NETWORKS", MappingProxyType(known))
    return made


@pytest.fixture
def sam(browser_of: Callable[..., Browser], at_eight: datetime, town: Town) -> Browser:
    return browser_of("Sam", Role.ADMINISTRATOR)


def connect(sam: Browser, **more: str) -> Response:
    return send(sam, "/accounts/connect/gate", page="/accounts", handle="riverton", password=SECRET, **more)


def account(engine: sa.Engine, number: int = 1) -> Account:
    with database.reading(engine) as session:
        return session.get_one(Account, number)


def acts(engine: sa.Engine) -> list[str]:
    with database.reading(engine) as session:
        found = session.exec(select(AuditEntry).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
        assert SECRET not in repr([entry.detail for entry in found])
        return [entry.action for entry in found if entry.action.startswith("account.")]


def test_an_account_is_connected_sealed_and_listened_to(sam: Browser, sqlite_engine: sa.Engine) -> None:
    told = send(sam, "/accounts/connect/gate", page="/accounts", handle="riverton", password=SECRET)
    assert told.headers["location"] == "/accounts?said=account-connect"
    found = account(sqlite_engine)
    assert (found.network, found.handle, found.state) == ("gate", "id-1.town", "connected")
    assert SECRET.encode() not in (found.sealed_secret or b"") + (found.sealed_session or b"")
    with database.reading(sqlite_engine) as session:
        (source,) = session.exec(select(Source)).all()
    assert (source.name, source.settings, source.account_id) == ("@id-1.town, The Gate", {"kind": "mentions"}, 1)
    page = sam.get("/accounts").text
    assert ("Every account is connected." in page, SECRET in page) == (True, False)
    assert acts(sqlite_engine) == ["account.connect"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Rejected("Wrong handle or password."), "Wrong handle or password."),
        (Unavailable("no route"), "could not be reached just now (no route). Nothing was changed."),
        (RateLimited(datetime.fromisoformat("2026-11-24T13:40:00+00:00")), "asks to wait until 08:40."),
    ],
)
def test_what_does_not_work_is_said_beside_what_was_typed_and_never_with_the_password(
    sam: Browser, town: Town, sqlite_engine: sa.Engine, error: Exception, words: str
) -> None:
    town.fails = error
    told = send(sam, "/accounts/connect/gate", page="/accounts", handle="riverton", password=SECRET)
    assert told.status_code == 422
    assert [part in told.text for part in (words, 'value="riverton"', SECRET)] == [True, True, False]
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Account)).all() == []


def test_a_network_s_own_page_leads_back_once_and_only_for_who_began(
    sam: Browser, town: Town, sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    told = send(sam, "/accounts/connect/plaza", page="/accounts", server="plaza.example")
    ((server, back, state),) = town.asked
    assert (server, back) == ("plaza.example", "http://127.0.0.1:8000/accounts/callback")
    assert f'href="https://plaza.example/yes?state={state}"' in told.text
    with database.reading(sqlite_engine) as session:
        (pending,) = session.exec(select(PendingSignIn)).all()
    assert SECRET.encode() not in pending.sealed_kept
    for elsewhere in (browser_of("Kim", Role.ADMINISTRATOR), browser_of("Sam", Role.ADMINISTRATOR)):
        other = elsewhere.get(f"/accounts/callback?state={state}&code=c")
        assert (other.status_code, "was not begun here" in other.text) == (422, True)
    assert sam.get(f"/accounts/callback?state={state}&code=c").headers["location"] == "/accounts?said=account-connect"
    assert town.asked[1:] == [(f"kept {SECRET}", "c")]
    assert sam.get(f"/accounts/callback?state={state}&code=c").status_code == 422


def test_a_page_left_without_a_yes_connects_nothing(sam: Browser, town: Town, sqlite_engine: sa.Engine) -> None:
    send(sam, "/accounts/connect/plaza", page="/accounts", server="plaza.example")
    ((_, _, state),) = town.asked
    told = sam.get(f"/accounts/callback?state={state}&error=access_denied")
    assert (told.status_code, "left without a yes" in told.text, len(town.asked)) == (422, True, 1)
    assert 'value="plaza.example"' in told.text


def test_a_sign_in_that_took_too_long_is_over(sqlite_engine: sa.Engine, keys: Keys, sam: Browser) -> None:
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        joining.begin(
            session, "state", network="plaza", person_id=1, browser="b", account_id=None, kept="k", given={}, keys=keys,
            now=now,
        )  # fmt: skip
    with database.writing(sqlite_engine) as session, pytest.raises(Rejected):
        joining.take(session, "state", 1, "b", keys, now + joining.WAITS)


def test_an_officer_sees_how_accounts_are_and_changes_none(
    sam: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    connect(sam)
    ada = browser_of("Ada", Role.OFFICER)
    page = ada.get("/accounts").text
    assert ("Riverton PD" in page, "/accounts/connect/" in page) == (True, False)
    with database.writing(sqlite_engine) as session:
        accounts.mark_signed_out(session, 1, "The token was revoked", clock.now())
    assert "An administrator can connect it again." in ada.get("/accounts").text
    token = form_token(ada.get("/compose").text)
    for path in ("/accounts/connect/gate", "/accounts/1/test", "/accounts/1/remove"):
        assert ada.post(path, data={"csrf": token}).status_code == 403


def waiting_post(engine: sa.Engine, now: datetime) -> None:
    with database.writing(engine) as session:
        post = Post(title="Coffee", author_id=1, message="Coffee", state="scheduled", created_at=now, updated_at=now)
        session.add(post)
        session.flush()
        session.add(
            Target(
                post_id=post.id or 0, account_id=1, state="waiting", due_at=now, next_try_at=now, key="k",
                content_hash="", text="Coffee",
            )
        )  # fmt: skip


def test_a_test_that_meets_a_stranger_signs_out_at_once_and_the_desk_says_so(
    sam: Browser, town: Town, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    connect(sam)
    waiting_post(sqlite_engine, at_eight)
    town.fails = SignInExpired("The token was revoked")
    assert send(sam, "/accounts/1/test", page="/accounts").headers["location"] == "/accounts?said=account-signed-out"
    assert account(sqlite_engine).state == "signed_out"
    page, queue = sam.get("/accounts").text, sam.get("/queue").text
    assert [words in page for words in ("1 account is signed out.", "The token was revoked", "One post waits")] == [
        True
    ] * 3
    assert "Riverton PD on The Gate is signed out." in queue
    town.fails = None
    again = sam.get("/accounts?again=1").text
    assert ('name="account_id" value="1"' in again, 'value="id-1.town"' in again) == (True, True)
    told = connect(sam, account_id="1")
    assert told.headers["location"] == "/accounts?said=account-reconnect"
    assert (account(sqlite_engine).state, "signed out" in sam.get("/queue").text) == ("connected", False)


def test_another_account_does_not_take_the_place_of_the_one_to_be_connected_again(
    sam: Browser, town: Town, sqlite_engine: sa.Engine
) -> None:
    connect(sam)
    town.who = "id-2"
    told = connect(sam, account_id="1")
    assert "sign in with the one that is to be connected again" in told.text
    assert account(sqlite_engine).remote_id == "id-1"


def test_a_network_that_does_not_answer_a_test_signs_nobody_out(
    sam: Browser, town: Town, sqlite_engine: sa.Engine
) -> None:
    connect(sam)
    town.fails = Unavailable("no route")
    assert send(sam, "/accounts/1/test", page="/accounts").status_code == 422
    assert account(sqlite_engine).state == "connected"
    town.fails = None
    assert send(sam, "/accounts/1/test", page="/accounts").headers["location"] == "/accounts?said=account-fine"


def test_a_removed_account_keeps_no_secret_and_is_not_listened_to(sam: Browser, sqlite_engine: sa.Engine) -> None:
    connect(sam)
    send(sam, "/accounts/1/remove", page="/accounts")
    found = account(sqlite_engine)
    assert (found.state, found.sealed_secret, found.sealed_session) == ("removed", None, None)
    with database.reading(sqlite_engine) as session:
        assert [source.enabled for source in session.exec(select(Source))] == [False]
    assert acts(sqlite_engine) == ["account.connect", "account.remove"]
    assert send(sam, "/accounts/1/test", page="/accounts").status_code == 404


def test_a_removed_account_that_comes_back_is_listened_to_again(sam: Browser, sqlite_engine: sa.Engine) -> None:
    connect(sam)
    send(sam, "/accounts/1/remove", page="/accounts")
    assert connect(sam).headers["location"] == "/accounts?said=account-connect"
    assert account(sqlite_engine).state == "connected"
    with database.reading(sqlite_engine) as session:
        assert [source.enabled for source in session.exec(select(Source))] == [True]


def test_posts_that_would_be_left_behind_are_told_before_an_account_is_removed(
    sam: Browser, sqlite_engine: sa.Engine, at_eight: datetime
) -> None:
    connect(sam)
    waiting_post(sqlite_engine, at_eight)
    assert "One post waits for it and will not go out there." in sam.get("/accounts").text


def test_the_practice_board_is_added_by_one_button_and_once(
    sam: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine
) -> None:
    button = 'action="/accounts/connect/practice"'
    assert button in sam.get("/accounts").text
    assert button not in browser_of("Ada", Role.OFFICER).get("/accounts").text
    for _ in range(2):
        told = send(sam, "/accounts/connect/practice", page="/accounts")
        assert (told.status_code, told.headers["location"]) == (303, "/accounts?said=account-added")
    with database.reading(sqlite_engine) as session:
        found = [(one.network, one.name, one.state) for one in session.exec(select(Account))]
    assert found == [("practice", "Riverton Police Department", "connected")]
    assert acts(sqlite_engine) == ["account.add"]
    assert button not in sam.get("/accounts").text
    assert send(sam, "/accounts/connect/practice", page="/accounts", account_id="1").status_code == 404
    assert send(sam, "/accounts/connect/feed", page="/accounts").status_code == 404


def test_two_who_press_that_button_at_once_add_one_board(
    postgres_engine: sa.Engine, settings: Settings, keys: Keys, person: Callable[..., Person]
) -> None:
    found = Desk(postgres_engine, settings, keys)
    with database.writing(postgres_engine) as session:
        who = Visitor(person(session, "Sam", Role.ADMINISTRATOR), frozenset(), "")
    with ThreadPoolExecutor(2) as pool:
        with postgres_engine.begin() as connection:  # both have begun before one of them writes
            connection.exec_driver_sql("LOCK TABLE account IN SHARE MODE")
            told = [pool.submit(accounts_page._added, found, who, "practice") for _ in range(2)]
            until = time.monotonic() + 30
            while waiting(postgres_engine) < 2 and time.monotonic() < until:
                time.sleep(0.01)
        assert [one.result().status_code for one in told] == [303, 303]
    with database.reading(postgres_engine) as session:
        assert [one.network for one in accounts.kept(session)] == ["practice"]


def test_only_an_account_of_that_very_network_is_connected_again(sam: Browser, town: Town) -> None:
    connect(sam)
    for number, network in (("1", "plaza"), ("9", "gate")):
        told = send(sam, f"/accounts/connect/{network}", page="/accounts", server="plaza.example", account_id=number)
        assert told.status_code == 404
    assert len(town.asked) == 1
    assert connect(sam, account_id="99999999999").status_code == 422


def test_a_page_that_fails_on_the_way_back_still_knows_which_account_it_was_for(sam: Browser, town: Town) -> None:
    send(sam, "/accounts/connect/plaza", page="/accounts", server="plaza.example")
    sam.get(f"/accounts/callback?state={town.asked[0][2]}&code=c")
    send(sam, "/accounts/connect/plaza", page="/accounts", server="plaza.example", account_id="1")
    town.fails = Unavailable("no route")
    told = sam.get(f"/accounts/callback?state={town.asked[2][2]}&code=c")
    wanted = ("could not be reached just now (no route)", 'name="account_id" value="1"', 'value="plaza.example"')
    assert (told.status_code, [words in told.text for words in wanted]) == (422, [True] * 3)


def test_a_source_listens_only_by_a_connected_account_of_its_network(
    sam: Browser, town: Town, sqlite_engine: sa.Engine
) -> None:
    connect(sam)
    for number, network, status in (("1", "plaza", 422), ("1", "gate", 303), ("99999999999", "gate", 422)):
        fields = {"network": network, "kind": "mentions", "name": f"Ours {number} {network}", "account_id": number}
        assert send(sam, "/sources", page="/sources", **fields).status_code == status
    with database.reading(sqlite_engine) as session:
        found = session.exec(select(Source).where(Source.name == "Ours 1 gate")).one()
    assert (found.account_id, found.settings) == (1, {"kind": "mentions"})


def test_only_an_hour_of_failed_renewals_signs_an_account_out(sqlite_engine: sa.Engine, now: datetime) -> None:
    with database.writing(sqlite_engine) as session:
        session.add(Account(network="gate", name="Riverton PD", created_at=now))
        session.flush()
        for minutes in (0, 10, 20, 59):
            accounts.note_failed_renewal(session, 1, "503", now + timedelta(minutes=minutes))
        assert session.get_one(Account, 1).state == "connected"
        accounts.note_failed_renewal(session, 1, "503", now + timedelta(minutes=60))
        assert session.get_one(Account, 1).state == "signed_out"
    with database.writing(sqlite_engine) as session:
        session.add(Account(network="gate", name="Other", created_at=now))
        session.flush()
        for minutes in (0, 30):
            accounts.note_failed_renewal(session, 2, "503", now + timedelta(minutes=minutes))
        other = session.get_one(Account, 2)
        accounts.mark_ok(other, now + timedelta(minutes=40))
        accounts.note_failed_renewal(session, 2, "503", now + timedelta(minutes=70))
        assert (other.state, other.renewals_failed) == ("connected", 1)


def test_programs_list_test_and_remove_accounts(sam: Browser, town: Town, sqlite_engine: sa.Engine) -> None:
    connect(sam)
    waiting_post(sqlite_engine, clock.now())
    (listed,) = sam.get("/api/v1/accounts").json()
    assert (listed["handle"], listed["state"], listed["waiting"]) == ("id-1.town", "connected", 1)
    assert SECRET not in str(listed)
    headers = {"x-csrf-token": form_token(sam.get("/accounts").text)}
    assert sam.post("/api/v1/accounts/1/test", headers=headers).json()["state"] == "connected"
    town.fails = Unavailable("no route")
    assert sam.post("/api/v1/accounts/1/test", headers=headers).status_code == 502
    town.fails = SignInExpired("revoked")
    assert sam.post("/api/v1/accounts/1/test", headers=headers).status_code == 409
    assert account(sqlite_engine).state == "signed_out"
    assert sam.delete("/api/v1/accounts/1", headers=headers).json()["state"] == "removed"
    assert sam.delete("/api/v1/accounts/1", headers=headers).status_code == 404


@pytest.mark.parametrize("way", ["page", "program"])
def test_a_budget_that_is_changed_lets_reading_go_on_at_once(sam: Browser, sqlite_engine: sa.Engine, way: str) -> None:
    connect(sam)
    with clock.at(clock.now()):
        now, next_month = clock.now(), clock.now() + timedelta(days=7)
        with database.writing(sqlite_engine) as session:
            session.exec(update(Source).values(next_poll_at=next_month))
            session.add(ReachWatch(account_id=1, next_at=next_month, failures=1, last_error="this month's budget"))
        if way == "page":
            assert send(sam, "/accounts/1/budget", page="/accounts", dollars="50").status_code == 303
        else:
            headers = {"x-csrf-token": form_token(sam.get("/accounts").text)}
            assert sam.put("/api/v1/accounts/1/budget", json={"dollars": "50"}, headers=headers).status_code == 200
        with database.reading(sqlite_engine) as session:
            waits = session.get_one(Source, 1).next_poll_at, session.get_one(ReachWatch, 1).next_at
            assert waits == (now, now)
    assert account(sqlite_engine).monthly_budget == 50
    assert acts(sqlite_engine) == ["account.connect", "account.budget"]
