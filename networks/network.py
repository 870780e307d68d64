"""What a network module fulfils: sign in, listen, publish, look up, its limits, its policy; the errors it may raise.

A module offers one `Network` value; networks.registry lists them. A caller decides what to do by the error's class.
Long, because what a network may be asked stands in one place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from threading import Event
from typing import Protocol

import sqlalchemy as sa

from config.phrases import Phrase


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


class RenewalFailed(Unavailable):
    """The sign-in could not be renewed this time; the network did not say that it ended. Nothing was applied."""


class HeldBack(NetworkError):
    """We stopped before the next call: a hold was placed, or it is not ours to make any more. Nothing that anybody sees
    was applied."""


class OutcomeUnknown(NetworkError):
    """The request may or may not have been applied: look it up, never send it again blindly.

    `found`: what a look-up saw that may be it, for a person to decide by."""

    def __init__(self, reason: str, found: "Sequence[Receipt]" = ()) -> None:
        super().__init__(reason)
        self.found = tuple(found)


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
    addressed: bool = False  # it names our account: about us whatever the watch rules say
    root_id: str | None = None  # remote id of the thread's first post, or of the post that this one quotes
    repost: bool = False  # somebody's post passed on without a word of one's own
    automatic: bool = False  # its account says that a program writes there


@dataclass(frozen=True)
class Page:
    """One page of mentions and the cursor after it. `more`: ask again at once. `refused`: what could not be read;
    `lost`: a time of which the network had more than it could give; `again`: how many it gave that the cursor knew."""

    mentions: Sequence[RemoteMention]
    cursor: str | None
    more: bool = False
    refused: Sequence[str] = ()
    lost: tuple[datetime, datetime] | None = None
    again: int = 0


@dataclass(frozen=True)
class Picture:
    """An image to send, without location data; a module fits it to what its network takes (networks.pictures)."""

    data: bytes
    mime: str  # image/jpeg | image/png
    width: int  # pixels
    height: int
    alt: str
    url: str | None = None  # where the network can fetch it for a while; given if `Network.fetches_pictures`


class Memory(Protocol):
    """What one target must not forget between attempts: a thing that was made there but is not yet public."""

    def recall(self) -> str | None:
        """What was kept last; none before."""
        ...

    def keep(self, value: str | None) -> None:
        """Durable before it returns."""
        ...


def _go_on() -> None:
    return None


@dataclass(frozen=True)
class Outgoing:
    """What one target sends. `key` is the target's idempotency key, the same on every attempt: 32 hex digits, laid out
    as a UUID of version 7 (RFC 9562), so its first 48 bits are a time in milliseconds."""

    key: str
    text: str
    language: str = "en"
    reply_to: str | None = None  # remote id
    reply_url: str | None = None  # its address, where an id means something on one server only
    pictures: tuple[Picture, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)  # those of the network's `options` that were chosen
    begun_at: datetime | None = None  # when the attempt began that is made, or looked up
    reply_addressed: bool = True  # what it answers named our account; some networks let us answer nothing else
    reply_root: bool = False  # what it answers begins its thread; some networks let us answer only what answers us
    others: frozenset[str] = frozenset()  # remote ids of what else we sent from there: a look-up must not take those
    memory: Memory | None = None  # none: nothing is kept (previews, limits)
    # Asked before each call that makes something: raises HeldBack, or Unavailable once that is too late.
    proceed: Callable[[], None] = _go_on


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


def _nothing(_: Outgoing) -> int:
    return 0


def _fine(_: Outgoing) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True)
class Limits:
    """How a network counts a text, and how much it takes."""

    length: int
    count: Callable[[str], int] = len
    unit: str = "characters"
    besides: Callable[[Outgoing], int] = _nothing  # what else of the length is used: a content warning, …
    pictures: int = 0
    alt_length: int = 1500
    further: Callable[[Outgoing], Iterable[Problem]] = _fine  # rules of this network alone
    note: str = ""  # in plain words, shown beside the counter

    def used(self, outgoing: Outgoing) -> int:
        """How much of `length` this takes."""
        return self.count(outgoing.text) + self.besides(outgoing)

    def problems(self, outgoing: Outgoing) -> tuple[Problem, ...]:
        """Every reason why this cannot be sent; empty when it can."""
        if not outgoing.text.strip():
            return (Problem("There is no text yet."),)
        found = []
        over = self.used(outgoing) - self.length
        if over > 0:
            one = Phrase("The text is 1 character too long; the limit is %(limit)s.", limit=self.length)
            several = Phrase(
                "The text is %(over)s characters too long; the limit is %(limit)s.", over=over, limit=self.length
            )
            found.append(Problem(one if over == 1 else several))
        if len(outgoing.pictures) > self.pictures:
            few = Phrase("This network takes at most %(most)s pictures.", most=self.pictures)
            found.append(Problem(few if self.pictures else Phrase("This network takes no pictures."), "pictures"))
        for number, picture in enumerate(outgoing.pictures, 1):
            if not picture.alt.strip():
                bare = Phrase("Picture %(number)s has no description for people who cannot see it.", number=number)
                found.append(Problem(bare, "pictures"))
            elif len(picture.alt) > self.alt_length:
                long = Phrase(
                    "The description of picture %(number)s is longer than %(most)s characters.",
                    number=number,
                    most=self.alt_length,
                )
                found.append(Problem(long, "pictures"))
        return (*found, *self.further(outgoing))


@dataclass(frozen=True)
class Option:
    """Something that a post may choose on this network alone. Without choices it is free text."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()  # value, words; the first is the default
    help: str = ""
    once: bool = False  # of a thread, with its first part only


