"""Templates and sentences that are kept to be used again in Compose."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from posts import snippets
from posts.workflow import WrongState
from web import compose_page, pages
from web.desk import Desk, TheDesk
from web.drafting import MESSAGE_LIMIT
from web.fields import Comment, Id, Line
from web.guard import Who, needs

router = APIRouter(prefix="/snippets", dependencies=[needs(Action.WRITE_POSTS)])
Kind = Annotated[str, Form(pattern="^(template|snippet)$")]
Language = Annotated[str, Form(pattern="^[a-z]{2,3}$")]
Category = Annotated[str, Form(pattern="^[a-z_]{1,40}$")]
NEW = "new"  # the form that adds one; any other is called by its number


@router.get("")
def page(request: Request, found: TheDesk) -> Response:
    """All of them, and the form that adds one."""
    return _page(request, found)


@router.post("")
def add(
    request: Request,
    found: TheDesk,
    who: Who,
    kind: Kind = "snippet",
    name: Line = "",
    text: Comment = "",
    language: Language = "en",
    category: Category = "general",
) -> Response:
    return _keep(request, found, who.id, None, kind, name, text, language, category)


@router.post("/{snippet_id}")
def change(
    request: Request,
    found: TheDesk,
    who: Who,
    snippet_id: Id,
    kind: Kind = "snippet",
    name: Line = "",
    text: Comment = "",
    language: Language = "en",
    category: Category = "general",
) -> Response:
    """Other words from now on; posts that were made of it keep theirs."""
    return _keep(request, found, who.id, snippet_id, kind, name, text, language, category)


@router.post("/{snippet_id}/remove")
def remove(found: TheDesk, who: Who, snippet_id: Id) -> Response:
    with database.writing(found.engine) as session:
        snippets.remove(session, snippet_id, who.id, clock.now())
    return RedirectResponse("/snippets?said=snippet-gone", 303)


def _keep(
    request: Request,
    found: Desk,
    person_id: int,
    snippet_id: int | None,
    kind: str,
    name: str,
    text: str,
    language: str,
    category: str,
) -> Response:
    try:
        with database.writing(found.engine) as session:
            snippets.keep(
                session,
                person_id,
                clock.now(),
                kind=kind,
                name=name,
                text=text[:MESSAGE_LIMIT],
                language=language,
                category=category,
                snippet_id=snippet_id,
            )
    except WrongState as error:
        given = {"kind": kind, "name": name, "text": text, "language": language, "category": category}
        return _page(request, found, given, wrong=(str(snippet_id or NEW), str(error)))
    return RedirectResponse("/snippets?said=snippet-kept", 303)


def _page(
    request: Request, found: Desk, given: dict[str, str] | None = None, *, wrong: tuple[str, str] | None = None
) -> Response:
    """`given`: what stands in the form that is `wrong`: of the one changed, or of a new one."""
    with database.reading(found.engine) as session:
        kept = snippets.kept(session)
    blank = {"kind": "snippet", "name": "", "text": "", "language": found.settings.department.language, "category": ""}
    if wrong is not None and wrong[0] not in {str(one.id) for one in kept}:
        wrong = (NEW, wrong[1])  # it went meanwhile, and what was written is kept
    return pages.render(
        request,
        "snippets.html",
        status=200 if wrong is None else 422,
        kept=kept,
        blank=blank,
        refused=given,
        wrong=wrong,
        categories=compose_page.categories(request),
        languages=compose_page.languages(),
    )
