"""Success stories: praise that came in, whom we asked whether it may be shared, and the posts that tell it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from networks import accounts
from posts import stories
from posts.tables import Post, Story
from posts.workflow import PostState, WrongState
from sentiment import inbox
from sentiment.inbox import Filters
from web import compose_page, looks, pages
from web.desk import Desk, TheDesk
from web.fields import Comment, Id, Line
from web.guard import Visitor, Who, needs
from web.today import LABELS

router = APIRouter(prefix="/outreach/stories")
MAY_BE_OUT = (PostState.SCHEDULED, PostState.PUBLISHED, PostState.PARTLY_PUBLISHED)  # once nothing of it can be stopped
CANDIDATES = 20
Language = Annotated[str, Form(pattern="^[a-z]{2,3}$")]


@dataclass(frozen=True)
class StoryView:
    """A story with the post that asks and the one that tells, where they are."""

    story: Story
    ask: Post | None
    post: Post | None


@router.get("", dependencies=[needs(Action.READ_MENTIONS)])
def page(request: Request, found: TheDesk) -> Response:
    """What was begun, and praise that nobody asked about yet; that look is in the audit log."""
    return _page(request, found)


@router.post("", dependencies=[needs(Action.WRITE_POSTS)])
def told_to_us(
    request: Request, found: TheDesk, who: Who, words: Comment = "", consent: Line = "", language: Language = "en"
) -> Response:
    """A story that was told in person or by letter, with consent."""
    try:
        with database.writing(found.engine) as session:
            stories.told_to_us(session, words, consent, language, who.id, clock.now())
    except WrongState as error:
        given = {"words": words, "consent": consent, "language": language}
        return _page(request, found, wrong=("new", str(error)), given=given)
    return RedirectResponse("/outreach/stories?said=story-agreed", 303)


@router.post("/ask/{mention_id}", dependencies=[needs(Action.WRITE_POSTS)])
def ask(request: Request, found: TheDesk, who: Who, mention_id: Id) -> Response:
    """Drafts the answer that asks, and leads to it."""
    try:
        with database.writing(found.engine) as session:
            post = stories.ask(session, mention_id, who.id, clock.now())
            number, draft = post.id, post.state == "draft"
    except WrongState as error:
        return _page(request, found, wrong=str(error))
    return RedirectResponse(f"/compose/{number}" if draft else f"/posts/{number}", 303)


@router.post("/{story_id}/agree", dependencies=[needs(Action.WRITE_POSTS)])
def agree(
    request: Request, found: TheDesk, who: Who, story_id: Id, words: Comment = "", consent: Line = ""
) -> Response:
    try:
        with database.writing(found.engine) as session:
            stories.agree(session, story_id, words, consent, who.id, clock.now())
    except WrongState as error:
        return _page(request, found, wrong=(str(story_id), str(error)), given={"words": words, "consent": consent})
    return RedirectResponse("/outreach/stories?said=story-agreed", 303)


@router.post("/{story_id}/refuse", dependencies=[needs(Action.WRITE_POSTS)])
def refuse(request: Request, found: TheDesk, who: Who, story_id: Id) -> Response:
    """They said no, or changed their mind."""
    try:
        with database.writing(found.engine) as session:
            post_id = stories.refuse(session, story_id, who.id, clock.now()).post_id
            post = session.get(Post, post_id) if post_id is not None else None
            is_out = post is not None and post.state in MAY_BE_OUT
    except WrongState as error:
        return _page(request, found, wrong=str(error))
    if is_out:
        return RedirectResponse(f"/posts/{post_id}?said=story-refused-late", 303)
    return RedirectResponse("/outreach/stories?said=story-refused", 303)


@router.post("/{story_id}/tell", dependencies=[needs(Action.WRITE_POSTS)])
def tell(request: Request, found: TheDesk, who: Who, story_id: Id) -> Response:
    """Drafts the post that tells it, and leads to it."""
    try:
        with database.writing(found.engine) as session:
            every = [account.id or 0 for account in accounts.connected(session)]
            post = stories.tell(session, story_id, every, who.id, clock.now())
            number, draft = post.id, post.state == "draft"
    except WrongState as error:
        return _page(request, found, wrong=str(error))
    return RedirectResponse(f"/compose/{number}" if draft else f"/posts/{number}", 303)


def _page(
    request: Request,
    found: Desk,
    *,
    wrong: str | tuple[str, str] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    """`given`: what stands in the form that is `wrong`: of a new story, or of the one with that number."""
    who: Visitor = request.state.visitor
    with database.reading(found.engine) as session:
        kept = [
            StoryView(
                one,
                session.get(Post, one.ask_id) if one.ask_id is not None else None,
                session.get(Post, one.post_id) if one.post_id is not None else None,
            )
            for one in stories.kept(session)
        ]
        rows = inbox.newest(session, Filters(trust="trust", sentiment="positive"), CANDIDATES)
        begun = stories.begun(session, [row.mention.id or 0 for row in rows])
    candidates = [row for row in rows if row.mention.id not in begun]
    looks.note(found.engine, who, (row.mention.id for row in candidates))
    return pages.render(
        request,
        "stories.html",
        status=200 if wrong is None else 422,
        kept=kept,
        candidates=candidates,
        blank={"words": "", "consent": "", "language": found.settings.department.language},
        refused=given,
        wrong=wrong,
        labels=LABELS,
        languages=compose_page.languages(),
        longest=stories.LONGEST,
        longest_consent=stories.LONGEST_CONSENT,
    )
