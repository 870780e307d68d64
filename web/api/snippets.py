"""Templates and sentences that are kept to be used again, for programs."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config import clock, database
from config.permissions import Action
from posts import snippets
from web.desk import TheDesk
from web.drafting import CATEGORIES
from web.fields import COMMENT_LIMIT, Id, clean
from web.guard import Who, needs

router = APIRouter(prefix="/snippets", dependencies=[needs(Action.WRITE_POSTS)])


class SnippetIn(BaseModel):
    """A template begins a post, a snippet is a sentence to put into one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "snippet", "name": "Where to report", "text": "Tell us at 555-0100, in English or Spanish.",
                 "language": "en", "category": "general"}
            ]
        }
    )  # fmt: skip

    kind: Literal["template", "snippet"] = "snippet"
    name: Annotated[str, AfterValidator(clean), Field(max_length=snippets.LONGEST_NAME)]
    text: Annotated[str, AfterValidator(clean), Field(max_length=COMMENT_LIMIT)]
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en"
    category: Annotated[str, Field(pattern=f"^({'|'.join(CATEGORIES)})$")] = "general"


class SnippetOut(BaseModel):
    id: int
    kind: str
    name: str
    text: str
    language: str
    category: str
    changed_at: datetime


@router.get("")
def list_snippets(found: TheDesk) -> list[SnippetOut]:
    """Templates first, each kind by name."""
    with database.reading(found.engine) as session:
        return [SnippetOut.model_validate(one, from_attributes=True) for one in snippets.kept(session)]


@router.post("", status_code=201)
def add_snippet(found: TheDesk, who: Who, given: SnippetIn) -> SnippetOut:
    """409 without a name or a text, and when there are 200."""
    with database.writing(found.engine) as session:
        made = snippets.keep(session, who.id, clock.now(), **given.model_dump())
        return SnippetOut.model_validate(made, from_attributes=True)


@router.put("/{snippet_id}")
def change_snippet(found: TheDesk, who: Who, snippet_id: Id, given: SnippetIn) -> SnippetOut:
    """Other words from now on; posts that were made of it keep theirs. 409 for one that is gone."""
    with database.writing(found.engine) as session:
        made = snippets.keep(session, who.id, clock.now(), **given.model_dump(), snippet_id=snippet_id)
        return SnippetOut.model_validate(made, from_attributes=True)


@router.delete("/{snippet_id}", status_code=204)
def remove_snippet(found: TheDesk, who: Who, snippet_id: Id) -> None:
    """Posts that were made of it keep their words; one that is gone already is fine."""
    with database.writing(found.engine) as session:
        snippets.remove(session, snippet_id, who.id, clock.now())
