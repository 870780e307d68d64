"""Urgent safety updates: a short form that works on a phone, the approval that sends it, and its thread to the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, col, select

from config import clock, database, holds, people
from config.permissions import Action, Role
from networks.tables import Account
from posts import approval, queue, urgent
from posts.tables import Post, Target, Variant
from posts.urgent import BLANKS, TEMPLATES, Stage, Thread
from posts.workflow import EditConflict, PostState, TargetState, WrongState
from scheduler import urgent_call
from web import compose_page, pages
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Comment, Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/outreach/urgent")
AHEAD = timedelta(days=1)  # what is due within it is the rest of the queue that the form asks about
Revision = Annotated[int, Form(ge=0, le=LARGEST_ID)]
Hash = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True)
class Sent:
    """One word of a thread and where it stands: each account's target with the account's name."""

    post: Post
    by: str
    approved_by: str
    targets: tuple[tuple[str, Target], ...]
    held: bool  # by a hold that nobody let it pass
    seconds: int | None  # from asking for approval to the last account; none while it is under way


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def list_page(request: Request, found: TheDesk) -> Response:
    """Every thread, those that are not over first; and the templates."""
    with database.reading(found.engine) as session:
        threads = urgent.threads(session)
    return pages.render(request, "urgent_list.html", threads=threads, templates=TEMPLATES)


@router.get("/new", dependencies=[needs(Action.WRITE_POSTS)])
def new_page(request: Request, found: TheDesk, who: Who, template: str = "avoid_area", language: str = "") -> Response:
    """The form of one template, in one language."""
    return _form(request, found, who, template, language, {})


@router.post("", dependencies=[needs(Action.WRITE_POSTS)])
def begin(
    request: Request,
    found: TheDesk,
    person: Who,
    template: Line = "",
    language: Line = "",
    who: Line = "",
    where: Line = "",
    why: Line = "",
    number: Line = "",
    shelter: Line = "",
    advice: Line = "",
    rest: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Writes it, asks everyone who may approve it, and places a hold on all else if that was chosen."""
    given = {"who": who, "where": where, "why": why, "number": number, "shelter": shelter, "advice": advice}
    _ = pages.words(request).gettext
    try:
        if template not in TEMPLATES or language not in dict(compose_page.languages()):
            raise WrongState(_("Choose one of the templates."))
        if rest not in ("keep", "hold"):
            raise WrongState(_("Say what becomes of the other posts."), "rest")
        made = start(found, person, template, given, language, hold_the_rest=rest == "hold")
    except WrongState as error:
        return _form(request, found, person, template, language, given, rest=rest, wrong=str(error))
    return RedirectResponse(f"/outreach/urgent/{made}?said=urgent-asked", 303)


@router.get("/{post_id}", dependencies=[needs(Action.READ_POSTS)])
def page(request: Request, found: TheDesk, who: Who, post_id: Id) -> Response:
    """The thread of this word."""
    return _page(request, found, who, post_id)


@router.post("/{post_id}/follow", dependencies=[needs(Action.WRITE_POSTS)])
def follow(
    request: Request,
    found: TheDesk,
    who: Who,
    post_id: Id,
    stage: Annotated[str, Form(pattern="^(update|correction|all_clear)$")],
    message: Comment = "",
) -> Response:
    """An update, a correction or the all-clear, for approval."""
    try:
        add(found, who, post_id, Stage(stage), message)
    except WrongState as error:
        return _page(request, found, who, post_id, wrong=(stage, str(error)), given={stage: message})
    return RedirectResponse(f"/outreach/urgent/{post_id}?said=urgent-asked", 303)


@router.post("/{post_id}/words", dependencies=[needs(Action.WRITE_POSTS)])
def reword(
    request: Request, found: TheDesk, who: Who, post_id: Id, message: Comment = "", revision: Revision = 0
) -> Response:
    """Other words before they are approved; everyone is asked anew."""
    try:
        reworded(found, who, post_id, message, revision)
    except (WrongState, EditConflict) as error:
        return _page(request, found, who, post_id, wrong=("words", str(error)), given={"words": message})
    return RedirectResponse(f"/outreach/urgent/{post_id}?said=urgent-asked", 303)


