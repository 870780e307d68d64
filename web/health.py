"""/healthz: whether the desk answers and its store does; for a supervisor or a load balancer."""

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from config import database
from web.desk import TheDesk

router = APIRouter()


@router.get("/healthz")
def healthz(found: TheDesk) -> JSONResponse:
    """200 when the store answers; the failure handler makes it 503 when not."""
    with database.reading(found.engine) as session:
        session.connection().execute(sa.text("SELECT 1"))
    return JSONResponse({"status": "ok"})
