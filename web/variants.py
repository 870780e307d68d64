"""What each account would say, and whether its network takes it: for Compose, for Approvals, and for the API. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from networks.network import Limits, Network, Outgoing
from networks.tables import Account


@dataclass(frozen=True)
class Check:
    """A text against a network's limits. `fits`: how many code points from the start would be kept."""

    length: int
    limit: int | None
    unit: str
    problems: tuple[str, ...]
    fits: int
    empty: bool = False  # nothing written yet: not worth a warning while somebody is about to write

    @property
    def bad(self) -> bool:
        """Something to mend in what is written."""
        return bool(self.problems) and not self.empty

    @property
    def percent(self) -> float:
        """How full, 0 to 100; where the limit mark stands is `mark`."""
        return 0.0 if not self.limit else round(min(100.0, 100 * self.length / max(self.limit, self.length)), 1)

    @property
    def mark(self) -> float:
        """Where the limit stands on the meter, in percent of its width."""
        return 100.0 if not self.limit else round(100 * self.limit / max(self.limit, self.length), 1)

    @property
    def over(self) -> int:
        return 0 if self.limit is None else max(0, self.length - self.limit)

    @property
    def near(self) -> bool:
        return self.limit is not None and not self.over and self.length >= 0.95 * self.limit


@dataclass(frozen=True)
class Card:
    """One account's variant as a page shows it."""

    account: Account
    label: str  # the network's name for people
    chosen: bool
    own: str | None  # its own wording; none: it follows the message
    text: str  # what it would say
    check: Check


def check(network: Network, text: str, language: str) -> Check:
    """`text` counted as the network counts it, with every reason why it could not go out."""
    limits = network.limits
    if limits is None:
        return Check(len(text), None, "characters", (), len(text), not text.strip())
    found = limits.problems(Outgoing(key="", text=text, language=language))
    length = limits.count(text)
    fits = len(text) if length <= limits.length else _that_fit(limits, text)
    return Check(
        length, limits.length, limits.unit, tuple(problem.message for problem in found), fits, not text.strip()
    )


def cards(
    accounts: Iterable[Account],
    networks: Mapping[str, Network],
    chosen: Iterable[int],
    message: str,
    own: Mapping[int, str | None],
    language: str,
) -> list[Card]:
    """A card for each account: the chosen ones first, each group in the order given."""
    picked = set(chosen)
    made = []
    for account in accounts:
        network = networks[account.network]
        wording = own.get(account.id or 0)
        text = message if wording is None else wording
        card = Card(account, network.label, account.id in picked, wording, text, check(network, text, language))
        made.append(card)
    return sorted(made, key=lambda card: not card.chosen)


def _that_fit(limits: Limits, text: str) -> int:
    """The longest start of `text` within the limit, by halving: a longer start never counts less."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if limits.count(text[:middle]) <= limits.length else (low, middle - 1)
    return low