@dataclass(frozen=True)
class Policy:
    """What a network's rules let us keep and do; intake, retention and training obey it."""

    text_days: int | None = None  # none: the installation's own retention
    deletion_hours: int | None = None  # none: the network has no such rule
    recheck_hours: int | None = None  # where asking whether a post is still there costs: no oftener than this
    corrections_may_train: bool = True
    may_not: tuple[str, ...] = ()  # what its terms forbid to do with what is read there, in plain words
    notes: str = ""

    @property
    def words_may_stay(self) -> bool:
        """Whether words may stay with an action beyond their days, when no deletion can be followed any more."""
        return self.text_days is None and self.deletion_hours is None


@dataclass(frozen=True)
class Rate:
    """What a network last said of how often it may be asked."""

    limit: int
    remaining: int
    resets_at: datetime  # aware


class Keeper(Protocol):
    """Where an account's changing state is kept, each in a transaction of its own (networks.accounts)."""

    def session(self) -> str | None:
        """The session that was kept last; secret."""
        ...

    def keep_session(self, session: str) -> None:
        """Keeps a new or renewed session, sealed."""
        ...

    def renewing(self) -> AbstractContextManager[None]:
        """Held while a session is renewed: one at a time in this process. Look at `session()` again inside."""
        ...

    def rate(self, rate: Rate) -> None:
        """Notes what is left of a rate; written now and then."""
        ...

    def spend(self, dollars: Decimal, what: str) -> None:
        """Notes what reading or publishing cost where a network charges; `what`: read | publish."""
        ...

    def check_budget(self) -> None:
        """Before something is read that costs money. Raises RateLimited, until next month, once this month's budget is
        used up. Publishing never asks."""
        ...


@dataclass(frozen=True)
class Connection:
    """What a module needs to talk: an account's or a source's settings, its secret; the store only for the board."""

    engine: sa.Engine
    settings: Mapping[str, str] = field(default_factory=dict)  # the source's over the account's
    secret: str | None = None
    account_id: int | None = None
    allow_private: bool = False  # may a named address be private or loopback
    remote_id: str = ""  # the account's own id on its network
    handle: str = ""
    keeper: Keeper | None = None  # none: no account
    searches: tuple[str, ...] = ()  # the watch rules in the network's words, for a kind that is `by_rules`


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

    def remove(self, remote_id: str) -> None:
        """Deletes a post of ours; one that is gone already is fine. Raises NetworkError."""
        ...


