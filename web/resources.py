"""Public resources: where people find help, kept once, to be put into posts and answers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from posts import resources
from posts.workflow import WrongState
from web import compose_page, pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Who, needs

router = APIRouter(prefix="/outreach/resources")
Kind = Annotated[str, Form(pattern="^[a-z_]{1,40}$")]
Language = Annotated[str, Form(pattern="^[a-z]{2,3}$")]
NEW = "new"  # the form that adds one; any other is called by its number


def _entered(
    kind: Kind = "other",
    name: Line = "",
    phone: Line = "",
    address: Line = "",
    note: Line = "",
    language: Language = "en",
) -> dict[str, str]:
    return {"kind": kind, "name": name, "phone": phone, "address": address, "note": note, "language": language}


Entered = Annotated[dict[str, str], Depends(_entered)]


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def page(request: Request, found: TheDesk) -> Response:
    """All of them, and the form that adds one."""
    return _page(request, found)


@router.post("", dependencies=[needs(Action.WRITE_POSTS)])
def add(request: Request, found: TheDesk, who: Who, given: Entered) -> Response:
    return _keep(request, found, who.id, None, given)


@router.post("/{resource_id}", dependencies=[needs(Action.WRITE_POSTS)])
def change(request: Request, found: TheDesk, who: Who, resource_id: Id, given: Entered) -> Response:
    """Other words from now on; posts that name it keep theirs."""
    return _keep(request, found, who.id, resource_id, given)


@router.post("/{resource_id}/remove", dependencies=[needs(Action.WRITE_POSTS)])
def remove(found: TheDesk, who: Who, resource_id: Id) -> Response:
    with database.writing(found.engine) as session:
        resources.remove(session, resource_id, who.id, clock.now())
    return RedirectResponse("/outreach/resources?said=resource-gone", 303)


def kinds(request: Request) -> dict[str, str]:
    """Kinds of resource in the reader's words."""
    _ = pages.words(request).gettext
    return {
        "complaints": _("Complaints and compliments"),
        "victims": _("Victim services"),
        "legal_aid": _("Legal aid"),
        "non_emergency": _("Not an emergency"),
        "crisis": _("Crisis and mental health"),
        "other": _("Other help"),
    }


def _keep(request: Request, found: Desk, person_id: int, resource_id: int | None, given: dict[str, str]) -> Response:
    try:
        with database.writing(found.engine) as session:
            resources.keep(session, person_id, clock.now(), **given, resource_id=resource_id)
    except WrongState as error:
        return _page(request, found, given, wrong=(str(resource_id or NEW), str(error)))
    return RedirectResponse("/outreach/resources?said=resource-kept", 303)


def _page(
    request: Request, found: Desk, given: dict[str, str] | None = None, *, wrong: tuple[str, str] | None = None
) -> Response:
    """`given`: what stands in the form that is `wrong`: of the one changed, or of a new one."""
    with database.reading(found.engine) as session:
        kept = resources.kept(session)
    blank = dict.fromkeys(("name", "phone", "address", "note"), "")
    blank |= {"kind": "complaints", "language": found.settings.department.language}
    if wrong is not None and wrong[0] not in {str(one.id) for one in kept}:
        wrong = (NEW, wrong[1])  # it went meanwhile, and what was written is kept
    return pages.render(
        request,
        "resources.html",
        status=200 if wrong is None else 422,
        kept=kept,
        blank=blank,
        refused=given,
        wrong=wrong,
        kinds=kinds(request),
        languages=compose_page.languages(),
        longest=resources.LONGEST,
    )
