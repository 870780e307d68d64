"""Compose: one message, a variant for each account, counted as each network counts; pictures with what they show;
drafts saved while one writes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse
from sqlmodel import Session, col, select

from config import audit, clock, database
from config.permissions import Action
from config.tables import Person
from listeners.tables import Mention
from networks import accounts, pictures, registry
from networks.pictures import UnreadablePicture
from posts import addresses, drafts, likeness, slots, workflow
from posts import categories as rules_of_kinds
from posts import pictures as kept
from posts.categories import Rules, Step
from posts.tables import Post, PostPicture, Review, Variant
from posts.workflow import EditConflict, WrongState
from sentiment.taxonomy import CONCERNS
from web import drafting, pages, variants
from web.desk import Desk, TheDesk
from web.drafting import DAY, HOUR, Draft, DraftIn, from_form
from web.fields import LARGEST_ID, Id
from web.guard import Visitor, Who, needs
from web.problems import Trouble


@dataclass(frozen=True)
class Asked:
    """Who asks for changes, and which."""

    by: str
    comment: str


router = APIRouter(prefix="/compose", dependencies=[needs(Action.WRITE_POSTS)])
Given = Annotated[DraftIn, Depends(from_form)]
Then = Annotated[str, Form()]  # save, close, submit, slot, picture, take-out-<picture>
Upload = Annotated[UploadFile | None, File()]
WITH_A_PICTURE = pictures.LARGEST_UPLOAD + 1_000_000  # bytes of a form; other routes take far less (web.app)
TAKE_OUT = "take-out-"
GONE = ("published", "partly_published", "cancelled", "failed")


@dataclass(frozen=True)
class Fault:
    """Something to fix before a post can go on; `at` is the place on the page."""

    at: str
    words: str


@router.get("")
def new_page(
    request: Request,
    found: TheDesk,
    who: Who,
    reply_to: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    concern: str = "",
    text: str = "",
    day: Annotated[str, Query(pattern=DAY)] = "",
    hour: Annotated[str, Query(pattern=HOUR)] = "",
    account: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """An empty form; nothing is stored until something is written. A free slot of the calendar gives its time."""
    with database.reading(found.engine) as session:
        every = _first_accounts(session, reply_to)
    every = tuple(number for number in every if number == account) or every
    draft = Draft(
        language=found.settings.department.language,
        accounts=every,
        concern=concern if concern in CONCERNS else "",
        category="answer" if reply_to else "general",
        reply_to=reply_to,
        message=text[:2000],
        day=day,
        hour=hour,
    )
    return _page(request, found, who, draft)


@router.post("/check")
def check(
    request: Request,
    found: TheDesk,
    given: DraftIn,
    post: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> JSONResponse:
    """Each account's text, counted and judged: its meter, verdict and preview as the page draws them."""
    with database.reading(found.engine) as session:
        draft = drafting.shown(given, post, 0)
        cards, shown = _cards(session, draft, found.settings.base_url), _pictures(session, draft)
    draw = pages.macros(request, "post_parts.html")
    told = {
        str(card.account.id): {
            "fine": not card.check.bad,
            "meter": str(draw.meter(card.check)),
            "verdict": str(draw.verdict(card.check)),
            "preview": str(draw.preview(card, draft.language, shown)),
        }
        for card in cards
    }
    return JSONResponse(told)


@router.post("/draft")
def make_draft(request: Request, found: TheDesk, who: Who, given: DraftIn) -> JSONResponse:
    """The first save of a new post."""
    return _saved(request, store(found, who, None, given))


@router.post("/{post_id}/draft")
def save_draft(request: Request, found: TheDesk, who: Who, post_id: Id, given: DraftIn) -> JSONResponse:
    """A save while somebody writes. 409 when someone else saved meanwhile."""
    return _saved(request, store(found, who, post_id, given))


@router.post("", max_body_size=WITH_A_PICTURE)
def send_new(
    request: Request, found: TheDesk, who: Who, given: Given, then: Then = "save", picture: Upload = None
) -> Response:
    """The form without a number yet."""
    return _send(request, found, who, None, given, then, picture)


