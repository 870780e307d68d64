"""Mentions: the inbox. Filters are links that can be shared, triage works without JavaScript, a wrong label is
corrected where it stands. Nothing selects or orders by author; each page that is read is one row in the audit log."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from babel import Locale
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from config import audit, clock, database, people
from config.permissions import Action
from config.translations import translate
from listeners import places, rules, triage
from listeners.tables import Mention
from sentiment import inbox
from sentiment.inbox import Cursor, Filters, InboxRow
from sentiment.taxonomy import CONCERNS, NEVER_TRACKED
from web import pages
from web.desk import TheDesk
from web.fields import Id
from web.guard import Who, needs
from web.problems import Trouble
from web.today import LABELS

router = APIRouter()
PAGE = 25
SNOOZE = timedelta(days=1)
AROUND = timedelta(days=1)  # before and after a mention that is read in context
NEAR = 12
Choice = Annotated[str, Query(max_length=60)]
STATES = ("new", "assigned", "snoozed", "done")
DAYS = ("1", "7", "30")
BACK = re.compile(r"/mentions(/[0-9]{1,18})?(\?[^#\\\s]*)?")


@router.get("/mentions", dependencies=[needs(Action.READ_MENTIONS)])
def inbox_page(
    request: Request,
    found: TheDesk,
    who: Who,
    concern: Choice = "",
    place: Choice = "",
    network: Choice = "",
    language: Choice = "",
    sentiment: Choice = "",
    trust: Choice = "",
    days: Choice = "",
    state: Choice = "new",
    before: Choice = "",
) -> Response:
    """One page of the inbox, newest first."""
    asked = {
        "concern": concern,
        "place": place,
        "network": network,
        "language": language,
        "sentiment": sentiment,
        "trust": trust,
        "days": days if days in DAYS else "",
        "state": state if state in (*STATES, "all") else "new",
    }
    now = clock.now()
    filters = Filters(
        concern=concern or None,
        place_id=int(place) if place.isdecimal() and len(place) < 9 else None,
        network=network or None,
        language=language or None,
        sentiment=sentiment or None,
        trust=trust or None,
        state=None if asked["state"] == "all" else asked["state"],
        since=now - timedelta(days=int(days)) if days in DAYS else None,
    )
    with database.reading(found.engine) as session:
        page = inbox.mentions(session, filters, _cursor(before), PAGE)
        around = _around(session)
    seen = [row.mention.id for row in page.rows]
    with database.writing(found.engine) as session:
        audit.record(session, now, who.id, "mention.list", "mentions", {"ids": seen}, who.address)
    return pages.render(
        request,
        "mentions.html",
        page=page,
        asked=asked,
        **around,
        concern_options=[(one.key, one.name) for one in CONCERNS.values()],
        place_options=list(around["place_names"].items()),
        network_options=[(name, words) for name, words in LABELS.items() if name != "archive"],
        language_options=_languages(pages.language_of(request)),
        link=lambda **changed: _link(asked, changed),
        link_concern=lambda key: _link(asked, {"concern": key}),
        here=_link(asked, {"before": before}),
        following=_link(asked, {"before": f"{page.after[0].isoformat()},{page.after[1]}"}) if page.after else "",
        filtered=any(value for key, value in asked.items() if key != "state"),
    )


@router.get("/mentions/{mention_id}", dependencies=[needs(Action.READ_MENTIONS)])
def mention_page(request: Request, found: TheDesk, who: Who, mention_id: Id) -> Response:
    """One mention among what else was said that day at its place, or else about its first concern."""
    _ = pages.words(request).gettext
    with database.reading(found.engine) as session:
        row = inbox.mention(session, mention_id)
        if row is None:
            raise Trouble(404, "This mention is not here any more", "It expired, or its author deleted it.")
        around = _around(session)
        place, concern = row.mention.place_id, next(iter(row.concerns), None)
        near: list[InboxRow] = []
        words = _("It names no place and raises no concern.")
        if place is not None or concern is not None:
            same = Filters(place_id=place, concern=None if place is not None else concern)
            first, last = row.mention.posted_at - AROUND, row.mention.posted_at + AROUND
            page = inbox.mentions(session, replace(same, since=first, until=last), None, NEAR + 1)
            near = [other for other in page.rows if other.mention.id != mention_id][:NEAR]
            name = around["place_names"].get(place) if place is not None else CONCERNS[str(concern)].name
            words = _("%(name)s, within a day.") % {"name": name}
        why = rules.why(session, row.mention)
    seen = [mention_id, *(other.mention.id for other in near)]
    with database.writing(found.engine) as session:
        subject = f"mention:{mention_id}"
        audit.record(session, clock.now(), who.id, "mention.read", subject, {"ids": seen}, who.address)
    return pages.render(
        request,
        "mention.html",
        **around,
        row=row,
        near=near,
        near_words=words,
        why=why,
        never_tracked=sorted(NEVER_TRACKED),
        link_concern=lambda key: f"/concerns/{key}",
        here=f"/mentions/{mention_id}",
    )


@router.post("/mentions/{mention_id}/{move}", dependencies=[needs(Action.TRIAGE)])
def move_mention(
    found: TheDesk, who: Who, mention_id: Id, move: str, back: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Takes a mention, puts it away for a day, marks it done, or brings it back."""
    now = clock.now()
    with database.writing(found.engine) as session:
        try:
            _move(session, mention_id, move, who.id, now)
        except triage.NoSuchMention as error:
            raise Trouble(404, "This mention is not here any more", "It expired, or its author deleted it.") from error
        except triage.WrongMove as error:
            raise Trouble(
                409, "Someone was quicker", f"{error}. Nothing was changed.", "Load the page again."
            ) from error
    return RedirectResponse(_safe(back), 303)


