"""Approvals: what waits for whom; one post with its exact variants, what changed since it was last reviewed, its whole
story; and what may be done with it. Whether that is allowed is decided by posts.drafts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, select

from config import clock, database, people
from config.permissions import Action, Role
from config.phrases import Phrase
from listeners import mentions
from listeners.tables import Mention
from networks import registry
from networks.tables import Account
from posts import approval, decide, drafts, event_posts, glossary, likeness, partners, queue, reach, series, takedown
from posts import categories as rules_of_kinds
from posts import pictures as kept
from posts.queue import PostDetail
from posts.tables import Post, PostPicture, PostVersion, Target
from posts.workflow import GOES_OUT, OPEN, PostState, WrongState
from sentiment import before_after
from sentiment.before_after import Since
from sentiment.taxonomy import CONCERNS
from web import changes, compose_page, own_pages, pages, since_then, variants
from web.desk import Desk, TheDesk
from web.fields import Comment, Id, wall_time
from web.guard import Visitor, Who, needs, no_link
from web.problems import Trouble
from web.story import told

router = APIRouter()
CALENDAR = re.compile(
    r"/calendar\?view=(month|week)&day=[0-9]{4}-[0-9]{2}-[0-9]{2}|/queue\?start=[0-9]{4}-[0-9]{2}-[0-9]{2}"
)


@dataclass(frozen=True)
class Shown:
    """One account's exact text, what changed in it since it was last reviewed, and where each part of it stands."""

    card: variants.Card
    pieces: tuple[changes.Piece, ...]  # empty: nothing to compare with, or nothing changed
    targets: tuple[Target, ...]  # one, or one for each part of a thread


@router.get("/approvals", dependencies=[needs(Action.READ_POSTS)])
def approvals_page(request: Request, found: TheDesk, who: Who) -> Response:
    """What waits for this person, and what of theirs waits for others."""
    with database.reading(found.engine) as session:
        waiting = queue.waiting_for(session, who.id, who.roles) if who.may(Action.APPROVE_POSTS) else []
        mine = queue.in_review_by(session, who.id)
        names = {people.known_id(person): person.name for person in people.all_people(session)}
    asked = {row.post_id for row in waiting if who.id in row.asked}
    waiting.sort(key=lambda row: row.post_id not in asked)
    due = {row.post_id: row.due_at if row.timed else None for row in (*waiting, *mine)}
    return pages.render(request, "approvals.html", waiting=waiting, mine=mine, names=names, due=due, asked=asked)


@router.get("/posts/{post_id}", dependencies=[needs(Action.READ_POSTS)])
def post_page(request: Request, found: TheDesk, who: Who, post_id: Id) -> Response:
    """One post, whole."""
    return _page(request, found, who, post_id)


@router.post("/posts/{post_id}/approve", dependencies=[needs(Action.APPROVE_POSTS)])
def approve(found: TheDesk, who: Who, post_id: Id, content_hash: Annotated[str, Form(max_length=200)]) -> Response:
    """Approves exactly what was on the page: its hash comes back with the button."""
    with database.writing(found.engine) as session:
        post = drafts.approve(session, post_id, who.id, content_hash, clock.now())
        without = "approved-series" if drafts.is_pattern(session, post_id) else "approved-no-time"
        said = "approved" if post.due_at is not None else without
        if post.state == PostState.IN_REVIEW:
            said = "step-done"
    return RedirectResponse(f"/posts/{post_id}?said={said}", 303)


@router.post("/posts/{post_id}/sign-off", dependencies=[needs(Action.READ_POSTS), Depends(no_link)])
def sign_off(found: TheDesk, who: Who, post_id: Id, content_hash: Annotated[str, Form(max_length=200)]) -> Response:
    """This person, who did not write it, read the translation: exactly what was on the page."""
    with database.writing(found.engine) as session:
        glossary.sign_off(session, post_id, who.id, content_hash, clock.now())
    return RedirectResponse(f"/posts/{post_id}?said=signed-off", 303)


