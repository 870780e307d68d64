"""Our own lists as CSV files, as a spreadsheet takes them."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from fastapi import Response

from config import audit, clock, database
from scheduler import report_files
from web.desk import Desk
from web.guard import Visitor

_ALL: Mapping[str, str] = MappingProxyType({})


def handed_out(
    found: Desk,
    who: Visitor,
    name: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    asked: Mapping[str, str] = _ALL,
) -> Response:
    """The list `name` as a file; who took it, and by which filters, stands in the audit log."""
    filters = {key: value for key, value in asked.items() if value}
    with database.writing(found.engine) as session:
        audit.record(session, clock.now(), who.id, "list.export", f"list:{name}", filters, who.address)
    return sheet(f"liaison-{name}", heads, rows)


def sheet(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download called `name`.csv. A cell that a spreadsheet would work out as a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    for row in rows:
        writer.writerow(report_files.as_cell(value) if isinstance(value, str) else value for value in row)
    told = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=told)