@router.post("/mentions/{mention_id}/labels/correct", dependencies=[needs(Action.TRIAGE)])
def correct(
    found: TheDesk,
    who: Who,
    mention_id: Id,
    trust: Annotated[str, Form(max_length=20)] = "",
    sentiment: Annotated[str, Form(max_length=20)] = "",
    concerns: Annotated[list[str] | None, Form()] = None,
    back: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """An officer's word in place of the model's; it counts at once."""
    with database.writing(found.engine) as session:
        try:
            inbox.correct(
                session, mention_id, who.id, clock.now(), trust or None, sentiment or None, list(concerns or [])
            )
        except inbox.NoSuchMention as error:
            raise Trouble(404, str(error)) from error
        except inbox.WrongLabel as error:
            raise Trouble(422, "That is no label", f"{error} Nothing was changed.") from error
    return RedirectResponse(_safe(back), 303)


def _move(session: Session, mention_id: int, move: str, person_id: int, now: datetime) -> Mention:
    if move == "snooze":
        return triage.snooze(session, mention_id, person_id, now + SNOOZE, now)
    acts = {"assign": triage.assign, "done": triage.done, "reopen": triage.reopen}
    if move not in acts:
        raise Trouble(404, "There is no such move")
    return acts[move](session, mention_id, person_id, now)


def _link(asked: dict[str, str], changed: dict[str, str]) -> str:
    kept = {key: value for key, value in {**asked, **changed}.items() if value and (key, value) != ("state", "new")}
    return "/mentions" + (f"?{urlencode(kept)}" if kept else "")


def _safe(back: str) -> str:
    """Only back into the inbox: an address from a form leads nowhere else."""
    return back if BACK.fullmatch(back) else "/mentions"


def _around(session: Session) -> dict[str, Any]:
    """Names for what the rows tell only as numbers and keys."""
    return {
        "place_names": {one.id: one.name for one in places.all_places(session)},
        "names": {one.id: one.name for one in people.all_people(session)},
        "concerns": CONCERNS,
        "labels": LABELS,
    }


def _languages(language: str) -> list[tuple[str, str]]:
    """The languages that are told apart, by their names in the reader's language."""
    named = [(key, Locale(key).get_display_name(language) or key) for key in ("en", "es")]
    return [*named, ("und", translate(language).gettext("Not sure"))]


def _cursor(text: str) -> Cursor | None:
    try:
        at, number = text.rsplit(",", 1)
        return clock.utc(datetime.fromisoformat(at)), int(number)
    except (ValueError, OverflowError):
        return None
