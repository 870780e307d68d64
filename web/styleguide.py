"""Every component of the pages on one page, for whoever builds or tests them: the macros themselves, made-up data."""

from fastapi import APIRouter, Request, Response

from config.permissions import Action
from sentiment.trust import Share
from web import pages, rulers
from web.guard import needs
from web.today import FigureView
from web.variants import Check

router = APIRouter()
COLOURS = (
    "ground", "surface", "sunken", "ink", "ink-2", "ink-3", "rule", "edge", "accent", "wash", "mistrust", "trust",
    "neither", "wait", "stop", "focus",
)  # fmt: skip
STATES = (
    "draft", "in_review", "approved", "scheduled", "publishing", "published", "partly_published", "held", "missed",
    "failed", "unknown", "cancelled",
)  # fmt: skip


@router.get("/styleguide", dependencies=[needs(Action.OWN_ACCOUNT)], include_in_schema=False)
def page(request: Request) -> Response:
    """The page."""
    language = pages.language_of(request)

    def figure(name: str, measure: str, share: Share | None, usual: Share | None, base: str) -> FigureView:
        return FigureView(name, measure, rulers.ruler(name, share, usual, 0.6, language), base)

    usual = Share(0.23, 0.21, 0.25, 900.0, 900)
    return pages.render(
        request,
        "styleguide.html",
        colours=COLOURS,
        states=STATES,
        figures=[
            figure("From 30 authors", "mistrust", Share(0.24, 0.21, 0.27, 412.0, 412), usual, "412 authors"),
            figure("From 10 to 29", "mistrust", Share(0.32, 0.18, 0.47, 19.0, 19), usual, "19 authors"),
            figure("Trust", "trust", Share(0.18, 0.15, 0.21, 412.0, 412), None, "412 authors"),
            figure("Under 10", "mistrust", Share(0.3, 0.1, 0.6, 6.0, 6), None, "6 authors"),
        ],
        checks=[
            Check(277, 280, "characters", (), 277),
            Check(333, 300, "characters", ("33 characters too long.",), 300),
            Check(0, 500, "characters", (), 0, empty=True),
        ],
    )