class Doorbell(Protocol):
    """Stays on the line with a network that offers it and rings when something came; reading is the listener's."""

    def __call__(
        self, connection: "Connection", ring: Callable[[], None], told_gone: Callable[[str], None], stop: Event
    ) -> None:
        """Blocks until `stop` is set. `ring()`: look now. `told_gone(remote_id)`: a post was deleted. Raises
        NetworkError when the network does not offer it, or the sign-in ended."""
        ...


@dataclass(frozen=True)
class Burst:
    """What a stream brought since the last one, and the cursor that covers it. `position`: the network's time of its
    newest event; `lost`: a time from which the network may have had more than it could still give."""

    cursor: str
    position: datetime
    mentions: Sequence[RemoteMention] = ()
    edited: Sequence[RemoteMention] = ()
    deleted: Sequence[str] = ()  # remote ids
    left: Sequence[str] = ()  # authors whose account is gone or closed
    read: int = 0  # events
    refused: int = 0  # of them, what could not be read
    lost: tuple[datetime, datetime] | None = None


class Stream(Protocol):
    """Reads a whole network as it happens; for networks too large to store and look through later."""

    def __call__(
        self, connection: "Connection", cursor: str | None, wanted: Callable[[str, str | None], bool], stop: Event
    ) -> Iterator[Burst]:
        """Bursts, about one a second, from `cursor` (none: from now) until `stop` is set or the line breaks, which
        raises NetworkError. `wanted(text, language)`: whether a post is about us; others are passed over."""
        ...


A_LOOK = 30.0  # seconds after which a witness that asks one by one stops, with what it knows by then


@dataclass(frozen=True)
class Witnessed:
    """What a network tells of posts. `gone`: those that were surely deleted or hidden; `unasked`: those that it could
    not be asked about any more, as at a rate limit. Every other is there, or nobody can tell. `edited`: those that were
    changed since they were written, as they are now, where it tells that with the rest."""

    gone: frozenset[str]
    unasked: frozenset[str] = frozenset()
    edited: Sequence[RemoteMention] = ()


class Witness(Protocol):
    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        """Whether these posts are still there. Raises NetworkError when nothing could be asked."""
        ...


@dataclass(frozen=True)
class PollCount:
    """What people chose in a poll of ours. `choices`: each with its votes, in their order; `people`: who voted, where
    the network counts them apart from votes."""

    choices: tuple[tuple[str, int], ...]
    people: int | None
    closed: bool


class PollReader(Protocol):
    def count(self, remote_id: str) -> PollCount | None:
        """The poll of this post as it stands; none where the post is gone or has none. Raises NetworkError."""
        ...


@dataclass(frozen=True)
class OwnPost:
    """A post of ours on its network. `answers`: it answers somebody, which some networks keep as a comment."""

    remote_id: str
    answers: bool = False


@dataclass(frozen=True)
class Reach:
    """How often a post of ours was seen and answered, as its network counts; none: not given there. Counts alone,
    never who. `reposts`: passed on, with or without words of one's own."""

    views: int | None = None
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None


@dataclass(frozen=True)
class ReachPage:
    """What a network told of posts of ours by their remote ids, none for one that is gone; one that is missing was not
    asked for. `refused`: why something was not given that is given to others, in plain words."""

    reach: Mapping[str, Reach | None]
    refused: str = ""


class ReachReader(Protocol):
    def reach(self, ours: Sequence[OwnPost]) -> ReachPage:
        """How these posts stand now; it stops where the network does, with what it knows by then. Raises NetworkError
        when it knows nothing; RateLimited until next month when this month's budget is used up."""
        ...


@dataclass(frozen=True)
class Field:
    """One field of a form: to sign in, or to set up a source."""

    name: str
    label: str
    help: str = ""
    default: str = ""
    secret: bool = False
    example: str = ""
    required: bool = True


