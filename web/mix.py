"""Content mix: what kinds of posts went out, in which languages, against the department's own targets."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from config import clock, database
from config.permissions import Action
from config.phrases import Phrase
from networks import registry
from posts import categories, mix, reach
from posts.workflow import WrongState
from web import compose_page, pages
from web.actions import today
from web.desk import Desk, TheDesk
from web.guard import Who, needs
from web.queue import midnight

router = APIRouter(prefix="/outreach/mix")


@router.get("", dependencies=[needs(Action.READ_FIGURES)])
def page(request: Request, found: TheDesk) -> Response:
    """Three times four weeks, and the targets."""
    return _page(request, found)


@router.post("", dependencies=[needs(Action.WRITE_POSTS)])
async def set_targets(request: Request, found: TheDesk, who: Who) -> Response:
    """Other targets; an empty field takes one away."""
    form = await request.form()
    given = {kind: str(form.get(f"target_{kind}", "")).strip() for kind in categories.KINDS}
    try:
        if odd := [kind for kind, text in given.items() if text and not (text.isdecimal() and len(text) < 6)]:
            raise WrongState(Phrase("A target is one to %(most)s posts in four weeks.", most=mix.MOST), *odd)
        wanted = {kind: int(text) if text else None for kind, text in given.items()}
        with database.writing(found.engine) as session:
            mix.set_targets(session, wanted, who.id, clock.now())
    except WrongState as error:
        return _page(request, found, wrong=str(error), given=given)
    return RedirectResponse("/outreach/mix?said=planned", 303)


def _page(request: Request, found: Desk, *, wrong: str | None = None, given: dict[str, str] | None = None) -> Response:
    with database.reading(found.engine) as session:
        zone, now = found.settings.department.zone, clock.now()
        made = mix.read(session, today(found), zone)
        fared = reach.sums(session, midnight(made.spans[-1][0], zone), now)
    labels = dict(compose_page.categories(request))
    return pages.render(
        request,
        "mix.html",
        status=200 if wrong is None else 422,
        mix=made,
        short=[row for row in made.rows if row.missing],
        sent=sum(row.counts[-1] for row in made.rows),
        fared=(
            ("network", [(one, registry.network(one.name).label) for one in fared.networks]),
            ("kind", [(one, labels.get(one.name, one.name)) for one in fared.kinds]),
        ),
        labels=labels,
        languages=dict(compose_page.languages()),
        given=given or {row.category: str(row.target or "") for row in made.rows},
        most=mix.MOST,
        wrong=wrong,
    )
