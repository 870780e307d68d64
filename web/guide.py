"""How to use this desk, on one page: the day's work, how a figure is read, the words, the keys, whom to ask."""

from fastapi import APIRouter, Request, Response

from config import database, people
from config.permissions import Action, Role
from sentiment.trust import Share
from web import pages, rulers
from web.desk import TheDesk
from web.guard import Who, needs
from web.today import FigureView

router = APIRouter()
USUAL = Share(0.20, 0.18, 0.22, 900.0, 900)
MANY, SOME = Share(0.24, 0.19, 0.30, 120.0, 120), Share(0.28, 0.16, 0.42, 19.0, 19)
END = 0.6


@router.get("/help", dependencies=[needs(Action.OWN_ACCOUNT)])
def page(request: Request, found: TheDesk, who: Who) -> Response:
    """The page, with only what this person may do."""
    with database.reading(found.engine) as session:
        administrators = [one.name for one in people.with_role(session, Role.ADMINISTRATOR)]
    language, _ = pages.language_of(request), pages.words(request).gettext

    def example(name: str, share: Share | None, usual: Share | None, base: str) -> FigureView:
        return FigureView(name, "mistrust", rulers.ruler(name, share, usual, END, language), base)

    return pages.render(
        request,
        "guide.html",
        examples=[
            example(_("From 30 authors"), MANY, USUAL, _("value, likely range, usual level")),
            example(_("From 10 to 29"), SOME, None, _("only the range")),
            example(_("Under 10"), None, None, _("nothing is said")),
        ],
        roles=[role for role in Role if role in who.roles],
        administrators=administrators,
    )
