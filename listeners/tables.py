"""Tables of the listeners room: sources, watch rules, places, and the mentions themselves."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

import config.tables  # noqa: F401  (its tables are referred to by name)
import networks.tables  # noqa: F401  (its tables are referred to by name)
from config.database import UtcDateTime, empty_list


class Source(SQLModel, table=True):
    """Somewhere mentions come from. Its cursor moves only in the transaction that stores what it covers."""

    id: int | None = Field(default=None, primary_key=True)
    network: str
    name: str = Field(unique=True)
    settings: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  # a feed's url, …
    account_id: int | None = Field(default=None, foreign_key="account.id")
    enabled: bool = True
    every_seconds: int = 300
    streamed: bool = False  # read as it happens (listeners.streams), never asked
    cursor: str | None = None
    next_poll_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # none: only by hand (imports)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # who polls it holds this
    last_polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_ok_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = None  # without failures: what could not be read when it was last looked at
    failures: int = 0  # in a row
    position_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the newest event that the cursor covers
    trouble: str = ""  # what people were told of and lasts: failing | behind | silent (scheduler.jobs.source_alarms)
    trouble_since: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SourceHour(SQLModel, table=True):
    """What a source brought in an hour: its rate, and its usual rhythm."""

    __tablename__ = "source_hour"

    source_id: int = Field(foreign_key="source.id", primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=UtcDateTime)  # its start
    read: int = 0  # posts that the network gave
    new: int = 0  # mentions that came of them


class SourceGap(SQLModel, table=True):
    """A time in which a source could not be heard, and what was caught up of it."""

    __tablename__ = "source_gap"

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id", index=True)
    began_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime = Field(sa_type=UtcDateTime)
    caught_up: int = 0  # mentions from within it that came later
    lost: bool = False  # the network could not give all of it any more
    reason: str = ""


class WatchRule(SQLModel, table=True):
    __tablename__ = "watch_rule"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    query: str
    enabled: bool = True


class Place(SQLModel, table=True):
    """A neighbourhood, street or landmark of the town, with other names people use."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    other_names: list[str] = Field(default_factory=empty_list, sa_type=sa.JSON)
    kind: str = ""  # neighbourhood | street | landmark, or not said
    within_id: int | None = Field(default=None, foreign_key="place.id")  # the neighbourhood that a street lies in


