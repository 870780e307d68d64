"""One alert, or many, as a page or a mail shows it: its quotes, its two days, its places and networks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from listeners.tables import Mention, Place
from sentiment import columns, disclosure, quotes
from sentiment.columns import Column
from sentiment.quotes import Quote
from sentiment.tables import Alert, AlertMention
from sentiment.taxonomy import CONCERNS


@dataclass(frozen=True)
class AlertDetail:
    """`columns`: two days up to the alert's last update, oldest first.
    `places` and `networks`: (name, authors) and (name, posts), most first, of the mentions that still live.
    `once_in_days`: how often chance alone makes such a surge. Counts by place as sentiment.disclosure lets them."""

    alert: Alert
    concern_name: str
    place_name: str | None
    quotes: tuple[Quote, ...]
    columns: tuple[Column, ...]
    places: tuple[tuple[str, int], ...]
    networks: tuple[tuple[str, int], ...]
    authors: int
    posts: int
    expected: float
    once_in_days: float


def of_one(session: Session, alert_id: int, zone: ZoneInfo) -> AlertDetail | None:
    """Everything about one alert; none when there is no such alert."""
    alert = session.get(Alert, alert_id)
    return of_each(session, [alert], zone)[0] if alert is not None else None


def of_each(session: Session, found: Sequence[Alert], zone: ZoneInfo) -> list[AlertDetail]:
    """Everything about these alerts, in their order; as many questions for many as for one, none for none."""
    if not found:
        return []
    numbers = [alert.id or 0 for alert in found]
    its_place, named = aliased(Place), aliased(Place)
    wanted: list[Any] = [
        col(Alert.id).label("alert"),
        col(its_place.name).label("its_place"),
        col(Mention.id).label("mention"),
        col(Mention.network).label("network"),
        col(Mention.author).label("author"),
        col(named.name).label("place"),
    ]
    linked = (
        sa.select(*wanted)
        .select_from(Alert)
        .outerjoin(its_place, col(its_place.id) == col(Alert.place_id))
        .outerjoin(AlertMention, col(AlertMention.alert_id) == col(Alert.id))
        .outerjoin(Mention, sa.and_(col(Mention.id) == col(AlertMention.mention_id), col(Mention.shown)))
        .outerjoin(named, col(named.id) == col(Mention.place_id))
        .where(col(Alert.id).in_(numbers))
    )
    seen = {number: _Seen() for number in numbers}
    for row in session.connection().execute(linked):
        seen[row.alert].note(row)
    said = quotes.of_each(session, {number: one.mentions for number, one in seen.items()})
    drawn = columns.of_concerns(session, [(alert.concern, alert.updated_at) for alert in found], zone)
    details = []
    for number, alert, its_columns in zip(numbers, found, drawn, strict=True):
        told, once_in_days = disclosure.seen(alert), float(alert.evidence.get("once_in_days", 0))
        evidence = seen[number]
        place = evidence.its_place
        where = [(name, len(authors)) for name, authors in evidence.places.items() if len(authors) >= disclosure.LEAST]
        details.append(
            AlertDetail(
                alert=alert,
                concern_name=CONCERNS[alert.concern].name if alert.concern in CONCERNS else alert.concern,
                place_name=place,
                quotes=tuple(said[number]),
                columns=its_columns,
                places=tuple((name, disclosure.in_fives(count)) for name, count in _most_first(where)),
                networks=tuple(
                    (name, disclosure.in_fives(count) if place else count)
                    for name, count in _most_first(evidence.networks.items())
                ),
                authors=told.authors,
                posts=told.posts,
                expected=told.expected,
                once_in_days=disclosure.coarse(once_in_days) if place else once_in_days,
            )
        )
    return details


class _Seen:
    """What an alert rests on, of the mentions that still live: who wrote is counted at each place, and told nowhere."""

    def __init__(self) -> None:
        self.its_place: str | None = None
        self.mentions: list[int] = []
        self.networks: Counter[str] = Counter()
        self.places: dict[str, set[bytes]] = defaultdict(set)

    def note(self, row: Any) -> None:
        self.its_place = row.its_place
        if row.mention is None:
            return
        self.mentions.append(row.mention)
        self.networks[row.network] += 1
        if row.place is not None:
            self.places[row.place].add(row.author)


def _most_first(counted: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counted, key=lambda one: (-one[1], one[0]))
