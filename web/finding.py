"""All our posts: what was ever written, with filters that are links, and the same list as CSV."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from config import clock, database
from config.permissions import Action
from posts import finding
from posts.categories import KINDS
from posts.finding import Cursor, Filters
from sentiment.taxonomy import CONCERNS
from web import compose_page, pages, sheets
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, clean
from web.guard import Who, needs
from web.queue import midnight
from web.today import LABELS

router = APIRouter(dependencies=[needs(Action.READ_POSTS)])
PAGE = 50
Choice = Annotated[str, Query(max_length=60)]


@dataclass(frozen=True)
class Asked:
    """The filters, as the address says them."""

    words: Annotated[str, Query(max_length=200)] = ""
    state: Choice = ""
    kind: Choice = ""
    concern: Choice = ""
    network: Choice = ""
    language: Choice = ""
    first: Choice = ""
    last: Choice = ""

    def kept(self) -> dict[str, str]:
        """Those that mean something."""
        known = {"state": finding.GROUPS, "kind": KINDS, "concern": CONCERNS, "network": LABELS}
        given = {key: " ".join(clean(value).split()) for key, value in asdict(self).items()}
        for name in ("first", "last"):
            given[name] = given[name] if _day(given[name]) else ""
        return {key: value for key, value in given.items() if value and value in known.get(key, (value,))}

    def filters(self, found: Desk) -> Filters:
        kept, zone = self.kept(), found.settings.department.zone
        first, last = _day(kept.get("first", "")), _day(kept.get("last", ""))
        return Filters(
            words=kept.get("words", ""),
            state=kept.get("state"),
            category=kept.get("kind"),
            concern=kept.get("concern"),
            network=kept.get("network"),
            language=kept.get("language"),
            since=midnight(first, zone) if first else None,
            until=midnight(last + timedelta(days=1), zone) if last else None,
        )


TheAsked = Annotated[Asked, Depends()]


@router.get("/posts")
def page(request: Request, found: TheDesk, given: TheAsked, before: Choice = "") -> Response:
    """One page of them, newest first."""
    asked = given.kept()
    with database.reading(found.engine) as session:
        shown = finding.posts(session, given.filters(found), _cursor(before), PAGE)
    following = f"{shown.after[0].isoformat()},{shown.after[1]}" if shown.after else ""
    return pages.render(
        request,
        "posts.html",
        rows=shown.rows,
        asked=asked,
        **_options(request),
        labels=LABELS,
        following=f"/posts?{urlencode({**asked, 'before': following})}" if following else "",
        as_csv=f"/posts.csv?{urlencode(asked)}" if asked else "/posts.csv",
        day=clock.now().astimezone(found.settings.department.zone).date(),
    )


@router.get("/posts.csv")
def as_csv(found: TheDesk, who: Who, given: TheAsked) -> Response:
    """The whole list, times in the department's zone."""
    zone = found.settings.department.zone
    heads = ("number", "at", "state", "kind", "concern", "language", "networks", "title", "message", "addresses")
    with database.reading(found.engine) as session:
        rows = [
            (
                one.post.id,
                one.at.astimezone(zone).isoformat(timespec="minutes"),
                one.post.state,
                one.post.category,
                one.post.concern or "",
                one.post.language,
                " ".join(one.networks),
                one.post.title,
                one.post.message,
                " ".join(one.addresses),
            )
            for one in finding.every(session, given.filters(found))
        ]
    return sheets.handed_out(found, who, "posts", heads, rows, given.kept())


def _options(request: Request) -> dict[str, Any]:
    _ = pages.words(request).gettext
    states = {
        "sent": _("Sent"),
        "going_out": _("Approved"),
        "waits": _("Waits for approval"),
        "draft": _("Draft"),
        "not_sent": _("Not sent"),
    }
    return {
        "states": list(states.items()),
        "kinds": compose_page.categories(request),
        "concerns": [(one.key, _(one.name)) for one in CONCERNS.values()],
        "networks": [(name, _(words)) for name, words in LABELS.items() if name not in ("archive", "feed")],
        "languages": compose_page.languages(),
    }


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min < day < date.max - timedelta(days=1) else None  # so that each has a midnight anywhere


def _cursor(text: str) -> Cursor | None:
    try:
        at, number = text.rsplit(",", 1)
        found = clock.utc(datetime.fromisoformat(at)), int(number)
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found[1] <= LARGEST_ID else None
