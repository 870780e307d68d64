"""Outreach: what a liaison officer does besides posting, at a glance."""

from fastapi import APIRouter, Request, Response

from config import clock, database
from config.permissions import Action
from posts import actions, events, urgent
from sentiment.taxonomy import CONCERNS
from web import pages
from web.actions import today, views
from web.desk import TheDesk
from web.events import kinds
from web.guard import Who, needs

router = APIRouter()
SHOWN = 5


@router.get("/outreach", dependencies=[needs(Action.READ_FIGURES)])
def page(request: Request, found: TheDesk, who: Who) -> Response:
    """The next of everything."""
    with database.reading(found.engine) as session:
        opened = views(session, actions.open_ones(session), today(found))
        coming = events.coming(session, clock.now())[:SHOWN]
        threads = urgent.threads(session) if who.may(Action.READ_POSTS) else []
    return pages.render(
        request,
        "outreach.html",
        opened=opened[:SHOWN],
        owed=len(opened),
        concerns=CONCERNS,
        coming=coming,
        kinds=kinds(request),
        going_on=[one for one in threads if not one.over],
    )
