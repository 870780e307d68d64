"""What each account would say, and whether its network takes it: for Compose, for Approvals, and for the API. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from networks.network import Limits, Network, Option, Outgoing, Picture
from networks.tables import Account
from posts import fitting, threads


@dataclass(frozen=True)
class Check:
    """A text against a network's limits. `fits`: how many code points from the start would be kept. Of a thread,
    length is that of its longest part, and every part is kept whole."""

    length: int
    limit: int | None
    unit: str
    problems: tuple[str, ...]
    fits: int
    empty: bool = False  # nothing written yet: not worth a warning while somebody is about to write
    note: str = ""  # how this network counts, where that is a surprise

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
    parts: tuple[str, ...]  # the posts that the text makes: more than one in a thread
    check: Check
    options: tuple[tuple[Option, str], ...] = ()  # what this network alone lets one choose, and what is chosen


@dataclass(frozen=True)
class Said:
    """A post as far as every account shares it. `answers_on`: the network of the mention that it answers."""

    message: str
    language: str
    pictures: Sequence[Picture] = ()
    answers_on: str | None = None
    answers_addressed: bool = True  # that mention named our account
    answers_root: bool = False  # it begins its thread


def check(network: Network, outgoing: Outgoing, settings: Mapping[str, str] | None = None) -> Check:
    """A text counted as the network counts it (on the account's server), with every reason why it could not go out.

    Lines of dashes cut the text into a thread; pictures go with its first part."""
    text, parts = outgoing.text, fitting.parts(outgoing)
    limits = network.limits_for(settings or {})
    if limits is None:
        return Check(len(text), None, "characters", (), len(text), not text.strip())
    length = max(limits.used(part) for part in parts)
    fits = len(text) if length <= limits.length or len(parts) > 1 else _that_fit(limits, outgoing)
    found = fitting.problems(network, settings or {}, outgoing)
    return Check(length, limits.length, limits.unit, found, fits, not text.strip(), limits.note)


def cards(
    accounts: Iterable[Account],
    networks: Mapping[str, Network],
    chosen: Iterable[int],
    said: Said,
    own: Mapping[int, str | None],
    options: Mapping[int, Mapping[str, str]],
) -> list[Card]:
    """A card for each account: the chosen ones first, each group in the order given."""
    picked = set(chosen)
    made = []
    for account in accounts:
        network, number = networks[account.network], account.id or 0
        wording, selected = own.get(number), options.get(number, {})
        outgoing = Outgoing(
            key="",
            text=said.message if wording is None else wording,
            language=said.language,
            reply_to="its mention" if said.answers_on == account.network else None,
            reply_addressed=said.answers_addressed,
            reply_root=said.answers_root,
            pictures=tuple(said.pictures),
            options=selected,
        )
        card = Card(
            account=account,
            label=network.label,
            chosen=number in picked,
            own=wording,
            text=outgoing.text,
            parts=threads.parts(outgoing.text),
            check=check(network, outgoing, account.settings),
            options=tuple((option, selected.get(option.name, "")) for option in network.options),
        )
        made.append(card)
    return sorted(made, key=lambda card: not card.chosen)


def _that_fit(limits: Limits, outgoing: Outgoing) -> int:
    """The longest start of the text within the limit, by halving: a longer start never counts less."""
    low, high = 0, len(outgoing.text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = limits.used(replace(outgoing, text=outgoing.text[:middle])) <= limits.length
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
