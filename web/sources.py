"""Sources, watch rules, places: where mentions come from, which are about us, and what places are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import IntegrityError

from config import audit, clock, database
from config.permissions import Action
from config.phrases import Phrase
from listeners import health, place_files, places, polling, rules, sources, watch
from listeners.tables import Place, Source, WatchRule
from networks import accounts, registry
from networks.network import NetworkError
from sentiment import disclosure
from web import pages
from web.desk import Desk, TheDesk
from web.fields import Comment, Id, Line, Query, clean
from web.guard import Visitor, Who, needs
from web.problems import Trouble
from web.today import LABELS

router = APIRouter()
TRIED = timedelta(days=7)  # over which a rule is tried before it is added


@dataclass(frozen=True)
class RuleTried:
    """What a rule would have matched, in fives, fewer than five as none; of how many; the newest, for who may read
    mentions."""

    at_least: int
    of: int
    newest: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """What a source that was asked would bring; `wrong`: why it could not."""

    source_id: int
    posts: int = 0
    newest: datetime | None = None
    wrong: str = ""


@router.get("/sources", dependencies=[needs(Action.MANAGE)])
def sources_page(request: Request, found: TheDesk) -> Response:
    """What there is, and how each is doing."""
    return _page(request, found)


@router.post("/sources", dependencies=[needs(Action.MANAGE)])
async def add_source(request: Request, found: TheDesk, who: Who) -> Response:
    """Adds a source of any kind that a network offers; it is looked at within seconds."""
    form = await request.form()
    given = {name: " ".join(clean(value[:320]).split()) for name, value in form.items() if isinstance(value, str)}
    return await run_in_threadpool(_add, request, found, who, given)


def _add(request: Request, found: Desk, who: Visitor, given: dict[str, str]) -> Response:
    network, kind = given.get("network", "feed"), given.get("kind", "feed")
    part = f"{network}-{kind}"
    account = given.get("account_id", "")
    by = (int(account) if account.isdecimal() else 0) if account else None
    try:
        added(found, who, network, kind, given.get("name", ""), given, by)
    except (NetworkError, Trouble) as error:
        return _page(request, found, wrong=(part, str(error)), given=given)
    return RedirectResponse("/sources?said=source-added", 303)


def added(
    found: Desk,
    who: Visitor,
    network: str,
    kind_name: str,
    name: str,
    values: Mapping[str, str],
    account_id: int | None,
) -> Source:
    """A source of a kind that a network offers; of `values` it takes what the kind asks for. Raises Trouble,
    NetworkError."""
    kind = next((one for one in registry.network(network).kinds if one.name == kind_name), None)
    if kind is None:
        raise Trouble(422, "There is no such way to listen.")
    if not name.strip():
        raise Trouble(422, Phrase.about(Phrase("A source needs a name."), "name"))
    chosen = {field.name: values[field.name] for field in kind.fields if values.get(field.name)}
    by = account_id if kind.account != "none" else None
    moment = clock.now()
    with database.writing(found.engine) as session:
        if by is not None and by not in {one.id for one in accounts.connected(session) if one.network == network}:
            raise Trouble(422, Phrase.about(Phrase("That account is not connected; choose another."), "account_id"))
        made = sources.add(
            session, network=network, name=name, settings={"kind": kind.name, **chosen},
            every_seconds=kind.every_seconds, now=moment, account_id=by,
        )  # fmt: skip
        detail = {"name": name, "subject": sources.subject(made)}
        audit.record(session, moment, who.id, "source.add", f"source:{made.id}", detail, who.address)
        return made


@router.post("/sources/rules", dependencies=[needs(Action.MANAGE)])
def add_rule(request: Request, found: TheDesk, who: Who, name: Line = "", query: Query = "") -> Response:
    """Adds a watch rule; one that cannot be read is shown with the place of the mistake."""
    _ = pages.words(request).gettext
    given = {"rule_name": name, "query": query}
    try:
        rule_added(found, who, name, query)
    except watch.WatchRuleError as error:
        return _unread(request, found, given, error)
    except IntegrityError:
        words = Phrase.about(_("There is a rule of that name already."), "name")
        return _page(request, found, wrong=("rule", words), given=given)
    return RedirectResponse("/sources?said=rule-added", 303)


def rule_added(found: Desk, who: Visitor, name: str, query: str) -> WatchRule:
    """Raises WatchRuleError; IntegrityError for a name that is taken."""
    with database.writing(found.engine) as session:
        made = rules.add(session, name or query[:120], query)
        audit.record(session, clock.now(), who.id, "rule.add", f"rule:{made.id}", {"query": query}, who.address)
        return made


@router.post("/sources/rules/try", dependencies=[needs(Action.MANAGE)])
def try_rule(request: Request, found: TheDesk, who: Who, name: Line = "", query: Query = "") -> Response:
    """Counts what a rule would have matched of the last 7 days; adds nothing."""
    given = {"rule_name": name, "query": query}
    try:
        tried = rule_tried(found, who, query)
    except watch.WatchRuleError as error:
        return _unread(request, found, given, error)
    return _page(request, found, given=given, tried=tried)


def rule_tried(found: Desk, who: Visitor, query: str) -> RuleTried:
    """It is in the audit log, since it asks for words of the public's. Raises WatchRuleError."""
    with database.writing(found.engine) as session:
        tried = rules.tried(session, query, clock.now() - TRIED)
        audit.record(session, clock.now(), who.id, "rule.try", "rules", {"query": query}, who.address)
    newest = tried.newest if who.may(Action.READ_MENTIONS) else ()
    return RuleTried(disclosure.in_fives(tried.matched), tried.of, newest)


