"""Where alerts are told besides by mail, for administrators: programs and chat rooms, each with a test button; and the
log of everything that was to be delivered, mails too, with what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import col, func, select, update

from config import audit, clock, database
from config.permissions import Action
from config.secrets import SecretKeyError
from config.tables import OutboxMessage
from scheduler import webhooks
from scheduler.jobs import alerting
from scheduler.tables import AlertChannel
from sentiment.taxonomy import CONCERNS
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Who, needs
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
    _ = pages.words(request).gettext
    wrong = webhooks.wrong_with(kind, address.strip()) if name.strip() else "A channel needs a name."
    if wrong:
        return _page(request, found, wrong=_(wrong))
    moment, secret = clock.now(), webhooks.new_secret() if kind == "json" else None
    with database.writing(found.engine) as session:
        channel = AlertChannel(
            name=name.strip(),
            kind=kind,
            address=found.keys.seal(address.strip()),
            secret=found.keys.seal(secret) if secret else None,
            concerns=[key for key in CONCERNS if key in (concerns or ())],
            urgent_only=urgent_only,
            created_at=moment,
        )
        session.add(channel)
        session.flush()
        audit.record(session, moment, who.id, "channel.add", f"channel:{channel.id}", {"kind": kind}, who.address)
    return _page(request, found, secret=secret)


@router.post("/channels/{channel_id}/test")
def test(found: TheDesk, who: Who, channel_id: Id) -> Response:
    """Tells the channel a message that says it is a test; the log shows what became of it."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        channel = session.get(AlertChannel, channel_id)
        if channel is None:
            raise Trouble(404, "There is no such channel", "Nothing was sent.")
        alerting.put_test(session, channel, found.settings, moment)
        audit.record(session, moment, who.id, "channel.test", f"channel:{channel_id}", {}, who.address)
    return RedirectResponse("/channels/log?said=channel-tested", 303)


@router.post("/channels/{channel_id}/active")
def switch(found: TheDesk, who: Who, channel_id: Id, active: Annotated[bool, Form()] = False) -> Response:
    """Switches a channel on or off."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        channel = session.get(AlertChannel, channel_id)
        if channel is None:
            raise Trouble(404, "There is no such channel", "Nothing was changed.")
        channel.active = active
        session.add(channel)
        detail = {"active": active}
        audit.record(session, moment, who.id, "channel.switch", f"channel:{channel_id}", detail, who.address)
    return RedirectResponse("/channels", 303)


@router.get("/channels/log")
def log(request: Request, found: TheDesk, state: Annotated[str, Query(max_length=10)] = "") -> Response:
    """Everything that was to be delivered, newest first: to whom, what became of it, and why not."""
    with database.reading(found.engine) as session:
        counts = dict(session.exec(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)).all())
        query = select(OutboxMessage).order_by(col(OutboxMessage.id).desc()).limit(SHOWN)
        if state in STATES:
            query = query.where(OutboxMessage.state == state)
        names = {webhooks.recipient(one.id or 0): one.name for one in session.exec(select(AlertChannel))}
        lines = [
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
    return pages.render(request, "delivery_log.html", lines=lines, counts_by_state=counts, state=state, states=STATES)


@router.post("/channels/log/{message_id}/again")
def again(found: TheDesk, who: Who, message_id: Id) -> Response:
    """Tries a delivery that was given up once more, with the same identity."""
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
    return RedirectResponse("/channels/log?said=delivery-again", 303)


def _page(request: Request, found: Desk, *, wrong: str | None = None, secret: str | None = None) -> Response:
    with database.reading(found.engine) as session:
        channels = list(session.exec(select(AlertChannel).order_by(col(AlertChannel.id))))
    return pages.render(
        request,
        "channels.html",
        status=200 if wrong is None else 422,
        channels=[ChannelView(channel, _host(found, channel)) for channel in channels],
        concerns=CONCERNS,
        wrong=wrong,
        secret=secret,
        patience=found.settings.alert_escalation_minutes,
    )


def _host(found: Desk, channel: AlertChannel) -> str:
    try:
        parts = urlsplit(found.keys.open(channel.address))
    except (SecretKeyError, ValueError):
        return ""
    return f"{parts.scheme}://{parts.hostname or ''}/…"
