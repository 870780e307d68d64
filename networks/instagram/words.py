"""What Instagram takes. Pure."""

import re
from collections.abc import Iterable

from config.phrases import Phrase
from networks.network import Limits, Outgoing, Problem

HASHTAGS = 30
TALLEST, WIDEST = 4 / 5, 1.91  # width over height
NOT_OURS_TO_ANSWER = Phrase("Instagram lets us answer comments only, no picture that tags us.")
_TAG = re.compile(r"(?<!\w)#\w+")


def _rules(outgoing: Outgoing) -> Iterable[Problem]:
    tags = len(_TAG.findall(outgoing.text))
    if tags > HASHTAGS:
        yield Problem(
            Phrase("There are %(tags)s hashtags; Instagram takes at most %(most)s.", tags=tags, most=HASHTAGS)
        )
    if outgoing.reply_to is not None:
        if outgoing.reply_root:
            yield Problem(NOT_OURS_TO_ANSWER, "reply_to")
        if outgoing.pictures:
            yield Problem("An answer on Instagram is a comment, without pictures.", "pictures")
        return
    if not outgoing.pictures:
        yield Problem("Instagram needs at least one picture.", "pictures")
    for number, picture in enumerate(outgoing.pictures, 1):
        shape = picture.width / max(picture.height, 1)
        if shape < TALLEST - 0.005:
            tall = Phrase(
                "Picture %(number)s is too tall for Instagram; crop it to four by five or wider.", number=number
            )
            yield Problem(tall, "pictures")
        elif shape > WIDEST + 0.005:
            wide = Phrase(
                "Picture %(number)s is too wide for Instagram; crop it to 1.91 by 1 or narrower.", number=number
            )
            yield Problem(wide, "pictures")


LIMITS = Limits(length=2200, pictures=10, alt_length=1000, further=_rules, note="Links in a caption cannot be pressed.")