def reworded(found: Desk, who: Visitor, post_id: int, message: str, revision: int) -> None:
    """Raises WrongState, EditConflict."""
    with database.writing(found.engine) as session:
        post = urgent.reword(session, post_id, who.id, message, revision, clock.now(), found.settings)
        urgent_call.ask(session, post, found.settings, clock.now())


@router.post("/{post_id}/ask", dependencies=[needs(Action.WRITE_POSTS)])
def ask_again(found: TheDesk, post_id: Id) -> Response:
    asked_again(found, post_id)
    return RedirectResponse(f"/outreach/urgent/{post_id}?said=urgent-asked", 303)


def asked_again(found: Desk, post_id: int) -> None:
    """Asks everyone once more. Raises WrongState."""
    with database.writing(found.engine) as session:
        post = session.get(Post, post_id)
        if post is None or post.urgent is None or post.state != PostState.IN_REVIEW:
            raise WrongState("Nothing of this waits for approval.")
        urgent_call.ask(session, post, found.settings, clock.now())


@router.post("/{post_id}/approve", dependencies=[needs(Action.APPROVE_POSTS)])
def approve(
    found: TheDesk,
    who: Who,
    post_id: Id,
    content_hash: Hash,
    past_hold: Annotated[bool, Form()] = False,
) -> Response:
    """Approves exactly these words, and they go out. `past_hold`: although a hold is on, by this person's word."""
    may_pass(who, past_hold=past_hold)
    with database.writing(found.engine) as session:
        post = urgent.approve(session, post_id, who.id, content_hash, clock.now(), past_hold=past_hold)
        said = "step-done" if post.state == PostState.IN_REVIEW else "urgent-out"
        if post.state == PostState.SCHEDULED and not past_hold and holds.in_force(session) is not None:
            said = "urgent-held"
    return RedirectResponse(f"/outreach/urgent/{post_id}?said={said}", 303)


def may_pass(who: Visitor, *, past_hold: bool) -> None:
    """Past a hold goes only who could lift it. Raises Trouble."""
    if past_hold and not who.may(Action.LIFT_HOLD):
        raise Trouble(403, "You may not pass a hold", "Nothing was changed.", "Ask somebody who lifts holds.")


def start(
    found: Desk, who: Visitor, template: str, blanks: dict[str, str], language: str, *, hold_the_rest: bool
) -> int:
    """A new thread, asked about, all in one transaction; the number of its first post. Raises WrongState."""
    now = clock.now()
    if hold_the_rest and not who.may(Action.PLACE_HOLD):
        raise WrongState("You may not place a hold; keep the other posts, or ask somebody who may.", "rest")
    with database.writing(found.engine) as session:
        message = urgent.words(template, blanks, language)
        if (there := urgent.asked_already(session, who.id, Stage.FIRST, None, message, now)) is not None:
            return there.id or 0
        post = urgent.begin(
            session, who.id, now, template=template, message=message, language=language, settings=found.settings
        )
        if hold_the_rest:
            holds.place(session, who.id, post.title, now)
        urgent_call.ask(session, post, found.settings, now)
        return post.id or 0


def add(found: Desk, who: Visitor, first_id: int, stage: Stage, message: str) -> int:
    """A word that follows the first, asked about; its number. Raises WrongState."""
    now = clock.now()
    with database.writing(found.engine) as session:
        if (there := urgent.asked_already(session, who.id, stage, first_id, message, now)) is not None:
            return there.id or 0
        post = urgent.follow(session, first_id, who.id, now, stage=stage, message=message, settings=found.settings)
        urgent_call.ask(session, post, found.settings, now)
        return post.id or 0