@dataclass(frozen=True)
class SignedIn:
    """What signing in gave us. `secret` is sealed and kept; `session` may change later."""

    remote_id: str  # stable: it must be the same when an account is connected again
    handle: str
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)  # public: the server, its limits
    secret: str = ""
    session: str | None = None
    ends_at: datetime | None = None  # when a person must sign in again; none: as long as it is used


@dataclass(frozen=True)
class PasswordSignIn:
    """Sign-in by what a person types. `connect(given, allow_private)` raises NetworkError; Rejected says what to do."""

    fields: tuple[Field, ...]
    connect: Callable[[Mapping[str, str], bool], SignedIn]


@dataclass(frozen=True)
class Departure:
    """Where a person must go to say yes, and what we need when they come back (secret)."""

    url: str
    kept: str


@dataclass(frozen=True)
class PageSignIn:
    """Sign-in on the network's own page (OAuth). `begin(given, redirect_uri, state, allow_private)` and, with the code
    that comes back, `finish(kept, code, allow_private)`. Both raise NetworkError."""

    fields: tuple[Field, ...]
    begin: Callable[[Mapping[str, str], str, str, bool], Departure]
    finish: Callable[[str, str, bool], SignedIn]


@dataclass(frozen=True)
class SourceKind:
    """A way to listen: `name` stands in the source's settings as `kind`, beside the values of `fields`."""

    name: str
    label: str
    fields: tuple[Field, ...] = ()
    account: str = "needed"  # needed | optional | none
    every_seconds: int = 300
    streamed: bool = False  # by Network.stream, never asked
    by_rules: int = 0  # asked in the watch rules' words, in searches of so many characters each (listeners.searches)


@dataclass(frozen=True)
class AuthorId:
    """What a listener gives as the author of a post: an id that lasts, which `pattern` matches whole. `forms`: all that
    a listener may have given for the account of an id, that id too, where servers tell more or less of accounts."""

    pattern: str
    example: str
    forms: Callable[[str], tuple[str, ...]] = lambda account: (account,)


@dataclass(frozen=True)
class Network:
    """One network: its name in data and on pages, what it allows, and how to talk to it."""

    name: str
    label: str
    policy: Policy
    limits: Limits | None = None
    limits_of: Callable[[Mapping[str, str]], Limits] | None = None  # by an account's settings, where servers differ
    listener: Callable[[Connection], Listener] | None = None
    publisher: Callable[[Connection], Publisher] | None = None
    witness: Callable[[Connection], Witness] | None = None
    polls: Callable[[Connection], PollReader] | None = None  # its option `poll` makes one (networks.polls)
    reach: Callable[[Connection], ReachReader] | None = None  # none: it tells nothing of how a post fares
    doorbell: Doorbell | None = None
    stream: Stream | None = None  # for its kinds that are streamed
    sign_in: PasswordSignIn | PageSignIn | None = None
    test: Callable[[Connection], SignedIn] | None = None  # who are we there now; settings come back up to date
    kinds: tuple[SourceKind, ...] = ()
    author_id: AuthorId | None = None  # none: what comes from there tells whose it is to nobody
    options: tuple[Option, ...] = ()
    threads: bool = False  # a post can answer our own post before it
    charges: bool = False  # money, for reading and publishing (Keeper.spend)
    no_copies: bool = False  # the same text from several accounts of one owner breaks its rules
    fetches_pictures: bool = False  # from a public address of ours (Picture.url), rather than taking them from us

    @property
    def without_sign_in(self) -> bool:
        """Whether one can publish there without signing in, as on the practice board."""
        return self.publisher is not None and self.sign_in is None

    def with_part(self, options: Mapping[str, str], number: int) -> dict[str, str]:
        """The options that go with this part of a thread, from 0."""
        once = {option.name for option in self.options if option.once} if number else set()
        return {name: value for name, value in options.items() if name not in once}

    def limits_for(self, settings: Mapping[str, str]) -> Limits | None:
        """The limits of an account with these settings; none where nothing can be published."""
        return self.limits_of(settings) if self.limits_of is not None else self.limits
