"""Where alerts are told besides by mail, for administrators: programs and chat rooms, each with a test button; and the
log of everything that was to be delivered, mails too, with what became of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, col, func, select, update

from config import audit, clock, database
from config.permissions import Action
from config.phrases import Phrase
from config.secrets import SecretKeyError
from config.tables import OutboxMessage
from scheduler import webhooks
from scheduler.jobs import alerting
from scheduler.tables import AlertChannel
from sentiment.taxonomy import CONCERNS
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(dependencies=[needs(Action.MANAGE)])
SHOWN = 200  # lines of the log
STATES = ("waiting", "sending", "sent", "failed")


@dataclass(frozen=True)
class ChannelView:
    channel: AlertChannel
    host: str  # all of an address that is shown: the rest of it is a key


@dataclass(frozen=True)
class LogLine:
    """One delivery. The message itself is not shown: it holds other people's words."""

    number: int
    at: datetime
    kind: str
    recipient: str
    subject: str
    state: str
    tries: int
    due_at: datetime
    why: str


@router.get("/channels")
def page(request: Request, found: TheDesk) -> Response:
    """The channels, and the form that adds one."""
    return _page(request, found)


@router.post("/channels")
def add(
    request: Request,
    found: TheDesk,
    who: Who,
    name: Line = "",
    kind: Annotated[str, Form(pattern="^(json|chat)$")] = "json",
    address: Annotated[str, Form(max_length=2000)] = "",
    concerns: Annotated[list[str] | None, Form(max_length=100)] = None,
    urgent_only: Annotated[bool, Form()] = False,
) -> Response:
    """Adds a channel. A program's signing secret is shown once."""
    secret = webhooks.new_secret() if kind == "json" else None
    try:
        added(found, who, name, kind, address, secret, concerns or (), urgent_only=urgent_only)
    except Trouble as error:
        given = {"name": name, "kind": kind, "address": address, "concerns": concerns or [], "urgent_only": urgent_only}
        return _page(request, found, wrong=error.title, given=given)
    return _page(request, found, secret=secret)


def added(
    found: Desk,
    who: Visitor,
    name: str,
    kind: str,
    address: str,
    secret: str | None,
    concerns: Collection[str],
    *,
    urgent_only: bool,
) -> AlertChannel:
    """A channel; `secret` signs what a program is told. Raises Trouble 422."""
    if not name.strip():
        raise Trouble(422, Phrase.about(Phrase("A channel needs a name."), "name"))
    wrong = webhooks.wrong_with(kind, address.strip())
    if wrong:
        raise Trouble(422, Phrase.about(wrong, "address"))
    moment = clock.now()
    with database.writing(found.engine) as session:
        channel = AlertChannel(
            name=name.strip(),
            kind=kind,
            address=found.keys.seal(address.strip()),
            secret=found.keys.seal(secret) if secret else None,
            concerns=[key for key in CONCERNS if key in concerns],
            urgent_only=urgent_only,
            created_at=moment,
        )
        session.add(channel)
        session.flush()
        audit.record(session, moment, who.id, "channel.add", f"channel:{channel.id}", {"kind": kind}, who.address)
        return channel


@router.post("/channels/{channel_id}/test")
def test(found: TheDesk, who: Who, channel_id: Id) -> Response:
    """Tells the channel a message that says it is a test; the log shows what became of it."""
    tested(found, who, channel_id)
    return RedirectResponse("/channels/log?said=channel-tested", 303)


