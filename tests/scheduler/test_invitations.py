from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import select

from config import database, invitations, secrets
from config.settings import Settings
from config.tables import OutboxMessage, Person
from scheduler import delivery
from tests.scheduler.postbox import Post


def test_a_sealed_mail_is_opened_only_to_be_delivered(
    engine: sa.Engine,
    settings: Settings,
    person: Callable[..., Person],
    now: datetime,
    serve: Callable[..., str],
) -> None:
    post = Post()
    own = settings.model_copy(update={"smtp_url": SecretStr(f"smtp://{serve(post)}")})
    with database.writing(engine) as session:
        invitations.send(session, person(session, "Eve"), "José Root", own, secrets.load(own), now)
    assert delivery.deliver_due(engine, own, now).sent == 1
    (mail,) = post.to("eve@riverton.example")
    words = mail.get_payload(decode=True)
    assert isinstance(words, bytes)
    assert "José Root invites you, Eve, to the social media desk" in words.decode()
    assert "http://127.0.0.1:8000/sign-in/link/" in words.decode()
    with database.reading(engine) as session:
        assert b"sign-in" not in session.exec(select(OutboxMessage)).one().message


def test_a_mail_sealed_with_another_key_is_given_up_and_said_so(
    sqlite_engine: sa.Engine,
    settings: Settings,
    person: Callable[..., Person],
    now: datetime,
    serve: Callable[..., str],
) -> None:
    post = Post()
    own = settings.model_copy(update={"smtp_url": SecretStr(f"smtp://{serve(post)}")})
    with database.writing(sqlite_engine) as session:
        invitations.send(session, person(session, "Eve"), "Root", own, secrets.derive("another"), now)
    assert delivery.deliver_due(sqlite_engine, own, now).sent == 0
    assert post.box == []
    with database.reading(sqlite_engine) as session:
        row = session.exec(select(OutboxMessage)).one()
    assert (row.state, row.last_error) == ("failed", "this was sealed with another secret key, or altered since")