@router.post("/sources/rules/{rule_id}/{act}", dependencies=[needs(Action.MANAGE)])
def switch_rule(found: TheDesk, who: Who, rule_id: Id, act: Literal["on", "off"]) -> Response:
    """Switches a watch rule on or off."""
    rule_switched(found, who, rule_id, on=act == "on")
    return RedirectResponse("/sources#h-rule", 303)


def rule_switched(found: Desk, who: Visitor, rule_id: int, *, on: bool) -> WatchRule:
    """Raises Trouble 404."""
    with database.writing(found.engine) as session:
        rule = rules.switch(session, rule_id, on)
        if rule is None:
            raise Trouble(404, "There is no such watch rule")
        move = "rule.on" if on else "rule.off"
        audit.record(session, clock.now(), who.id, move, f"rule:{rule_id}", {}, who.address)
        return rule


@router.post("/sources/places/import", dependencies=[needs(Action.MANAGE)], max_body_size=place_files.LARGEST + 100_000)
def import_places(request: Request, found: TheDesk, who: Who, file: Annotated[UploadFile, File()]) -> Response:
    """Takes places from a table or GeoJSON; what could not be taken is told row by row."""
    try:
        rows, refused = place_files.read(file.file.read(place_files.LARGEST + 1), file.filename or "")
    except place_files.UnreadablePlaces as error:
        _ = pages.words(request).gettext
        words = _("Nothing was taken: %(why)s.") % {"why": str(error)}
        return _page(request, found, wrong=("place-file", Phrase.about(words, "file")))
    return _page(request, found, places_taken=places_stored(found, who, rows, refused))


def places_stored(
    found: Desk, who: Visitor, rows: Sequence[place_files.Named], refused: Sequence[str] = ()
) -> place_files.Taken:
    """Adds the places of a file, and to those that are there what they lack."""
    with database.writing(found.engine) as session:
        taken = place_files.store(session, rows, refused)
        detail = {"new": taken.new, "changed": taken.changed, "refused": len(taken.refused)}
        audit.record(session, clock.now(), who.id, "place.import", "places", detail, who.address)
    return taken


@router.post("/sources/{source_id}/test", dependencies=[needs(Action.MANAGE)])
def test_source(request: Request, found: TheDesk, who: Who, source_id: Id) -> Response:
    """Asks a source what it would bring; nothing is stored."""
    try:
        asked = tested(found, who, source_id)
    except NetworkError as error:
        asked = Asked(source_id, wrong=str(error))
    return _page(request, found, asked=asked)


