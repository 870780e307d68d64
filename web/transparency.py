"""What anyone may know of this desk: the public page, where a department switched it on; and for the records officer
people's requests for their own data, of which nothing is shown."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import clock, database, people
from config.permissions import Action
from config.phrases import Phrase
from listeners import data_requests
from listeners.data_requests import NoAuthorId
from listeners.tables import DataRequest
from networks.practice import PRACTICE
from networks.registry import NETWORKS
from scheduler import transparency
from scheduler.jobs import own_data
from sentiment.taxonomy import CONCERNS
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Visitor, Who, find_visitor, needs
from web.problems import Trouble

router = APIRouter()
OWN_DATA = "/records/own-data"
LISTENED = sorted(
    (network for network in NETWORKS.values() if network.author_id is not None and network.name != PRACTICE),
    key=lambda network: not network.kinds,  # what was imported comes last
)


@router.get("/transparency")
def public_page(request: Request, found: TheDesk) -> Response:
    """What is collected, how long, how much, what came of alerts, and how to ask for one's own data. Whoever is signed
    in sees it before it is switched on: their own footer leads here."""
    request.state.visitor = find_visitor(request, found)
    if not found.settings.public_transparency and request.state.visitor is None:
        raise Trouble(404, "This page is not shown", "The department has not switched it on.")
    with database.reading(found.engine) as session:
        told = transparency.tell(session, found.settings, clock.now())
    return pages.render(
        request,
        "transparency.html",
        told=told,
        concerns=CONCERNS,
        days=found.settings.retention_days,
        years=found.settings.records_years,
        context_days=found.settings.context_days,
        contact=found.settings.privacy_contact,
        word_days=data_requests.LIFETIME.days,
        switched_on=found.settings.public_transparency,
    )


@router.get(OWN_DATA, dependencies=[needs(Action.READ_RECORDS)])
def page(request: Request, found: TheDesk) -> Response:
    """The requests: when they were opened, and how they ended."""
    return _page(request, found)


@router.post(OWN_DATA, dependencies=[needs(Action.KEEP_RECORDS)])
def open_request(found: TheDesk, who: Who) -> Response:
    """A new request, with the word that proves it."""
    with database.writing(found.engine) as session:
        own_data.open_request(session, who.id, clock.now(), who.address)
    return RedirectResponse(OWN_DATA, 303)


@router.post(OWN_DATA + "/{request_id}/checked", dependencies=[needs(Action.KEEP_RECORDS)])
def checked(
    request: Request,
    found: TheDesk,
    who: Who,
    request_id: Id,
    network: Annotated[str, Form(max_length=40)] = "",
    account: Line = "",
    proof: Line = "",
) -> Response:
    """Deletes what is kept of an account whose owner proved it otherwise; answers the same whatever there was."""
    _ = pages.words(request).gettext
    if network not in {one.name for one in LISTENED} or not account or not proof:
        given = {"network": network, "account": account, "proof": proof}
        empty = [field for field in ("account", "proof") if not given[field]] or ["network"]
        words = _("Say the network, the account's id, and how you know whose it is.")
        return _page(request, found, wrong=(str(request_id), Phrase.about(words, *empty)), given=given)
    try:
        met(found, who, request_id, network, account, proof)
    except NoAuthorId as error:
        given = {"network": network, "account": account, "proof": proof}
        return _page(request, found, wrong=(str(request_id), str(error)), given=given)
    return RedirectResponse(f"{OWN_DATA}?said=own-data-met", 303)


def met(found: Desk, who: Visitor, request_id: int, network: str, account: str, proof: str) -> None:
    """Deletes what is kept of an account; says nothing of what there was. Raises Trouble 404, NoAuthorId."""
    moment = clock.now()
    with database.writing(found.engine) as session:
        row = _waiting(session, request_id)
        own_data.checked(session, row, network, account, found.keys, who.id, moment, proof=proof, address=who.address)


@router.post(OWN_DATA + "/{request_id}/withdraw", dependencies=[needs(Action.KEEP_RECORDS)])
def withdraw(found: TheDesk, who: Who, request_id: Id) -> Response:
    withdrawn(found, who, request_id)
    return RedirectResponse(OWN_DATA, 303)


def withdrawn(found: Desk, who: Visitor, request_id: int) -> None:
    """Ends a request without anything being deleted. Raises Trouble 404."""
    with database.writing(found.engine) as session:
        own_data.withdraw(session, _waiting(session, request_id), who.id, clock.now(), who.address)


def _waiting(session: Session, number: int) -> DataRequest:
    row = session.get(DataRequest, number)
    if row is None or row.ended_at is not None:
        raise Trouble(404, "There is no such request that waits", "It was met, or ended. Nothing was changed.")
    return row


def _page(
    request: Request, found: Desk, *, wrong: tuple[str, str] | None = None, given: dict[str, str] | None = None
) -> Response:
    with database.reading(found.engine) as session:
        requests = data_requests.latest(session)
        names = {one.id: one.name for one in people.all_people(session)}
    return pages.render(
        request,
        "own_data.html",
        status=200 if wrong is None else 422,
        wrong=wrong,
        refused=given,
        requests=requests,
        waiting=sum(one.ended_at is None for one in requests),
        names=names,
        networks=LISTENED,
    )
