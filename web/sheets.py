"""Our own lists as CSV files, as a spreadsheet takes them."""

import csv
import io
from collections.abc import Iterable, Sequence

from fastapi import Response

from scheduler import report_files


def sheet(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download called `name`.csv. A cell that a spreadsheet would work out as a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    for row in rows:
        writer.writerow(report_files.as_cell(value) if isinstance(value, str) else value for value in row)
    told = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=told)