class Mention(SQLModel, table=True):
    """One public post about us. Holds no name and no address in the clear; expires."""

    __table_args__ = (
        sa.Index("ix_mention_pending", "scored_at", "id"),
        sa.Index("ix_mention_inbox", "state", "posted_at"),
        sa.Index("ix_mention_posted", "posted_at"),
        sa.Index("ix_mention_expires", "expires_at"),
        sa.Index("ix_mention_check", "check_at"),
        sa.Index("ix_mention_thread", "thread"),
        sa.Index("ix_mention_place", "place_id", "posted_at"),
        sa.Index(  # without the many that copy nothing: a list of those must go by its time
            "ix_mention_copy_of",
            "copy_of",
            sqlite_where=sa.text("copy_of IS NOT NULL"),
            postgresql_where=sa.text("copy_of IS NOT NULL"),
        ),
        sa.Index(  # of the few that are left out whole
            "ix_mention_hidden",
            "posted_at",
            sqlite_where=sa.text("shown IS 0"),
            postgresql_where=sa.text("shown IS false"),
        ),
        sa.Index(
            "ix_mention_copied",
            "posted_at",
            sqlite_where=sa.text("copy_of IS NOT NULL"),
            postgresql_where=sa.text("copy_of IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: bytes = Field(unique=True)  # keyed BLAKE2b of network and remote id
    network: str
    source_id: int = Field(foreign_key="source.id", index=True)
    sealed_reference: bytes | None = None  # remote id and address, opened only to answer, re-check, delete
    author: bytes  # keyed BLAKE2b of network and the author's stable id
    author_age: str = ""  # coarse, at intake: "", new (< 30 days), older
    text: str | None = None  # handles masked; none once expired or never-tracked
    language: str = "und"
    place_id: int | None = Field(default=None, foreign_key="place.id")
    place_sure: float | None = None  # 0 to 1: how sure the place is
    rules: list[int] = Field(default_factory=empty_list, sa_type=sa.JSON)  # watch rules that matched
    thread: bytes | None = None  # keyed BLAKE2b of network and the remote id of the thread's root, as in `key`
    repost: bool = False  # somebody's post passed on without a word: counted, never listed
    copy_of: int | None = Field(default=None, foreign_key="mention.id", ondelete="SET NULL")  # said before, nearly so
    automatic: bool = False  # its account says that a program writes there: counted, not listed
    edited_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # when its author changed it
    posted_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    check_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # when to ask if it is still there
    addressed: bool = False  # it names our account: some networks let us answer nothing else
    scored_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    shown: bool = True  # false: a never-tracked concern, or kept by a legal hold only; left out of every list
    state: str = "new"  # new | assigned | snoozed | done (listeners.triage)
    assigned_to: int | None = Field(default=None, foreign_key="person.id")
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MentionNumber(SQLModel, table=True):
    """The last number that a mention got, in one row; on SQLite, which gives the newest one's again once that is gone.
    What answers a mention keeps its number longer than the mention is here."""

    __tablename__ = "mention_number"

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int


class ActionContext(SQLModel, table=True):
    """Words of a mention that are kept with an action (listeners.contexts): no author, no network, no time."""

    __tablename__ = "action_context"

    id: int | None = Field(default=None, primary_key=True)
    action_id: int = Field(index=True)  # no foreign key, actions are of another room
    mention_id: int | None = Field(  # while the mention is here, so that what goes upstream goes here too
        default=None, foreign_key="mention.id", ondelete="CASCADE", index=True
    )
    words: str  # handles masked, links taken out
    language: str = "und"
    kept_at: datetime = Field(sa_type=UtcDateTime, index=True)


class DataRequest(SQLModel, table=True):
    """Somebody asked for their own data to go (listeners.data_requests). Says nothing of who it was."""

    __tablename__ = "data_request"

    id: int | None = Field(default=None, primary_key=True)
    word: str = Field(default="", index=True)  # what its owner says from the account; empty once it ended
    opened_at: datetime = Field(sa_type=UtcDateTime)
    opened_by: int = Field(foreign_key="person.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_how: str = ""  # said: the word was heard | checked: an officer saw a proof | withdrawn | lapsed


class CopyBand(SQLModel, table=True):
    """One band of a recent mention's MinHash: what shares a band may be a near-copy (listeners.copies)."""

    __tablename__ = "copy_band"

    mention_id: int = Field(foreign_key="mention.id", ondelete="CASCADE", primary_key=True)
    band: int = Field(primary_key=True, sa_type=sa.BigInteger, index=True)
    posted_at: datetime = Field(sa_type=UtcDateTime, index=True)


class MentionTag(SQLModel, table=True):
    """A word that officers put on a mention, to find it again. It goes with the mention."""

    __tablename__ = "mention_tag"

    mention_id: int = Field(foreign_key="mention.id", ondelete="CASCADE", primary_key=True)
    tag: str = Field(primary_key=True, index=True)  # lower case


class SavedView(SQLModel, table=True):
    """Filters of the inbox under a name of one's own."""

    __tablename__ = "saved_view"
    __table_args__ = (sa.UniqueConstraint("person_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    name: str
    query: str  # of the inbox's address, without its "?"


class ImportedFile(SQLModel, table=True):
    """How far an import came: a repeat goes on from here, and a finished one adds nothing."""

    __tablename__ = "imported_file"

    digest: str = Field(primary_key=True)  # SHA-256 of the file's bytes
    source_id: int = Field(foreign_key="source.id")
    name: str
    lines_done: int = 0
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
