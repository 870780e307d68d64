"""From a SQLite file to PostgreSQL: every row of every room, in one transaction on the new side. Broken off at any
point, the new database is as empty as before and the file untouched: begin again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col

import listeners.tables
import networks.tables
import posts.tables
import scheduler.tables
import sentiment.tables
from config import database
from config.tables import KeyMark

BATCH = 1000  # rows in one go
_ROOMS = (listeners.tables, networks.tables, posts.tables, scheduler.tables, sentiment.tables)  # all tables there are
_ALEMBIC = "alembic_version"


class NotMoved(Exception):
    """Nothing was moved; the message says why and what to do."""


@dataclass(frozen=True)
class Moved:
    """One table that was moved, its rows counted on both sides."""

    table: str
    rows: int


def move(old: sa.Engine, new: sa.Engine, progress: Callable[[int], None] = lambda number: None) -> list[Moved]:
    """Brings every row from `old` (SQLite) to `new` (PostgreSQL), both migrated. Nobody writes to `old` meanwhile.
    Raises NotMoved."""
    if (old.dialect.name, new.dialect.name) != ("sqlite", "postgresql"):
        raise NotMoved(
            "a move goes from SQLite to PostgreSQL; between two PostgreSQL servers, backup and restore do it"
        )
    tables = SQLModel.metadata.sorted_tables
    unknown = set(sa.inspect(old).get_table_names()) - {table.name for table in tables} - {_ALEMBIC}
    if unknown:
        raise NotMoved(f"the file holds tables that are not Liaison's: {', '.join(sorted(unknown))}")
    if database.revision(old) != database.revision(new):
        raise NotMoved("the two have different schemas: run the newest Liaison on both")
    with old.execution_options(writes=True).connect() as here, here.begin(), new.begin() as there:
        there.execute(sa.delete(KeyMark))  # a command that only looked has made one
        full = [table.name for table in tables if there.execute(sa.select(sa.exists().select_from(table))).scalar()]
        if full:
            raise NotMoved(f"the new database is not empty ({', '.join(full[:3])}); name an empty one")
        with _references_later(there):
            for table in tables:
                for rows in _rows(here, table):
                    there.execute(sa.insert(table), rows)
                    progress(len(rows))
        moved = [_checked(here, there, table) for table in tables]
        for table in tables:
            _numbers_go_on(there, table)
    return moved


def rows_of(old: sa.Engine) -> int:
    """How many rows there are to move."""
    with old.connect() as here:
        return sum(_count(here, table) for table in SQLModel.metadata.sorted_tables)


def _rows(here: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    found = here.execute(sa.select(table), execution_options={"yield_per": BATCH})
    for some in found.mappings().partitions(BATCH):
        yield [dict(row) for row in some]


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _checked(here: sa.Connection, there: sa.Connection, table: sa.Table) -> Moved:
    before, after = _count(here, table), _count(there, table)
    if before != after:
        raise NotMoved(f"{table.name}: {before} rows, but {after} of them arrived")
    return Moved(table.name, after)


@contextmanager
def _references_later(there: sa.Connection) -> Iterator[None]:
    """Within, a row may come before the one that it refers to; at the end every reference is looked at."""
    known = sa.inspect(there)
    quoted = there.dialect.identifier_preparer.quote
    references: Sequence[tuple[str, str]] = [
        (quoted(table), quoted(str(key["name"])))
        for table in known.get_table_names()
        for key in known.get_foreign_keys(table)
    ]
    for table, name in references:
        there.exec_driver_sql(f"ALTER TABLE {table} ALTER CONSTRAINT {name} DEFERRABLE INITIALLY DEFERRED")
    yield
    there.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name in references:
        there.exec_driver_sql(f"ALTER TABLE {table} ALTER CONSTRAINT {name} NOT DEFERRABLE")


def _numbers_go_on(there: sa.Connection, table: sa.Table) -> None:
    """New rows get numbers after the ones that came."""
    column = table.autoincrement_column
    if column is None:
        return
    there.execute(
        sa.text("SELECT setval(pg_get_serial_sequence(:table, :column), :last) WHERE :last IS NOT NULL"),
        {
            "table": there.dialect.identifier_preparer.quote(table.name),
            "column": column.name,
            "last": _last(there, table, column),
        },
    )


def _last(there: sa.Connection, table: sa.Table, column: sa.Column[Any]) -> int | None:
    """The last number that a table gave, as far as it is known; of mentions also where that one is gone."""
    known: list[int | None] = [there.execute(sa.select(sa.func.max(column))).scalar()]
    if table.name == "mention":
        known.append(there.execute(sa.select(col(listeners.tables.MentionNumber.last))).scalar())
    return max((number for number in known if number is not None), default=None)
