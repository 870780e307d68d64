"""Accounts for programs: how each is, a test, removal. Connecting one is for a person, on the page or by command."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from listeners import joined
from networks import accounts
from networks.network import NetworkError, Rejected, SignInExpired
from networks.tables import Account
from posts import queue, reach
from posts.tables import ReachWatch
from web.desk import TheDesk
from web.fields import Id
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()


class AccountOut(BaseModel):
    """An account of the department. `state`: connected or signed_out; secrets are never told."""

    id: int
    network: str
    name: str
    handle: str
    state: str
    state_reason: str
    state_at: datetime | None
    last_ok_at: datetime | None
    rate_limit: int | None
    rate_remaining: int | None
    rate_resets_at: datetime | None
    ends_at: datetime | None  # when a person must sign in again
    monthly_budget: Decimal | None  # dollars
    waiting: int = 0
    reach_read_at: datetime | None = None  # when it was last read how our posts fare there
    reach_error: str = ""  # why that could not be read, or not whole


class BudgetIn(BaseModel):
    """Dollars a month, after which nothing more is read there; none: no limit."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dollars": "50.00"}]})

    dollars: Annotated[Decimal, Field(ge=0, lt=1_000_000)] | None


@router.get("/accounts", dependencies=[needs(Action.READ_POSTS)])
def list_accounts(found: TheDesk) -> list[AccountOut]:
    """Every account, with how many posts wait to go out there."""
    with database.reading(found.engine) as session:
        waiting, watches = queue.waiting_by_account(session), reach.watches(session)
        return [
            _out(account, watches.get(account.id or 0), waiting.get(account.id or 0, 0))
            for account in accounts.kept(session)
        ]


@router.put("/accounts/{account_id}/budget", dependencies=[needs(Action.MANAGE)])
def set_budget(found: TheDesk, who: Who, account_id: Id, given: BudgetIn) -> AccountOut:
    with database.writing(found.engine) as session:
        try:
            account = joined.known(session, account_id)
        except Rejected as error:
            raise Trouble(404, "There is no such account", error.reason) from error
        now = clock.now()
        joined.set_budget(session, account_id, given.dollars, who.id, now)
        reach.look_now(session, account_id, now)
        return _out(account, session.get(ReachWatch, account_id))


@router.post("/accounts/{account_id}/test", dependencies=[needs(Action.MANAGE)])
def test_account(found: TheDesk, who: Who, account_id: Id) -> AccountOut:
    """Asks the network who we are there. 409 when the sign-in ended (the account is signed out from now on), 502 when
    it could not be asked (nothing was changed)."""
    try:
        account = joined.test(found.engine, account_id, who.id, found.keys, found.settings, clock.now(), who.address)
    except Rejected as error:
        raise Trouble(404, "This account cannot be tested", error.reason) from error
    except SignInExpired as error:
        raise Trouble(409, "The account is signed out", str(error), "Connect it again on the Accounts page.") from error
    except NetworkError as error:
        raise Trouble(502, "The network could not be asked", f"{error} Nothing was changed.") from error
    with database.reading(found.engine) as session:
        return _out(account, session.get(ReachWatch, account_id))


@router.delete("/accounts/{account_id}", dependencies=[needs(Action.MANAGE)])
def remove_account(found: TheDesk, who: Who, account_id: Id) -> AccountOut:
    """Forgets how to sign in there and stops listening by it; what was published stays in the records."""
    try:
        with database.writing(found.engine) as session:
            gone = joined.remove(session, account_id, who.id, clock.now(), who.address)
            return _out(gone, session.get(ReachWatch, account_id))
    except Rejected as error:
        raise Trouble(404, "There is no such account") from error


def _out(account: Account, watch: ReachWatch | None, waiting: int = 0) -> AccountOut:
    told = AccountOut.model_validate(account, from_attributes=True).model_copy(update={"waiting": waiting})
    if watch is None:
        return told
    return told.model_copy(update={"reach_read_at": watch.last_ok_at, "reach_error": watch.last_error or ""})
