"""Public resources and the content mix, for programs."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from posts import mix, resources
from web.actions import today
from web.desk import TheDesk
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter()
Text = Annotated[str, AfterValidator(clean), Field(max_length=resources.LONGEST)]


class ResourceIn(BaseModel):
    """Where people find help; a telephone number or an address on the web, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "other", "name": "Legal aid", "phone": "555-0134", "note": "Free.", "language": "en"}]
        }
    )

    kind: Text = "other"
    name: Text
    phone: Text = ""
    address: Text = ""
    note: Text = ""
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en"


class ResourceOut(BaseModel):
    id: int
    kind: str
    name: str
    phone: str
    address: str
    note: str
    language: str


Targets = Annotated[dict[str, int | None], Body(examples=[{"safety": 4, "recruiting": 2}])]


class MixRow(BaseModel):
    """A kind of post: how many went out in each span, the oldest first; by language in the last one."""

    category: str
    counts: list[int]
    languages: dict[str, int]
    target: int | None


class MixOut(BaseModel):
    """Spans of four weeks, first and last day, the last one up to today."""

    spans: list[tuple[date, date]]
    rows: list[MixRow]


@router.get("/resources", dependencies=[needs(Action.READ_POSTS)])
def list_resources(found: TheDesk) -> list[ResourceOut]:
    with database.reading(found.engine) as session:
        return [ResourceOut.model_validate(one, from_attributes=True) for one in resources.kept(session)]


@router.post("/resources", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def add_resource(found: TheDesk, who: Who, given: ResourceIn) -> ResourceOut:
    with database.writing(found.engine) as session:
        made = resources.keep(session, who.id, clock.now(), **given.model_dump())
        return ResourceOut.model_validate(made, from_attributes=True)


@router.put("/resources/{resource_id}", dependencies=[needs(Action.WRITE_POSTS)])
def change_resource(found: TheDesk, who: Who, resource_id: Id, given: ResourceIn) -> ResourceOut:
    """Posts that name it keep their words."""
    with database.writing(found.engine) as session:
        made = resources.keep(session, who.id, clock.now(), **given.model_dump(), resource_id=resource_id)
        return ResourceOut.model_validate(made, from_attributes=True)


@router.delete("/resources/{resource_id}", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def remove_resource(found: TheDesk, who: Who, resource_id: Id) -> None:
    with database.writing(found.engine) as session:
        resources.remove(session, resource_id, who.id, clock.now())


@router.get("/content-mix", dependencies=[needs(Action.READ_FIGURES)])
def content_mix(found: TheDesk) -> MixOut:
    with database.reading(found.engine) as session:
        made = mix.read(session, today(found), found.settings.department.zone)
    rows = [
        MixRow(category=row.category, counts=list(row.counts), languages=dict(row.languages), target=row.target)
        for row in made.rows
    ]
    return MixOut(spans=list(made.spans), rows=rows)


@router.put("/content-mix/targets", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def set_targets(found: TheDesk, who: Who, given: Targets) -> None:
    """Kind -> posts in four weeks, at least; null takes a target away. Kinds that are not named keep theirs."""
    with database.writing(found.engine) as session:
        mix.set_targets(session, given, who.id, clock.now())
