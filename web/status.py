"""Status: what runs, what waits, what is short, and what to do about it. For administrators and supervisors."""

from babel.dates import format_timedelta
from fastapi import APIRouter, Request, Response

from config import clock, database
from config.permissions import Action
from scheduler import status
from web import pages
from web.desk import TheDesk
from web.guard import needs

router = APIRouter()


@router.get("/status", dependencies=[needs(Action.READ_STATUS)])
def page(request: Request, found: TheDesk) -> Response:
    """The desk's state now."""
    with database.reading(found.engine) as session:
        state = status.look(session, found.settings, clock.now())
    language = pages.language_of(request)
    return pages.render(
        request,
        "status.html",
        status=200,
        state=state,
        troubles=[trouble.value for trouble in state.troubles],
        since=lambda moment: format_timedelta(state.at - moment, threshold=1.5, locale=language),
    )
