"""A report as files: CSV and XLSX (pandas), PDF (Typst, tagged for screen readers: PDF/UA-1).

Cells never become formulas, whatever a place or an alert is called (OWASP, CSV injection)."""

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst

from config.translations import translate
from sentiment import charts
from sentiment import report as words
from sentiment.report import Report

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "report_templates"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def frame(made: Report) -> "pd.DataFrame":
    """One line a figure; shares are 0 to 1, days are ISO 8601."""
    import pandas as pd  # half a second of every start, for a file now and then

    return pd.DataFrame(
        [
            {
                "section": as_cell(row.section),
                "figure": as_cell(row.name),
                "unit": row.unit,
                "value": row.value,
                "low_90": row.low,
                "high_90": row.high,
                "usual": row.usual,
                "n": row.n,
                "first_day": row.first.isoformat(),
                "last_day": row.last.isoformat(),
                "change": as_cell(row.change),
                "made_by": row.made_by,
                "note": row.note,
            }
            for row in made.rows
        ]
    )


def queries(made: Report) -> "pd.DataFrame":
    """The queries behind the figures; `part` is what a figure's `made_by` names."""
    import pandas as pd

    return pd.DataFrame(
        [{"part": one.part, "sql": as_cell(one.sql), "parameters": as_cell(one.parameters)} for one in made.statements],
        columns=["part", "sql", "parameters"],
    )


def as_csv(made: Report) -> bytes:
    """The figures; UTF-8 with a byte order mark, which spreadsheets need."""
    return frame(made).to_csv(index=False).encode("utf-8-sig")


def as_xlsx(made: Report) -> bytes:
    """Two sheets: the figures and the queries."""
    import pandas as pd

    into = BytesIO()
    options = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    with pd.ExcelWriter(into, engine="xlsxwriter", engine_kwargs=options) as book:
        frame(made).to_excel(book, sheet_name="Figures", index=False)
        queries(made).to_excel(book, sheet_name="Queries", index=False)
    return into.getvalue()


def as_pdf(made: Report) -> bytes:
    """The report to print or to send on. Words of people are data to the template, never part of it."""
    _ = translate(made.language).gettext
    chart = charts.trend(made.trend, charts.MAIL, made.language) if made.trend is not None else None
    data = {
        "language": made.language,
        "department": made.department,
        "title": made.title,
        "covers": made.covers,
        "made": made.made,
        "headline": made.headline,
        "baseline": made.baseline,
        "chart": chart.alt if chart is not None else "",
        "heads": [_("Figure"), _("Value"), _("90% interval"), _("Usual"), _("n"), _("Change")],
        "sections": [
            {
                "name": name,
                "rows": [[row.name, *words.words(row, made.language), _n(row.n), row.change] for row in rows],
            }
            for name, rows in made.sections()
        ],
        "note": _(
            "Figures describe the tone of public posts. They are not a poll of residents. Intervals are 90%%; each "
            "author counts once; nobody is named."
        ).replace("%%", "%"),
        "traced": _("The queries behind each figure are in the spreadsheet of this report."),
    }
    files: Any = {  # the stubs do not know yet that a template and its data may be given by name
        "main.typ": (FOLDER / "report.typ").read_bytes(),
        "report.json": json.dumps(data, ensure_ascii=False).encode(),
        "chart.svg": chart.coloured("light").encode() if chart is not None else b"<svg/>",
    }
    return bytes(typst.compile(files, format="pdf", pdf_standards="ua-1", timestamp=int(made.at.timestamp())))


def _n(number: int | None) -> str:
    return "–" if number is None else str(number)


def as_cell(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
