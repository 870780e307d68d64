"""The way of a post, as pure tables: which states there are, which moves lead from one to the next, and what an
approval is bound to. Who may make a move, and writing it down, is posts.drafts; sending is posts.publishing."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from config.phrases import Phrase


class PostState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"  # has no time yet
    SCHEDULED = "scheduled"  # approved, and has its time; its targets go out
    PUBLISHED = "published"
    PARTLY_PUBLISHED = "partly_published"  # some targets could not be sent
    FAILED = "failed"
    MISSED = "missed"  # not approved in time, or too late to be sent
    CANCELLED = "cancelled"


class Move(StrEnum):
    EDIT = "edit"  # what an approval is bound to changes
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    ASK_CHANGES = "ask_changes"
    SCHEDULE = "schedule"  # gets a time, or another one
    UNSCHEDULE = "unschedule"
    LAPSE = "lapse"  # its time came before an approval did
    CANCEL = "cancel"


class TargetState(StrEnum):
    WAITING = "waiting"
    PUBLISHING = "publishing"  # an attempt is committed; the call is made, or was when the process died
    RETRY = "retry"  # surely not applied; tried again at next_try_at
    UNKNOWN = "unknown"  # may have been applied: looked up, never sent again blindly
    PUBLISHED = "published"
    FAILED = "failed"  # refused for good
    MISSED = "missed"
    CANCELLED = "cancelled"
    REMOVED = "removed"  # was published, and taken down by us


OPEN = frozenset({PostState.DRAFT, PostState.IN_REVIEW, PostState.APPROVED, PostState.SCHEDULED, PostState.MISSED})
DEAD = frozenset({PostState.CANCELLED, PostState.FAILED})  # nothing of it is out, and nothing more comes of it
GOES_OUT = frozenset({PostState.APPROVED, PostState.SCHEDULED})  # at its time, without another look
_S, _M = PostState, Move
MOVES: Mapping[tuple[PostState, Move], PostState] = {
    (_S.DRAFT, _M.EDIT): _S.DRAFT,
    (_S.DRAFT, _M.SUBMIT): _S.IN_REVIEW,
    (_S.DRAFT, _M.SCHEDULE): _S.DRAFT,
    (_S.DRAFT, _M.UNSCHEDULE): _S.DRAFT,
    (_S.DRAFT, _M.LAPSE): _S.MISSED,
    (_S.DRAFT, _M.CANCEL): _S.CANCELLED,
    (_S.IN_REVIEW, _M.EDIT): _S.IN_REVIEW,
    (_S.IN_REVIEW, _M.WITHDRAW): _S.DRAFT,
    (_S.IN_REVIEW, _M.APPROVE): _S.APPROVED,
    (_S.IN_REVIEW, _M.ASK_CHANGES): _S.DRAFT,
    (_S.IN_REVIEW, _M.SCHEDULE): _S.IN_REVIEW,
    (_S.IN_REVIEW, _M.UNSCHEDULE): _S.IN_REVIEW,
    (_S.IN_REVIEW, _M.LAPSE): _S.MISSED,
    (_S.IN_REVIEW, _M.CANCEL): _S.CANCELLED,
    (_S.APPROVED, _M.EDIT): _S.IN_REVIEW,
    (_S.APPROVED, _M.WITHDRAW): _S.DRAFT,
    (_S.APPROVED, _M.SCHEDULE): _S.SCHEDULED,
    (_S.APPROVED, _M.UNSCHEDULE): _S.APPROVED,
    (_S.APPROVED, _M.CANCEL): _S.CANCELLED,
    (_S.SCHEDULED, _M.EDIT): _S.IN_REVIEW,
    (_S.SCHEDULED, _M.WITHDRAW): _S.DRAFT,
    (_S.SCHEDULED, _M.SCHEDULE): _S.SCHEDULED,
    (_S.SCHEDULED, _M.UNSCHEDULE): _S.APPROVED,
    (_S.SCHEDULED, _M.CANCEL): _S.CANCELLED,
    (_S.MISSED, _M.EDIT): _S.MISSED,
    (_S.MISSED, _M.SCHEDULE): _S.DRAFT,  # a new time asks for a new look
    (_S.MISSED, _M.UNSCHEDULE): _S.DRAFT,
    (_S.MISSED, _M.CANCEL): _S.CANCELLED,
}

_T = TargetState
TARGET_MOVES: Mapping[TargetState, frozenset[TargetState]] = {
    # published from here: the receipt of a call that outlasted its lease; it must win over another try
    _T.WAITING: frozenset({_T.PUBLISHING, _T.PUBLISHED, _T.FAILED, _T.MISSED, _T.CANCELLED}),
    _T.RETRY: frozenset({_T.PUBLISHING, _T.PUBLISHED, _T.FAILED, _T.MISSED, _T.CANCELLED}),
    _T.PUBLISHING: frozenset({_T.PUBLISHED, _T.RETRY, _T.WAITING, _T.UNKNOWN, _T.FAILED}),
    _T.UNKNOWN: frozenset({_T.PUBLISHED, _T.RETRY, _T.FAILED}),
    _T.PUBLISHED: frozenset({_T.REMOVED}),
    _T.REMOVED: frozenset(),
    _T.FAILED: frozenset({_T.PUBLISHED}),  # a receipt that came late after all
    _T.MISSED: frozenset({_T.PUBLISHED}),
    _T.CANCELLED: frozenset({_T.PUBLISHED}),
}
DONE = frozenset({_T.PUBLISHED, _T.FAILED, _T.MISSED, _T.CANCELLED, _T.REMOVED})
SENT = frozenset({_T.PUBLISHED, _T.REMOVED})
TO_SEND = frozenset({_T.WAITING, _T.RETRY})
UNSENT = TO_SEND | {_T.MISSED, _T.CANCELLED}  # nothing of it is on a network, so it can still be changed or taken back


class WrongState(Exception):
    """The post is not where this can be done; nothing was changed. The message says it to people. `fields`: which of a
    form's it is about, where it is about any."""

    def __init__(self, words: str, *fields: str) -> None:
        super().__init__(Phrase.about(words, *fields) if fields else words)


