"""Alembic's entry: runs on the connection that config.database.migrate hands over."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from config.database import UtcDateTime


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Migrations name plain SQLAlchemy types, so that an old one never depends on today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def _same_type(_context: Any, _inspected: Any, _meta: Any, inspected_type: Any, meta_type: Any) -> bool | None:
    return False if isinstance(meta_type, UtcDateTime) and isinstance(inspected_type, sa.DateTime) else None


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_item=render,
    compare_type=_same_type,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
