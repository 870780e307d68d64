"""Accounts: connecting the department's accounts, how each is, and being signed out; who may manage does, others see.

A network is asked outside any transaction; what a person typed is shown again, secrets aside."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from config import audit, clock, database
from config.permissions import Action
from listeners import health, joined
from listeners.health import Health
from listeners.tables import Source
from networks import accounts, joining, registry
from networks.accounts import Money
from networks.network import (
    Network,
    NetworkError,
    PageSignIn,
    PasswordSignIn,
    RateLimited,
    Rejected,
    SignedIn,
    SignInExpired,
)
from networks.registry import UnknownNetwork
from networks.tables import Account
from posts import queue, reach
from posts.tables import ReachWatch
from web import pages
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Id, Line
from web.guard import Visitor, Who, needs, seed
from web.problems import Trouble

router = APIRouter(prefix="/accounts")
CALLBACK = "/accounts/callback"
MOST_MONEY = 1_000_000  # dollars a month
_TURN = 7_041_996  # database.take_turn
Code = Annotated[str, Query(max_length=2000)]


@dataclass(frozen=True)
class Row:
    """One account as the page shows it."""

    account: Account
    label: str  # its network's name
    waiting: int  # posts that wait to go out there
    sources: tuple[tuple[Source, Health], ...]
    followed: bool  # its network asks that deletions be followed
    can_test: bool
    can_sign_in: bool
    money: Money | None  # where its network charges
    days_left: int | None  # until a person must sign in again
    watch: ReachWatch | None  # how reading reach goes; none: not begun


@dataclass(frozen=True)
class Attempt:
    """What was typed into one network's form, and what came of it."""

    network: str = ""
    words: str = ""  # why it did not work
    given: Mapping[str, str] = field(default_factory=dict)
    go_to: str = ""  # the network's page, where to say yes
    again: int | None = None  # the account that is connected again; none: a new one


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def accounts_page(
    request: Request, found: TheDesk, again: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None
) -> Response:
    """Every account; `again`: the one to connect again, its form filled in."""
    with database.reading(found.engine) as session:
        account = session.get(Account, again) if again is not None else None
    if account is None or account.state == "removed":
        return _page(request, found)
    known = {"server": account.settings.get("home", ""), "service": account.settings.get("service", "")}
    given = {name: value for name, value in {**known, "handle": account.handle}.items() if value}
    return _page(request, found, Attempt(account.network, given=given, again=account.id))


