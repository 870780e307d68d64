"""Partners: a directory, a page each, and share kits or drafts sent to them. Without signing in: /partner/…, a
partner's own signed address, to tell us what it hears or to comment on a draft."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from listeners import places
from posts import drafts, events, heard, partner_mail, partners
from posts.partners import Given, Opened, Reach
from posts.tables import Partner, Post
from posts.workflow import OPEN, WrongState
from sentiment.taxonomy import CONCERNS
from web import compose_page, pages
from web.actions import known_place, today
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Comment, Id, Line
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter()
Token = Annotated[str, Path(max_length=120)]
Number = Annotated[str, Form(max_length=20)]
Languages = Annotated[list[str] | None, Form(max_length=20)]
PostNumber = Annotated[int, Query(ge=1, le=LARGEST_ID)]


def _entered(
    name: Line = "",
    kind: Line = "",
    place: Number = "",
    languages: Languages = None,
    notes: Comment = "",
    contact: Line = "",
    email: Line = "",
    phone: Line = "",
) -> tuple[Given, str]:
    """What the form says of a partner, and its place as the form names it."""
    return Given(name, kind, None, tuple(languages or ()), notes, Reach(contact, email, phone)), place


Entered = Annotated[tuple[Given, str], Depends(_entered)]


@router.get("/outreach/partners", dependencies=[needs(Action.READ_POSTS)])
def list_page(
    request: Request, found: TheDesk, place: str = "", language: str = "", kind: str = "", silent: bool = False
) -> Response:
    """Partners by place, language and kind; `silent`: only those that nobody was in contact with for long."""
    now = clock.now()
    with database.reading(found.engine) as session:
        rows = partners.listed(session, place_id=known_place(session, place), language=language, kind=kind)
        every = places.all_places(session)
    quiet = [row for row in rows if row.silent(now)]
    asked = {"place": place, "language": language, "kind": kind, "silent": silent}
    chosen = urlencode({key: "true" if value is True else value for key, value in asked.items() if value})
    return pages.render(
        request,
        "partners.html",
        rows=quiet if silent else rows,
        quiet=len(quiet),
        asked=asked,
        as_csv=f"/outreach/partners.csv{'?' if chosen else ''}{chosen}",
        kinds=kinds(request),
        places=every,
        named={one.id: one.name for one in every},
        languages=compose_page.languages(),
        long=partners.LONG.days,
    )


@router.get("/outreach/partners/new", dependencies=[needs(Action.TRIAGE)])
def new_page(request: Request, found: TheDesk) -> Response:
    return _form(request, found, Given("", "non_profit"), None)


@router.post("/outreach/partners", dependencies=[needs(Action.TRIAGE)])
def add(request: Request, found: TheDesk, who: Who, entered: Entered) -> Response:
    return _kept(request, found, who, *entered, None)


@router.get("/outreach/partners/{partner_id}", dependencies=[needs(Action.READ_POSTS)])
def page(request: Request, found: TheDesk, who: Who, partner_id: Id) -> Response:
    """What was done together; whom to write to for officers."""
    return _page(request, found, who, partner_id)


def _page(request: Request, found: Desk, who: Visitor, partner_id: int, *, wrong: str | None = None) -> Response:
    with database.reading(found.engine) as session:
        partner = _read(session.get(Partner, partner_id))
        contacts = partners.contacts(session, partner_id)
        titles = {one.post_id: post.title for one in contacts if (post := session.get(Post, one.post_id or 0))}
        row = next((one for one in partners.listed(session) if one.partner.id == partner_id), None)
        every = {one.id: one.name for one in places.all_places(session)}
        together = events.held_with(session, partner_id)
    return pages.render(
        request,
        "partner.html",
        status=200 if wrong is None else 422,
        wrong=wrong,
        line=partners.LONGEST_LINE,
        together=together,
        partner=partner,
        row=row,
        contacts=contacts,
        titles=titles,
        place=every.get(partner.place_id, ""),
        reach=partners.reach(partner, found.keys) if who.may(Action.TRIAGE) else None,
        consent=partners.consent(partner, found.keys) if who.may(Action.TRIAGE) else "",
        kinds=kinds(request),
        ways=ways(request),
        languages=dict(compose_page.languages()),
    )


@router.get("/outreach/partners/{partner_id}/edit", dependencies=[needs(Action.TRIAGE)])
def edit_page(request: Request, found: TheDesk, partner_id: Id) -> Response:
    with database.reading(found.engine) as session:
        one = _read(session.get(Partner, partner_id))
    given = Given(one.name, one.kind, one.place_id, tuple(one.languages), one.notes, partners.reach(one, found.keys))
    return _form(request, found, given, partner_id)


@router.post("/outreach/partners/{partner_id}", dependencies=[needs(Action.TRIAGE)])
def change(request: Request, found: TheDesk, who: Who, partner_id: Id, entered: Entered) -> Response:
    return _kept(request, found, who, *entered, partner_id)


@router.post("/outreach/partners/{partner_id}/contact", dependencies=[needs(Action.TRIAGE)])
def contact(
    found: TheDesk, who: Who, partner_id: Id, how: Annotated[str, Form(pattern="^(met|called|wrote)$")]
) -> Response:
    """We were in contact today."""
    with database.writing(found.engine) as session:
        partners.contacted(session, partner_id, how, who.id, clock.now())
    return RedirectResponse(f"/outreach/partners/{partner_id}?said=planned", 303)


@router.post("/outreach/partners/{partner_id}/retire", dependencies=[needs(Action.TRIAGE)])
def retire(found: TheDesk, who: Who, partner_id: Id) -> Response:
    with database.writing(found.engine) as session:
        partners.retire(session, partner_id, who.id, clock.now())
    return RedirectResponse("/outreach/partners?said=planned", 303)


@router.post("/outreach/partners/{partner_id}/digest", dependencies=[needs(Action.TRIAGE)])
def send_digest(request: Request, found: TheDesk, who: Who, partner_id: Id, consent: Line = "") -> Response:
    """The week's counts by mail, as it agreed."""
    try:
        with database.writing(found.engine) as session:
            partners.send_digest(session, partner_id, consent, found.keys, who.id, clock.now())
    except WrongState as error:
        return _page(request, found, who, partner_id, wrong=str(error))
    return RedirectResponse(f"/outreach/partners/{partner_id}?said=planned", 303)


