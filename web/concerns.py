"""Concerns: what people raise, by how many raise it."""

from fastapi import APIRouter, Request, Response

from config import clock, database
from config.permissions import Action
from sentiment import figures, wording
from web import pages, rulers
from web.desk import TheDesk
from web.guard import needs
from web.today import concern_view

router = APIRouter()


@router.get("/concerns", dependencies=[needs(Action.READ_FIGURES)])
def concerns_page(request: Request, found: TheDesk) -> Response:
    """Every concern of the last 7 whole days."""
    zone, language = found.settings.department.zone, pages.language_of(request)
    with database.reading(found.engine) as session:
        rows = figures.concerns(session, clock.now(), zone)
        overview = figures.overview(session, clock.now(), zone)
    end = rulers.top(row.mistrust for row in rows)
    return pages.render(
        request,
        "concerns.html",
        concerns=[concern_view(row, end, language) for row in rows],
        scale=rulers.ruler("", None, None, end, language).marks,
        period=wording.days(overview.first, overview.last, language),
    )
