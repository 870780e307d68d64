"""Days to plan around and to keep with care: a year ahead, and the department's own."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from posts import foresight, observances
from posts.workflow import WrongState
from web import pages
from web.actions import today
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Who, needs

router = APIRouter(prefix="/outreach/days")
AHEAD = timedelta(days=365)


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def page(request: Request, found: TheDesk) -> Response:
    """A year ahead, what of ours stands on it, and the form."""
    return _page(request, found, {})


@router.post("", dependencies=[needs(Action.WRITE_POSTS)])
def add(
    request: Request,
    found: TheDesk,
    who: Who,
    name: Line = "",
    first: Annotated[date | None, Form()] = None,
    last: Annotated[date | None, Form()] = None,
    about: Line = "",
    yearly: Annotated[bool, Form()] = False,
) -> Response:
    """Keeps a day of our own."""
    try:
        if first is None:
            raise WrongState("Say on which day it is.", "first")
        with database.writing(found.engine) as session:
            observances.keep(
                session, who.id, clock.now(), name=name, first=first, last=last or first, about=about, yearly=yearly
            )
    except WrongState as error:
        days = {"first": first.isoformat() if first else "", "last": last.isoformat() if last else ""}
        return _page(request, found, {"name": name, "about": about, "yearly": yearly, **days}, wrong=str(error))
    return RedirectResponse("/outreach/days?said=planned", 303)


@router.post("/{observance_id}/remove", dependencies=[needs(Action.WRITE_POSTS)])
def remove(found: TheDesk, who: Who, observance_id: Id) -> Response:
    with database.writing(found.engine) as session:
        observances.remove(session, observance_id, who.id, clock.now())
    return RedirectResponse("/outreach/days?said=planned", 303)


def _page(request: Request, found: Desk, given: dict[str, object], *, wrong: str | None = None) -> Response:
    day, language = today(found), pages.language_of(request)
    with database.reading(found.engine) as session:
        coming = observances.between(session, day, day + AHEAD, language)
        standing = foresight.on_kept_days(session, coming, clock.now())
        own = observances.own(session)
    return pages.render(
        request,
        "days.html",
        status=200 if wrong is None else 422,
        coming=coming,
        standing=standing,
        own=own,
        given={"name": "", "about": "", "first": "", "last": "", "yearly": False} | given,
        longest=observances.LONGEST,
        wrong=wrong,
    )
