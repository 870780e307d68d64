"""Compose: one message, a variant for each account, counted as each network counts; pictures with what they show;
drafts saved while one writes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse
from sqlmodel import Session, select

from config import clock, database
from config.permissions import Action
from config.translations import LANGUAGES
from listeners.tables import Mention
from networks import accounts, pictures
from networks.pictures import UnreadablePicture
from posts import drafts, event_posts, links, slots, workflow
from posts import pictures as kept
from posts.tables import Post, Snippet, Variant
from posts.workflow import GOES_OUT, EditConflict, WrongState
from sentiment.taxonomy import CONCERNS
from web import compose_page, drafting, pages
from web import events as event_pages
from web.desk import Desk, TheDesk
from web.drafting import DAY, HOUR, Cut, Draft, DraftIn, from_form
from web.fields import LARGEST_ID, Id
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/compose", dependencies=[needs(Action.WRITE_POSTS)])
Given = Annotated[DraftIn, Depends(from_form)]
Then = Annotated[str, Form()]
# save, close, submit, slot, link, picture, take-out-<picture>, crop-<picture>, translate-<language>
Cuts = Annotated[dict[int, Cut], Depends(drafting.cuts)]
Upload = Annotated[UploadFile | None, File()]
WITH_A_PICTURE = pictures.LARGEST_UPLOAD + 1_000_000  # bytes of a form; other routes take far less (web.app)
MINUTE = "%Y-%m-%dT%H:%M"
TAKE_OUT = "take-out-"
CROP = "crop-"
TRANSLATE = "translate-"


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
    template: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """An empty form; nothing is stored until something is written. A free slot of the calendar gives its time."""
    with database.reading(found.engine) as session:
        every = _first_accounts(session, reply_to)
        begun = session.get(Snippet, template) if template is not None else None
    every = tuple(number for number in every if number == account) or every
    draft = Draft(
        language=begun.language if begun is not None else found.settings.department.language,
        accounts=every,
        concern=concern if concern in CONCERNS else "",
        category="answer" if reply_to else begun.category if begun is not None else "general",
        reply_to=reply_to,
        message=text[:2000] or (begun.text if begun is not None else ""),
        day=day,
        hour=hour,
    )
    return compose_page.page(request, found, who, draft)


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
        shown = compose_page.pictures_of(session, draft)
        cards = compose_page.cards_of(session, draft, found.settings.base_url, shown)
    draw = pages.macros(request, "post_parts.html")
    told: dict[str, object] = {
        str(card.account.id): {
            "fine": not card.check.bad,
            "meter": str(draw.meter(card.check)),
            "verdict": str(draw.verdict(card.check)),
            "preview": str(draw.preview(card, draft.language, shown)),
        }
        for card in cards
    }
    told["reads"] = compose_page.reads(given.message, given.language, pages.language_of(request))
    return JSONResponse(told)


@router.post("/draft")
def make_draft(request: Request, found: TheDesk, who: Who, given: DraftIn) -> JSONResponse:
    """The first save of a new post."""
    return _autosaved(request, found, who, None, given)


@router.post("/{post_id}/draft")
def save_draft(request: Request, found: TheDesk, who: Who, post_id: Id, given: DraftIn) -> JSONResponse:
    """A save while somebody writes. 409 when someone else saved meanwhile; 422, and why, where its time cannot be."""
    return _autosaved(request, found, who, post_id, given)


@router.post("", max_body_size=WITH_A_PICTURE)
def send_new(
    request: Request, found: TheDesk, who: Who, given: Given, then: Then = "save", picture: Upload = None
) -> Response:
    """The form without a number yet."""
    return _send(request, found, who, None, given, then, picture, {})


@router.get("/{post_id}")
def page(request: Request, found: TheDesk, who: Who, post_id: Id) -> Response:
    """The form of a post that is stored."""
    with database.reading(found.engine) as session:
        post = session.get(Post, post_id)  # first: while it is here nobody reads it again
        draft = stored(session, post_id, found.settings.department.zone)
    return compose_page.page(request, found, who, draft, saved_at=post.updated_at if post else None)


@router.post("/{post_id}", max_body_size=WITH_A_PICTURE)
def send(
    request: Request,
    found: TheDesk,
    who: Who,
    post_id: Id,
    given: Given,
    cuts: Cuts,
    then: Then = "save",
    picture: Upload = None,
) -> Response:
    """Saves, and does what the pressed button says: nothing more, close, send for approval, add, crop or take out a
    picture."""
    return _send(request, found, who, post_id, given, then, picture, cuts)


class WallTimeError(ValueError):
    """Day and hour that make no time."""


def stored(session: Session, post_id: int, zone: ZoneInfo) -> Draft:
    """A stored post as the form shows it, its time by clocks of `zone`. Raises Trouble 404."""
    post = session.get(Post, post_id)
    if post is None:
        raise Trouble(404, "There is no such post", "It may be a number from another desk.")
    variants_there = session.exec(select(Variant).where(Variant.post_id == post_id)).all()
    wordings = {row.account_id: row.text for row in variants_there}
    wall = drafts.wall_here(post, zone)
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
        was=wall.strftime(MINUTE) if wall else "",
        reply_to=post.reply_to_mention_id,
        asked=tuple(post.asked),
    )


def store(found: Desk, who: Visitor, post_id: int | None, given: DraftIn, *, by_itself: bool = False) -> Post:
    """Creates or saves, with its time, in one transaction. `by_itself`: nobody pressed a button, so that a time that is
    perhaps half written moves no post that would go out at it. Raises EditConflict, WallTimeError, WrongState."""
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
            retimed = _time_is_changed(given, None)
        else:
            there = drafts.wall_here(drafts.locked(session, post_id), found.settings.department.zone)
            retimed = _time_is_changed(given, there)
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
                gets_time=retimed,
            )
        if retimed and not (by_itself and post.state in GOES_OUT):
            if wall is not None:
                drafts.schedule(session, post.id or 0, who.id, wall, found.settings.department.time_zone, moment)
            else:
                drafts.unschedule(session, post.id or 0, who.id, moment)
        drafts.ask(session, post.id or 0, who.id, given.asked, moment)
        session.flush()
        session.refresh(post)
    return post


def _time_is_changed(given: DraftIn, there: datetime | None) -> bool:
    """Whether the form asks for another time than is there. Raises EditConflict where somebody else changed it too."""
    now = there.strftime(MINUTE) if there is not None else ""
    if given.moment == now or given.moment == given.was:
        return False
    if given.was is not None and given.was != now:
        raise EditConflict
    return True


def _send(
    request: Request,
    found: Desk,
    who: Visitor,
    post_id: int | None,
    given: DraftIn,
    then: str,
    picture: UploadFile | None,
    cuts: Mapping[int, Cut],
) -> Response:
    _ = pages.words(request).gettext
    if then == "link":
        try:
            given = _with_link(given)
        except links.NotALink:
            fault = compose_page.Fault("link", _("That is no link; it begins like https://riverton.example."))
            return compose_page.page(request, found, who, drafting.shown(given, post_id, given.revision), wrong=[fault])
    try:
        post = store(found, who, post_id, given)
    except WallTimeError:
        fault = compose_page.Fault("day", _("Give a day and an hour, or neither."))
        return compose_page.page(request, found, who, drafting.shown(given, post_id, given.revision), wrong=[fault])
    except EditConflict:
        with database.reading(found.engine) as session:
            theirs = stored(session, post_id or 0, found.settings.department.zone)
        words = _("Someone saved this post while you wrote. Yours is below: saving again puts it in place of theirs.")
        was = given.was if given.moment == given.was else theirs.was
        draft = replace(drafting.shown(given, post_id, theirs.revision), was=was)
        return compose_page.page(
            request, found, who, draft, wrong=[compose_page.Fault("message", words)], theirs=theirs, status=409
        )
    except WrongState as error:
        if not _is_of_the_day(error):
            raise
        fault = compose_page.Fault("day", pages.told(request, str(error)))
        return compose_page.page(request, found, who, drafting.shown(given, post_id, given.revision), wrong=[fault])
    number = post.id or 0
    given = given.model_copy(update={"was": given.moment})  # it is stored now, or left as somebody else has set it
    if then == "picture" or then.startswith((TAKE_OUT, CROP)):
        try:
            _change_pictures(found, who, number, then, picture, cuts)
        except (UnreadablePicture, WrongState) as error:
            draft = drafting.shown(given, number, post.revision)
            at = "day" if _is_of_the_day(error) else "picture"
            fault = compose_page.Fault(at, pages.told(request, str(error)))
            return compose_page.page(request, found, who, draft, wrong=[fault], saved_at=post.updated_at)
        return RedirectResponse(f"/compose/{number}?said=saved#pictures", 303)
    if then == "slot":
        return RedirectResponse(f"/compose/{number}?said={_take_slot(found, who, post, given)}", 303)
    if then.startswith(TRANSLATE):
        return RedirectResponse(f"/compose/{_translate(found, who, post, then.removeprefix(TRANSLATE))}", 303)
    if then == "link":
        return RedirectResponse(f"/compose/{number}?said=link-added#message", 303)
    if then != "submit":
        return RedirectResponse("/queue?said=saved" if then == "close" else f"/compose/{number}?said=saved", 303)
    faults = _faults(request, found, given, post)
    if faults:
        draft = drafting.shown(given, number, post.revision)
        return compose_page.page(request, found, who, draft, wrong=faults, saved_at=post.updated_at)
    with database.writing(found.engine) as session:
        drafts.submit(session, number, who.id, clock.now(), base_url=found.settings.base_url)
    return RedirectResponse(f"/posts/{number}?said=submitted", 303)


def _with_link(given: DraftIn) -> DraftIn:
    """The form with its link at the end of the message. Raises NotALink."""
    address = links.tracked(given.link, given.campaign or given.title)
    message = f"{given.message.rstrip()}\n{address}" if given.message.strip() else address
    return given.model_copy(update={"message": message})


def _translate(found: Desk, who: Visitor, post: Post, language: str) -> int:
    """The number of the post that says the same in another language, made as a draft where there is none yet."""
    if language not in LANGUAGES or language == post.language:
        raise Trouble(422, "That is no language of this desk", "The draft is kept.")
    with database.writing(found.engine) as session:
        there = next((one for one in drafts.translations_of(session, post) if one.language == language), None)
        if there is not None:
            return there.id or 0
        event = event_posts.of_post(session, post.id or 0)
        if event is not None:
            told = event_pages.heard_there(session, event.id or 0, language)
            place = event_pages.desk_of(found, event)
            translated = event_posts.translate(
                session, event.id or 0, post.id or 0, language, who.id, clock.now(), place, heard=told
            )
            return translated.id or 0
        wordings = session.exec(select(Variant.account_id).where(Variant.post_id == post.id)).all()
        made = drafts.create(
            session,
            who.id,
            "",
            wordings,
            clock.now(),
            title=post.title,
            category=post.category,
            language=language,
            concern=post.concern,
            reply_to_mention_id=post.reply_to_mention_id,
            translation_of=post.translation_of or post.id,
        )
        return made.id or 0


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


def _change_pictures(
    found: Desk, who: Visitor, post_id: int, then: str, upload: UploadFile | None, cuts: Mapping[int, Cut]
) -> None:
    if then != "picture":
        named = then.rpartition("-")[2]
        number = int(named) if named.isdecimal() and len(named) < 10 else 0
        with database.writing(found.engine) as session:
            if then.startswith(TAKE_OUT):
                kept.take_out(session, post_id, who.id, number, clock.now())
            elif number in cuts:
                cut = cuts[number]
                kept.crop(session, post_id, who.id, number, cut.shape, cut.focus, clock.now())
        return
    data = upload.file.read(pictures.LARGEST_UPLOAD + 1) if upload is not None else b""
    if not data:
        raise UnreadablePicture("Choose a picture file first.")
    read = pictures.read(data)
    with database.writing(found.engine) as session:
        kept.add(session, post_id, who.id, read, clock.now())


def _is_of_the_day(error: Exception) -> bool:
    """Whether it is about the day that the form gives."""
    return "day" in getattr(error.args[0], "fields", ())


def _autosaved(request: Request, found: Desk, who: Visitor, post_id: int | None, given: DraftIn) -> JSONResponse:
    """`was`: the time that the post has."""
    try:
        post = store(found, who, post_id, given, by_itself=True)
    except WrongState as error:
        if not _is_of_the_day(error):
            raise
        return JSONResponse({"why": pages.told(request, str(error))}, 422)
    at = post.updated_at.astimezone(pages.zone_of(request))
    wall = drafts.wall_here(post, found.settings.department.zone)
    was = wall.strftime(MINUTE) if wall else ""
    return JSONResponse({"id": post.id, "revision": post.revision, "at": f"{at:%H:%M:%S}", "was": was})


def _faults(request: Request, found: Desk, given: DraftIn, post: Post) -> list[compose_page.Fault]:
    """What must be mended before anyone is asked to approve it."""
    _ = pages.words(request).gettext
    faults = []
    if not given.message.strip():
        faults.append(compose_page.Fault("message", _("There is no message yet.")))
    if not given.accounts:
        faults.append(compose_page.Fault("accounts", _("Choose at least one account to send it to.")))
    if post.due_at is not None and post.due_at <= clock.now():
        faults.append(compose_page.Fault("day", _("That time has passed; choose a later one.")))
    with database.reading(found.engine) as session:
        draft = drafting.shown(given, post.id, post.revision)
        shown = compose_page.pictures_of(session, draft)
        bare = [picture for picture in shown if not picture.alt.strip()]
        for picture in bare:
            picture.alt = "?"  # its account would say of each what is said here once
        cards = compose_page.cards_of(session, draft, found.settings.base_url, shown)
    faults += [
        compose_page.Fault(f"alt-{picture.id}", _("Say what the picture shows, for people who cannot see it."))
        for picture in bare
    ]
    if given.message.strip():
        faults += [
            compose_page.Fault(
                f"v-{card.account.id}",
                f"{card.account.name}: {' '.join(pages.told(request, one) for one in card.check.problems)}",
            )
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
