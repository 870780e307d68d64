"""The records for programs: the package as one file, legal holds, requests for people's own data, the audit log."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database, legal_holds
from config.legal_holds import HoldRefused, Kind
from config.permissions import Action
from listeners import data_requests
from listeners.data_requests import NoAuthorId
from scheduler.jobs import own_data
from web import records as room
from web import transparency
from web.api import paging
from web.desk import TheDesk
from web.drafting import Number
from web.fields import LARGEST_ID, Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()
Line = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=320)]


class LegalHoldIn(BaseModel):
    """What must be kept: a post, an account or an alert by its number, or a period by its days, the last one included,
    in the department's zone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "post", "number": 12, "reason": "Court order 26-118"},
                {"kind": "period", "first_day": "2026-11-01", "last_day": "2026-11-30", "reason": "Records request 7"},
            ]
        }
    )

    kind: Kind
    reason: Line
    number: Number | None = None
    first_day: date | None = None
    last_day: date | None = None


class LiftIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "The case was closed on 3 December."}]})

    why: Line


class LegalHoldOut(BaseModel):
    """A hold, in force while nobody lifted it. `ends_at`: a period is over then; `placed_by` none: at the terminal."""

    id: int
    kind: str
    subject_id: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str
    placed_at: datetime
    placed_by: int | None
    lifted_at: datetime | None
    lifted_by: int | None
    lifted_why: str


class RequestMade(BaseModel):
    id: int


class ProofIn(BaseModel):
    """The account's stable id on its network, and how an officer knows whose it is. The id is hashed at once and kept
    nowhere."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "network": "bluesky",
                    "account": "did:plc:z72i7hdynmk6r22z27h6tvur",
                    "proof": "Showed it at the counter.",
                }
            ]
        }
    )

    network: Annotated[str, Field(max_length=40)]
    account: Line
    proof: Line


class RequestOut(BaseModel):
    """A request. `word`: what its owner says from the account, while it waits. `ended_how`: said, checked, withdrawn or
    lapsed; never whether there was anything."""

    id: int
    word: str
    opened_at: datetime
    opened_by: int
    expires_at: datetime
    ended_at: datetime | None
    ended_how: str


class EntryOut(BaseModel):
    """Who of us did what, when, to what. `person_id` none: Liaison itself."""

    id: int
    at: datetime
    person_id: int | None
    action: str
    subject: str
    detail: dict[str, Any]
    address: str


class LogOut(BaseModel):
    """A page, newest first; `next` goes into `before` for the page after it, none on the last."""

    entries: list[EntryOut]
    next: int | None


@router.get("/records/export", dependencies=[needs(Action.READ_RECORDS)])
def export(found: TheDesk, who: Who, post: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None) -> Response:
    """A zip with the BagIt package of everything that was published, or of one post: JSON, HTML, pictures, manifest."""
    return room.exported(found, who, post)


@router.get("/legal-holds", dependencies=[needs(Action.READ_RECORDS)])
def list_legal_holds(found: TheDesk) -> list[LegalHoldOut]:
    """Every one there ever was, the newest first."""
    with database.reading(found.engine) as session:
        return [LegalHoldOut.model_validate(one, from_attributes=True) for one in legal_holds.all_holds(session)]


@router.post("/legal-holds", status_code=201, dependencies=[needs(Action.KEEP_RECORDS)])
def place_legal_hold(found: TheDesk, who: Who, given: LegalHoldIn) -> LegalHoldOut:
    """422 where it says too little, or there is nothing with that number."""
    zone = found.settings.department.zone
    period = None
    if given.first_day is not None and given.last_day is not None:
        try:
            period = _midnight(given.first_day, zone), _midnight(given.last_day + timedelta(days=1), zone)
        except OverflowError as error:
            raise Trouble(422, "That is no day", "Nothing was changed.") from error
    try:
        made = room.placed(found, who, given.kind, given.reason, given.number, period)
    except HoldRefused as error:
        raise Trouble(422, "This hold cannot be placed", str(error), "Nothing was changed.") from error
    return LegalHoldOut.model_validate(made, from_attributes=True)


@router.post("/legal-holds/{hold_id}/lift", dependencies=[needs(Action.KEEP_RECORDS)])
def lift_legal_hold(found: TheDesk, who: Who, hold_id: Id, given: LiftIn) -> LegalHoldOut:
    """What is past its time goes at the next purge. 404 for one that is not in force."""
    try:
        with database.writing(found.engine) as session:
            lifted = legal_holds.lift(session, hold_id, given.why, who.id, clock.now(), address=who.address)
            if lifted is None:
                raise Trouble(404, "There is no such hold in force", "Somebody lifted it already. Nothing was changed.")
            return LegalHoldOut.model_validate(lifted, from_attributes=True)
    except HoldRefused as error:
        raise Trouble(422, "This hold cannot be lifted", str(error), "Nothing was changed.") from error


@router.get("/own-data", dependencies=[needs(Action.READ_RECORDS)])
def list_requests(found: TheDesk) -> list[RequestOut]:
    """The last fifty requests of people for their own data to go, newest first."""
    with database.reading(found.engine) as session:
        return [RequestOut.model_validate(one, from_attributes=True) for one in data_requests.latest(session)]


@router.post("/own-data", status_code=201, dependencies=[needs(Action.KEEP_RECORDS)])
def open_request(found: TheDesk, who: Who) -> RequestMade:
    """A new request; its word is in the list."""
    with database.writing(found.engine) as session:
        return RequestMade(id=own_data.open_request(session, who.id, clock.now(), who.address).id or 0)


@router.post("/own-data/{request_id}/checked", status_code=204, dependencies=[needs(Action.KEEP_RECORDS)])
def meet_request(found: TheDesk, who: Who, request_id: Id, given: ProofIn) -> None:
    """Deletes what is kept of the account; answers the same whatever there was. 404 for one that does not wait, 422 for
    what is no lasting id of an account there."""
    if given.network not in {one.name for one in transparency.LISTENED}:
        raise Trouble(404, "There is no such network")
    try:
        transparency.met(found, who, request_id, given.network, given.account, given.proof)
    except NoAuthorId as error:
        raise Trouble(422, "This is no id of an account", str(error)) from error


@router.post("/own-data/{request_id}/withdraw", status_code=204, dependencies=[needs(Action.KEEP_RECORDS)])
def withdraw_request(found: TheDesk, who: Who, request_id: Id) -> None:
    """Ends it without anything being deleted. 404 for one that does not wait."""
    transparency.withdrawn(found, who, request_id)


@router.get("/audit-log", dependencies=[needs(Action.READ_AUDIT)])
def read_log(
    found: TheDesk,
    who: Who,
    action: Annotated[str, Query(max_length=60)] = "",
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = paging.MOST,
) -> LogOut:
    """What our own people did; `action` chooses one kind of deed. Each look at it is an entry of it."""
    rows = room.log_entries(found, who, action, before, limit + 1)
    return LogOut(
        entries=[EntryOut.model_validate(one, from_attributes=True) for one in rows[:limit]],
        next=rows[limit - 1].id if len(rows) > limit else None,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
