"""All that one person's digest is made of, as plain values: the digest job gathers a `Morning`, digest.py words it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sentiment.editions import Edition
from sentiment.figures import ConcernRow, Overview
from sentiment.quotes import Quote
from sentiment.waiting import Waiting


@dataclass(frozen=True)
class AlertNews:
    """An alert. `expected` is authors, as in the alert; `growing` if posts joined it since the last digest; `closed` if
    somebody dealt with it; `place` is the name of its place. The title is a statement ("Traffic near Elm Street: far
    more than usual") if `kind` is "cell", else the name of something new."""

    title: str
    concern: str
    posts: int
    authors: int
    expected: float
    since: datetime
    path: str
    keyphrases: tuple[str, ...] = ()
    kind: str = "cell"
    growing: bool = True
    place: str | None = None
    closed: bool = False


@dataclass(frozen=True)
class Sent:
    """What went out since the last digest: posts, the networks they went to, and what did not go well; `practised`:
    posts that went to the practice board alone, where nobody outside sees them."""

    posts: int = 0
    networks: int = 0
    unconfirmed: int = 0
    failed: int = 0
    practised: int = 0
    missed: int = 0


@dataclass(frozen=True)
class Answered:
    """Mentions answered since the last digest; `half_within` is the median time to the answer."""

    mentions: int = 0
    half_within: timedelta | None = None


@dataclass(frozen=True)
class Morning:
    """All that one person's digest is made of, gathered by the digest job. `key` is the outbox key; `at` is when it is
    written, `zone` the person's. `quotes` are by concern key, `networks` gives a network's name for people to read.
    `new_alerts` were raised since yesterday, `open_alerts` earlier and nobody closed them; `gone_quiet` those
    closed since yesterday (in a weekly or monthly edition: in its days). `only_concerns` (keys) and
    `only_places` (names) are what the person chose to read about. Paths are within the desk and begin with a slash."""

    key: str
    recipient: str
    department: str
    at: datetime
    zone: ZoneInfo
    overview: Overview
    concerns: Sequence[ConcernRow] = ()
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    new_alerts: Sequence[AlertNews] = ()
    open_alerts: Sequence[AlertNews] = ()
    gone_quiet: Sequence[AlertNews] = ()
    sent: Sent = Sent()
    answered: Answered = Answered()
    going_out: int = 0
    gone_out: int = 0  # of the same day, before `at`
    held: bool = False  # a hold is on: what would go out waits
    waiting: Sequence[Waiting] = ()
    edition: Edition = Edition.DAILY
    only_concerns: Sequence[str] = ()
    only_places: Sequence[str] = ()
