"""Sources, watch rules, places: where mentions come from, which are about us, and what places are called."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from config import audit, clock, database
from config.permissions import Action
from listeners import places, rules, sources, watch
from listeners.tables import WatchRule
from networks.network import NetworkError
from networks.tables import Account
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Comment, Line
from web.guard import Who, needs
from web.today import LABELS

router = APIRouter()
EVERY = timedelta(minutes=5)


@router.get("/sources", dependencies=[needs(Action.MANAGE)])
def sources_page(request: Request, found: TheDesk) -> Response:
    """What there is, and how each is doing."""
    return _page(request, found)


@router.post("/sources", dependencies=[needs(Action.MANAGE)])
def add_source(
    request: Request, found: TheDesk, who: Who, name: Line = "", url: Line = "", kind: Line = "feed"
) -> Response:
    """Adds a feed, or listens to the practice board; it is looked at within seconds."""
    _ = pages.words(request).gettext
    if not name:
        return _page(request, found, wrong=("source", _("A source needs a name.")), given={"name": name, "url": url})
    try:
        with database.writing(found.engine) as session:
            added = sources.add(
                session,
                network="practice" if kind == "practice" else "feed",
                name=name,
                settings={} if kind == "practice" else {"url": url},
                every_seconds=15 if kind == "practice" else int(EVERY.total_seconds()),
                now=clock.now(),
            )
            audit.record(session, clock.now(), who.id, "source.add", f"source:{added.id}", {"name": name}, who.address)
    except NetworkError as error:
        return _page(request, found, wrong=("source", str(error)), given={"name": name, "url": url})
    return RedirectResponse("/sources?said=source-added", 303)


@router.post("/sources/rules", dependencies=[needs(Action.MANAGE)])
def add_rule(request: Request, found: TheDesk, who: Who, name: Line = "", query: Line = "") -> Response:
    """Adds a watch rule; one that cannot be read is shown with the place of the mistake."""
    _ = pages.words(request).gettext
    given = {"rule_name": name, "query": query}
    try:
        with database.writing(found.engine) as session:
            added = rules.add(session, name or query, query)
            audit.record(session, clock.now(), who.id, "rule.add", f"rule:{added.id}", {"query": query}, who.address)
    except watch.WatchRuleError as error:
        pointed = (
            query[: error.position],
            query[error.position : error.position + 1] or "␣",
            query[error.position + 1 :],
        )
        return _page(request, found, wrong=("rule", str(error)), given=given, pointed=pointed)
    except IntegrityError:
        return _page(request, found, wrong=("rule", _("There is a rule of that name already.")), given=given)
    return RedirectResponse("/sources?said=rule-added", 303)


@router.post("/sources/places", dependencies=[needs(Action.MANAGE)])
def add_place(request: Request, found: TheDesk, who: Who, name: Line = "", other_names: Comment = "") -> Response:
    """Adds a place with the other names that people use, one a line."""
    _ = pages.words(request).gettext
    given = {"place_name": name, "other_names": other_names}
    if not name:
        return _page(request, found, wrong=("place", _("A place needs a name.")), given=given)
    try:
        with database.writing(found.engine) as session:
            added = places.add(session, name, other_names.splitlines())
            audit.record(session, clock.now(), who.id, "place.add", f"place:{added.id}", {"name": name}, who.address)
    except IntegrityError:
        return _page(request, found, wrong=("place", _("There is a place of that name already.")), given=given)
    return RedirectResponse("/sources?said=place-added", 303)


def _page(
    request: Request,
    found: Desk,
    *,
    wrong: tuple[str, str] | None = None,
    given: dict[str, str] | None = None,
    pointed: tuple[str, str, str] | None = None,
) -> Response:
    now = clock.now()
    with database.reading(found.engine) as session:
        listed: list[Any] = [(source, sources.health(source, now)) for source in sources.all_sources(session)]
        known = places.all_places(session)
        watched = list(session.exec(select(WatchRule).order_by(WatchRule.name)))
        accounts = list(session.exec(select(Account).order_by(Account.name)))
    return pages.render(
        request,
        "sources.html",
        status=200 if wrong is None else 422,
        sources=listed,
        places=known,
        rules=watched,
        accounts=accounts,
        labels=LABELS,
        wrong=wrong,
        given=given or {},
        pointed=pointed,
    )