@router.get("/{post_id}")
def page(request: Request, found: TheDesk, who: Who, post_id: Id) -> Response:
    """The form of a post that is stored."""
    with database.reading(found.engine) as session:
        draft = stored(session, post_id)
        post = session.get_one(Post, post_id)
    return _page(request, found, who, draft, saved_at=post.updated_at)


@router.post("/{post_id}", max_body_size=WITH_A_PICTURE)
def send(
    request: Request, found: TheDesk, who: Who, post_id: Id, given: Given, then: Then = "save", picture: Upload = None
) -> Response:
    """Saves, and does what the pressed button says: nothing more, close, send for approval, add or take out a
    picture."""
    return _send(request, found, who, post_id, given, then, picture)


class WallTimeError(ValueError):
    """Day and hour that make no time."""


def stored(session: Session, post_id: int) -> Draft:
    """A stored post as the form shows it. Raises Trouble 404."""
    post = session.get(Post, post_id)
    if post is None:
        raise Trouble(404, "There is no such post", "It may be a number from another desk.")
    variants_there = session.exec(select(Variant).where(Variant.post_id == post_id)).all()
    wordings = {row.account_id: row.text for row in variants_there}
    wall = post.wall_time
    return Draft(
        id=post_id,
        revision=post.revision,
        title=post.title,
        message=post.message,
        language=post.language,
        category=post.category,
        concern=post.concern or "",
        accounts=tuple(wordings),
        own=wordings,
        options={row.account_id: row.options for row in variants_there},
        day=wall.strftime("%Y-%m-%d") if wall else "",
        hour=wall.strftime("%H:%M") if wall else "",
        reply_to=post.reply_to_mention_id,
    )


def store(found: Desk, who: Visitor, post_id: int | None, given: DraftIn) -> Post:
    """Creates or saves, with its time, in one transaction. Raises EditConflict, WallTimeError, WrongState."""
    moment = clock.now()
    try:
        wall = given.wall_time()
    except ValueError as error:
        raise WallTimeError(str(error)) from error
    title = given.title or (given.message.strip().splitlines() or [""])[0][:80]
    with database.writing(found.engine) as session:
        if post_id is None:
            post = drafts.create(
                session,
                who.id,
                given.message,
                given.accounts,
                moment,
                title=title,
                category=given.category,
                language=given.language,
                concern=given.concern or None,
                reply_to_mention_id=given.reply_to_id,
                wordings=given.wordings,
                options=given.options,
            )
        else:
            post = drafts.save(
                session,
                post_id,
                who.id,
                given.revision,
                message=given.message,
                title=title,
                category=given.category,
                language=given.language,
                concern=given.concern or None,
                wordings=given.wordings,
                options=given.options,
                descriptions=given.alts,
                now=moment,
            )
        if wall is not None and wall != post.wall_time:
            drafts.schedule(session, post.id or 0, who.id, wall, found.settings.department.time_zone, moment)
        elif wall is None and post.wall_time is not None:
            drafts.unschedule(session, post.id or 0, who.id, moment)
        session.flush()
        session.refresh(post)
    return post


def _send(
    request: Request,
    found: Desk,
    who: Visitor,
    post_id: int | None,
    given: DraftIn,
    then: str,
    picture: UploadFile | None,
) -> Response:
    _ = pages.words(request).gettext
    try:
        post = store(found, who, post_id, given)
    except WallTimeError:
        fault = Fault("day", _("Give a day and an hour, or neither."))
        return _page(request, found, who, drafting.shown(given, post_id, given.revision), wrong=[fault])
    except EditConflict:
        with database.reading(found.engine) as session:
            theirs = stored(session, post_id or 0)
        words = _("Someone saved this post while you wrote. Yours is below: saving again puts it in place of theirs.")
        draft = drafting.shown(given, post_id, theirs.revision)
        return _page(request, found, who, draft, wrong=[Fault("message", words)], theirs=theirs, status=409)
    number = post.id or 0
    if then == "picture" or then.startswith(TAKE_OUT):
        try:
            _change_pictures(found, who, number, then, picture)
        except (UnreadablePicture, WrongState) as error:
            draft = drafting.shown(given, number, post.revision)
            fault = Fault("pictures", str(error))
            return _page(request, found, who, draft, wrong=[fault], saved_at=post.updated_at)
        return RedirectResponse(f"/compose/{number}#pictures", 303)
    if then == "slot":
        return RedirectResponse(f"/compose/{number}?said={_take_slot(found, who, post, given)}", 303)
    if then != "submit":
        return RedirectResponse("/queue?said=saved" if then == "close" else f"/compose/{number}?said=saved", 303)
    faults = _faults(request, found, given, post)
    if faults:
        draft = drafting.shown(given, number, post.revision)
        return _page(request, found, who, draft, wrong=faults, saved_at=post.updated_at)
    with database.writing(found.engine) as session:
        drafts.submit(session, number, who.id, clock.now(), base_url=found.settings.base_url)
    return RedirectResponse(f"/posts/{number}?said=submitted", 303)


