"""Saved views of the inbox, for programs: one's own, filters only."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import database
from config.permissions import Action
from listeners import views
from web import triaging as room
from web.desk import TheDesk
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter(prefix="/views", dependencies=[needs(Action.READ_MENTIONS)])


class ViewIn(BaseModel):
    """Filters of the inbox as its address has them; one of the same name is replaced."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Speeding, new", "query": "concern=traffic_safety&state=new"}]}
    )

    name: Annotated[str, AfterValidator(clean), Field(max_length=60)]
    query: Annotated[str, Field(max_length=600)]


class ViewOut(BaseModel):
    id: int
    name: str
    query: str


@router.get("")
def list_views(found: TheDesk, who: Who) -> list[ViewOut]:
    """One's own, by name."""
    with database.reading(found.engine) as session:
        return [ViewOut.model_validate(one, from_attributes=True) for one in views.of_person(session, who.id)]


@router.post("", status_code=201)
def keep_view(found: TheDesk, who: Who, given: ViewIn) -> ViewOut:
    """422 for what is no filter, 409 when there are twenty."""
    return ViewOut.model_validate(room.kept(found, who, given.name, given.query), from_attributes=True)


@router.delete("/{view_id}", status_code=204)
def forget_view(found: TheDesk, who: Who, view_id: Id) -> None:
    """Removes a view of one's own; one that is gone already is fine."""
    with database.writing(found.engine) as session:
        views.forget(session, who.id, view_id)