@router.post("/outreach/partners/{partner_id}/digest/stop", dependencies=[needs(Action.TRIAGE)])
def stop_digest(found: TheDesk, who: Who, partner_id: Id) -> Response:
    with database.writing(found.engine) as session:
        partners.stop_digest(session, partner_id, who.id, clock.now())
    return RedirectResponse(f"/outreach/partners/{partner_id}?said=planned", 303)


@router.get("/partner/stop/{token}")
def ask_to_stop(request: Request, found: TheDesk, token: Token) -> Response:
    """Asks first: programs that look at every link of a mail must not end it."""
    _stopped(found, token)
    return pages.render(request, "partner_stop.html", token=token, done=False)


@router.post("/partner/stop/{token}")
def stop(request: Request, found: TheDesk, token: Token) -> Response:
    """Ends the week's counts, for whoever holds the mail; what the mail program's own button asks for (RFC 8058)."""
    number = _stopped(found, token)
    with database.writing(found.engine) as session:
        if session.get(Partner, number) is not None:
            partners.stop_digest(session, number, None, clock.now())
    return pages.render(request, "partner_stop.html", token=token, done=True)


@router.get("/outreach/kits/new", dependencies=[needs(Action.WRITE_POSTS)])
def kit_page(request: Request, found: TheDesk, post: PostNumber = 1) -> Response:
    """Who of the partners gets this post: to share once it is approved, to read before."""
    return _kit_form(request, found, post)


