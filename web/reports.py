"""The weekly and monthly report: a page to read and print, and the same as PDF, CSV and XLSX. Each figure names the
queries it was made by; they stand at the end of the page."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from config import audit, clock, database
from config.permissions import Action
from scheduler import report_files
from scheduler.jobs import reports
from sentiment import charts, wording
from sentiment import report as words
from sentiment.editions import Edition
from sentiment.report import Report
from web import downloads, pages
from web.desk import Desk, TheDesk
from web.guard import Visitor, Who, needs
from web.problems import Trouble

router = APIRouter(dependencies=[needs(Action.READ_FIGURES)])
FORMS: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "pdf": ("application/pdf", report_files.as_pdf),
    "csv": ("text/csv; charset=utf-8", report_files.as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", report_files.as_xlsx),
}


@router.get("/reports")
def newest(request: Request, found: TheDesk, who: Who) -> Response:
    """The weekly report."""
    return page(request, found, who, Edition.WEEKLY)


@router.get("/reports/{edition}")
def page(request: Request, found: TheDesk, who: Who, edition: Edition) -> Response:
    """A report as a page."""
    made = gathered(found, who, edition)
    chart, phone = (
        charts.trend(made.trend, size, made.language) if made.trend is not None else None
        for size in (charts.PAGE, charts.PHONE)
    )
    _ = pages.words(request).gettext
    parts = {
        "figures": _("the figures of posts"),
        "alerts": _("the alerts"),
        "published": _("what was published"),
        "answered": _("what was answered"),
        "mix": _("the mix of posts"),
        "reach": _("the reach"),
        "unheard": _("who was hardly heard"),
    }
    return pages.render(
        request,
        "report.html",
        report=made,
        parts=parts,
        edition=edition.value,
        chart=chart,
        phone=phone,
        said_of=lambda row: words.words(row, made.language),
        grouped=words.grouped,
        days=lambda row: wording.days(row.first, row.last, made.language),
    )


@router.get("/reports/{edition}/report.{form}")
def file(
    found: TheDesk, who: Who, edition: Edition, form: Annotated[str, Path(max_length=5)], there: downloads.There = ""
) -> Response:
    """A report as a file."""
    if form not in FORMS:
        raise Trouble(404, "A report has no such form", "There are PDF, CSV and XLSX.")
    kind, write = FORMS[form]
    content = write(gathered(found, who, edition))
    moment = clock.now()
    with database.writing(found.engine) as session:
        audit.record(session, moment, who.id, "report.export", f"report:{edition}", {"form": form}, who.address)
    name = f"liaison-{edition}-{moment.astimezone(found.settings.department.zone).date().isoformat()}.{form}"
    made = Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
    return downloads.there(made, there, found)


def gathered(found: Desk, who: Visitor, edition: Edition) -> Report:
    """The report as it stands now. Raises Trouble for a daily one."""
    if edition is Edition.DAILY:
        raise Trouble(404, "There is no daily report", "The digest is the daily one.", "Choose the week or the month.")
    return reports.gather(found.engine, found.settings, who.person, edition, clock.now())
