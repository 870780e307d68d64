"""Records: holds placed and lifted on the page; the audit log for auditors, each look an entry."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import bagit
import sqlalchemy as sa
from sqlmodel import Session, select

from config import audit, clock, database, legal_holds, people
from config.permissions import Role
from config.tables import AuditEntry, LegalHold, Person
from posts import drafts
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


def test_days_that_no_calendar_here_can_tell_are_refused_in_words(browser_of: Callable[..., Browser]) -> None:
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    for first, last in (("0001-01-01", "2026-11-01"), ("2026-11-01", "9999-12-31")):
        refused = send(
            sam, "/records/holds", page="/records", kind="period", reason="All", first_day=first, last_day=last
        )
        assert (refused.status_code, "between the years 1900 and 2200" in refused.text) == (422, True)


def test_the_first_and_the_last_year_are_whole(browser_of: Callable[..., Browser]) -> None:
    days = {"first_day": "1900-01-01", "last_day": "2200-12-31"}
    sam = browser_of("Sam", Role.ADMINISTRATOR)
    assert send(sam, "/records/holds", page="/records", kind="period", reason="All", **days).status_code == 303
    assert sam.get("/records").status_code == 200


def test_the_page_stands_with_a_hold_from_the_beginning_of_all_calendars(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    """Such holds were placed before they were refused."""
    ends = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC))
    with database.writing(sqlite_engine) as session:
        session.add(
            LegalHold(kind="period", starts_at=ends[0], ends_at=ends[1], reason="From ever", placed_at=clock.now())
        )
    page = browser_of("Sam", Role.ADMINISTRATOR).get("/records")
    assert (page.status_code, "From ever" in page.text) == (200, True)


def test_the_log_is_written_in_words_and_not_in_a_programs_notation(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    una = browser_of("Una", Role.AUDITOR)
    with database.writing(sqlite_engine) as session:
        detail = {"roles": ["auditor", "officer"], "concerns": [], "by": {"mail": True, "link": False}, "n": 0}
        audit.record(session, clock.now(), None, "person.roles", "person:1", detail)
    page = unescape(una.get("/records/log").text)
    assert "roles: auditor, officer · concerns: none · by: mail yes, link no · n: 0<" in page


def test_a_log_that_was_empty_at_its_walk_is_not_said_to_hold_0_entries(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser]
) -> None:
    with database.writing(sqlite_engine) as session:
        walked = {"sealed": 0, "head": "", "wrong": 0}
        audit.record(session, clock.now(), None, "records.verify", "audit", walked)
    page = browser_of("Sam", Role.ADMINISTRATOR).get("/records").text
    assert "The audit log held nothing yet when its chain was walked" in page
    assert "0 entries" not in page


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


def test_the_records_are_taken_from_the_page_whole_or_one_post_and_that_is_an_entry(
    sqlite_engine: sa.Engine, browser_of: Callable[..., Browser], tmp_path: Path
) -> None:
    with database.writing(sqlite_engine) as session:
        ada = people.known_id(_ada(session))
        first, second = (drafts.create(session, ada, f"Cones on Elm {n}", [], clock.now()).id for n in (1, 2))
    una = browser_of("Una", Role.AUDITOR)
    whole, one = una.get("/records/export"), una.get(f"/records/export?post={second}")
    for answer, name, posts in ((whole, "whole", {first, second}), (one, "one", {second})):
        assert answer.headers["content-disposition"].endswith('.zip"')
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            packed.extractall(tmp_path / name)
        bag = tmp_path / name / "records"
        assert bagit.Bag(str(bag)).is_valid()
        assert {int(file.stem) for file in (bag / "data" / "posts").glob("*.html")} == posts
    log = (tmp_path / "one/records/data/audit.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["entry"]["subject"] for line in log} == {f"post:{second}"}
    assert not (tmp_path / "one/records/data/people.json").exists()
    assert una.get("/records/export?post=999").status_code == 404
    with database.reading(sqlite_engine) as session:
        taken = session.exec(select(AuditEntry.subject).where(AuditEntry.action == "records.export")).all()
    assert taken == ["records", f"post:{second}"]


def _ada(session: Session) -> Person:
    return people.add_person(
        session, name="Ada", email="ada@riverton.example", password=None, roles=[Role.OFFICER], time_zone="UTC",
        now=clock.now(),
    )  # fmt: skip
