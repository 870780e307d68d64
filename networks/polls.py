"""A poll as a post's options carry it: `poll` the choices with bars between, `poll_days` how long it is open,
`poll_multiple` whether one may choose several. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from config.phrases import Phrase
from networks.network import Option, Problem

BAR = "|"
DAYS = (1, 3, 7, 14, 28)
OPTIONS = (
    Option(
        "poll", "Poll", help="What to choose from, with bars between: Yes | No | Not sure. No pictures then.", once=True
    ),
    Option(
        "poll_days",
        "Poll open for",
        (("1", "one day"), ("3", "3 days"), ("7", "7 days"), ("14", "14 days"), ("28", "28 days")),
        once=True,
    ),
    Option("poll_multiple", "In the poll", (("", "one choice each"), ("yes", "several choices each")), once=True),
)


@dataclass(frozen=True)
class Poll:
    choices: tuple[str, ...]
    open_for: timedelta
    multiple: bool


def of(options: Mapping[str, str]) -> Poll | None:
    """The poll that these options ask for; none if there is none."""
    choices = tuple(choice for part in options.get("poll", "").split(BAR) if (choice := " ".join(part.split())))
    if not choices:
        return None
    days = options.get("poll_days") or str(DAYS[0])
    return Poll(choices, timedelta(days=int(days)), options.get("poll_multiple") == "yes")


def options(choices: Iterable[str], days: int) -> dict[str, str]:
    """What a post carries for a poll of one choice each, open for these days or the next fewer that are offered."""
    kept = [" ".join(choice.replace(BAR, " ").split()) for choice in choices]
    open_for = max((offered for offered in DAYS if offered <= days), default=DAYS[0])
    return {"poll": f" {BAR} ".join(filter(None, kept)), "poll_days": str(open_for)}


def problems(asked: Poll, *, pictures: int, most: int, longest: int, shortest_s: int, longest_s: int) -> list[Problem]:
    """Why a network with these limits would not take it."""
    found = []
    if pictures:
        found.append(
            Problem("A poll goes out without pictures here: take them out, or leave the poll out.", "pictures")
        )
    if not 2 <= len(asked.choices) <= most:
        found.append(Problem(Phrase("A poll has two to %(most)s choices here.", most=most)))
    if len({choice.casefold() for choice in asked.choices}) < len(asked.choices):
        found.append(Problem("Two choices of the poll are the same."))
    found += [
        Problem(
            Phrase(
                "“%(choice)s…” is too long for a choice of a poll; the limit is %(most)s characters.",
                choice=choice[:20],
                most=longest,
            )
        )
        for choice in asked.choices
        if len(choice) > longest
    ]
    if not shortest_s <= asked.open_for.total_seconds() <= longest_s:
        found.append(Problem("This server does not keep a poll open for so long."))
    return found