def _form(
    request: Request,
    found: Desk,
    who: Visitor,
    template: str,
    language: str,
    given: dict[str, str],
    *,
    rest: str = "",
    wrong: str | None = None,
) -> Response:
    languages, now = compose_page.languages(), clock.now()
    chosen = template if template in TEMPLATES else "avoid_area"
    speaks = language if language in dict(languages) else found.settings.department.language
    with database.reading(found.engine) as session:
        going = urgent.fitting_accounts(session)
        waiting = queue.going_out(session, now, now + AHEAD, ["scheduled"])
        hold = holds.in_force(session) is not None
    return pages.render(
        request,
        "urgent_new.html",
        status=200 if wrong is None else 422,
        templates=TEMPLATES,
        chosen=chosen,
        blanks=BLANKS,
        pattern=urgent.words(chosen, {name: f"‹{name}›" for name in BLANKS}, speaks),
        given=given,
        rest="keep" if hold else rest,
        already_held=hold,
        may_hold=who.may(Action.PLACE_HOLD),
        going=going,
        waiting=len(waiting),
        languages=languages,
        speaks=speaks,
        longest=urgent.LONGEST_BLANK,
        wrong=wrong,
    )


def _page(
    request: Request,
    found: Desk,
    who: Visitor,
    post_id: int,
    *,
    wrong: tuple[str, str] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    with database.reading(found.engine) as session:
        thread = urgent.thread(session, post_id)
        if thread is None:
            raise Trouble(404, "There is no such update", "It may be a number from another desk.")
        everybody = people.with_roles(session)
        names = {people.known_id(person): person.name for person, _roles in everybody}
        sent = _sent(session, thread.posts, names)
        waiting = thread.waiting
        late = waiting is not None and urgent.is_late(waiting, clock.now())
        again = late and waiting is not None and urgent_call.was_repeated(session, waiting)
        stands = approval.of_all(session, [waiting])[waiting.id or 0] if waiting is not None else None
        goes_to = _goes_to(session, waiting) if waiting is not None else []
    language = thread.first.language
    return pages.render(
        request,
        "urgent.html",
        status=200 if wrong is None else 422,
        thread=thread,
        sent=sent,
        waiting=waiting,
        late=late,
        again=again,
        can_decide=(
            waiting is not None
            and waiting.state == PostState.IN_REVIEW
            and who.may(Action.APPROVE_POSTS)
            and stands is not None
            and stands.asks(who.id)
        ),
        goes_to=goes_to,
        nobody=stands is None or not any(stands.asks(one) for one in people.active_with(everybody, Role.APPROVER)),
        administrators=list(people.active_with(everybody, Role.ADMINISTRATOR).values()),
        wrote_it=stands is not None and who.id in stands.writers,
        openings={stage.value: urgent.opening(stage, language) for stage in urgent.FOLLOWING},
        given=given or {},
        longest=urgent.LONGEST,
        wrong=wrong,
        may_follow=_may_follow(thread),
    )


def _may_follow(thread: Thread) -> bool:
    """Whether there is a first word to follow, and nothing of the thread waits for a person."""
    return thread.waiting is None and thread.first.state != PostState.CANCELLED


def _goes_to(session: Session, post: Post) -> list[str]:
    chosen = select(Account.name).join(Variant, col(Variant.account_id) == col(Account.id))
    return list(session.exec(chosen.where(Variant.post_id == post.id).order_by(col(Account.id))))


def _sent(session: Session, posts: Sequence[Post], names: Mapping[int, str]) -> list[Sent]:
    rows = session.exec(
        select(Account.name, Target)
        .join(Target, col(Target.account_id) == col(Account.id))
        .where(col(Target.post_id).in_([post.id for post in posts]))
        .order_by(col(Account.id), col(Target.part))
    ).all()
    approvals, hold = approval.approvals_of(session, posts), holds.in_force(session)
    found = []
    for post in posts:
        said = approvals[post.id or 0]
        its = tuple((name, target) for name, target in rows if target.post_id == post.id)
        held = hold is not None and any(one.over_hold_id != hold.id for _, one in its)
        found.append(
            Sent(
                post,
                names.get(post.author_id, ""),
                names.get(said.person_id, "") if said is not None else "",
                its,
                held and post.state == PostState.SCHEDULED,
                _seconds(post.submitted_at, [target for _, target in its]),
            )
        )
    return found


def _seconds(asked: datetime | None, targets: list[Target]) -> int | None:
    """From asking for approval until the last account had it; none while one has not."""
    out = [one.published_at for one in targets if one.state == TargetState.PUBLISHED and one.published_at is not None]
    if asked is None or not targets or len(out) < len(targets):
        return None
    return max(0, round((max(out) - asked).total_seconds()))