@router.post("/outreach/kits", dependencies=[needs(Action.WRITE_POSTS)])
def send_kit(
    request: Request,
    found: TheDesk,
    who: Who,
    post: Annotated[int, Form(ge=1, le=LARGEST_ID)],
    to: Annotated[list[int] | None, Form(max_length=200)] = None,
    note: Comment = "",
    link: Line = "",
) -> Response:
    """Sends it by mail, each with an address of its own."""
    try:
        what = send(found, who, post, to or [], note, link)
    except WrongState as error:
        return _kit_form(request, found, post, note=note, link=link, to=to or [], wrong=str(error))
    return RedirectResponse(f"/posts/{post}?said={'kit-sent' if what == 'kit' else 'review-asked'}", 303)


def send(found: Desk, who: Visitor, post_id: int, to: list[int], note: str, link: str) -> str:
    """Sends a post to partners; what they are asked. Raises WrongState."""
    if link and not link.startswith(("https://", "http://")):
        raise WrongState("A link begins with https://.", "link")
    if len(note) > partners.LONGEST:
        raise WrongState(f"A note has {partners.LONGEST} characters at most.", "note")
    by, what = (who.id, who.person.name, who.person.email), ""
    with database.writing(found.engine) as session:
        post = drafts.read(session, post_id)
        chosen = partners.chosen(session, [number for number in to if 0 < number <= LARGEST_ID])
        if not chosen:
            raise WrongState("Choose at least one partner.")
        for one in chosen:
            what = partner_mail.send(
                session, post, one, note, link, by=by, keys=found.keys, settings=found.settings, now=clock.now()
            )
    return what


@router.get("/partner/{token}")
def own_page(request: Request, found: TheDesk, token: Token) -> Response:
    """A partner's own address: what is asked of it."""
    return _own(request, found, token)


@router.post("/partner/{token}")
def say(
    request: Request,
    found: TheDesk,
    token: Token,
    words: Comment = "",
    concern: Line = "",
    trust: Line = "neither",
    people: Annotated[str, Form(max_length=10)] = "1",
    language: Annotated[str, Form(max_length=3)] = "en",
    website: Line = "",
) -> Response:
    """What a partner says: counted as heard, or kept beside the draft. `website` is for programs that fill in
    everything."""
    now, day = clock.now(), today(found)
    if website:
        return _own(request, found, token, done=True)
    try:
        with database.writing(found.engine) as session:
            opened = _opened(session, found, token)
            partner = opened.partner
            if opened.what == "review":
                partners.comment(session, partner, opened.sent, words, now)
            else:
                partners.check_rate(session, partner, now)
                if concern not in CONCERNS:
                    raise WrongState("Choose what it is about.", "concern")
                if language not in dict(compose_page.languages()):
                    raise WrongState("Choose a language.", "language")
                heard.write_down(
                    session, None, now, heard_on=day, today=day, channel="partner", where=partner.name,
                    place_id=partner.place_id, language=language, concern=concern, trust=trust,
                    people=int(people) if people.isascii() and people.isdecimal() else 0, words=words,
                    keep=timedelta(days=found.settings.retention_days), partner_id=partner.id,
                )  # fmt: skip
    except WrongState as error:
        given = {"words": words, "concern": concern, "trust": trust, "people": people, "language": language}
        return _own(request, found, token, given=given, wrong=str(error))
    return _own(request, found, token, done=True)


def kinds(request: Request) -> dict[str, str]:
    """The kinds of partner in the reader's words."""
    _ = pages.words(request).gettext
    return {
        "school": _("School"),
        "faith": _("Faith group"),
        "non_profit": _("Non-profit"),
        "business": _("Business"),
        "youth": _("Youth group"),
        "neighbourhood": _("Neighborhood group"),
        "other": _("Other"),
    }


def ways(request: Request) -> dict[str, str]:
    """How we were in contact, in the reader's words."""
    _ = pages.words(request).gettext
    return {
        "met": _("Met"),
        "called": _("Called"),
        "wrote": _("Wrote"),
        "kit": _("Share kit sent"),
        "review": _("Draft sent to read"),
    }


