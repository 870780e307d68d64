"""Slots, series, days of silence and the rules of each kind of post, for programs."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NaiveDatetime
from sqlmodel import Session

from config import clock, database
from config.permissions import Action
from networks import accounts
from posts import blackouts, categories, series, slots
from posts.categories import Rules, Step
from web.desk import TheDesk
from web.drafting import Number
from web.fields import Id, clean
from web.guard import Who, needs

router = APIRouter()


class SlotIn(BaseModel):
    """A weekly time of an account: 0 is Monday, `at` is wall time in the department's zone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"account": 1, "weekday": 2, "at": "17:30"}]})

    account: Number
    weekday: Annotated[int, Field(ge=0, le=6)]
    at: time


class SlotOut(BaseModel):
    id: int
    account_id: int
    weekday: int
    at: time
    time_zone: str


class FreeOut(BaseModel):
    """The next free slot; none where no account has one."""

    wall_time: datetime | None
    time_zone: str | None


class SeriesIn(BaseModel):
    """A post without a time, as the pattern of a series. `rule` is RFC 5545's RRULE, daily at most; `first` is wall
    time in the department's zone."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"post": 12, "rule": "FREQ=WEEKLY;BYDAY=MO", "first": "2026-12-07T09:00"}]}
    )

    post: Number
    rule: Annotated[str, Field(max_length=200)]
    first: NaiveDatetime


class SeriesOut(BaseModel):
    id: int
    post_id: int
    rule: str
    first: datetime
    time_zone: str
    ended_at: datetime | None


class BlackoutIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"first_day": "2026-12-24", "last_day": "2026-12-25", "reason": "Christmas"}]}
    )

    first_day: date
    last_day: date
    reason: Annotated[str, AfterValidator(clean), Field(min_length=1, max_length=200)]


class BlackoutOut(BaseModel):
    id: int
    first_day: date
    last_day: date
    reason: str


class StepBody(BaseModel):
    """One step of approval: any one of `people` (none: of all approvers), or everyone of them."""

    people: Annotated[list[Number], Field(max_length=50)] = Field(default_factory=list)
    everyone: bool = False


class RulesBody(BaseModel):
    """What a kind of post asks for. `late_minutes` none: the installation's own limit."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"steps": [{"people": [3], "everyone": False}], "late_minutes": 60}]}
    )

    steps: Annotated[list[StepBody], Field(min_length=1, max_length=categories.MOST_STEPS)]
    late_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    over_blackout: bool = False


@router.get("/slots", dependencies=[needs(Action.READ_POSTS)])
def list_slots(found: TheDesk) -> list[SlotOut]:
    with database.reading(found.engine) as session:
        return [SlotOut.model_validate(slot, from_attributes=True) for slot in slots.kept(session)]


@router.post("/slots", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def add_slot(found: TheDesk, who: Who, given: SlotIn) -> SlotOut:
    """409 if the account has it already."""
    zone = found.settings.department.time_zone
    with database.writing(found.engine) as session:
        at = given.at.replace(tzinfo=None)
        made = slots.add(session, given.account, given.weekday, at, zone, who.id, clock.now())
        return SlotOut.model_validate(made, from_attributes=True)


@router.delete("/slots/{slot_id}", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def remove_slot(found: TheDesk, who: Who, slot_id: Id) -> None:
    with database.writing(found.engine) as session:
        slots.remove(session, slot_id, who.id, clock.now())


@router.get("/slots/next", dependencies=[needs(Action.READ_POSTS)])
def next_slot(
    found: TheDesk, account: Annotated[list[Number] | None, Query(max_length=100)] = None, category: str = "general"
) -> FreeOut:
    """The next slot of any of these accounts (none named: of all) at which none of them speaks yet."""
    with database.reading(found.engine) as session:
        asked = account or [one.id or 0 for one in accounts.connected(session)]
        free = slots.next_free(session, asked, clock.now(), category)
    return FreeOut(wall_time=free[0] if free else None, time_zone=free[1] if free else None)


@router.get("/series", dependencies=[needs(Action.READ_POSTS)])
def list_series(found: TheDesk) -> list[SeriesOut]:
    with database.reading(found.engine) as session:
        return [SeriesOut.model_validate(one, from_attributes=True) for one in series.running(session)]


@router.post("/series", status_code=201, dependencies=[needs(Action.WRITE_POSTS)])
def begin_series(found: TheDesk, who: Who, given: SeriesIn) -> SeriesOut:
    """409 for a rule that cannot be read, and for a post that has a time."""
    zone, moment = found.settings.department.time_zone, clock.now()
    series.check(given.rule, given.first, moment)
    with database.writing(found.engine) as session:
        made = series.begin(session, given.post, given.rule, given.first, zone, who.id, moment)
        series.extend(session, made, moment)
        return SeriesOut.model_validate(made, from_attributes=True)


@router.post("/series/{series_id}/end", status_code=204, dependencies=[needs(Action.WRITE_POSTS)])
def end_series(found: TheDesk, who: Who, series_id: Id) -> None:
    with database.writing(found.engine) as session:
        series.end(session, series_id, who.id, clock.now())


@router.get("/blackouts", dependencies=[needs(Action.READ_POSTS)])
def list_blackouts(found: TheDesk) -> list[BlackoutOut]:
    """Those that are not over."""
    today = clock.now().astimezone(found.settings.department.zone).date()
    with database.reading(found.engine) as session:
        return [BlackoutOut.model_validate(one, from_attributes=True) for one in blackouts.coming(session, today)]


@router.post("/blackouts", status_code=201, dependencies=[needs(Action.PLACE_HOLD)])
def place_blackout(found: TheDesk, who: Who, given: BlackoutIn) -> BlackoutOut:
    with database.writing(found.engine) as session:
        made = blackouts.place(session, given.first_day, given.last_day, given.reason, who.id, clock.now())
        return BlackoutOut.model_validate(made, from_attributes=True)


@router.delete("/blackouts/{blackout_id}", status_code=204, dependencies=[needs(Action.LIFT_HOLD)])
def lift_blackout(found: TheDesk, who: Who, blackout_id: Id) -> None:
    with database.writing(found.engine) as session:
        blackouts.lift(session, blackout_id, who.id, clock.now())


@router.get("/categories", dependencies=[needs(Action.READ_POSTS)])
def list_categories(found: TheDesk) -> dict[str, RulesBody]:
    with database.reading(found.engine) as session:
        return {name: _shown(rules) for name, rules in categories.rules(session).items()}


@router.put("/categories/{name}", dependencies=[needs(Action.MANAGE)])
def change_category(found: TheDesk, who: Who, name: str, given: RulesBody) -> RulesBody:
    """Holds for what is handed in from now on; approvals that were given stand."""
    with database.writing(found.engine) as session:
        return _shown(_changed(session, name, given, who.id))


def _changed(session: Session, name: str, given: RulesBody, person_id: int) -> Rules:
    return categories.change(
        session,
        name,
        steps=[Step(tuple(step.people), step.everyone) for step in given.steps],
        late=None if given.late_minutes is None else timedelta(minutes=given.late_minutes),
        over_blackout=given.over_blackout,
        person_id=person_id,
        now=clock.now(),
    )


def _shown(rules: Rules) -> RulesBody:
    return RulesBody(
        steps=[StepBody(people=list(step.people), everyone=step.everyone) for step in rules.steps],
        late_minutes=None if rules.late is None else int(rules.late / timedelta(minutes=1)),
        over_blackout=rules.over_blackout,
    )
