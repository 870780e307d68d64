"""What may be said of counts by place, so that nobody is found in them: whole fives, rounded down; of fewer than five
nothing. Pages, mails, reports, webhooks and the API ask here. docs/statistics.md says what this holds against."""

from dataclasses import dataclass

from sentiment.tables import Alert, HeldBack

LEAST = 5


@dataclass(frozen=True)
class Seen:
    """What was seen of an alert, as it may be told. `by_place`: it is of a place, so that `posts` and `authors` are
    "at least", 0 standing for fewer than five; what is usual is a whole number then, and chances have one digit."""

    posts: int
    authors: int
    expected: float
    p_value: float
    by_place: bool


def in_fives(number: int) -> int:
    """A count of people or posts as it is told of a place, or to the public: at least so many; 0 stands for fewer than
    five, none included."""
    return number - number % LEAST


def coarse(chance: float) -> float:
    """One digit of a chance at a place: more would let the count behind it be worked out."""
    return float(f"{chance:.0e}")


def seen(found: Alert | HeldBack) -> Seen:
    """What may be told of an alert, or of what was found and held back (which knows no number of posts)."""
    posts = found.posts if isinstance(found, Alert) else 0
    if found.place_id is None:
        return Seen(posts, found.authors, found.expected, found.p_value, by_place=False)
    return Seen(
        in_fives(posts), in_fives(found.authors), float(round(found.expected)), coarse(found.p_value), by_place=True
    )
