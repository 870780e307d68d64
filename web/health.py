"""How the desk is, for programs: /healthz for a supervisor, /readyz for a load balancer, /metrics for Prometheus."""

import sqlalchemy as sa
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from config import clock, database
from config.permissions import Action
from scheduler import metrics
from web.desk import TheDesk
from web.guard import needs

router = APIRouter()


@router.get("/healthz")
def healthz(found: TheDesk) -> JSONResponse:
    """200 when the store answers; the failure handler makes it 503 when not."""
    with database.reading(found.engine) as session:
        session.connection().execute(sa.text("SELECT 1"))
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
def readyz(found: TheDesk) -> JSONResponse:
    """200 when requests may be sent here: the store answers and its schema is this version's. 503 meanwhile, as while
    machines are upgraded one after the other."""
    ready = database.revision(found.engine) == database.newest_revision()
    return JSONResponse({"status": "ready" if ready else "the schema is another version's"}, 200 if ready else 503)


@router.get("/metrics", dependencies=[needs(Action.READ_FIGURES)])
def told(found: TheDesk) -> Response:
    """Figures of the desk's work, in Prometheus's format. Asked with a token of scope read_figures."""
    with database.reading(found.engine) as session:
        return Response(metrics.written(session, clock.now()), media_type=CONTENT_TYPE_LATEST)
