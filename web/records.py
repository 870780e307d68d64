"""Records: how long what is kept, legal holds, whether the audit log's chain holds; and the audit log itself, for
auditors. The log is by what our own people did; each look at it is an entry of it."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar
from starlette.background import BackgroundTask

from config import audit, clock, database, legal_holds, people
from config.legal_holds import HoldRefused, Kind
from config.permissions import Action
from config.phrases import Phrase
from config.tables import AuditEntry, LegalHold
from posts.tables import Post
from scheduler import records_package
from scheduler.jobs import expiry
from web import downloads, pages
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter()
PAGE = 100
RUNS = 10


@router.get("/records", dependencies=[needs(Action.READ_RECORDS)])
def page(request: Request, found: TheDesk) -> Response:
    """What is kept and how long, the holds, the last runs."""
    return _page(request, found)


@router.post("/records/holds", dependencies=[needs(Action.KEEP_RECORDS)])
def place(
    request: Request,
    found: TheDesk,
    who: Who,
    kind: Annotated[Kind, Form()],
    reason: Line = "",
    number: Annotated[str, Form(max_length=10)] = "",
    first_day: Annotated[str, Form(max_length=10)] = "",
    last_day: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Places a legal hold; days are of the department's zone, the last one included."""
    subject = int(number) if number.isdecimal() and 0 < int(number) <= LARGEST_ID and kind is not Kind.PERIOD else None
    start, end = _midnight(found, first_day), _midnight(found, last_day)
    period = (start, _day_after(end)) if start and end and kind is Kind.PERIOD else None
    try:
        placed(found, who, kind, reason, subject, period)
    except (HoldRefused, Trouble) as error:
        given = {"kind": kind.value, "number": number, "first_day": first_day, "last_day": last_day, "reason": reason}
        return _page(request, found, wrong=("new", str(error)), given=given)
    return RedirectResponse("/records?said=legal-hold-placed", 303)


def placed(
    found: Desk,
    who: Visitor,
    kind: Kind,
    reason: str,
    subject_id: int | None,
    period: tuple[datetime, datetime] | None,
) -> LegalHold:
    """A legal hold. Raises HoldRefused, Trouble where there is nothing with that number."""
    with database.writing(found.engine) as session:
        if subject_id is not None and kind is not Kind.PERIOD and not expiry.is_there(session, kind, subject_id):
            raise Trouble(
                422, Phrase.about(Phrase("There is nothing with that number."), "number"), "Nothing was changed."
            )
        return legal_holds.place(
            session, kind, reason, who.id, clock.now(), subject_id=subject_id, period=period, address=who.address
        )


@router.post("/records/holds/{hold_id}/lift", dependencies=[needs(Action.KEEP_RECORDS)])
def lift(request: Request, found: TheDesk, who: Who, hold_id: Id, why: Line = "") -> Response:
    """Lifts a legal hold, with a reason."""
    try:
        with database.writing(found.engine) as session:
            lifted = legal_holds.lift(session, hold_id, why, who.id, clock.now(), address=who.address)
    except HoldRefused as error:
        return _page(request, found, wrong=(str(hold_id), str(error)))
    if lifted is None:
        raise Trouble(404, "There is no such hold in force", "Somebody lifted it already. Nothing was changed.")
    return RedirectResponse("/records?said=legal-hold-lifted", 303)


@router.get("/records/export", dependencies=[needs(Action.READ_RECORDS)])
def export(
    found: TheDesk,
    who: Who,
    post: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    there: downloads.There = "",
) -> Response:
    """The records package as one file: of everything, or of one post."""
    return downloads.there(exported(found, who, post), there, found)


