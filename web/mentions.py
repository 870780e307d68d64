"""Mentions: the inbox. Filters are links that can be shared and kept; a mention is read among its thread and what else
was said. Nothing selects or orders by author; each page that is read is one row in the audit log. What is done with a
mention is web.triaging's affair."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from babel import Locale
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime
from sqlmodel import Session

from config import audit, clock, database, people
from config.permissions import Action, Role
from config.translations import translate
from listeners import places, rules, triage, views
from posts import answers
from sentiment import inbox
from sentiment.inbox import Cursor, Filters
from sentiment.taxonomy import CONCERNS, NEVER_TRACKED
from web import compose_page, looks, pages, triaging
from web.desk import TheDesk
from web.fields import LARGEST_ID, Id
from web.guard import Visitor, Who, needs
from web.problems import Trouble
from web.today import LABELS

router = APIRouter()
PAGE = 25
AROUND = timedelta(days=1)  # before and after a mention that is read in context
NEAR = 12
IN_THREAD = 30
Choice = Annotated[str, Query(max_length=60)]
STATES = ("new", "assigned", "snoozed", "done")
DAYS = ("1", "7", "30")


@dataclass(frozen=True)
class Asked:
    """The filters, as the address says them."""

    concern: Choice = ""
    place: Choice = ""
    network: Choice = ""
    language: Choice = ""
    sentiment: Choice = ""
    trust: Choice = ""
    days: Choice = ""
    tag: Choice = ""
    mine: Choice = ""
    like: Choice = ""
    state: Choice = "new"

    def kept(self) -> dict[str, str]:
        """Those that mean something."""
        return {
            **asdict(self),
            "days": self.days if self.days in DAYS else "",
            "tag": triage.a_tag(self.tag),
            "mine": "yes" if self.mine == "yes" else "",
            "like": self.like if self.like.isdecimal() and len(self.like) < 10 else "",
            "state": self.state if self.state in (*STATES, "all") else "new",
        }

    def filters(self, who: Visitor, now: datetime) -> Filters:
        kept = self.kept()
        return Filters(
            concern=self.concern or None,
            place_id=int(self.place) if self.place.isdecimal() and len(self.place) < 9 else None,
            network=self.network or None,
            language=self.language or None,
            sentiment=self.sentiment or None,
            trust=self.trust or None,
            state=None if kept["state"] == "all" else kept["state"],
            tag=kept["tag"] or None,
            assigned_to=who.id if kept["mine"] else None,
            like=int(kept["like"]) if kept["like"] else None,
            since=now - timedelta(days=int(kept["days"])) if kept["days"] else None,
        )


TheAsked = Annotated[Asked, Depends()]


@router.get("/mentions", dependencies=[needs(Action.READ_MENTIONS)])
def inbox_page(
    request: Request,
    found: TheDesk,
    who: Who,
    given: TheAsked,
    before: Choice = "",
    did: Choice = "",
    undo: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """One page of the inbox, newest first."""
    now, _ = clock.now(), pages.words(request).gettext
    asked, filters, cursor = given.kept(), given.filters(who, now), _cursor(before)
    with database.reading(found.engine) as session:
        page = inbox.mentions(session, filters, cursor, PAGE)
        around = _around(session, who)
        kept = views.of_person(session, who.id)
        tags = triage.known_tags(session)
        ours = answers.furthest(answers.to(session, [row.mention.id or 0 for row in page.rows]))
    looks.note(found.engine, who, (row.mention.id for row in page.rows))
    return pages.render(
        request,
        "mentions.html",
        page=page,
        ours=ours,
        asked=asked,
        **around,
        concern_options=[(one.key, _(one.name)) for one in CONCERNS.values()],
        place_options=list(around["place_names"].items()),
        network_options=[(name, _(words)) for name, words in LABELS.items() if name != "archive"],
        language_options=_languages(pages.language_of(request)),
        tag_options=tags,
        tag_pairs=[(one, one) for one in dict.fromkeys([*tags, *([asked["tag"]] if asked["tag"] else [])])],
        views=[(view, f"/mentions?{view.query}") for view in kept],
        query=_link(asked, {}).partition("?")[2],
        link=lambda **changed: _link(asked, changed),
        link_concern=lambda key: _link(asked, {"concern": key}),
        here=_link(asked, {"before": before}),
        later=cursor is not None,
        following=_link(asked, {"before": f"{page.after[0].isoformat()},{page.after[1]}"}) if page.after else "",
        filtered=any(value for key, value in asked.items() if key != "state"),
        undone=triaging.untold(undo),
        undo=undo,
        did=did if did in triaging.DONE_WORDS else "",
        counted=inbox.COUNTED,
        as_csv=f"/mentions.csv?{urlencode({**_told(asked), 'state': asked['state']})}",
        newer=f"/mentions/newer?{urlencode({**_told(asked), 'after': now.isoformat()})}",
    )


@router.get("/mentions/newer", dependencies=[needs(Action.READ_MENTIONS)])
def newer(
    request: Request, found: TheDesk, who: Who, given: TheAsked, after: Annotated[AwareDatetime | None, Query()] = None
) -> JSONResponse:
    """How many mentions came into such a list after it was made, in words; no words where there are none."""
    now = clock.now()
    filters = given.filters(who, now)
    with database.reading(found.engine) as session:
        number = inbox.arrived(session, filters, after or now)
    catalogue = pages.words(request)
    words = catalogue.ngettext("%(number)s new mention", "%(number)s new mentions", number) % {"number": number}
    if filters.place_id:  # counts by place are told in fives
        words = catalogue.gettext("New mentions")
    return JSONResponse({"words": words if number else ""})


@router.get("/mentions/{mention_id}", dependencies=[needs(Action.READ_MENTIONS)])
def mention_page(
    request: Request,
    found: TheDesk,
    who: Who,
    mention_id: Id,
    did: Choice = "",
    undo: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """One mention in its thread, and among what was said that day at its place, or else about its first concern."""
    _ = pages.words(request).gettext
    with database.reading(found.engine) as session:
        context = inbox.in_context(session, mention_id, AROUND, IN_THREAD, NEAR)
        if context is None:
            raise Trouble(404, "This mention is not here any more", "It expired, or its author deleted it.")
        row, thread, near = context.row, context.thread, context.near
        around = _around(session, who)
        why = rules.why(session, row.mention)
        tags = triage.known_tags(session)
        seen = [mention_id, *(other.mention.id or 0 for other in (*thread, *near))]
        ours = answers.to(session, seen)
    place, concern = row.mention.place_id, next(iter(row.concerns), None)
    words = _("It names no place and raises no concern.")
    if place is not None or concern is not None:
        name = around["place_names"].get(place) if place is not None else _(CONCERNS[str(concern)].name)
        words = _("%(name)s, within a day.") % {"name": name}
    with database.writing(found.engine) as session:
        subject = f"mention:{mention_id}"
        audit.record(session, clock.now(), who.id, "mention.read", subject, {"ids": seen}, who.address)
    return pages.render(
        request,
        "mention.html",
        **around,
        row=row,
        thread=thread,
        near=near,
        near_words=words,
        why=why,
        answers=[one.post for one in ours if one.mention_id == mention_id],
        ours=answers.furthest(ours),
        angry=compose_page.is_angry(row.trust, row.sentiment),
        tag_options=tags,
        never_tracked=sorted(NEVER_TRACKED),
        link_concern=lambda key: f"/concerns/{key}",
        here=f"/mentions/{mention_id}",
        undone=triaging.untold(undo),
        undo=undo,
        did=did if did in triaging.DONE_WORDS else "",
    )


def _link(asked: dict[str, str], changed: dict[str, str]) -> str:
    kept = _told({**asked, **changed})
    return "/mentions" + (f"?{urlencode(kept)}" if kept else "")


def _told(asked: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in asked.items() if value and (key, value) != ("state", "new")}


def _around(session: Session, who: Visitor) -> dict[str, Any]:
    """Names for what the rows tell only as numbers and keys, and to whom a mention may be given."""
    everyone = people.with_roles(session)
    officers = [one for one, roles in everyone if one.active and Role.OFFICER in roles and who.may(Action.TRIAGE)]
    return {
        "place_names": {one.id: one.name for one in places.all_places(session)},
        "names": {one.id: one.name for one, _ in everyone},
        "officers": [(people.known_id(one), one.name) for one in officers],
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
        found = clock.utc(datetime.fromisoformat(at)), int(number)
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found[1] <= LARGEST_ID else None