def tested(found: Desk, who: Visitor, source_id: int) -> Asked:
    """What a source would bring; nothing is stored. Raises Trouble 404, NetworkError."""
    with database.writing(found.engine) as session:
        if session.get(Source, source_id) is None:
            raise Trouble(404, "There is no such source")
        audit.record(session, clock.now(), who.id, "source.test", f"source:{source_id}", {}, who.address)
    page = polling.ask(found.engine, source_id, found.settings, found.keys)
    return Asked(source_id, len(page.mentions), max((one.posted_at for one in page.mentions), default=None))


@router.post("/sources/{source_id}/{act}", dependencies=[needs(Action.MANAGE)])
def act_on_source(found: TheDesk, who: Who, source_id: Id, act: Literal["look", "on", "off"]) -> Response:
    """Looks at a source without waiting for its time, or switches it on or off."""
    done_to_source(found, who, source_id, act)
    return RedirectResponse(f"/sources{'?said=source-looked' if act == 'look' else ''}", 303)


def done_to_source(found: Desk, who: Visitor, source_id: int, act: Literal["look", "on", "off"]) -> None:
    """Raises Trouble 404."""
    now = clock.now()
    with database.writing(found.engine) as session:
        if act == "look":
            done = sources.look_now(session, source_id, now)
        else:
            done = sources.switch(session, source_id, act == "on", now)
        if done is None:
            raise Trouble(404, "That source cannot do this", "It is gone, switched off, or comes in by hand.")
        audit.record(session, now, who.id, f"source.{act}", f"source:{source_id}", {}, who.address)


@router.post("/sources/places", dependencies=[needs(Action.MANAGE)])
def add_place(request: Request, found: TheDesk, who: Who, name: Line = "", other_names: Comment = "") -> Response:
    """Adds a place with the other names that people use, one a line."""
    _ = pages.words(request).gettext
    given = {"place_name": name, "other_names": other_names}
    if not name:
        return _page(request, found, wrong=("place", Phrase.about(_("A place needs a name."), "name")), given=given)
    try:
        place_added(found, who, name, other_names.splitlines())
    except IntegrityError:
        words = Phrase.about(_("There is a place of that name already."), "name")
        return _page(request, found, wrong=("place", words), given=given)
    return RedirectResponse("/sources?said=place-added", 303)


def place_added(found: Desk, who: Visitor, name: str, other_names: Sequence[str]) -> Place:
    """Raises IntegrityError for a name that is taken."""
    with database.writing(found.engine) as session:
        made = places.add(session, name, other_names)
        audit.record(session, clock.now(), who.id, "place.add", f"place:{made.id}", {"name": name}, who.address)
        return made


def _page(
    request: Request,
    found: Desk,
    *,
    wrong: tuple[str, str] | None = None,
    given: dict[str, str] | None = None,
    pointed: tuple[str, str, str] | None = None,
    tried: RuleTried | None = None,
    asked: Asked | None = None,
    places_taken: place_files.Taken | None = None,
) -> Response:
    now, zone, language = clock.now(), pages.zone_of(request), pages.language_of(request)
    with database.reading(found.engine) as session:
        listed = health.overview(session, now)
        known = places.all_places(session)
        watched = rules.all_rules(session)
        ours = accounts.connected(session)
    return pages.render(
        request,
        "sources.html",
        status=200 if wrong is None else 422,
        sources=listed,
        places=known,
        rules=watched,
        accounts=ours,
        networks=[network for network in registry.NETWORKS.values() if network.listener is not None and network.kinds],
        labels=LABELS,
        wrong=wrong,
        given=given or {},
        pointed=pointed,
        tried=tried,
        asked=asked,
        places_taken=places_taken,
        subject=sources.subject,
        gap_words=lambda gap: health.in_words(gap, lambda moment: moment.astimezone(zone), language),
    )


def _unread(request: Request, found: Desk, given: dict[str, str], error: watch.WatchRuleError) -> Response:
    """The page with a rule that cannot be read, and the place of its mistake."""
    words = Phrase.about(str(error), "query")
    return _page(request, found, wrong=("rule", words), given=given, pointed=_pointed(given["query"], error))


def _pointed(query: str, error: watch.WatchRuleError) -> tuple[str, str, str]:
    """The rule before, at and after the place of its mistake."""
    at = error.position
    return query[:at], query[at : at + 1] or "␣", query[at + 1 :]