@router.post("/posts/{post_id}/ask-changes", dependencies=[needs(Action.APPROVE_POSTS)])
def ask_changes(request: Request, found: TheDesk, who: Who, post_id: Id, comment: Comment = "") -> Response:
    """Back to the author, with what to change."""
    try:
        with database.writing(found.engine) as session:
            drafts.ask_changes(session, post_id, who.id, comment.strip(), clock.now())
    except WrongState as error:
        return _amiss(request, found, who, post_id, error)
    return RedirectResponse(f"/posts/{post_id}?said=changes-asked", 303)


@router.post("/posts/{post_id}/comment", dependencies=[needs(Action.READ_POSTS)])
def comment(request: Request, found: TheDesk, who: Who, post_id: Id, comment: Comment = "") -> Response:
    """A word on a post; it decides nothing."""
    try:
        with database.writing(found.engine) as session:
            drafts.comment(session, post_id, who.id, comment.strip(), clock.now())
    except WrongState as error:
        return _amiss(request, found, who, post_id, error)
    return RedirectResponse(f"/posts/{post_id}?said=commented", 303)


@router.post("/posts/{post_id}/withdraw", dependencies=[needs(Action.WRITE_POSTS)])
def withdraw(found: TheDesk, who: Who, post_id: Id) -> Response:
    """Out of review, or out of its approval: a draft again."""
    with database.writing(found.engine) as session:
        drafts.withdraw(session, post_id, who.id, clock.now())
    return RedirectResponse(f"/posts/{post_id}?said=withdrawn", 303)