def _kept(request: Request, found: Desk, who: Visitor, given: Given, place: str, partner_id: int | None) -> Response:
    known = dict(compose_page.languages())
    spoken = tuple(one for one in given.languages if one in known)
    with database.reading(found.engine) as session:
        given = replace(given, place_id=known_place(session, place), languages=spoken)
    try:
        with database.writing(found.engine) as session:
            made = partners.keep(session, given, found.keys, who.id, clock.now(), partner_id)
            number = made.id
    except WrongState as error:
        return _form(request, found, given, partner_id, wrong=str(error))
    return RedirectResponse(f"/outreach/partners/{number}?said=planned", 303)


def _opened(session: Session, found: Desk, token: str) -> Opened:
    opened = partners.opened(session, found.keys, token, today(found))
    if opened is None:
        raise Trouble(
            404,
            "This address is not one of ours",
            "It may have been cut in the mail, or its time may be over; then ask us for a new one.",
        )
    return opened


def _stopped(found: Desk, token: str) -> int:
    number = partners.read_stop_token(found.keys, token)
    if number is None:
        raise Trouble(404, "This address ends no mail", "It may have been cut in the mail.")
    return number


def _read(partner: Partner | None) -> Partner:
    if partner is None:
        raise Trouble(404, "There is no such partner", "It may be a number from another desk.")
    return partner


def _form(request: Request, found: Desk, given: Given, partner_id: int | None, *, wrong: str | None = None) -> Response:
    with database.reading(found.engine) as session:
        every = places.all_places(session)
    return pages.render(
        request,
        "partner_form.html",
        status=200 if wrong is None else 422,
        given=given,
        number=partner_id,
        kinds=kinds(request),
        places=every,
        languages=compose_page.languages(),
        line=partners.LONGEST_LINE,
        longest=partners.LONGEST,
        wrong=wrong,
    )


def _kit_form(
    request: Request,
    found: Desk,
    post_id: int,
    *,
    note: str = "",
    link: str = "",
    to: list[int] | None = None,
    wrong: str | None = None,
) -> Response:
    with database.reading(found.engine) as session:
        post = session.get(Post, post_id)
        if post is None:
            raise Trouble(404, "There is no such post", "Choose one in the calendar, and send it from its page.")
        try:
            what = partners.what_is_asked(post)
        except WrongState as error:
            raise Trouble(409, "Nothing to share", str(error)) from error
        rows = partners.listed(session)
        variants = partner_mail.variants(session, post)
        shown = drafts.pictures_of(session, post)
    return pages.render(
        request,
        "kit_new.html",
        status=200 if wrong is None else 422,
        post=post,
        what=what,
        rows=rows,
        variants=variants,
        pictures=shown,
        note=note,
        link=link,
        to=to or [],
        kinds=kinds(request),
        longest=partners.LONGEST,
        wrong=wrong,
    )


def _own(
    request: Request,
    found: Desk,
    token: str,
    *,
    given: dict[str, str] | None = None,
    wrong: str | None = None,
    done: bool = False,
) -> Response:
    with database.reading(found.engine) as session:
        opened = _opened(session, found, token)
    what, post, language = opened.what, opened.post, opened.sent.content["language"]
    blank = {"words": "", "concern": "", "trust": "neither", "people": "1", "language": language}
    return pages.render(
        request,
        "partner_own.html",
        status=200 if wrong is None else 422,
        what=what,
        partner=opened.partner,
        title=opened.sent.content["title"],
        language_sent=language,
        texts=opened.texts() if what == "review" and post.state in OPEN else [],
        is_open=what == "kit" or post.state in OPEN,
        given=blank | (given or {}),
        token=token,
        concerns=CONCERNS,
        languages=compose_page.languages(),
        longest=partners.LONGEST,
        most=heard.MOST_PEOPLE,
        done=done,
        wrong=wrong,
    )
