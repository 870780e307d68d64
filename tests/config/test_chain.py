"""The audit log's chain: what was changed is found, and where."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlmodel import col, select

from config import audit, backup, chain, database, secrets
from config.secrets import Keys
from config.tables import AuditEntry, AuditSeal, Person

FREE_SQLITE = tuple(
    f"DROP TRIGGER {table}_no_{what}" for table in ("audit_entry", "audit_seal") for what in ("update", "delete")
)


def log(engine: sa.Engine, keys: Keys, now: datetime, entries: int = 9) -> None:
    """So many entries, sealed in two goes."""
    for number in range(1, entries + 1):
        with database.writing(engine) as session:
            audit.record(session, now, None, "post.approve", f"post:{number}", {"why": f"Örtliche Nº {number}"}, "::1")
        if number in (entries // 2, entries):
            with database.writing(engine) as session:
                chain.seal(session, keys)


def tampered(engine: sa.Engine, statement: str) -> None:
    """What somebody does who holds the store's file: the triggers are no obstacle to them."""
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for drop in FREE_SQLITE:
            connection.exec_driver_sql(drop)
        connection.exec_driver_sql(statement)


def looked_at(engine: sa.Engine, keys: Keys, head: str = "") -> list[tuple[int | None, int | None, str]]:
    with database.reading(engine) as session:
        return [(one.position, one.entry_id, one.words) for one in chain.verify(session, keys, head).wrong]


def test_a_log_that_nobody_touched_holds_on_both_databases(engine: sa.Engine, keys: Keys, now: datetime) -> None:
    log(engine, keys, now)
    with database.reading(engine) as session:
        verdict = chain.verify(session, keys)
    assert (verdict.sealed, verdict.unsealed, verdict.wrong) == (9, 0, [])
    assert looked_at(engine, keys, verdict.head) == []


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}"])
def test_the_store_itself_refuses_to_change_or_to_forget(
    engine: sa.Engine, keys: Keys, now: datetime, table: str, statement: str
) -> None:
    log(engine, keys, now, 2)
    set_one = "action = 'x'" if table == "audit_entry" else "hash = mark"
    with (
        pytest.raises(sa.exc.DatabaseError, match="only added to"),
        engine.execution_options(writes=True).begin() as open_one,
    ):
        open_one.exec_driver_sql(statement.format(table, set_one))


@pytest.mark.parametrize(
    "change",
    [
        "action = 'post.appr0ve'",
        "subject = 'post:6'",
        "at = '2026-11-24 13:10:00.000001'",
        "address = ''",
        "person_id = 1",
        "detail = replace(detail, ' 5', ' 6')",
    ],
)
def test_one_byte_of_an_entry_changed_is_found_at_its_place_and_nowhere_else(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime, person: Callable[..., Person], change: str
) -> None:
    with database.writing(sqlite_engine) as session:
        person(session, "Ada")
    log(sqlite_engine, keys, now)
    tampered(sqlite_engine, f"UPDATE audit_entry SET {change} WHERE id = 5")
    assert looked_at(sqlite_engine, keys) == [(5, 5, "the entry was changed since it was sealed")]


def test_an_entry_taken_out_and_a_seal_that_was_changed_are_found(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime
) -> None:
    log(sqlite_engine, keys, now)
    tampered(sqlite_engine, "UPDATE audit_seal SET hash = zeroblob(32) WHERE position = 3")
    assert looked_at(sqlite_engine, keys) == [(3, 3, "the seal was changed, or made with another secret key")]


def test_a_chain_made_anew_without_the_secret_key_is_found(sqlite_engine: sa.Engine, keys: Keys, now: datetime) -> None:
    log(sqlite_engine, secrets.derive("the thief's own key"), now, 2)
    assert [found[0] for found in looked_at(sqlite_engine, keys)] == [1, 2]


def test_links_taken_out_of_the_middle_and_off_the_end_are_found(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime
) -> None:
    log(sqlite_engine, keys, now)
    with database.reading(sqlite_engine) as session:
        head = chain.verify(session, keys).head
    tampered(sqlite_engine, "DELETE FROM audit_seal WHERE position IN (4, 9)")
    assert looked_at(sqlite_engine, keys, head) == [
        (4, None, "a seal is gone before position 5"),
        (None, None, "the end that was noted earlier is not in the chain: the log was cut short"),
    ]


def made_lost(engine: sa.Engine, keys: Keys, now: datetime, entries: int = 9) -> None:
    """A log sealed with a key that was then lost for good, and as many entries since."""
    log(engine, secrets.derive("a key that is lost"), now, entries)
    with database.writing(engine) as session:
        audit.record(session, now, None, chain.LOST, "secret_key", chain.lost(session, keys))
    log(engine, keys, now, entries)


def test_seals_of_a_key_that_was_given_up_hold_by_their_hashes_and_are_counted_apart(
    engine: sa.Engine, keys: Keys, now: datetime
) -> None:
    made_lost(engine, keys, now)
    with database.reading(engine) as session:
        verdict = chain.verify(session, keys)
    assert (verdict.sealed, verdict.of_lost_key, verdict.wrong) == (19, 9, [])