def _take_slot(found: Desk, who: Visitor, post: Post, given: DraftIn) -> str:
    """Gives the post the next free slot of its accounts; the notice that says so."""
    moment, zone = clock.now(), found.settings.department.zone
    with database.writing(found.engine) as session:
        free = slots.next_free(session, given.accounts, moment, given.category)
        if free is None:
            return "no-slot"
        wall = workflow.instant(*free).astimezone(zone).replace(tzinfo=None)
        drafts.schedule(session, post.id or 0, who.id, wall, zone.key, moment)
    return "slot"


def _change_pictures(found: Desk, who: Visitor, post_id: int, then: str, upload: UploadFile | None) -> None:
    if then.startswith(TAKE_OUT):
        number = then.removeprefix(TAKE_OUT)
        with database.writing(found.engine) as session:
            kept.take_out(session, post_id, who.id, int(number) if number.isdecimal() else 0, clock.now())
        return
    data = upload.file.read(pictures.LARGEST_UPLOAD + 1) if upload is not None else b""
    if not data:
        raise UnreadablePicture("Choose a picture file first.")
    read = pictures.read(data)
    with database.writing(found.engine) as session:
        kept.add(session, post_id, who.id, read, clock.now())


def _saved(request: Request, post: Post) -> JSONResponse:
    at = post.updated_at.astimezone(pages.zone_of(request))
    return JSONResponse({"id": post.id, "revision": post.revision, "at": f"{at:%H:%M:%S}"})


def _faults(request: Request, found: Desk, given: DraftIn, post: Post) -> list[Fault]:
    """What must be mended before anyone is asked to approve it."""
    _ = pages.words(request).gettext
    faults = []
    if not given.message.strip():
        faults.append(Fault("message", _("There is no message yet.")))
    if not given.accounts:
        faults.append(Fault("accounts", _("Choose at least one account to send it to.")))
    if post.due_at is not None and post.due_at <= clock.now():
        faults.append(Fault("day", _("That time has passed; choose a later one.")))
    with database.reading(found.engine) as session:
        cards = _cards(session, drafting.shown(given, post.id, post.revision), found.settings.base_url)
        shown = _pictures(session, drafting.shown(given, post.id, post.revision))
    faults += [
        Fault(f"alt-{picture.id}", _("Say what the picture shows, for people who cannot see it."))
        for picture in shown
        if not picture.alt.strip()
    ]
    if given.message.strip():
        faults += [
            Fault(f"v-{card.account.id}", f"{card.account.name}: {' '.join(card.check.problems)}")
            for card in cards
            if card.chosen and card.check.problems
        ]
    return faults


def _first_accounts(session: Session, mention_id: int | None) -> tuple[int, ...]:
    """Where a new post goes unless somebody says otherwise: an answer to where it was asked, all else everywhere."""
    every = accounts.connected(session)
    mention = session.get(Mention, mention_id) if mention_id is not None else None
    there = [account for account in every if mention is not None and account.network == mention.network]
    return tuple(account.id or 0 for account in there or every)


def _cards(session: Session, draft: Draft, base_url: str) -> list[variants.Card]:
    """A card for each account that can be sent to, and for those of the draft that are signed out."""
    mention = session.get(Mention, draft.reply_to) if draft.reply_to is not None else None
    shown = tuple(kept.as_sent(one) for one in _pictures(session, draft))
    said = variants.Said(
        draft.message,
        draft.language,
        shown,
        mention.network if mention is not None else None,
        mention is None or mention.addressed,
    )
    offered = [one for one in accounts.kept(session) if one.state == "connected" or one.id in draft.accounts]
    offered.sort(key=lambda account: account.id or 0)
    cards = variants.cards(offered, registry.NETWORKS, draft.accounts, said, draft.own, draft.options)
    return [_with_problem(card, addresses.obstacle(registry.network(card.account.network), base_url)) for card in cards]


