"""The practice board: a network inside this installation, to learn on. Our posts are there, and anyone at the desk who
writes posts may write as a resident. Nobody outside sees it."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from config import audit, clock, database
from config.permissions import Action
from config.phrases import Phrase
from networks import practice
from web import pages
from web.desk import Desk, TheDesk
from web.fields import COMMENT_LIMIT, Comment, Line
from web.guard import Who, needs

router = APIRouter()


@router.get("/board", dependencies=[needs(Action.READ_POSTS)])
def board_page(request: Request, found: TheDesk) -> Response:
    """The newest posts on the board, and the form of the practising resident."""
    return _page(request, found)


@router.post("/board", dependencies=[needs(Action.WRITE_POSTS)])
def write(
    request: Request,
    found: TheDesk,
    who: Who,
    author: Line = "",
    text: Comment = "",
) -> Response:
    """Posts as a resident; the desk hears it as any other mention once the board is a source."""
    _ = pages.words(request).gettext
    author, text = author.strip(), text.strip()
    if not author or not text:
        empty = [field for field, given in (("author", author), ("text", text)) if not given]
        words = Phrase.about(_("A practice post needs a name and a text."), *empty)
        return _page(request, found, author=author, text=text, wrong=words)
    moment = clock.now()
    with database.writing(found.engine) as session:
        practice.post_as_resident(session, author, text, moment)
        audit.record(session, moment, who.id, "board.post", "board", {}, who.address)
    return RedirectResponse("/board?said=board-posted", 303)


def _page(request: Request, found: Desk, *, author: str = "", text: str = "", wrong: str | None = None) -> Response:
    with database.reading(found.engine) as session:
        entries = practice.board(session)
    return pages.render(
        request,
        "board.html",
        status=200 if wrong is None else 422,
        entries=entries,
        author=author,
        text=text,
        wrong=wrong,
        longest=COMMENT_LIMIT,
    )