def exported(found: Desk, who: Visitor, post: int | None) -> Response:
    """The package as a download; it is noted who took it."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        if post is not None and session.get(Post, post) is None:
            raise Trouble(404, "There is no such post")
        subject = "records" if post is None else f"post:{post}"
        audit.record(session, moment, who.id, "records.export", subject, {}, who.address)
    with ExitStack() as clearing:
        folder = Path(clearing.enter_context(tempfile.TemporaryDirectory(prefix="liaison-records-")))
        file = records_package.zipped(found.engine, found.settings, found.keys, folder, moment, post)
        cleared = BackgroundTask(clearing.pop_all().close)  # once it is sent, not now
    day = moment.astimezone(found.settings.department.zone).date().isoformat()
    name = f"liaison-records-{day}.zip" if post is None else f"liaison-post-{post}-{day}.zip"
    return FileResponse(file, media_type="application/zip", filename=name, background=cleared)


@router.get("/records/log", dependencies=[needs(Action.READ_AUDIT)])
def log(
    request: Request,
    found: TheDesk,
    who: Who,
    action: Annotated[str, Query(max_length=60)] = "",
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """The audit log, newest first; `action` chooses one kind of deed."""
    entries = log_entries(found, who, action, before, PAGE + 1)
    with database.reading(found.engine) as session:
        names = {one.id: one.name for one in people.all_people(session)}
        actions = session.exec(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()
    return pages.render(
        request,
        "audit_log.html",
        entries=entries[:PAGE],
        names=names,
        actions=actions,
        chosen=action,
        following=entries[PAGE - 1].id if len(entries) > PAGE else None,
        written=lambda value: _written(value, pages.words(request).gettext),
    )


def _written(value: object, gettext: Callable[[str], str]) -> str:
    """What an entry of the log notes, as people write it. Pure."""
    if value in (None, [], {}):
        return gettext("none")
    match value:
        case bool():
            return gettext("yes") if value else gettext("no")
        case list():
            return ", ".join(_written(one, gettext) for one in value)
        case dict():
            return ", ".join(f"{key} {_written(one, gettext)}" for key, one in value.items())
    return str(value)


def log_entries(found: Desk, who: Visitor, action: str, before: int | None, limit: int) -> Sequence[AuditEntry]:
    """The newest entries older than `before`; that somebody looked is an entry itself."""
    with database.reading(found.engine) as session:
        entries = session.exec(log_query(action, before, limit)).all()
    with database.writing(found.engine) as session:
        detail = {"action": action, "before": before}
        audit.record(session, clock.now(), who.id, "log.read", "audit", detail, who.address)
    return entries


def log_query(action: str, before: int | None, limit: int) -> SelectOfScalar[AuditEntry]:
    """The newest entries, of one kind of deed where `action` names it, older than `before`."""
    query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if action:
        query = query.where(AuditEntry.action == action)
    return query if before is None else query.where(col(AuditEntry.id) < before)


def _page(
    request: Request, found: Desk, *, wrong: tuple[str, str] | None = None, given: dict[str, str] | None = None
) -> Response:
    with database.reading(found.engine) as session:
        holds = legal_holds.all_holds(session)
        names = {one.id: one.name for one in people.all_people(session)}
        checked = audit.newest(session, "records.verify")
        runs = session.exec(
            select(AuditEntry).where(AuditEntry.action == expiry.ACTION).order_by(col(AuditEntry.id).desc()).limit(RUNS)
        ).all()
    return pages.render(
        request,
        "records.html",
        status=200 if wrong is None else 422,
        wrong=wrong,
        given=given or {"kind": Kind.POST.value, "number": "", "first_day": "", "last_day": "", "reason": ""},
        holds=holds,
        period_of=legal_holds.period_of,
        in_force=sum(hold.lifted_at is None for hold in holds),
        names=names,
        checked=checked,
        runs=runs,
        kinds=list(Kind),
        days=found.settings.retention_days,
        years=found.settings.records_years,
        context_days=found.settings.context_days,
    )


def _day_after(midnight: datetime) -> datetime:
    return midnight if midnight.date() == date.max else midnight + timedelta(days=1)  # such a hold is refused anyway


def _midnight(found: Desk, day: str) -> datetime | None:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=found.settings.department.zone)
    except ValueError:
        return None
