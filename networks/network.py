"""What a network module fulfils: listen, publish, look up, its limits, its policy; and the errors it may raise.

A module offers one `Network` value; networks.registry lists them. A caller decides what to do by the error's class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa


class NetworkError(Exception):
    """Something a network, or the way to it, answered."""


class RateLimited(NetworkError):
    """Not now. Nothing was applied."""

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(f"the network asks to wait until {retry_at.isoformat()}")
        self.retry_at = retry_at


class SignInExpired(NetworkError):
    """The account must be connected again. Nothing was applied."""


class Rejected(NetworkError):
    """The network refuses this for good. Nothing was applied."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(NetworkError):
    """The network could not be reached, and surely applied nothing."""


class OutcomeUnknown(NetworkError):
    """The request may or may not have been applied: look it up, never send it again blindly."""


@dataclass(frozen=True)
class RemoteMention:
    """A public post as the network gave it; names stop at intake, which pseudonymises."""

    remote_id: str
    text: str
    posted_at: datetime  # aware
    author_id: str | None = None  # the network's stable id; none: an author of its own
    author_created_at: datetime | None = None
    language: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of mentions and the cursor after it. `more`: ask again at once. `refused`: what could not be read."""

    mentions: Sequence[RemoteMention]
    cursor: str | None
    more: bool = False
    refused: Sequence[str] = ()


@dataclass(frozen=True)
class Outgoing:
    """What one target sends. `key` is the target's idempotency key, the same on every attempt."""

    key: str
    text: str
    language: str = "en"
    reply_to: str | None = None  # remote id


@dataclass(frozen=True)
class Receipt:
    """Proof of publication."""

    remote_id: str
    url: str | None
    published_at: datetime


@dataclass(frozen=True)
class Problem:
    """One reason why a text cannot go out as it is, in plain words; `field` says where."""

    message: str
    field: str = "text"


@dataclass(frozen=True)
class Limits:
    """How a network counts a text, and how much it takes."""

    length: int
    count: Callable[[str], int] = len
    unit: str = "characters"

    def problems(self, outgoing: Outgoing) -> tuple[Problem, ...]:
        """Every reason why this cannot be sent; empty when it can."""
        if not outgoing.text.strip():
            return (Problem("There is no text yet."),)
        over = self.count(outgoing.text) - self.length
        return (Problem(f"The text is {over} {self.unit} too long; the limit is {self.length}."),) if over > 0 else ()


@dataclass(frozen=True)
class Policy:
    """What a network's rules let us keep and do; intake, retention and training obey it."""

    text_days: int | None = None  # none: the installation's own retention
    deletion_hours: int | None = None  # none: the network has no such rule
    corrections_may_train: bool = True
    notes: str = ""


@dataclass(frozen=True)
class Connection:
    """What a module needs to talk: its own settings and secret; the store only for the practice board."""

    engine: sa.Engine
    settings: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = None
    account_id: int | None = None
    allow_private: bool = False  # may a named address be private or loopback


class Listener(Protocol):
    def mentions(self, cursor: str | None) -> Page:
        """The next page after `cursor` (none: from the start). Raises NetworkError."""
        ...


class Publisher(Protocol):
    def publish(self, outgoing: Outgoing) -> Receipt:
        """Sends once. OutcomeUnknown if the reply was lost; other NetworkErrors prove nothing was applied."""
        ...

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """The post if it is there, none if it is proven absent. OutcomeUnknown if the network cannot tell."""
        ...


@dataclass(frozen=True)
class Network:
    """One network: its name in data and on pages, what it allows, and how to talk to it."""

    name: str
    label: str
    policy: Policy
    limits: Limits | None = None
    listener: Callable[[Connection], Listener] | None = None
    publisher: Callable[[Connection], Publisher] | None = None
