"""The weekly and the monthly report for programs: its figures with what stands behind each. As PDF, CSV and XLSX it
comes from the page's own addresses."""

from datetime import date
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from config.permissions import Action
from sentiment.editions import Edition
from web import reports as room
from web.desk import TheDesk
from web.guard import Who, needs

router = APIRouter(prefix="/reports")


class RowOut(BaseModel):
    """A figure. `value`, `low`, `high` (90%) and `usual` are shares, 0 to 1, or counts, none where too few stand behind
    them; `n` is authors, or posts where `unit` is posts."""

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


@router.get("/{edition}", dependencies=[needs(Action.READ_FIGURES)])
def read_report(found: TheDesk, who: Who, edition: Literal["weekly", "monthly"]) -> ReportOut:
    """The report of the last 7 whole days, or of the month before this one."""
    return ReportOut.model_validate(room.gathered(found, who, Edition(edition)), from_attributes=True)
