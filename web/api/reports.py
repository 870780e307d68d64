"""The weekly and the monthly report for programs: its figures with what stands behind each. As PDF, CSV and XLSX it
comes from the page's own addresses."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from config import clock, database
from config.permissions import Action
from posts import reach
from sentiment.editions import Edition
from web import reports as room
from web.desk import TheDesk
from web.guard import Who, needs

router = APIRouter(prefix="/reports")


class RowOut(BaseModel):
    """A figure. `value`, `low`, `high` (90%) and `usual` are shares, 0 to 1, or counts, none where too few stand behind
    them; `n` is authors, or posts where `unit` is posts or what networks count of ours. `note`: why there is none."""

    model_config = ConfigDict(from_attributes=True)

    section: str
    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    usual: float | None
    n: int | None
    first: date
    last: date
    change: str
    note: str


class CountOut(BaseModel):
    """A sum, and over how many posts: those of which the network gives it."""

    sum: int
    posts: int


class ReachSumOut(BaseModel):
    """How our posts of one network or kind fared, by what was told of each last. A post counts once on each account;
    `read`: of so many something was told; a count that no network gives is none, never 0."""

    name: str
    posts: int
    read: int
    views: CountOut | None
    likes: CountOut | None
    reposts: CountOut | None
    replies: CountOut | None


class ReachOut(BaseModel):
    """Of posts that went out since `since`. Counts alone, never who saw, liked or answered."""

    since: datetime
    networks: list[ReachSumOut]
    kinds: list[ReachSumOut]


class ReportOut(BaseModel):
    """A report, in the words of the language of who asks. `unheard`: whom the desk hears less of than there are."""

    model_config = ConfigDict(from_attributes=True)

    title: str
    covers: str
    headline: str
    lead: str
    baseline: str
    language: str
    rows: list[RowOut]
    alerts: list[str]
    unheard: list[str]


@router.get("/reach", dependencies=[needs(Action.READ_FIGURES)])
def read_reach(found: TheDesk, days: Annotated[int, Query(ge=1, le=366)] = 28) -> ReachOut:
    """How what went out in these days fared, by network and by kind of post."""
    now = clock.now()
    with database.reading(found.engine) as session:
        told = reach.sums(session, now - timedelta(days=days), now)
    return ReachOut(
        since=now - timedelta(days=days),
        networks=[_sum(one) for one in told.networks],
        kinds=[_sum(one) for one in told.kinds],
    )


def _sum(one: reach.Sum) -> ReachSumOut:
    counts = {
        name: CountOut(sum=given[0], posts=given[1]) if given is not None else None
        for name, given in one.counts.items()
    }
    return ReachSumOut(name=one.name, posts=one.posts, read=one.read, **counts)


@router.get("/{edition}", dependencies=[needs(Action.READ_FIGURES)])
def read_report(found: TheDesk, who: Who, edition: Literal["weekly", "monthly"]) -> ReportOut:
    """The report of the last 7 whole days, or of the month before this one."""
    return ReportOut.model_validate(room.gathered(found, who, Edition(edition)), from_attributes=True)
