"""Sources, watch rules and places for programs: what a network is asked, which posts are about us, what places are
called. How sources are stands in web.api.listening."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import database
from config.permissions import Action
from listeners import place_files, places, rules, watch
from listeners.place_files import Named
from networks import registry
from networks.network import NetworkError, Rejected
from web import sources as room
from web.desk import TheDesk
from web.drafting import Number
from web.fields import Id, clean
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter()
Line = Annotated[str, AfterValidator(clean), Field(max_length=320)]
Name = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=place_files.LONGEST)]
Query = Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=2 * watch.LONGEST)]
MOST_PLACES = 5_000  # in one request


class SourceIn(BaseModel):
    """`kind`: a way to listen that the network offers; `settings`: what it asks for, an address mostly; `account`: by
    which of our accounts. Settings go in and never come out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"network": "feed", "kind": "feed", "name": "Riverton Gazette",
                 "settings": {"url": "https://gazette.example/feed.xml"}}
            ]
        }
    )  # fmt: skip

    network: Annotated[str, Field(max_length=40)]
    kind: Annotated[str, Field(max_length=40)]
    name: Line
    settings: Annotated[dict[Annotated[str, Field(max_length=40)], Line], Field(max_length=20)] = Field(
        default_factory=dict
    )
    account: Number | None = None


class SourceMade(BaseModel):
    id: int


class WouldBring(BaseModel):
    """What a source would bring now: so many posts, the newest of then."""

    posts: int
    newest: datetime | None


class RuleIn(BaseModel):
    """A watch rule in its own words; without a name it is called by them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Police", "query": '("riverton police" OR rpd) -scanner'}]}
    )

    name: Annotated[str, AfterValidator(clean), Field(max_length=120)] = ""
    query: Query


class TryIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "sirens near:elm"}]})

    query: Query


class RuleOut(BaseModel):
    id: int
    name: str
    query: str
    enabled: bool


class TriedOut(BaseModel):
    """It matches at least so many, in fives, of so many posts of the last 7 days; 0 stands for fewer than five.
    `newest`: numbers of mentions, for who may read them."""

    at_least: int
    of: int
    newest: list[int]


class PlaceIn(BaseModel):
    """A place with the other names that people use. `within`: the name of the place that it lies in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Elm Street", "other_names": ["Calle Elm"], "kind": "street", "within": "Mill"}]
        }
    )

    name: Name
    other_names: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    kind: Literal["", "neighbourhood", "street", "landmark"] = ""
    within: Annotated[str, AfterValidator(clean), Field(max_length=place_files.LONGEST)] = ""


class PlaceOut(BaseModel):
    id: int
    name: str
    other_names: list[str]
    kind: str
    within_id: int | None


class TakenOut(BaseModel):
    """What became of places, by number; `refused`: of what, and why."""

    new: int
    changed: int
    same: int
    refused: list[str]


@router.post("/sources", status_code=201, dependencies=[needs(Action.MANAGE)])
def add_source(found: TheDesk, who: Who, given: SourceIn) -> SourceMade:
    """It is looked at within seconds. 422 for what the network does not offer, or for a name that is taken."""
    if given.network not in registry.NETWORKS:
        raise Trouble(404, "There is no such network", f"There are {', '.join(sorted(registry.NETWORKS))}.")
    kind = next((one for one in registry.network(given.network).kinds if one.name == given.kind), None)
    unknown = set(given.settings) - {field.name for field in kind.fields} if kind is not None else set[str]()
    if unknown:
        raise Trouble(422, "This kind of source has no such setting", f"{', '.join(sorted(unknown))}.")
    try:
        made = room.added(found, who, given.network, given.kind, given.name, given.settings, given.account)
    except NetworkError as error:
        raise Trouble(422, "This source cannot be added", f"{error}.", "Nothing was changed.") from error
    return SourceMade(id=made.id or 0)


@router.post("/sources/{source_id}/test", dependencies=[needs(Action.MANAGE)])
def test_source(found: TheDesk, who: Who, source_id: Id) -> WouldBring:
    """Asks it what it would bring; nothing is stored. 409 for one that takes no question, 502 when it could not be
    asked."""
    try:
        asked = room.tested(found, who, source_id)
    except Rejected as error:
        raise Trouble(409, "This source cannot be asked", f"{error}.", "Nothing was changed.") from error
    except NetworkError as error:
        raise Trouble(502, "The source could not be asked", f"{error} Nothing was changed.") from error
    return WouldBring(posts=asked.posts, newest=asked.newest)


@router.post("/sources/{source_id}/{act}", status_code=204, dependencies=[needs(Action.MANAGE)])
def act_on_source(found: TheDesk, who: Who, source_id: Id, act: Literal["look", "on", "off"]) -> None:
    """Looks at it without waiting for its time, or switches it on or off. 404 for one that cannot do this."""
    room.done_to_source(found, who, source_id, act)


@router.get("/watch-rules", dependencies=[needs(Action.MANAGE)])
def list_rules(found: TheDesk) -> list[RuleOut]:
    """On or off, by name."""
    with database.reading(found.engine) as session:
        return [RuleOut.model_validate(one, from_attributes=True) for one in rules.all_rules(session)]


@router.post("/watch-rules", status_code=201, dependencies=[needs(Action.MANAGE)])
def add_rule(found: TheDesk, who: Who, given: RuleIn) -> RuleOut:
    """422 for one that cannot be read, with the place of the mistake; 409 for a name that is taken."""
    try:
        return RuleOut.model_validate(room.rule_added(found, who, given.name, given.query), from_attributes=True)
    except watch.WatchRuleError as error:
        raise _unreadable(error) from error


@router.post("/watch-rules/try", dependencies=[needs(Action.MANAGE)])
def try_rule(found: TheDesk, who: Who, given: TryIn) -> TriedOut:
    """Counts what it would have matched; adds nothing. It is in the audit log."""
    try:
        return TriedOut.model_validate(room.rule_tried(found, who, given.query), from_attributes=True)
    except watch.WatchRuleError as error:
        raise _unreadable(error) from error


@router.post("/watch-rules/{rule_id}/{act}", dependencies=[needs(Action.MANAGE)])
def switch_rule(found: TheDesk, who: Who, rule_id: Id, act: Literal["on", "off"]) -> RuleOut:
    """Switches it on or off; what it let in stays."""
    return RuleOut.model_validate(room.rule_switched(found, who, rule_id, on=act == "on"), from_attributes=True)


@router.get("/places", dependencies=[needs(Action.READ_FIGURES)])
def list_places(found: TheDesk) -> list[PlaceOut]:
    """By name."""
    with database.reading(found.engine) as session:
        return [PlaceOut.model_validate(one, from_attributes=True) for one in places.all_places(session)]


@router.put("/places", dependencies=[needs(Action.MANAGE)])
def put_places(
    found: TheDesk, who: Who, given: Annotated[list[PlaceIn], Field(min_length=1, max_length=MOST_PLACES)]
) -> TakenOut:
    """Adds the places, and to those of the same name what they lack: other names, a kind, the place they lie in."""
    read = [place_files.named(number, one.model_dump()) for number, one in enumerate(given, 1)]
    rows = [one for one in read if isinstance(one, Named)]
    refused = [f"row {number}: {one}" for number, one in enumerate(read, 1) if isinstance(one, str)]
    return TakenOut.model_validate(room.places_stored(found, who, rows, refused), from_attributes=True)


def _unreadable(error: watch.WatchRuleError) -> Trouble:
    return Trouble(422, "This rule cannot be read", f"At letter {error.position + 1}: {error}.", "Nothing was changed.")
