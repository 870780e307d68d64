"""Vega for the charts of a page, by us and by nobody else; a browser asks once, when somebody points at a chart."""

import gzip
from pathlib import Path
from threading import Lock

from fastapi import APIRouter, Request, Response

from config.permissions import Action
from sentiment import vega
from web.desk import TheDesk
from web.guard import needs

router = APIRouter()
_one_at_a_time = Lock()


@router.get("/vega.js", dependencies=[needs(Action.READ_FIGURES)])
def bundle(request: Request, found: TheDesk) -> Response:
    """The bundle, for good: its version is in the address. The first one of an installation takes some seconds."""
    with _one_at_a_time:
        path: Path = vega.bundle(found.settings.data_dir / "cache")
    content = path.read_bytes()
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = gzip.decompress(content)
    return Response(content, media_type="text/javascript", headers=headers)
