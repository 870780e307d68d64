"""The department's glossary, and in which languages a translation needs a person's sign-off."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from posts import glossary
from posts.workflow import WrongState
from web import compose_page, pages
from web.desk import Desk, TheDesk
from web.fields import Id, Line
from web.guard import Who, needs

router = APIRouter(prefix="/outreach/glossary")


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def page(request: Request, found: TheDesk) -> Response:
    """Every term, and the form that adds one."""
    return _page(request, found, {})


@router.post("", dependencies=[needs(Action.WRITE_POSTS)])
def keep(
    request: Request, found: TheDesk, who: Who, term: Line = "", language: Line = "", wording: Line = ""
) -> Response:
    """Keeps a term, in place of what was kept of it in that language."""
    try:
        with database.writing(found.engine) as session:
            glossary.keep(session, who.id, clock.now(), term=term, language=language, wording=wording)
    except WrongState as error:
        return _page(request, found, {"term": term, "language": language, "wording": wording}, wrong=str(error))
    return RedirectResponse("/outreach/glossary?said=planned", 303)


@router.post("/sign-off", dependencies=[needs(Action.MANAGE)])
def ask_for(found: TheDesk, who: Who, languages: Annotated[list[str] | None, Form(max_length=20)] = None) -> Response:
    """In which languages a translation is signed off before it is approved."""
    with database.writing(found.engine) as session:
        glossary.ask_for(session, languages or (), who.id, clock.now())
    return RedirectResponse("/outreach/glossary?said=planned", 303)


@router.post("/{term_id}/remove", dependencies=[needs(Action.WRITE_POSTS)])
def remove(found: TheDesk, who: Who, term_id: Id) -> Response:
    with database.writing(found.engine) as session:
        glossary.remove(session, term_id, who.id, clock.now())
    return RedirectResponse("/outreach/glossary?said=planned", 303)


def _page(request: Request, found: Desk, given: dict[str, str], *, wrong: str | None = None) -> Response:
    with database.reading(found.engine) as session:
        kept, asked = glossary.kept(session), glossary.asked_of(session)
    languages = compose_page.languages()
    other = next((code for code, _ in languages if code != found.settings.department.language), "en")
    return pages.render(
        request,
        "glossary.html",
        status=200 if wrong is None else 422,
        kept=kept,
        asked=asked,
        given={"term": "", "language": other, "wording": ""} | given,
        languages=languages,
        longest=glossary.LONGEST,
        wrong=wrong,
    )