@router.post("/posts/{post_id}/move", dependencies=[needs(Action.WRITE_POSTS)])
def move(
    request: Request,
    found: TheDesk,
    who: Who,
    post_id: Id,
    day: Annotated[str, Form(max_length=10)] = "",
    hour: Annotated[str, Form(max_length=8)] = "",
    back: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Another time, or none; its approval stays, because the words stay. `back`: the calendar that asked."""
    _ = pages.words(request).gettext
    zone, moment = found.settings.department.time_zone, clock.now()
    if bool(day) != bool(hour):
        words = Phrase.about(_("Give a day and an hour, or neither."), "hour" if day else "day")
        return _page(request, found, who, post_id, wrong=words, wall=(day, hour))
    if not day:
        with database.writing(found.engine) as session:
            drafts.unschedule(session, post_id, who.id, moment)
        return RedirectResponse(f"/posts/{post_id}?said=unscheduled", 303)
    try:
        wall = wall_time(day, hour)
    except ValueError:
        words = Phrase.about(_("That day is in no calendar."), "day")
        return _page(request, found, who, post_id, wrong=words, wall=(day, hour))
    try:
        with database.writing(found.engine) as session:
            state = drafts.schedule(session, post_id, who.id, wall, zone, moment).state
    except WrongState as error:
        return _amiss(request, found, who, post_id, error, wall=(day, hour))
    said = "moved" if state in GOES_OUT else "scheduled"
    place = f"{back}&said={said}" if CALENDAR.fullmatch(back) else f"/posts/{post_id}?said={said}"
    return RedirectResponse(place, 303)


@router.post("/posts/{post_id}/cancel", dependencies=[needs(Action.WRITE_POSTS)])
def cancel(found: TheDesk, who: Who, post_id: Id) -> Response:
    """It will not go out, or what is left of it will not; its versions stay."""
    with database.writing(found.engine) as session:
        state = drafts.cancel(session, post_id, who.id, clock.now()).state
    said = "cancelled" if state == PostState.CANCELLED else "called-off"
    return RedirectResponse(f"/posts/{post_id}?said={said}", 303)


@router.post("/posts/{post_id}/targets/{target_id}/decide", dependencies=[needs(Action.WRITE_POSTS)])
def decide_target(
    found: TheDesk, who: Who, post_id: Id, target_id: Id, decision: Annotated[str, Form(max_length=40)]
) -> Response:
    """A person's word on a target of which nobody can tell whether it went out."""
    if decision not in decide.DECISIONS:
        raise Trouble(422, "That is none of the choices", "Nothing was changed.")
    with database.writing(found.engine) as session:
        target = session.get(Target, target_id)
        if target is None or target.post_id != post_id:
            raise Trouble(404, "This post has no such target", "Nothing was changed.")
        decide.decide(session, target_id, who.id, decision, clock.now())
    return RedirectResponse(f"/posts/{post_id}?said=decided", 303)


@router.post("/posts/{post_id}/targets/{target_id}/take-down", dependencies=[needs(Action.WRITE_POSTS)])
def take_down(found: TheDesk, who: Who, post_id: Id, target_id: Id) -> Response:
    """Deletes what went out, on its network; the record of it stays."""
    with database.writing(found.engine) as session:
        target = session.get(Target, target_id)
        if target is None or target.post_id != post_id:
            raise Trouble(404, "This post has no such target", "Nothing was changed.")
        takedown.ask(session, target_id, who.id, clock.now())
    return RedirectResponse(f"/posts/{post_id}?said=taking-down", 303)


@router.get("/posts/{post_id}/pictures/{picture_id}", dependencies=[needs(Action.READ_POSTS)])
def picture(found: TheDesk, post_id: Id, picture_id: Id) -> Response:
    """One picture of a post, as it was written anew."""
    with database.reading(found.engine) as session:
        shown = session.get(PostPicture, picture_id)
    if shown is None or shown.post_id != post_id:
        raise Trouble(404, "There is no such picture")
    return Response(shown.data, media_type=shown.mime, headers={"Cache-Control": "private, max-age=3600"})


def _amiss(
    request: Request,
    found: Desk,
    who: Visitor,
    post_id: int,
    error: WrongState,
    *,
    wall: tuple[str, str] | None = None,
) -> Response:
    """The page with what a field lacks; what is about none, the post being elsewhere, is raised on."""
    if not getattr(error.args[0], "fields", ()):
        raise error
    return _page(request, found, who, post_id, wrong=error.args[0], wall=wall)


def _page(
    request: Request,
    found: Desk,
    who: Visitor,
    post_id: int,
    *,
    wrong: str | None = None,
    wall: tuple[str, str] | None = None,
) -> Response:
    """`wall`: day and hour that were refused, and stand in the form as they were given."""
    zone, _ = found.settings.department.zone, pages.words(request).gettext
    with database.reading(found.engine) as session:
        detail = queue.post_detail(session, post_id)
        if detail is None:
            raise Trouble(404, "There is no such post", "It may be a number from another desk.")
        before = _last_reviewed(detail, who.id)
        shown = drafts.pictures_of(session, detail.post)
        accounts = {account.id or 0: account for account in session.exec(select(Account))}
        parts = _shown(session, detail, before, accounts, shown)
        told_of_it = approval.words(detail.versions, detail.reviews)
        standing = approval.stands(rules_of_kinds.rules(session), detail.post, told_of_it)
        wrote_it, stands = who.id in standing.writers, standing.progress
        said = likeness.said_in(detail.post, detail.variants, accounts) if detail.post.state in OPEN else []
        alike = [*likeness.copies(session, said, clock.now()), *likeness.warnings(session, said, clock.now())]
        everybody = people.with_roles(session)
        event = event_posts.of_post(session, post_id)
        of_series = series.of_post(session, detail.post)
        own_page = own_pages.of_post(session, detail.post, before, found.settings, pages.language_of(request))
        source = session.get(Post, detail.post.translation_of) if detail.post.translation_of is not None else None
        changed = _since(session, detail, clock.now(), zone)
        terms = glossary.kept(session) if source is not None else []
        must_sign = source is not None and approval.unsigned(session, detail.post)
        fared = reach.of_post(session, post_id) if detail.targets else []
        said_by_partners = [
            (partners.read(session, one.partner_id).name, one) for one in partners.comments(session, post_id)
        ]
        replied = detail.post.reply_to_mention_id
        at = session.get(Mention, replied) if replied is not None else None
    post = detail.post
    names = {people.known_id(person): person.name for person, _roles in everybody}
    concern = CONCERNS.get(post.concern or "")
    return pages.render(
        request,
        "post.html",
        status=200 if wrong is None else 422,
        post=post,
        event=event,
        of_series=of_series,
        is_pattern=of_series is not None and of_series.post_id == post_id and of_series.ended_at is None,
        own_page=own_page,
        answers=compose_page.answered(found, who, post.reply_to_mention_id),
        answers_on=at.network if at is not None else "",
        parts_shown=parts,
        shown_pictures=shown,
        before=before,
        asks=detail.asks,
        names=names,
        story=told(detail, names, _),
        wrote_it=wrote_it,
        can_decide=(
            post.state == "in_review" and who.may(Action.APPROVE_POSTS) and standing.asks(who.id) and not must_sign
        ),
        stands=stands,
        nobody=not any(standing.asks(one) for one in people.active_with(everybody, Role.APPROVER)),
        administrators=list(people.active_with(everybody, Role.ADMINISTRATOR).values()),
        source=source,
        signed=glossary.signed(post, detail.reviews, standing.writers),
        must_sign=must_sign,
        differing=glossary.differing(terms, post.language, source.message, _all_words(parts)) if source else [],
        partner_words=said_by_partners,
        fared=fared,
        is_out=any(target.state == "published" for target in detail.targets),
        to_partners="kit" if post.state in partners.SHARED else "review" if post.state in OPEN else "",
        alike=alike,
        is_open=post.state in OPEN,
        concern=_(concern.name) if concern is not None else "",
        changed=since_then.view(changed, post.concern or "", pages.language_of(request))
        if changed is not None
        else None,
        category=dict(compose_page.categories(request)).get(post.category, post.category),
        wrong=wrong,
        wall=wall or _day_and_hour(drafts.wall_here(post, zone)),
        zone=zone,
        zone_words=pages.zone_name(post.due_at or clock.now(), zone, pages.language_of(request)),
        decisions={key: _(label) for key, label in decide.DECISIONS.items()},
    )


def _since(session: Session, detail: PostDetail, now: datetime, zone: ZoneInfo) -> Since | None:
    """What changed in its concern since a post went out; none without a concern, or where that cannot be said."""
    went_out = [
        target.published_at.astimezone(zone).date() for target in detail.targets if target.published_at is not None
    ]
    concern = detail.post.concern or ""
    if concern not in CONCERNS or not went_out:
        return None
    return before_after.read(session, concern, min(went_out), max(went_out), now.astimezone(zone).date())


def _all_words(parts: list[Shown]) -> str:
    return "\n".join(part.card.text for part in parts)


def _last_reviewed(detail: PostDetail, person_id: int) -> PostVersion | None:
    """The version that this person, or else anyone, judged last; none when nobody has, or nothing changed since."""
    judged = [review for review in detail.reviews if review.decision in ("approved", "changes_asked")]
    last = next((review for review in reversed(judged) if review.person_id == person_id), None)
    last = last or (judged[-1] if judged else None)
    if last is None or last.content_hash == detail.post.content_hash:
        return None
    return next((version for version in reversed(detail.versions) if version.content_hash == last.content_hash), None)


def _shown(
    session: Session,
    detail: PostDetail,
    before: PostVersion | None,
    accounts: Mapping[int, Account],
    pictures: Sequence[PostPicture],
) -> list[Shown]:
    post = detail.post
    own = {variant.account_id: variant.text for variant in detail.variants}
    options = {variant.account_id: variant.options for variant in detail.variants}
    going = [accounts[number] for number in own if number in accounts]
    answered = session.get(Mention, post.reply_to_mention_id) if post.reply_to_mention_id is not None else None
    shown = tuple(kept.as_sent(one) for one in pictures)
    said = variants.Said(
        post.message,
        post.language,
        shown,
        answered.network if answered is not None else None,
        answered is None or answered.addressed,
        answered is not None and mentions.begins_thread(answered),
    )
    made = []
    for card in variants.cards(going, registry.NETWORKS, own, said, own, options):
        number = card.account.id or 0
        old = version_text(before, number) if before is not None else None
        pieces = changes.between(old, card.text) if old is not None and old != card.text else ()
        targets = sorted((one for one in detail.targets if one.account_id == number), key=lambda one: one.part)
        made.append(Shown(card, pieces, tuple(targets)))
    return made


def version_text(version: PostVersion, account_id: int) -> str | None:
    """What one account would have said in an older version; none when it was not in it."""
    wordings = version.content.get("variants", {})
    if str(account_id) not in wordings:
        return None
    own = wordings[str(account_id)]
    return str(version.content.get("message", "")) if own is None else str(own)


def _day_and_hour(wall: datetime | None) -> tuple[str, str]:
    """A wall time, as fields take it."""
    return (f"{wall:%Y-%m-%d}", f"{wall:%H:%M}") if wall is not None else ("", "")
