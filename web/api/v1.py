"""/api/v1 put together, and its OpenAPI description at /api/openapi.json."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from config.permissions import Action
from web.api import (
    actions,
    care,
    channels,
    connections,
    deliveries,
    evidence,
    heard,
    listening,
    outreach,
    partners,
    people,
    planning,
    posting,
    questions,
    records,
    reports,
    resources,
    snippets,
    sources,
    status,
    stories,
    triaging,
    urgent,
    views,
)
from web.guard import needs

router = APIRouter()
_versioned = APIRouter(prefix="/api/v1")
_versioned.include_router(listening.router)
_versioned.include_router(evidence.router)  # after the words that stand where an alert's number does
_versioned.include_router(reports.router)
_versioned.include_router(sources.router)
_versioned.include_router(triaging.router)
_versioned.include_router(views.router)
_versioned.include_router(posting.router)
_versioned.include_router(planning.router)
_versioned.include_router(snippets.router)
_versioned.include_router(outreach.router)
_versioned.include_router(actions.router)
_versioned.include_router(heard.router)
_versioned.include_router(resources.router)
_versioned.include_router(connections.router)
_versioned.include_router(channels.router)
_versioned.include_router(deliveries.router)
_versioned.include_router(urgent.router)
_versioned.include_router(partners.router)
_versioned.include_router(people.router)
_versioned.include_router(records.router)
_versioned.include_router(questions.router)
_versioned.include_router(status.router)
_versioned.include_router(stories.router)
_versioned.include_router(care.router)
router.include_router(_versioned)

ABOUT = (
    "What the pages of the desk do, by the same rules, but for what lets somebody in or is shown once: links to sign "
    "in with, second factors, tokens, accounts to be connected, calendar addresses. "
    "Send `Authorization: Bearer lia_…`; make a token under “Your account”. A token may do what is in its scopes and "
    "in its person's roles both. Times are ISO 8601 with a zone. Failures are application/problem+json (RFC 9457)."
)


@router.get("/api/openapi.json", dependencies=[needs(Action.OWN_ACCOUNT)], include_in_schema=False)
def openapi() -> JSONResponse:
    """The description of the API, for tools that read OpenAPI."""
    return JSONResponse(description())


@cache
def description() -> dict[str, Any]:
    """The API as OpenAPI describes it."""
    described = FastAPI(title="Liaison", version="1", description=ABOUT)
    described.include_router(_versioned)
    made = described.openapi()
    made["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    made["security"] = [{"token": []}]
    return made
