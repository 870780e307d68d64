"""Why a target stands as it does. It is kept in English, as programs get it, and told in a reader's language: whole, or
around what a network or a person said, which stays as it is."""

import re

from config.phrases import Phrase


def _(message: str) -> str:
    """Marks a sentence for the catalogue; it is told by `read`."""
    return message


CALLED_OFF = _("called off")
CUT = _("the part of the thread before it was not sent")
GONE_ON = _("the claim ended before the call")
HELD = _("a hold was in force")
LEFT = _("left by decision")
NO_ANSWER = _("no answer came; it is looked up on the network")
NO_RECEIPT = _("no receipt before the lease ran out")
NOT_APPROVED = _("not approved for these words")
NOT_BEGUN = _("it was not begun")
REMOVED = _("the account was removed")
SENT_AGAIN = _("sent again by decision")
SLOW = _("preparing it took too long; nothing was posted")
STILL_OPEN = _("it is not there, but the call may still be under way")
ABSENT = _("proven absent")
ALIKE = _("what is there may be another post of ours with the same words")

# around something else: `why` may be one of these again
CANNOT_TELL = _("could not be looked up: %(why)s")
NOT_REMOVED = _("could not be taken down: %(why)s")
NOT_YET_REMOVED = _("not taken down yet: %(why)s")
SIGNED_OUT = _("%(account)s is signed out")
SILENT = _("nothing goes out that day: %(reason)s")
TOO_LATE = _("too late to be sent; %(why)s")
UNREADABLE = _("what it answers cannot be read: %(error)s")
_AROUND = (CANNOT_TELL, NOT_REMOVED, NOT_YET_REMOVED, SILENT, TOO_LATE, UNREADABLE, SIGNED_OUT)


def read(words: str) -> Phrase:
    """A reason as it was kept, to be told in a language. Pure."""
    for pattern in _AROUND:
        before, place, after = re.split(r"%\((\w+)\)s", pattern)
        within = words[len(before) : len(words) - len(after)]
        if within and words == before + within + after:
            return Phrase(pattern, **{place: read(within) if place == "why" else within})
    return Phrase(words.replace("%", "%%"))
