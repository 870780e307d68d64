"""What one gets by mail, when and about what, for programs: one's own."""

from datetime import time
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from config import database, mail_preferences
from config.permissions import Action
from config.tables import MailPreference, Person
from web import deliveries as room
from web.desk import TheDesk
from web.drafting import Number
from web.guard import Who, needs
from web.problems import Trouble

router = APIRouter(prefix="/deliveries", dependencies=[needs(Action.OWN_ACCOUNT)])


class DeliveriesBody(BaseModel):
    """`daily_at`: the hour of the daily digest; `weekly_on`: the day of the weekly one, 0 is Monday; null: not at all.
    About `concerns` and `places`, empty: all. `alerts` at once; null: as one's roles say. Times are those of the
    person's zone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"daily_at": 7, "weekly_on": 0, "monthly": True, "concerns": ["traffic_safety"], "places": [],
                 "alerts": True, "quiet_from": "22:00", "quiet_until": "06:30"}
            ]
        }
    )  # fmt: skip

    daily_at: Annotated[int, Field(ge=0, le=23)] | None = None
    weekly_on: Annotated[int, Field(ge=0, le=6)] | None = None
    monthly: bool = False
    concerns: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] = Field(default_factory=list)
    places: Annotated[list[Number], Field(max_length=1000)] = Field(default_factory=list)
    alerts: bool | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None


@router.get("")
def read_deliveries(found: TheDesk, who: Who) -> DeliveriesBody:
    """What one gets."""
    with database.reading(found.engine) as session:
        kept, person = mail_preferences.of(session, who.id), session.get_one(Person, who.id)
    return _shown(kept, person.digest_hour)


@router.put("")
def save_deliveries(found: TheDesk, who: Who, given: DeliveriesBody) -> DeliveriesBody:
    """All of it anew; concerns and places that are none are left out. 422 for quiet hours with one end."""
    if (given.quiet_from is None) != (given.quiet_until is None):
        raise Trouble(422, "Quiet hours need both a beginning and an end", "Nothing was changed.")
    room.kept(
        found,
        who,
        room.Chosen(
            daily_at=given.daily_at,
            weekly_on=given.weekly_on,
            monthly=given.monthly,
            concerns=tuple(given.concerns),
            places=tuple(given.places),
            alerts=given.alerts,
            quiet_from=_minute(given.quiet_from),
            quiet_until=_minute(given.quiet_until),
        ),
    )
    return read_deliveries(found, who)


def _shown(kept: MailPreference, daily_at: int | None) -> DeliveriesBody:
    return DeliveriesBody(
        daily_at=daily_at,
        weekly_on=kept.weekly_on,
        monthly=kept.monthly,
        concerns=kept.concerns,
        places=kept.places,
        alerts=kept.alerts,
        quiet_from=_time(kept.quiet_from),
        quiet_until=_time(kept.quiet_until),
    )


def _minute(at: time | None) -> int | None:
    return None if at is None else at.hour * 60 + at.minute


def _time(minute: int | None) -> time | None:
    return None if minute is None else time(minute // 60, minute % 60)