@router.post("/connect/{network}", dependencies=[needs(Action.MANAGE)])
async def connect(
    request: Request,
    found: TheDesk,
    who: Who,
    network: str,
    account_id: Annotated[int | None, Form(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """Signs in by what was typed, or leads to the network's own page. `account_id`: an account to connect again."""
    form = await request.form()
    given = {name: value[:2000] for name, value in form.items() if isinstance(value, str) and name != "csrf"}
    return await run_in_threadpool(_connect, request, found, who, network, given, account_id)


@router.get("/callback", dependencies=[needs(Action.MANAGE)])
def come_back(
    request: Request, found: TheDesk, who: Who, state: Code = "", code: Code = "", error: Code = ""
) -> Response:
    """Back from the network's page, with its code or without."""
    _ = pages.words(request).gettext
    attempt = Attempt()
    try:
        with database.writing(found.engine) as session:
            begun = joining.take(session, state, who.id, seed(request, found), found.keys, clock.now())
        attempt = Attempt(begun.network, given=begun.given, again=begun.account_id)
        sign_in = registry.network(begun.network).sign_in
        if error or not code:
            words = _("The network's page was left without a yes; nothing was connected.")
            return _page(request, found, replace(attempt, words=words))
        if not isinstance(sign_in, PageSignIn):
            raise Trouble(404, "There is no such sign-in")
        signed = sign_in.finish(begun.kept, code, found.settings.fetch_private_addresses)
        return _kept(found, who, begun.network, signed, begun.account_id)
    except NetworkError as failed:
        return _page(request, found, replace(attempt, words=_said(request, failed)))


@router.post("/{account_id}/test", dependencies=[needs(Action.MANAGE)])
def test_account(request: Request, found: TheDesk, who: Who, account_id: Id) -> Response:
    """Asks the network who we are there; a sign-in that ended is marked at once, nothing else changes anything."""
    account = _known(found, account_id)
    try:
        joined.test(found.engine, account_id, who.id, found.keys, found.settings, clock.now(), who.address)
    except SignInExpired:
        return RedirectResponse("/accounts?said=account-signed-out", 303)
    except NetworkError as failed:
        return _page(request, found, Attempt(account.network, _said(request, failed)))
    return RedirectResponse("/accounts?said=account-fine", 303)


@router.post("/{account_id}/budget", dependencies=[needs(Action.MANAGE)])
def set_budget(request: Request, found: TheDesk, who: Who, account_id: Id, dollars: Line = "") -> Response:
    """The month's budget; empty: none."""
    _known(found, account_id)
    try:
        budget = Decimal(dollars.lstrip("$")) if dollars else None
    except InvalidOperation:
        budget = Decimal(-1)
    if budget is not None and not (budget.is_finite() and 0 <= budget < MOST_MONEY):
        _ = pages.words(request).gettext
        return _page(request, found, Attempt(words=_("A budget is a number of dollars, such as 50.")))
    with database.writing(found.engine) as session:
        now = clock.now()
        joined.set_budget(session, account_id, budget, who.id, now)
        reach.look_now(session, account_id, now)
    return RedirectResponse("/accounts?said=planned", 303)


@router.post("/{account_id}/remove", dependencies=[needs(Action.MANAGE)])
def remove(found: TheDesk, who: Who, account_id: Id) -> Response:
    """Forgets the account's secrets and stops its sources; what it published stays in the records."""
    _known(found, account_id)
    with database.writing(found.engine) as session:
        joined.remove(session, account_id, who.id, clock.now(), who.address)
    return RedirectResponse("/accounts?said=account-removed", 303)


def _connect(
    request: Request, found: Desk, who: Visitor, network: str, typed: Mapping[str, str], again: int | None
) -> Response:
    try:
        wanted = registry.network(network)
    except UnknownNetwork as error:
        raise Trouble(404, "There is no such network") from error
    if wanted.without_sign_in and again is None:
        return _added(found, who, network)
    sign_in = wanted.sign_in
    if sign_in is None or (again is not None and _known(found, again).network != network):
        raise Trouble(404, "There is no such sign-in", "Nothing was changed.")
    given = {one.name: typed[one.name] for one in sign_in.fields if one.name in typed}
    attempt = Attempt(
        network, given={one.name: given.get(one.name, "") for one in sign_in.fields if not one.secret}, again=again
    )
    private = found.settings.fetch_private_addresses
    try:
        match sign_in:
            case PasswordSignIn():
                return _kept(found, who, network, sign_in.connect(given, private), again)
            case PageSignIn():
                state = joining.new_state()
                departure = sign_in.begin(given, found.settings.base_url + CALLBACK, state, private)
                with database.writing(found.engine) as session:
                    joining.begin(
                        session, state, network=network, person_id=who.id, browser=seed(request, found),
                        account_id=again, kept=departure.kept, given=attempt.given, keys=found.keys, now=clock.now(),
                    )  # fmt: skip
                # A link rather than a redirect: the page's policy lets forms lead nowhere else.
                return _page(request, found, replace(attempt, go_to=departure.url))
    except NetworkError as error:
        return _page(request, found, replace(attempt, words=_said(request, error)))


def _added(found: Desk, who: Visitor, network: str) -> Response:
    """An account that needs no sign-in, in the department's name; the one that is there, if there is one."""
    now = clock.now()
    with database.writing(found.engine) as session:
        database.take_turn(session, _TURN)  # of two who press at once, one sees what the other added
        if all(one.network != network for one in accounts.kept(session)):
            made = accounts.add(
                session, network=network, name=found.settings.department.name, handle="", secret=None, keys=found.keys,
                now=now,
            )  # fmt: skip
            detail = {"network": network, "handle": ""}
            audit.record(session, now, who.id, "account.add", f"account:{made.id}", detail, who.address)
    return RedirectResponse("/accounts?said=account-added", 303)


def _kept(found: Desk, who: Visitor, network: str, signed: SignedIn, account_id: int | None) -> Response:
    with database.writing(found.engine) as session:
        _, is_new = joined.keep(
            session, network, signed, who.id, found.keys, clock.now(), account_id=account_id, address=who.address
        )
    return RedirectResponse(f"/accounts?said=account-{'connect' if is_new else 'reconnect'}", 303)


def _known(found: Desk, account_id: int) -> Account:
    try:
        with database.reading(found.engine) as session:
            return joined.known(session, account_id)
    except Rejected as error:
        raise Trouble(404, "There is no such account", "Nothing was changed.") from error


def _said(request: Request, error: NetworkError) -> str:
    """Why it did not work, for a person; nothing was changed either way."""
    _ = pages.words(request).gettext
    if isinstance(error, RateLimited):
        at = error.retry_at.astimezone(pages.zone_of(request))
        return _("The network asks to wait until %(at)s.") % {"at": f"{at:%H:%M}"}
    if isinstance(error, Rejected):
        return error.reason
    return _("It could not be reached just now (%(why)s). Nothing was changed.") % {"why": str(error)}


def _page(request: Request, found: Desk, attempt: Attempt | None = None) -> Response:
    now = clock.now()
    tried = attempt or Attempt()
    with database.reading(found.engine) as session:
        waiting, watches = queue.waiting_by_account(session), reach.watches(session)
        rows = [
            Row(
                account,
                registry.network(account.network).label,
                waiting.get(account.id or 0, 0),
                tuple((source, health.health(source, now, account)) for source in joined.sources_of(session, account)),
                followed=registry.network(account.network).policy.deletion_hours is not None,
                can_test=registry.network(account.network).test is not None,
                can_sign_in=registry.network(account.network).sign_in is not None,
                money=accounts.money(session, account, now),
                watch=watches.get(account.id or 0),
                days_left=max(0, (account.ends_at - now).days) if account.ends_at is not None else None,
            )
            for account in sorted(accounts.kept(session), key=lambda one: one.state == "connected")  # signed out: first
        ]
    there = {row.account.network for row in rows}
    offered: list[Network] = [network for network in registry.NETWORKS.values() if network.sign_in is not None]
    return pages.render(
        request,
        "accounts.html",
        status=422 if tried.words else 200,
        rows=rows,
        offered=sorted(offered, key=lambda network: network.label),
        free=[one for one in registry.NETWORKS.values() if one.without_sign_in and one.name not in there],
        tried=tried,
        again=next((row.account for row in rows if row.account.id == tried.again), None),
        place_to_go=urlsplit(tried.go_to).netloc,
    )
