"""Planning: weekly slots, posts that come again, days of silence, and what each kind of post asks for."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session, col, select

from config import clock, database, people
from config.permissions import Action, Role
from config.tables import Person
from networks import accounts
from posts import blackouts, categories, series, slots
from posts.categories import Step
from posts.tables import Post, Series
from posts.workflow import WrongState
from web import compose_page, pages
from web.desk import Desk, TheDesk
from web.fields import LARGEST_ID, Id, Line
from web.guard import Who, needs

router = APIRouter(prefix="/planning")
Number = Annotated[int, Form(ge=1, le=LARGEST_ID)]
SHOWN = 3  # next times of a series
PATTERNS = ("draft", "in_review", "approved")  # posts without a time that can be one
SHORTEST = 28  # days of a month
REPEATS = ("DAILY", "WEEKLY", "FORTNIGHTLY", "MONTHLY", "YEARLY")


@router.get("", dependencies=[needs(Action.READ_POSTS)])
def page(request: Request, found: TheDesk) -> Response:
    """All of it on one page."""
    return _page(request, found)


@router.post("/slots", dependencies=[needs(Action.WRITE_POSTS)])
def add_slot(
    request: Request,
    found: TheDesk,
    who: Who,
    account: Number,
    weekday: Annotated[int, Form(ge=0, le=6)],
    at: Annotated[time, Form()],
) -> Response:
    """Adds a weekly time, in the department's zone."""
    zone = found.settings.department.time_zone
    try:
        with database.writing(found.engine) as session:
            slots.add(session, account, weekday, at.replace(tzinfo=None), zone, who.id, clock.now())
    except WrongState as error:
        given = {"account": account, "weekday": weekday, "at": at.isoformat("minutes")}
        return _page(request, found, wrong=("slot", str(error)), given=given)
    return RedirectResponse("/planning?said=planned#h-slots", 303)


@router.post("/slots/{slot_id}/remove", dependencies=[needs(Action.WRITE_POSTS)])
def remove_slot(found: TheDesk, who: Who, slot_id: Id) -> Response:
    with database.writing(found.engine) as session:
        slots.remove(session, slot_id, who.id, clock.now())
    return RedirectResponse("/planning?said=planned#h-slots", 303)


@router.post("/series", dependencies=[needs(Action.WRITE_POSTS)])
def begin_series(
    request: Request,
    found: TheDesk,
    who: Who,
    post: Number,
    first_day: Annotated[date, Form()],
    hour: Annotated[time, Form()],
    repeat: Line = "WEEKLY",
    rule: Line = "",
) -> Response:
    """Makes a post without a time the pattern of a series."""
    first = datetime.combine(first_day, hour.replace(tzinfo=None))
    zone, moment = found.settings.department.time_zone, clock.now()
    try:
        rule_here = rule or rule_of(repeat, first)
        series.check(rule_here, first, moment)
        with database.writing(found.engine) as session:
            begun = series.begin(session, post, rule_here, first, zone, who.id, moment)
            series.extend(session, begun, moment)
    except WrongState as error:
        given = {
            "post": post,
            "first_day": first_day,
            "hour": hour.isoformat("minutes"),
            "repeat": repeat,
            "rule": rule,
        }
        return _page(request, found, wrong=("series", str(error)), given=given)
    return RedirectResponse("/planning?said=planned#h-series", 303)


@router.post("/series/{series_id}/end", dependencies=[needs(Action.WRITE_POSTS)])
def end_series(found: TheDesk, who: Who, series_id: Id) -> Response:
    """No more of it; what has not gone out is cancelled."""
    with database.writing(found.engine) as session:
        series.end(session, series_id, who.id, clock.now())
    return RedirectResponse("/planning?said=planned#h-series", 303)


@router.post("/blackouts", dependencies=[needs(Action.PLACE_HOLD)])
def place_blackout(
    request: Request,
    found: TheDesk,
    who: Who,
    first_day: Annotated[date, Form()],
    last_day: Annotated[date | None, Form()] = None,
    reason: Line = "",
) -> Response:
    """Days on which nothing goes out; posts that it keeps back are shown to be moved."""
    try:
        with database.writing(found.engine) as session:
            blackouts.place(session, first_day, last_day or first_day, reason, who.id, clock.now())
    except WrongState as error:
        given = {"first_day": first_day, "last_day": last_day or "", "reason": reason}
        return _page(request, found, wrong=("blackout", str(error)), given=given)
    return RedirectResponse("/planning?said=planned#h-silence", 303)


@router.post("/blackouts/{blackout_id}/lift", dependencies=[needs(Action.LIFT_HOLD)])
def lift_blackout(found: TheDesk, who: Who, blackout_id: Id) -> Response:
    with database.writing(found.engine) as session:
        blackouts.lift(session, blackout_id, who.id, clock.now())
    return RedirectResponse("/planning?said=planned#h-silence", 303)


