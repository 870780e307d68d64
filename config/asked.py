"""Notes the queries that a session asks, by what they are asked for: so that a figure can be traced to its query."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session


@dataclass
class Asked:
    """What was asked so far: (part, SQL, parameters). Set `part` before asking."""

    part: str = ""
    found: list[tuple[str, str, str]] = field(default_factory=list)


@contextmanager
def noted(session: Session) -> Iterator[Asked]:
    """Within the block every query of this session's connection is noted."""
    asked, connection = Asked(), session.connection()

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.found.append((asked.part, " ".join(statement.split()), _shown(parameters)))

    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)


def _shown(parameters: Any) -> str:
    values = parameters.items() if isinstance(parameters, dict) else enumerate(parameters, 1)
    return ", ".join(f"{name}={value!r}" for name, value in values)
