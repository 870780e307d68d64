"""The records every room writes: outbox, audit, holds; and the table of permissions."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import audit, database, holds, outbox
from config.permissions import ALLOWED, Action, Role, may
from config.tables import AuditEntry, OutboxMessage, Person


def letter(message_id: str | None = "<digest-1@riverton.example>") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Trust is steady"
    message["To"] = "ada@riverton.example"
    if message_id is not None:
        message["Message-ID"] = message_id
    message.set_content("Nothing unusual.")
    return message


def test_the_same_cause_makes_one_message(engine: sa.Engine, now: datetime) -> None:
    with database.writing(engine) as session:
        added = [
            outbox.put(session, key="digest:1", kind="digest", recipient="a@b.example", message=letter(), now=now)
            for _ in range(2)
        ]
    with database.reading(engine) as session:
        row = session.exec(select(OutboxMessage)).one()
    assert added == [True, False]
    assert (row.subject, row.state, row.due_at) == ("Trust is steady", "waiting", now)


def test_a_message_without_an_id_is_refused(engine: sa.Engine, now: datetime) -> None:
    with pytest.raises(ValueError, match="Message-ID"), database.writing(engine) as session:
        outbox.put(session, key="k", kind="digest", recipient="a@b.example", message=letter(None), now=now)


def test_a_record_falls_with_what_it_records(engine: sa.Engine, now: datetime) -> None:
    with pytest.raises(RuntimeError), database.writing(engine) as session:
        audit.record(session, now, None, "post.approve", "post:1")
        session.flush()
        raise RuntimeError("the approval failed")
    with database.reading(engine) as session:
        assert session.exec(select(AuditEntry)).all() == []


def test_a_hold_is_in_force_until_it_is_lifted_and_both_are_recorded(
    engine: sa.Engine, person: Callable[..., Person], now: datetime
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.APPROVER).id or 0
        first = holds.place(session, ada, " An officer was hurt. ", now)
        assert holds.place(session, ada, "again", now).id == first.id
    with database.reading(engine) as session:
        present = holds.in_force(session)
        assert present is not None
        assert present.reason == "An officer was hurt."
    with database.writing(engine) as session:
        holds.lift(session, ada, now)
        holds.lift(session, ada, now)
    with database.reading(engine) as session:
        assert holds.in_force(session) is None
        done = session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
    assert done == ["hold.place", "hold.lift"]


def test_an_officer_cannot_approve_or_lift_and_an_analyst_only_reads_figures() -> None:
    assert not may([Role.OFFICER], Action.APPROVE_POSTS)
    assert not may([Role.OFFICER], Action.LIFT_HOLD)
    assert ALLOWED[Role.ANALYST] == {Action.READ_FIGURES, Action.OWN_ACCOUNT}
    assert ALLOWED[Role.AUDITOR] == {Action.READ_AUDIT, Action.READ_RECORDS, Action.OWN_ACCOUNT}
    assert may([Role.OFFICER, Role.APPROVER], Action.APPROVE_POSTS)


def test_every_role_stands_in_the_table_and_every_action_is_somebodys() -> None:
    assert set(ALLOWED) == set(Role)
    assert frozenset().union(*ALLOWED.values()) == set(Action)
