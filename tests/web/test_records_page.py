"""Records: holds placed and lifted on the page; the audit log for auditors, each look an entry."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlmodel import select

from config import database, legal_holds
from config.permissions import Role
from config.tables import AuditEntry
from tests.web.browsing import Browser, send


def test_a_hold_is_placed_and_lifted_on_the_page_with_reasons(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    fields = {"kind": "period", "first_day": "2026-11-01", "last_day": "2026-11-07", "reason": "Request 26-9"}
    placed = send(sam, "/records/holds", page="/records", **fields)
    assert (placed.status_code, placed.headers["location"]) == (303, "/records?said=legal-hold-placed")
    with database.reading(sqlite_engine) as session:
        (hold,) = legal_holds.in_force(session)
        period = [moment.isoformat() for moment in (hold.starts_at, hold.ends_at) if moment is not None]
    assert period == ["2026-11-01T04:00:00+00:00", "2026-11-08T05:00:00+00:00"]  # New York, across the DST change
    assert "Request 26-9" in sam.get("/records").text
    assert send(sam, f"/records/holds/{hold.id}/lift", page="/records", why=" ").status_code == 422
    assert send(sam, f"/records/holds/{hold.id}/lift", page="/records", why="Settled").status_code == 303
    assert send(sam, f"/records/holds/{hold.id}/lift", page="/records", why="Settled").status_code == 404
    with database.reading(sqlite_engine) as session:
        assert legal_holds.in_force(session) == []


def test_a_hold_on_nothing_is_refused_in_words(browser_of: Callable[..., Browser]) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    for fields in ({"kind": "post", "number": "9"}, {"kind": "post"}, {"kind": "period", "first_day": "x"}):
        refused = send(sam, "/records/holds", page="/records", reason="why", **fields)
        assert refused.status_code == 422


def test_an_auditor_reads_the_log_and_that_is_an_entry_too(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    send(browser_of("Sam", Role.ADMINISTRATOR), "/records/holds", page="/records", kind="post", reason="x", number="1")
    una = browser_of("Una", Role.AUDITOR)
    assert una.get("/records/log").status_code == 200
    again = una.get("/records/log?action=log.read")
    assert "log.read" in again.text and "Una" in again.text
    with database.reading(sqlite_engine) as session:
        told = session.exec(select(AuditEntry.detail).where(AuditEntry.action == "log.read")).all()
    assert told == [{"action": "", "before": None}, {"action": "log.read", "before": None}]
