"""Pictures for networks that fetch them: no sign-in, for the address itself is signed and short-lived.

Only what an approved post is about to send has such an address."""

from fastapi import APIRouter, Response

from config import clock, database
from networks import pictures
from posts import addresses
from posts import pictures as kept
from web.desk import TheDesk
from web.problems import Trouble

router = APIRouter()


@router.get("/pictures/{name}.jpg")
def fetched(found: TheDesk, name: str) -> Response:
    """The picture as JPEG, without anything beside the pixels. 404 for an address that is over or was altered."""
    with database.reading(found.engine) as session:
        picture = addresses.opened(session, name, found.keys, clock.now())
    if picture is None:
        raise Trouble(404, "There is no such picture")
    jpeg = pictures.as_jpeg(kept.as_sent(picture))
    return Response(jpeg.data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})
