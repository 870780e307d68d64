"""What a Page's post may hold. Pure."""

from collections.abc import Iterable

from networks.network import Limits, Outgoing, Problem


def _of_answers(outgoing: Outgoing) -> Iterable[Problem]:
    if outgoing.reply_to is not None and outgoing.pictures:
        yield Problem("An answer on Facebook is a comment; it goes without pictures here.", "pictures")


LIMITS = Limits(length=63_206, pictures=10, alt_length=1000, further=_of_answers)
