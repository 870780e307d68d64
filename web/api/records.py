"""The records for programs: the package as one file."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from config.permissions import Action
from web import records
from web.desk import TheDesk
from web.fields import LARGEST_ID
from web.guard import Who, needs

router = APIRouter()


@router.get("/records/export", dependencies=[needs(Action.READ_RECORDS)])
def export(found: TheDesk, who: Who, post: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None) -> Response:
    """A zip with the BagIt package of everything that was published, or of one post: JSON, HTML, pictures, manifest."""
    return records.exported(found, who, post)
