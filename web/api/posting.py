"""Posts, their approval, and the hold for programs: the same rules as on the pages, by posts.drafts."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime
from sqlmodel import Session

from config import clock, database, holds
from config.permissions import Action
from networks import pictures, registry
from networks.network import Outgoing
from posts import decide, drafts, finding, glossary, queue, reach, takedown
from posts import pictures as kept
from posts.tables import Post, Target
from web import compose
from web import finding as room
from web.api import paging
from web.desk import TheDesk
from web.drafting import DraftIn
from web.fields import Id, clean
from web.guard import Who, needs, no_link
from web.problems import Trouble

router = APIRouter()


class TargetOut(BaseModel):
    """One account that a post goes to, and where that stands."""

    id: int
    account_id: int
    part: int
    state: str
    due_at: datetime
    remote_url: str | None
    published_at: datetime | None
    last_error: str | None
    found: list[dict[str, str]]  # what a look-up saw that may be it, where nobody is sure


class ReachOut(BaseModel):
    """How a post stood on one account when it was so many hours old, as its network counted it; none: not given there.
    Counts alone, never who. `gone`: the network says that it is not there any more."""

    model_config = ConfigDict(from_attributes=True)

    target_id: int
    age_hours: int
    read_at: datetime
    views: int | None
    likes: int | None
    reposts: int | None
    replies: int | None
    gone: bool


class PictureOut(BaseModel):
    """A picture of a post, as it was written anew; its bytes are at /posts/{post}/pictures/{id}."""

    id: int
    alt: str
    mime: str
    width: int
    height: int


class PostOut(BaseModel):
    """A post. `content_hash` is what an approval is given for; `shows` of it what a page of ours will show beside its
    words, if any; `reply_to` the mention that it answers; `revision` is sent back with the next save."""

    id: int
    title: str
    message: str
    language: str
    category: str
    concern: str | None
    reply_to: int | None
    state: str
    author_id: int
    due_at: datetime | None
    revision: int
    content_hash: str
    shows: dict[str, Any] | None
    own: dict[int, str | None]
    options: dict[int, dict[str, str]]
    pictures: list[PictureOut]
    targets: list[TargetOut]


class FoundOut(BaseModel):
    """A post as lists show it. `at`: when it goes or went out, or was last changed; `addresses`: where it is read."""

    id: int
    at: datetime
    state: str
    category: str
    concern: str | None
    language: str
    title: str
    message: str
    networks: list[str]
    addresses: list[str]


class FoundPage(BaseModel):
    """A page, newest first; `next` goes into `before` for the page after it, none on the last."""

    posts: list[FoundOut]
    next: str | None


class CropIn(BaseModel):
    """Which part of a picture: of this shape, and where along the side that is too long (0 left or top, 100 right or
    bottom). No shape: the whole again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"shape": "wide", "focus": 30}]})

    shape: Literal["square", "upright", "wide", "widest"] | None = None
    focus: Annotated[int, Field(ge=0, le=100)] = 50


class Decision(BaseModel):
    """An approver's word on exactly the content with this hash."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content_hash": "9f2c…"}]})

    content_hash: Annotated[str, Field(max_length=200)]


class Choice(BaseModel):
    """What a person says of a target of which nobody is sure: it_is_there, send_again, or leave_it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"decision": "it_is_there"}]})

    decision: Literal["it_is_there", "send_again", "leave_it"]


class TimeIn(BaseModel):
    """Wall time in the department's zone; none takes a post's time away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"wall_time": "2026-12-07T09:00"}]})

    wall_time: NaiveDatetime | None


class Comment(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"comment": "Which corner?"}]})

    comment: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=4000)]


class HoldIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Crash on Route 9"}]})

    reason: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=320)]


class HoldOut(BaseModel):
    on: bool
    reason: str = ""
    placed_at: datetime | None = None
    placed_by: int | None = None


class TextIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"network": "bluesky", "text": "Officers are on Elm Street."}]}
    )

    network: Annotated[str, Field(max_length=40)]
    text: Annotated[str, Field(max_length=100_000)]


class TextOut(BaseModel):
    """A text against a network's limits, counted as that network counts."""

    network: str
    length: int
    limit: int | None
    remaining: int | None
    valid: bool
    problems: list[str]


