"""How X counts a text: by weight, as its configuration of version 3 says, in a library that passes X's own conformance
tests. Pure."""

from collections.abc import Iterable

from twitter_text import parse_tweet

from networks.network import Limits, Outgoing, Problem

LENGTH = 280
LINK = 23  # whatever its length


def weight(text: str) -> int:
    """Latin and the like count one, scripts such as Chinese and every emoji two, a link 23."""
    return int(parse_tweet(text).weightedLength)


def _unsayable(outgoing: Outgoing) -> Iterable[Problem]:
    """What X takes for no text at all, though it is short enough: characters that are none."""
    if weight(outgoing.text) <= LENGTH and not parse_tweet(outgoing.text).valid:
        yield Problem("The text holds a character that X does not take.")


LIMITS = Limits(
    length=LENGTH,
    count=weight,
    pictures=4,
    alt_length=1000,
    further=_unsayable,
    note=f"A link counts {LINK}, an emoji 2.",
)
