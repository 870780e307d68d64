"""Tables of the config room: people and their sign-ins, and the records every room writes to."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from config.database import UtcDateTime, empty_list


class Person(SQLModel, table=True):
    """Someone who works at the desk. Never deleted: the audit log names them."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    email: str = Field(unique=True)  # lower case
    password_hash: str | None = None  # argon2id; none: can only come in by a sign-in link
    language: str = "en"
    time_zone: str
    digest_hour: int | None = 7  # local hour of the daily digest; none: no digest
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_looked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # at Today


class PersonRole(SQLModel, table=True):
    __tablename__ = "person_role"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    role: str = Field(primary_key=True)  # config.permissions.Role


class SignIn(SQLModel, table=True):
    """One browser signed in. The cookie holds a random token; here is only its hash."""

    __tablename__ = "sign_in"

    token_hash: bytes = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    address: str = ""
    browser: str = ""
    by: str = "password"  # config.sign_ins.Way


class SecondFactor(SQLModel, table=True):
    """A person's app for codes, in use once `sealed_secret` is there; it stays so until a new one is confirmed."""

    __tablename__ = "second_factor"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    sealed_secret: bytes | None = None
    sealed_pending: bytes | None = None  # shown as a square, waits for its first code
    begun_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_step: int | None = None  # the half minute of the last code taken: none up to it is taken again


class RecoveryCode(SQLModel, table=True):
    """A code that stands in for the app once."""

    __tablename__ = "recovery_code"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    code_hash: bytes = Field(unique=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class FactorRule(SQLModel, table=True):
    """A role that comes in only with a second factor."""

    __tablename__ = "factor_rule"

    role: str = Field(primary_key=True)  # config.permissions.Role


class SsoIdentity(SQLModel, table=True):
    """Whom a provider of single sign-on knows by this subject; one person has one there."""

    __tablename__ = "sso_identity"

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)


class OneTimeCode(SQLModel, table=True):
    """A code that works once: the first administrator's (no person), a link's, or that of a sign-in half done."""

    __tablename__ = "one_time_code"

    code_hash: bytes = Field(primary_key=True)
    purpose: str  # first_run | sign_in | invitation | break_glass | half_password | half_link
    person_id: int | None = Field(default=None, foreign_key="person.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SignInFailure(SQLModel, table=True):
    """A wrong password, counted to slow guessing; keyed by hash of e-mail and of address."""

    __tablename__ = "sign_in_failure"

    id: int | None = Field(default=None, primary_key=True)
    subject_hash: bytes = Field(index=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class ApiToken(SQLModel, table=True):
    __tablename__ = "api_token"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    name: str
    token_hash: bytes = Field(unique=True)
    scopes: list[str] = Field(sa_type=sa.JSON)  # config.permissions.Action values
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MailPreference(SQLModel, table=True):
    """What one person wants by mail beside the daily digest, whose hour is person.digest_hour. Without a row: the
    daily digest about everything, and alerts for whom they are work."""

    __tablename__ = "mail_preference"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    weekly_on: int | None = None  # Monday is 0; none: no weekly edition
    monthly: bool = False  # on the first of each month
    concerns: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)  # taxonomy keys; empty: all
    places: list[int] = Field(default_factory=empty_list, sa_type=sa.JSON)  # place ids; empty: everywhere
    alerts: bool | None = None  # by mail at once; none: as the person's roles say
    quiet_from: int | None = None  # minute of the local day; alerts then wait until quiet_until, emergencies aside
    quiet_until: int | None = None


class CalendarFeed(SQLModel, table=True):
    """The secret address of one person's calendar feed; here is only its hash. A new one ends the old."""

    __tablename__ = "calendar_feed"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    token_hash: bytes = Field(unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class KeptReply(SQLModel, table=True):
    """What a write over the API was answered: the same request with the same Idempotency-Key gets it again."""

    __tablename__ = "kept_reply"

    key_hash: bytes = Field(primary_key=True)  # keyed hash of person, method, path and the key
    request_hash: bytes  # keyed hash of the body: the same key for something else is refused
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    status: int | None = None  # none: the first one is still at work
    body: bytes = b""
    media_type: str = ""


# what pages tell of a thing from its entries: a post's moves, the last backup
TOLD = (
    "action IN ('backup.make', 'post.cancel', 'post.lapse', 'post.schedule', 'post.submit', 'post.unschedule',"
    " 'post.withdraw')"
)


class AuditEntry(SQLModel, table=True):
    """Who did what, when, to what. Only ever added to: triggers refuse anything else (migration 0008), and config.chain
    seals it. A migration that writes this table anew must make its triggers again."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.Index(  # few of many looks; a query repeats the words, or SQLite would not see that the index holds them
            "ix_audit_entry_told",
            "subject",
            "at",
            sqlite_where=sa.text(TOLD),
            postgresql_where=sa.text(TOLD),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)  # none: Liaison itself
    action: str
    subject: str  # "post:12", "mention:88", "hold:3"
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    address: str = ""


class AuditSeal(SQLModel, table=True):
    """One link of the audit log's chain (config.chain). Only ever added to."""

    __tablename__ = "audit_seal"

    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})  # from 1, without a gap
    entry_id: int = Field(foreign_key="audit_entry.id", unique=True)
    hash: bytes  # SHA-256 of the hash before and the entry
    mark: bytes  # keyed hash of `hash`


class KeyMark(SQLModel, table=True):
    """By which the store knows its secret key (config.key_mark). One row."""

    __tablename__ = "key_mark"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    hashes: bytes  # a keyed hash: the same with the key that hashes are made with
    sealed: bytes  # opens with the keys that open what is sealed here


class OutboxMessage(SQLModel, table=True):
    """A mail or a webhook call to make: written in the transaction of its cause, one row a recipient, delivered
    later."""

    __tablename__ = "outbox_message"
    __table_args__ = (sa.Index("ix_outbox_due", "state", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)  # "digest:3:2026-11-24": the same cause never makes a second row
    kind: str  # digest | alert | post
    transport: str = "mail"  # mail | webhook
    recipient: str  # an e-mail address, or "channel:3"
    subject: str
    message: bytes  # RFC 5322, with its Message-ID; of a webhook the words as JSON
    sealed: bool = False  # `message` is, for it holds an address that lets somebody in
    state: str = "waiting"  # waiting | sending | sent | failed
    created_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)  # not before
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tries: int = 0
    last_error: str | None = None
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Hold(SQLModel, table=True):
    """All outgoing posts stopped, with a reason. In force while lifted_at is null."""

    id: int | None = Field(default=None, primary_key=True)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    placed_by: int = Field(foreign_key="person.id")
    reason: str
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lifted_by: int | None = Field(default=None, foreign_key="person.id")


class LegalHold(SQLModel, table=True):
    """What must be kept whatever its time (config.legal_holds). In force while lifted_at is null."""

    __tablename__ = "legal_hold"

    id: int | None = Field(default=None, primary_key=True)
    kind: str  # config.legal_holds.Kind
    subject_id: int | None = None  # of the post, account or alert; no foreign key: the hold outlives all
    starts_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # of a period
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # it is over then
    reason: str
    placed_at: datetime = Field(sa_type=UtcDateTime)
    placed_by: int | None = Field(default=None, foreign_key="person.id")  # none: at the terminal
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lifted_by: int | None = Field(default=None, foreign_key="person.id")
    lifted_why: str = ""