@router.post("/kinds/{name}", dependencies=[needs(Action.MANAGE)])
async def change_kind(request: Request, found: TheDesk, who: Who, name: str) -> Response:
    """What a kind of post asks for: its steps of approval, how late it may go out, whether silence stops it."""
    form = await request.form()
    steps = []
    for number in range(categories.MOST_STEPS):
        needed = form.get(f"step_{number}", "")
        named = tuple(int(str(one)) for one in form.getlist(f"people_{number}") if str(one).isdecimal())
        if needed in ("any", "all"):
            steps.append(Step(named, everyone=needed == "all"))
    late, over_blackout = str(form.get("late", "")).strip(), form.get("over_blackout") == "yes"
    try:
        if late and not (late.isdecimal() and len(late) < 7):
            raise WrongState("How late is a number of minutes.", "late")
        with database.writing(found.engine) as session:
            categories.change(
                session,
                name,
                steps=steps,
                late=timedelta(minutes=int(late)) if late else None,
                over_blackout=over_blackout,
                person_id=who.id,
                now=clock.now(),
            )
    except WrongState as error:
        given = {"steps": steps, "late": late, "over_blackout": over_blackout}
        return _page(request, found, wrong=(f"kind-{name}", str(error)), given=given)
    return RedirectResponse("/planning?said=planned#h-kinds", 303)


def rule_of(repeat: str, first: datetime) -> str:
    """The rule of RFC 5545 for a choice of the form: of a day that not every month has, the last before it."""
    day = str(first.day)
    if first.day > SHORTEST:
        day = ",".join(str(one) for one in range(SHORTEST, first.day + 1)) + ";BYSETPOS=-1"
    leap = (first.month, first.day) == (2, 29)
    return {
        "DAILY": "FREQ=DAILY",
        "FORTNIGHTLY": f"FREQ=WEEKLY;INTERVAL=2;BYDAY={['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][first.weekday()]}",
        "MONTHLY": f"FREQ=MONTHLY;BYMONTHDAY={day}",
        "YEARLY": f"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY={day}" if leap else "FREQ=YEARLY",
    }.get(repeat, f"FREQ=WEEKLY;BYDAY={['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][first.weekday()]}")


def _page(
    request: Request, found: Desk, *, wrong: tuple[str, str] | None = None, given: Mapping[str, Any] | None = None
) -> Response:
    """`given`: what stands in the form that is `wrong`, so that nobody writes it twice."""
    zone, moment, _ = found.settings.department.zone, clock.now(), pages.words(request).gettext
    here = moment.astimezone(zone).replace(tzinfo=None)
    with database.reading(found.engine) as session:
        ours = accounts.connected(session)
        approvers = people.with_role(session, Role.APPROVER)
        running = [_series(session, one, here, _repeats(request)) for one in series.running(session)]
        loose = session.exec(
            select(Post)
            .where(
                col(Post.due_at).is_(None),
                col(Post.state).in_(PATTERNS),
                col(Post.reply_to_mention_id).is_(None),
                col(Post.series_id).is_(None),
            )
            .order_by(col(Post.updated_at).desc())
            .limit(50)
        ).all()
        patterns = {pattern.id for pattern, *_rest in running}
        silences = blackouts.coming(session, here.date())
        stopped = blackouts.stopped(session, moment)
        kinds = categories.rules(session)
        names = {people.known_id(person): person.name for person in session.exec(select(Person))}
        kept = slots.kept(session)
    return pages.render(
        request,
        "planning.html",
        status=200 if wrong is None else 422,
        accounts=ours,
        approvers=approvers,
        slots=[(account, [slot for slot in kept if slot.account_id == account.id]) for account in ours],
        weekdays=[_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")],
        series=running,
        patterns=PATTERNS,
        loose=[post for post in loose if post.id not in patterns],
        repeats=list(_repeats(request).items()),
        silences=silences,
        stopped=stopped,
        kinds=[(name, label, kinds[name]) for name, label in compose_page.categories(request)],
        names=names,
        late=found.settings.late_limit_minutes,
        wrong=wrong,
        given=given or {},
        zone=zone,
        zone_words=pages.zone_name(moment, zone, pages.language_of(request)),
    )


def _repeats(request: Request) -> dict[str, str]:
    _ = pages.words(request).gettext
    words = [_("every day"), _("every week"), _("every second week"), _("every month"), _("every year")]
    return dict(zip(REPEATS, words, strict=True))


def _series(
    session: Session, one: Series, here: datetime, repeats: Mapping[str, str]
) -> tuple[Post, Series, str, list[datetime], str]:
    """A pattern, its series, how often it comes (no words: by a rule of its own), the wall times that come next, and
    why there are none where its rule cannot be followed."""
    often = next((words for repeat, words in repeats.items() if rule_of(repeat, one.first) == one.rule), "")
    next_times, amiss = list[datetime](), ""
    try:
        next_times = list(islice(series.times(one.rule, one.first, here), SHOWN))
    except WrongState as error:
        amiss = str(error)
    return session.get_one(Post, one.post_id), one, often, next_times, amiss
