"""Where alerts are told besides by mail, and what was delivered, for programs. Addresses and secrets go in and never
come out."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import col, select

from config import database
from config.permissions import Action
from scheduler import webhooks
from scheduler.tables import AlertChannel
from web import channels as room
from web.api import paging
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/channels", dependencies=[needs(Action.MANAGE)])
SHORTEST_SECRET = 24  # bytes, as Standard Webhooks asks


class ChannelIn(BaseModel):
    """A program of yours (json) or a chat room (chat). `secret`: of a program, made by you, as Standard Webhooks has it
    (`whsec_` and base64 of 24 to 64 bytes): it signs what the program is told. `concerns`: none means all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Dispatch", "kind": "json", "address": "https://dispatch.riverton.example/alerts",
                 "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "concerns": ["traffic_safety"]}  # nosec B105  an example
            ]
        }
    )  # fmt: skip

    name: Annotated[str, AfterValidator(clean), Field(max_length=320)]
    kind: Literal["json", "chat"] = "json"
    address: Annotated[str, AfterValidator(clean), Field(max_length=2000)]
    secret: Annotated[str, Field(max_length=200)] | None = None
    concerns: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] = Field(default_factory=list)
    urgent_only: bool = False


class ActiveIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    active: bool


class ChannelOut(BaseModel):
    """A channel. `host`: all of its address that is told."""

    id: int
    name: str
    kind: str
    host: str
    concerns: list[str]
    urgent_only: bool
    active: bool
    last_ok_at: datetime | None
    last_error: str | None


class DeliveryOut(BaseModel):
    """A mail or a call. `at`: when it went, or was put; `why`: of what was tried last and not taken."""

    id: int
    at: datetime
    kind: str
    recipient: str
    subject: str
    state: str
    tries: int
    due_at: datetime
    why: str


class DeliveriesOut(BaseModel):
    """A page, newest first; `next` goes into `before` for the page after it, none on the last."""

    deliveries: list[DeliveryOut]
    next: int | None


@router.get("")
def list_channels(found: TheDesk) -> list[ChannelOut]:
    with database.reading(found.engine) as session:
        return [_out(found, one) for one in session.exec(select(AlertChannel).order_by(col(AlertChannel.id)))]


@router.post("", status_code=201)
def add_channel(found: TheDesk, who: Who, given: ChannelIn) -> ChannelOut:
    """422 for an address that leads nowhere we know, or a program without a secret."""
    if (given.kind == "json") != (given.secret is not None) or (given.secret is not None and not _is_one(given.secret)):
        raise Trouble(
            422,
            "A program has a signing secret, a chat room has none",
            f"{webhooks.SECRET_PREFIX} and base64 of 24 to 64 bytes. Nothing was changed.",
        )
    made = room.added(
        found, who, given.name, given.kind, given.address, given.secret, given.concerns, urgent_only=given.urgent_only
    )
    return _out(found, made)


@router.post("/{channel_id}/test", status_code=202)
def test_channel(found: TheDesk, who: Who, channel_id: Id) -> None:
    """Tells it a message that says it is a test; what became of it is in the log."""
    room.tested(found, who, channel_id)


@router.put("/{channel_id}/active")
def switch_channel(found: TheDesk, who: Who, channel_id: Id, given: ActiveIn) -> ChannelOut:
    """Switches it on or off."""
    return _out(found, room.switched(found, who, channel_id, active=given.active))


@router.get("/log")
def read_deliveries(
    found: TheDesk,
    state: Literal["waiting", "sending", "sent", "failed"] | None = None,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = 50,
) -> DeliveriesOut:
    """Everything that was to be delivered, mails too: to whom, what became of it, and why not; never its words."""
    with database.reading(found.engine) as session:
        rows = room.log_lines(session, state or "", before, limit + 1)
    return DeliveriesOut(
        deliveries=[
            DeliveryOut(
                id=one.number, at=one.at, kind=one.kind, recipient=one.recipient, subject=one.subject, state=one.state,
                tries=one.tries, due_at=one.due_at, why=one.why,
            )
            for one in rows[:limit]
        ],
        next=rows[limit - 1].number if len(rows) > limit else None,
    )  # fmt: skip


@router.post("/log/{message_id}/again", status_code=204)
def try_again(found: TheDesk, who: Who, message_id: Id) -> None:
    """Tries once more what was given up, with the same identity; 409 for what was not, or has no words any more."""
    if not room.tried_again(found, who, message_id):
        raise Trouble(409, "This delivery cannot be tried again", "Nothing was changed.")


def _is_one(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(webhooks.SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return secret.startswith(webhooks.SECRET_PREFIX) and SHORTEST_SECRET <= len(key) <= 64


def _out(found: Desk, channel: AlertChannel) -> ChannelOut:
    told = channel.model_dump(exclude={"address", "secret"})
    return ChannelOut.model_validate(told | {"host": room.host(found, channel)})
