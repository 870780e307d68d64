"""What may wait for a person in the morning, and the line that says so. Pure; the digest job finds what waits."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from config.translations import translate
from sentiment import digest_words, wording

WIDEST = 90  # characters of what was asked


@dataclass(frozen=True)
class AlertWaits:
    """An alert that nobody has taken; its concern, where its title is one of our own sentences."""

    title: str
    path: str
    concern: str = ""


@dataclass(frozen=True)
class MentionsWait:
    """Mentions to answer, and when the oldest of them was posted."""

    count: int
    oldest: datetime
    path: str


@dataclass(frozen=True)
class ApprovalsWait:
    """Posts that this person may approve."""

    count: int
    path: str


@dataclass(frozen=True)
class ChangesAsked:
    """A post of this person that came back."""

    title: str
    path: str


@dataclass(frozen=True)
class NobodyApproves:
    """A post of this person that waits for approval where nobody may give it."""

    title: str
    path: str


@dataclass(frozen=True)
class NotSent:
    """A post of this person that a network refused; `some`: another took it; `missed`: it became too late."""

    title: str
    some: bool
    path: str
    missed: bool = False


@dataclass(frozen=True)
class DecisionsWait:
    """Posts of which nobody knows whether they went out."""

    count: int
    path: str


@dataclass(frozen=True)
class SignInEnds:
    """An account's sign-in that ends in `days`; 0 or less: it has ended."""

    account: str
    days: int
    path: str


@dataclass(frozen=True)
class SourceTrouble:
    """A source that does not bring what it should; `state`: failing, behind or silent."""

    name: str
    state: str
    path: str


@dataclass(frozen=True)
class MailStands:
    """Mails and messages that should have gone out long ago and have not."""

    count: int
    path: str


@dataclass(frozen=True)
class ActionDue:
    """What a unit was asked for until a day that is near, or over."""

    wanted: str
    unit: str
    due_on: date
    path: str


@dataclass(frozen=True)
class MoreDue:
    """Further actions whose day is near, or over."""

    count: int
    path: str


Waiting = (
    AlertWaits
    | MentionsWait
    | ApprovalsWait
    | ChangesAsked
    | NobodyApproves
    | NotSent
    | DecisionsWait
    | SignInEnds
    | SourceTrouble
    | MailStands
    | ActionDue
    | MoreDue
)


@dataclass(frozen=True)
class WaitingWords:
    """One thing that waits: the words that are a link, the words after them, and where the link leads."""

    link: str
    rest: str
    path: str


def how_many(waiting: Iterable[Waiting]) -> int:
    """Things that wait: two posts to approve are two, though one line says so; mail that stands is one thing."""
    counted = (MentionsWait, ApprovalsWait, DecisionsWait, MoreDue)
    return sum(one.count if isinstance(one, counted) else 1 for one in waiting)


def in_words(one: Waiting, zone: ZoneInfo, today: date, language: str) -> WaitingWords:
    """The line of one thing that waits; times in `zone`."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match one:
        case AlertWaits(title, path, concern):
            said = _unended(digest_words.alert_title(title, concern, language))
            return WaitingWords(said, _(". Nobody has it yet"), path)
        case MentionsWait(count, oldest, path):
            link = ngettext("%(count)s mention to answer", "%(count)s mentions to answer", count) % {"count": count}
            since = digest_words.when(oldest.astimezone(zone), today, language)
            if count == 1:
                return WaitingWords(link, _(", from %(when)s") % {"when": since}, path)
            return WaitingWords(link, _(", the oldest from %(when)s") % {"when": since}, path)
        case ApprovalsWait(count, path):
            link = ngettext("%(count)s post to approve", "%(count)s posts to approve", count) % {"count": count}
            return WaitingWords(link, "", path)
        case ChangesAsked(title, path):
            return WaitingWords(f"“{digest_words.one_line(title)}”", _(" came back: changes were asked for"), path)
        case NobodyApproves(title, path):
            rest = _(" waits, but nobody here may approve it yet: see what to do")
            return WaitingWords(f"“{digest_words.one_line(title)}”", rest, path)
        case NotSent(title, some, path, missed):
            rest = _(" did not go out everywhere: see why") if some else _(" did not go out: see why")
            if missed:
                rest = _(" missed its time and did not go out: give it another, or leave it")
            return WaitingWords(f"“{digest_words.one_line(title)}”", rest, path)
        case DecisionsWait(count, path):
            link = ngettext("%(count)s post", "%(count)s posts", count) % {"count": count}
            return WaitingWords(link, _(": nobody knows yet whether it went out; look and decide"), path)
        case SignInEnds(account, days, path):
            link = _("%(account)s sign-in") % {"account": digest_words.one_line(account)}
            if days <= 0:
                return WaitingWords(link, _(" has ended: connect it again"), path)
            rest = ngettext(" ends in %(count)s day", " ends in %(count)s days", days) % {"count": days}
            return WaitingWords(link, rest, path)
        case ActionDue(wanted, unit, due_on, path):
            link = textwrap.shorten(_unended(digest_words.one_line(wanted)), WIDEST, placeholder=" …")
            words = _(". %(unit)s: due today") if due_on == today else _(". %(unit)s: due on %(day)s")
            if due_on < today:
                words = _(". %(unit)s: late since %(day)s")
            day = wording.day_in_full(due_on, language)
            return WaitingWords(link, words % {"unit": digest_words.one_line(unit), "day": day}, path)
        case MoreDue(count, path):
            link = ngettext("%(count)s more action is due", "%(count)s more actions are due", count) % {"count": count}
            return WaitingWords(link, "", path)
        case MailStands(count, path):
            link = ngettext("%(count)s message has not gone out", "%(count)s messages have not gone out", count)
            return WaitingWords(link % {"count": count}, _(" for more than an hour; each waits and says why"), path)
        case SourceTrouble(name, state, path):
            name = digest_words.one_line(name)
            if state == "failing":
                return WaitingWords(name, _(" cannot be reached; what it holds comes in later"), path)
            if state == "silent":
                return WaitingWords(name, _(" answers, but has brought nothing against its usual rhythm"), path)
            return WaitingWords(name, _(" is behind and catching up; nothing is lost"), path)


def _unended(words: str) -> str:
    """Without the full stop at its end, where a sentence goes on after it."""
    return words.rstrip(". ") or words