def tested(found: Desk, who: Visitor, channel_id: int) -> None:
    """Raises Trouble 404."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        channel = session.get(AlertChannel, channel_id)
        if channel is None:
            raise Trouble(404, "There is no such channel", "Nothing was sent.")
        alerting.put_test(session, channel, found.settings, moment)
        audit.record(session, moment, who.id, "channel.test", f"channel:{channel_id}", {}, who.address)


@router.post("/channels/{channel_id}/active")
def switch(found: TheDesk, who: Who, channel_id: Id, active: Annotated[bool, Form()] = False) -> Response:
    switched(found, who, channel_id, active=active)
    return RedirectResponse("/channels", 303)


def switched(found: Desk, who: Visitor, channel_id: int, *, active: bool) -> AlertChannel:
    """Switches a channel on or off. Raises Trouble 404."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        channel = session.get(AlertChannel, channel_id)
        if channel is None:
            raise Trouble(404, "There is no such channel", "Nothing was changed.")
        channel.active = active
        session.add(channel)
        detail = {"active": active}
        audit.record(session, moment, who.id, "channel.switch", f"channel:{channel_id}", detail, who.address)
        return channel


@router.get("/channels/log")
def log(request: Request, found: TheDesk, state: Annotated[str, Query(max_length=10)] = "") -> Response:
    """Everything that was to be delivered, newest first: to whom, what became of it, and why not."""
    with database.reading(found.engine) as session:
        counts = dict(session.exec(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)).all())
        lines = log_lines(session, state, None, SHOWN)
    return pages.render(request, "delivery_log.html", lines=lines, counts_by_state=counts, state=state, states=STATES)


def log_lines(session: Session, state: str, before: int | None, limit: int) -> list[LogLine]:
    """The newest deliveries of a number under `before`; of one state, if it is one."""
    query = select(OutboxMessage).order_by(col(OutboxMessage.id).desc()).limit(limit)
    if state in STATES:
        query = query.where(OutboxMessage.state == state)
    if before is not None:
        query = query.where(col(OutboxMessage.id) < before)
    names = {webhooks.recipient(one.id or 0): one.name for one in session.exec(select(AlertChannel))}
    return [
        LogLine(
            number=row.id or 0,
            at=row.sent_at or row.created_at,
            kind=row.kind,
            recipient=names.get(row.recipient, row.recipient),
            subject=row.subject,
            state=row.state,
            tries=row.tries,
            due_at=row.due_at,
            why=row.last_error or "",
        )
        for row in session.exec(query)
    ]


@router.post("/channels/log/{message_id}/again")
def again(found: TheDesk, who: Who, message_id: Id) -> Response:
    tried_again(found, who, message_id)
    return RedirectResponse("/channels/log?said=delivery-again", 303)


def tried_again(found: Desk, who: Visitor, message_id: int) -> bool:
    """Tries a delivery that was given up once more, with the same identity; whether there is one."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        changed = session.exec(
            update(OutboxMessage)
            .where(
                col(OutboxMessage.id) == message_id,
                col(OutboxMessage.state) == "failed",
                col(OutboxMessage.message) != b"",  # its words were past their time
            )
            .values(state="waiting", due_at=moment)
        )
        if changed.rowcount:
            audit.record(session, moment, who.id, "delivery.again", f"outbox:{message_id}", {}, who.address)
        return bool(changed.rowcount)


def _page(
    request: Request,
    found: Desk,
    *,
    wrong: str | None = None,
    given: dict[str, Any] | None = None,
    secret: str | None = None,
) -> Response:
    with database.reading(found.engine) as session:
        channels = list(session.exec(select(AlertChannel).order_by(col(AlertChannel.id))))
    return pages.render(
        request,
        "channels.html",
        status=200 if wrong is None else 422,
        channels=[ChannelView(channel, host(found, channel)) for channel in channels],
        concerns=CONCERNS,
        wrong=wrong,
        given=given or {"name": "", "kind": "json", "address": "", "concerns": [], "urgent_only": False},
        secret=secret,
        patience=found.settings.alert_escalation_minutes,
    )


def host(found: Desk, channel: AlertChannel) -> str:
    """What is told of an address; empty where it cannot be opened."""
    try:
        parts = urlsplit(found.keys.open(channel.address))
    except (SecretKeyError, ValueError):
        return ""
    return f"{parts.scheme}://{parts.hostname or ''}/…"