EITHER = "the entry or its seal was changed"
ANEW = "the chain up to here is not the one that was there when its secret key was lost"
CUT = "the end that was noted earlier is not in the chain: the log was cut short"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_entry SET action = 'x' WHERE id = 5", [(5, 5, EITHER)]),
        ("UPDATE audit_entry SET action = 'x' WHERE id IN (5, 6, 9)", [(5, 5, EITHER), (6, 6, EITHER), (9, 9, EITHER)]),
        ("UPDATE audit_seal SET hash = zeroblob(32) WHERE position = 5", [(5, 5, EITHER)]),
        ("UPDATE audit_seal SET hash = zeroblob(32) WHERE position IN (5, 6)", [(5, 5, EITHER), (6, 6, EITHER)]),
        ("UPDATE audit_seal SET hash = zeroblob(32) WHERE position = 9", [(9, 9, EITHER)]),
        ("UPDATE audit_entry SET action = 'x' WHERE id = 11", [(11, 11, "the entry was changed since it was sealed")]),
        ("DELETE FROM audit_seal WHERE position = 5", [(5, None, "a seal is gone before position 6")]),
        ("DELETE FROM audit_seal WHERE position = 9", [(9, None, "a seal is gone before position 10")]),
        ("DELETE FROM audit_seal WHERE position > 8", [(None, None, CUT)]),
    ],
)
def test_what_was_changed_under_a_lost_key_is_found_at_its_place(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime, statement: str, found: list[tuple[int | None, int | None, str]]
) -> None:
    made_lost(sqlite_engine, keys, now)
    tampered(sqlite_engine, statement)
    assert looked_at(sqlite_engine, keys) == found


def test_a_chain_made_anew_up_to_the_end_of_a_lost_key_is_found(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime
) -> None:
    made_lost(sqlite_engine, keys, now)
    tampered(sqlite_engine, "UPDATE audit_entry SET action = 'x' WHERE id = 5")
    with database.writing(sqlite_engine) as session:
        before = chain.BEGINNING
        for sealed in session.exec(select(AuditSeal).where(AuditSeal.position <= 9).order_by(col(AuditSeal.position))):
            entry = session.get(AuditEntry, sealed.entry_id)
            assert entry is not None
            sealed.hash = before = chain.linked(before, chain.written(entry))
    assert looked_at(sqlite_engine, keys) == [(9, 9, ANEW)]


def test_nobody_who_holds_the_store_alone_can_say_that_a_key_was_lost(
    engine: sa.Engine, keys: Keys, now: datetime
) -> None:
    thief = secrets.derive("the thief's own key")
    made_lost(engine, thief, now, 2)
    with database.writing(engine) as session:
        for detail in ({}, {"position": 9, "hash": "Ñ", "mark": "Ñ"}, {"position": "9"}, {"position": 9, "mark": 1}):
            audit.record(session, now, None, chain.LOST, "secret_key", detail)
    assert [found[0] for found in looked_at(engine, keys)] == [1, 2, 3, 4, 5]


def test_a_key_lost_after_another_is_given_up_with_all_before_it(engine: sa.Engine, keys: Keys, now: datetime) -> None:
    made_lost(engine, secrets.derive("a second key that is lost"), now, 2)
    with database.writing(engine) as session:
        audit.record(session, now, None, chain.LOST, "secret_key", chain.lost(session, keys))
    log(engine, keys, now, 2)
    with database.reading(engine) as session:
        verdict = chain.verify(session, keys)
    assert (verdict.sealed, verdict.of_lost_key, verdict.wrong) == (8, 5, [])


def test_an_entry_committed_late_is_sealed_after_those_with_higher_ids(
    engine: sa.Engine, keys: Keys, now: datetime
) -> None:
    with database.writing(engine) as session:
        session.add(AuditEntry(id=7, at=now, action="sign_in", subject="person:1"))
        session.flush()
        chain.seal(session, keys)
        session.add(AuditEntry(id=6, at=now, action="sign_in", subject="person:1"))
        session.flush()
        assert chain.seal(session, keys) == 1
    with database.reading(engine) as session:
        order = session.exec(select(AuditSeal.entry_id).order_by(col(AuditSeal.position))).all()
        assert (list(order), chain.verify(session, keys).wrong) == ([7, 6], [])


def test_the_chain_holds_after_backup_and_restore(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime, tmp_path: Path
) -> None:
    log(sqlite_engine, keys, now)
    (tmp_path / "data").mkdir()
    backup.make(sqlite_engine, tmp_path / "data", keys, tmp_path / "b.tar", now)
    url = f"sqlite:///{tmp_path / 'again' / 'liaison.db'}"
    backup.restore(url, tmp_path / "again", keys, tmp_path / "b.tar")
    engine = database.connect(url)
    database.migrate(engine)
    assert looked_at(engine, keys) == []
    with pytest.raises(sa.exc.DatabaseError), engine.execution_options(writes=True).begin() as open_one:
        open_one.exec_driver_sql("DELETE FROM audit_entry")
    engine.dispose()


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(detail=st.dictionaries(st.text(max_size=9), _VALUES, max_size=3))
@how(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_recorded_reads_back_as_it_was_sealed(
    sqlite_engine: sa.Engine, keys: Keys, now: datetime, detail: dict[str, object]
) -> None:
    with database.writing(sqlite_engine) as session:
        audit.record(session, now, None, "a", "b", detail)
        session.flush()
        chain.seal(session, keys)
    with database.reading(sqlite_engine) as session:
        assert chain.verify(session, keys).wrong == []