class NotAllowed(Exception):
    """This person may not do this to this post; nothing was changed."""


class EditConflict(Exception):
    """Someone saved the post since it was read; nothing was changed."""


def after(state: str, move: Move) -> PostState:
    """The state that `move` leads to. Raises WrongState."""
    found = MOVES.get((PostState(state), move))
    if found is None:
        raise WrongState(Phrase("%(stands)s %(barred)s", stands=_STANDS[PostState(state)], barred=_BARRED[move]))
    return found


_STANDS = {
    PostState.DRAFT: Phrase("This post is a draft."),
    PostState.IN_REVIEW: Phrase("This post waits for approval."),
    PostState.APPROVED: Phrase("This post is approved."),
    PostState.SCHEDULED: Phrase("This post is approved and has its time."),
    PostState.PUBLISHED: Phrase("This post is out."),
    PostState.PARTLY_PUBLISHED: Phrase("Some of this post is out."),
    PostState.FAILED: Phrase("This post was refused by its network."),
    PostState.MISSED: Phrase("This post missed its time."),
    PostState.CANCELLED: Phrase("This post is cancelled."),
}
_BARRED = {
    Move.EDIT: Phrase("It cannot be changed."),
    Move.SUBMIT: Phrase("It cannot be handed in."),
    Move.WITHDRAW: Phrase("It cannot be taken back."),
    Move.APPROVE: Phrase("It cannot be approved."),
    Move.ASK_CHANGES: Phrase("It cannot be sent back."),
    Move.SCHEDULE: Phrase("It cannot be given a time."),
    Move.UNSCHEDULE: Phrase("Its time cannot be taken away."),
    Move.LAPSE: Phrase("It cannot be missed."),
    Move.CANCEL: Phrase("It cannot be cancelled."),
}


def outcome(targets: Iterable[TargetState]) -> PostState:
    """The state of a post whose targets stand like this; scheduled while any is still under way."""
    states = list(targets)
    if not states or any(state not in DONE for state in states):
        return PostState.SCHEDULED
    sent = sum(state in SENT for state in states)
    if sent == len(states):
        return PostState.PUBLISHED
    if sent:
        return PostState.PARTLY_PUBLISHED
    if TargetState.FAILED in states:
        return PostState.FAILED
    return PostState.MISSED if TargetState.MISSED in states else PostState.CANCELLED


@dataclass(frozen=True)
class Content:
    """What an approval is bound to: everything that readers will see, on networks and on our own pages, and what its
    kind lets it do. Not the time."""

    texts: Mapping[int, str]  # account id -> its exact text
    language: str
    reply_to_mention_id: int | None
    pictures: tuple[tuple[str, str], ...] = ()  # SHA-256 of the bytes, and the description, in order
    options: Mapping[int, Mapping[str, str]] = field(default_factory=dict)  # account id -> its network's options
    steps: str = ""  # the steps of approval that its kind asks for, where they are not one approver's word
    follows_id: int | None = None  # the post of ours that it answers
    shows: Mapping[str, Any] = field(default_factory=dict)  # what a page of ours shows of it once it is out
    leave: str = ""  # what its kind lets it do at its time: how late it goes out, whether on a day of silence


def content_hash(content: Content) -> str:
    """SHA-256 of the content. What a post does not have is left out, so that older hashes stay what they were."""
    said: dict[str, object] = {
        "texts": sorted(content.texts.items()),
        "language": content.language,
        "reply_to": content.reply_to_mention_id,
    }
    if content.pictures:
        said["pictures"] = content.pictures
    chosen = sorted((account, sorted(options.items())) for account, options in content.options.items() if options)
    if chosen:
        said["options"] = chosen
    if content.steps:
        said["steps"] = content.steps
    if content.follows_id is not None:
        said["follows"] = content.follows_id
    if content.shows:
        said["shows"] = json.dumps(content.shows, sort_keys=True)
    if content.leave:
        said["leave"] = content.leave
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


def instant(wall_time: datetime, zone: str) -> datetime:
    """The UTC instant of a wall time (naive) in an IANA zone.

    Raises WrongState for the first and the last year of the calendar, which clocks of other zones may not have.

    An hour that does not exist (clocks go forward) means as long after midnight as if it did: 02:30 becomes 03:30.
    An hour that comes twice (clocks go back) means the first."""
    if wall_time.tzinfo is not None:
        raise ValueError("a wall time has no zone of its own")
    if not MINYEAR < wall_time.year < MAXYEAR:
        raise WrongState("That day is in no calendar.", "day")
    return wall_time.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def wall_here(wall_time: datetime, time_zone: str, zone: ZoneInfo) -> datetime:
    """What clocks of `zone` show at a wall time (naive) of another zone. In its own zone it is that very time, though
    the hour come twice."""
    if time_zone == zone.key:
        return wall_time
    return instant(wall_time, time_zone).astimezone(zone).replace(tzinfo=None)