@router.get("/posts", dependencies=[needs(Action.READ_POSTS)])
def list_posts(
    found: TheDesk, start: AwareDatetime | None = None, days: Annotated[int, Query(ge=1, le=92)] = 7
) -> list[PostOut]:
    """What is due from `start` (now when none) on, in order of time."""
    first = start or clock.now()
    with database.reading(found.engine) as session:
        rows = queue.going_out(session, first, first + timedelta(days=days))
        return [post_out(session, row.post_id) for row in rows]


@router.post("/posts", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def make_post(found: TheDesk, who: Who, given: DraftIn) -> PostOut:
    """Makes a draft; nothing goes out before it is submitted, and approved by someone else."""
    return _stored(found, compose.store(found, who, None, given))


@router.get("/posts/all", dependencies=[needs(Action.READ_POSTS)])
def find_posts(
    found: TheDesk,
    asked: room.TheAsked,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = 50,
) -> FoundPage:
    """Whatever we wrote, by words, state (sent, going_out, waits, draft, not_sent), kind, concern, network, language,
    days, `first` to `last`; a filter that says nothing we know asks nothing. Never by who wrote it."""
    with database.reading(found.engine) as session:
        page = finding.posts(session, asked.filters(found), paging.place(before, paging.moment), limit)
    return FoundPage(
        posts=[
            FoundOut(
                **one.post.model_dump(include={"id", "state", "category", "concern", "language", "title", "message"}),
                at=one.at,
                networks=list(one.networks),
                addresses=list(one.addresses),
            )
            for one in page.rows
        ],
        next=paging.following(*page.after) if page.after is not None else None,
    )


@router.get("/posts/{post_id}", dependencies=[needs(Action.READ_POSTS)])
def one_post(found: TheDesk, post_id: Id) -> PostOut:
    with database.reading(found.engine) as session:
        return post_out(session, post_id)


@router.get("/posts/{post_id}/reach", dependencies=[needs(Action.READ_POSTS)])
def read_reach(found: TheDesk, post_id: Id) -> list[ReachOut]:
    """How the post fared: what each account's network told an hour, a day, 7 and 28 days after it went out."""
    with database.reading(found.engine) as session:
        if session.get(Post, post_id) is None:
            raise Trouble(404, "There is no such post")
        return [ReachOut.model_validate(one.reach) for one in reach.of_post(session, post_id)]


@router.put("/posts/{post_id}", dependencies=[needs(Action.WRITE_POSTS)])
def save_post(found: TheDesk, who: Who, post_id: Id, given: DraftIn) -> PostOut:
    """Saves over `revision`; 409 when someone saved meanwhile. New words of an approved post need a new approval."""
    return _stored(found, compose.store(found, who, post_id, given))


@router.post("/posts/{post_id}/submit", dependencies=[needs(Action.WRITE_POSTS)])
def submit_post(found: TheDesk, who: Who, post_id: Id) -> PostOut:
    with database.writing(found.engine) as session:
        drafts.submit(session, post_id, who.id, clock.now(), base_url=found.settings.base_url)
        return post_out(session, post_id)


@router.post(
    "/posts/{post_id}/pictures",
    status_code=201,
    dependencies=[needs(Action.WRITE_POSTS)],
    max_body_size=compose.WITH_A_PICTURE,
)
def add_picture(
    found: TheDesk,
    who: Who,
    post_id: Id,
    picture: Annotated[UploadFile, File()],
    alt: Annotated[str, AfterValidator(clean), Form(max_length=4000)] = "",
) -> PostOut:
    """Adds a picture, without location data, and what it shows. 422 for what is no picture."""
    try:
        read = pictures.read(picture.file.read(pictures.LARGEST_UPLOAD + 1), alt)
    except pictures.UnreadablePicture as error:
        raise Trouble(422, "That is no picture we can take", str(error)) from error
    with database.writing(found.engine) as session:
        kept.add(session, post_id, who.id, read, clock.now())
        return post_out(session, post_id)


@router.delete("/posts/{post_id}/pictures/{picture_id}", dependencies=[needs(Action.WRITE_POSTS)])
def take_out_picture(found: TheDesk, who: Who, post_id: Id, picture_id: Id) -> PostOut:
    with database.writing(found.engine) as session:
        kept.take_out(session, post_id, who.id, picture_id, clock.now())
        return post_out(session, post_id)


@router.put("/posts/{post_id}/pictures/{picture_id}/crop", dependencies=[needs(Action.WRITE_POSTS)])
def crop_picture(found: TheDesk, who: Who, post_id: Id, picture_id: Id, given: CropIn) -> PostOut:
    """A part of it in its place, cut from the whole; it has another number then."""
    with database.writing(found.engine) as session:
        kept.crop(session, post_id, who.id, picture_id, given.shape or "", given.focus, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/targets/{target_id}/take-down", dependencies=[needs(Action.WRITE_POSTS)])
def take_down(found: TheDesk, who: Who, post_id: Id, target_id: Id) -> PostOut:
    """Deletes what went out, on its network; the record of it stays."""
    with database.writing(found.engine) as session:
        target = session.get(Target, target_id)
        if target is None or target.post_id != post_id:
            raise Trouble(404, "This post has no such target")
        takedown.ask(session, target_id, who.id, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/approve", dependencies=[needs(Action.APPROVE_POSTS)])
def approve_post(found: TheDesk, who: Who, post_id: Id, given: Decision) -> PostOut:
    """403 for one's own post; 409 when the content is no longer the one with this hash."""
    with database.writing(found.engine) as session:
        drafts.approve(session, post_id, who.id, given.content_hash, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/sign-off", dependencies=[needs(Action.READ_POSTS), Depends(no_link)])
def sign_off_post(found: TheDesk, who: Who, post_id: Id, given: Decision) -> PostOut:
    """A person read this translation; 403 for whoever wrote it, 409 for a post that is none, or when its content is no
    longer the one with this hash."""
    with database.writing(found.engine) as session:
        glossary.sign_off(session, post_id, who.id, given.content_hash, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/ask-changes", dependencies=[needs(Action.APPROVE_POSTS)])
def ask_changes(found: TheDesk, who: Who, post_id: Id, given: Comment) -> PostOut:
    with database.writing(found.engine) as session:
        drafts.ask_changes(session, post_id, who.id, given.comment, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/targets/{target_id}/decide", dependencies=[needs(Action.WRITE_POSTS)])
def decide_target(found: TheDesk, who: Who, post_id: Id, target_id: Id, given: Choice) -> PostOut:
    """Settles what nobody could tell. 409 where it is settled already."""
    with database.writing(found.engine) as session:
        target = session.get(Target, target_id)
        if target is None or target.post_id != post_id:
            raise Trouble(404, "This post has no such target")
        decide.decide(session, target_id, who.id, given.decision, clock.now())
        return post_out(session, post_id)


@router.put("/posts/{post_id}/time", dependencies=[needs(Action.WRITE_POSTS)])
def set_time(found: TheDesk, who: Who, post_id: Id, given: TimeIn) -> PostOut:
    """Another time, or none; an approval stays, because the words stay."""
    zone = found.settings.department.time_zone
    with database.writing(found.engine) as session:
        if given.wall_time is None:
            drafts.unschedule(session, post_id, who.id, clock.now())
        else:
            drafts.schedule(session, post_id, who.id, given.wall_time, zone, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/withdraw", dependencies=[needs(Action.WRITE_POSTS)])
def withdraw_post(found: TheDesk, who: Who, post_id: Id) -> PostOut:
    """Out of review, or out of its approval: a draft again."""
    with database.writing(found.engine) as session:
        drafts.withdraw(session, post_id, who.id, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/comments", status_code=201, dependencies=[needs(Action.READ_POSTS)])
def comment_post(found: TheDesk, who: Who, post_id: Id, given: Comment) -> PostOut:
    """A word beside it; nothing moves."""
    with database.writing(found.engine) as session:
        drafts.comment(session, post_id, who.id, given.comment, clock.now())
        return post_out(session, post_id)


@router.post("/posts/{post_id}/cancel", dependencies=[needs(Action.WRITE_POSTS)])
def cancel_post(found: TheDesk, who: Who, post_id: Id) -> PostOut:
    with database.writing(found.engine) as session:
        drafts.cancel(session, post_id, who.id, clock.now())
        return post_out(session, post_id)


@router.post("/limits", dependencies=[needs(Action.WRITE_POSTS)])
def check_text(given: TextIn) -> TextOut:
    """Whether a network would take a text."""
    if given.network not in registry.NETWORKS:
        raise Trouble(404, "There is no such network", f"There are {', '.join(sorted(registry.NETWORKS))}.")
    limits = registry.network(given.network).limits
    if limits is None:
        raise Trouble(409, "Nothing is published there", "Liaison only listens on this network.")
    outgoing = Outgoing(key="", text=given.text)
    length = limits.used(outgoing)
    problems = [problem.message for problem in limits.problems(outgoing)]
    return TextOut(
        network=given.network,
        length=length,
        limit=limits.length,
        remaining=limits.length - length,
        valid=not problems,
        problems=problems,
    )


@router.get("/hold", dependencies=[needs(Action.READ_POSTS)])
def read_hold(found: TheDesk) -> HoldOut:
    with database.reading(found.engine) as session:
        return _hold(session)


@router.put("/hold", dependencies=[needs(Action.PLACE_HOLD)])
def place_hold(found: TheDesk, who: Who, given: HoldIn) -> HoldOut:
    """Stops all outgoing posts; the one in force already, if there is one."""
    try:
        with database.writing(found.engine) as session:
            holds.place(session, who.id, given.reason, clock.now())
            return _hold(session)
    except holds.NoReason as error:
        raise Trouble(422, "This hold cannot be placed", str(error), "Nothing was changed.") from error


@router.delete("/hold", dependencies=[needs(Action.LIFT_HOLD)])
def lift_hold(found: TheDesk, who: Who) -> HoldOut:
    """Lets posts go on; each keeps its time."""
    with database.writing(found.engine) as session:
        holds.lift(session, who.id, clock.now())
        return _hold(session)


def _hold(session: Session) -> HoldOut:
    hold = holds.in_force(session)
    if hold is None:
        return HoldOut(on=False)
    return HoldOut(on=True, reason=hold.reason, placed_at=hold.placed_at, placed_by=hold.placed_by)


def _stored(found: TheDesk, post: Post) -> PostOut:
    with database.reading(found.engine) as session:
        return post_out(session, post.id or 0)


def post_out(session: Session, post_id: int) -> PostOut:
    """A post as programs get it. Raises Trouble 404."""
    detail = queue.post_detail(session, post_id)
    if detail is None:
        raise Trouble(404, "There is no such post")
    post = detail.post
    return PostOut(
        id=post.id or 0,
        title=post.title,
        message=post.message,
        language=post.language,
        category=post.category,
        concern=post.concern,
        reply_to=post.reply_to_mention_id,
        state=post.state,
        author_id=post.author_id,
        due_at=post.due_at,
        revision=post.revision,
        content_hash=post.content_hash,
        shows=post.shows,
        own={variant.account_id: variant.text for variant in detail.variants},
        options={variant.account_id: variant.options for variant in detail.variants},
        pictures=[PictureOut.model_validate(one, from_attributes=True) for one in drafts.pictures_of(session, post)],
        targets=[TargetOut.model_validate(target, from_attributes=True) for target in detail.targets],
    )