def _with_problem(card: variants.Card, problem: str | None) -> variants.Card:
    return (
        card if problem is None else replace(card, check=replace(card.check, problems=(*card.check.problems, problem)))
    )


def _pictures(session: Session, draft: Draft) -> list[PostPicture]:
    """The draft's pictures, with the descriptions that the form has now."""
    post = session.get(Post, draft.id) if draft.id else None
    found = drafts.pictures_of(session, post) if post is not None else []
    for picture in found:
        picture.alt = draft.alts.get(picture.id or 0, picture.alt)
    return found


def _page(
    request: Request,
    found: Desk,
    who: Visitor,
    draft: Draft,
    *,
    wrong: Sequence[Fault] = (),
    saved_at: datetime | None = None,
    theirs: Draft | None = None,
    status: int | None = None,
) -> Response:
    zone = found.settings.department.zone
    with database.reading(found.engine) as session:
        cards, shown = _cards(session, draft, found.settings.base_url), _pictures(session, draft)
        asked = _changes_asked(session, draft.id)
        post = session.get(Post, draft.id) if draft.id else None
        said = likeness.said_by(session, post) if post is not None and post.state not in GONE else []
        alike = [*likeness.copies(session, said, clock.now()), *likeness.warnings(session, said, clock.now())]
        asks = {name: _asks(request, rules) for name, rules in rules_of_kinds.rules(session).items()}
    return pages.render(
        request,
        "compose.html",
        status=status or (422 if wrong else 200),
        draft=draft,
        cards=cards,
        shown_pictures=shown,
        wrong=wrong,
        theirs=theirs,
        saved_at=saved_at,
        answers=_answered(found, who, draft.reply_to),
        changes_asked=asked,
        alike=alike,
        asks=asks,
        back_to_review=post is not None and post.state in ("approved", "scheduled", "in_review"),
        concerns={key: concern.name for key, concern in CONCERNS.items()},
        categories=categories(request),
        zone_words=pages.zone_name(clock.now(), zone, pages.language_of(request)),
    )


def _asks(request: Request, rules: Rules) -> str:
    words = pages.words(request)
    if rules.steps == (Step(),):
        return words.gettext("One approval is needed, by someone other than you.")
    count = len(rules.steps)
    return words.ngettext("It needs approval in one step.", "It needs approval in %(count)d steps.", count) % {
        "count": count
    }


def categories(request: Request) -> list[tuple[str, str]]:
    """The kinds of post, in the reader's words."""
    _ = pages.words(request).gettext
    words = {
        "general": _("General"),
        "safety": _("Safety"),
        "event": _("Event"),
        "answer": _("Answer to a question or concern"),
        "you_said_we_did": _("You said, we did"),
    }
    return [(key, words[key]) for key in drafting.CATEGORIES]


def _answered(found: Desk, who: Visitor, mention_id: int | None) -> Mention | None:
    """The mention that a reply answers, while its text is kept; the look at it is in the audit log."""
    if mention_id is None or not who.may(Action.READ_MENTIONS):
        return None
    with database.writing(found.engine) as session:
        mention = session.get(Mention, mention_id)
        if mention is None or not mention.shown or mention.text is None:
            return None
        audit.record(session, clock.now(), who.id, "mention.read", f"mention:{mention_id}", {}, who.address)
    return mention


def _changes_asked(session: Session, post_id: int | None) -> Asked | None:
    """The last word of an approver, when it asks for changes."""
    if post_id is None:
        return None
    last = (
        select(Review)
        .where(Review.post_id == post_id, col(Review.decision) != "comment")
        .order_by(col(Review.id).desc())
    )
    review = session.exec(last).first()
    if review is None or review.decision != "changes_asked":
        return None
    by = session.get(Person, review.person_id)
    return Asked(by.name if by is not None else "", review.comment)
