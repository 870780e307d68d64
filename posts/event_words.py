"""The words of an event's posts: what is said first, and how words that people chose follow when the event moves.

Pure. Days and hours are written as people of the language write them in the United States."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time

from config.translations import LANGUAGES, translate


class Kind(StrEnum):
    ANNOUNCEMENT = "announcement"
    REMINDER = "reminder"
    CHANGE = "change"
    CANCELLATION = "cancellation"
    THANKS = "thanks"
    HEARD = "heard"


TELLS_WHEN = frozenset({Kind.ANNOUNCEMENT, Kind.REMINDER, Kind.CHANGE})


@dataclass(frozen=True)
class Facts:
    """What the public is told of an event. `starts` is wall time (naive); `languages` are codes."""

    name: str
    starts: datetime
    where: str
    access: str = ""
    languages: tuple[str, ...] = ()
    capacity: int | None = None
    partners: str = ""
    notes: str = ""
    reason: str = ""  # of its cancellation

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self) | {"starts": self.starts.isoformat(), "languages": list(self.languages)}


def read(kept: Mapping[str, Any]) -> Facts:
    """What `Facts.kept` wrote."""
    starts = datetime.fromisoformat(kept["starts"])
    return Facts(**{**kept, "starts": starts, "languages": tuple(kept["languages"])})


@dataclass(frozen=True)
class Beside:
    """What single kinds of post tell besides the event: the address of its page, what the public knew before a change,
    why it is cancelled, and what was heard there: concerns by name with the people who raised them."""

    link: str = ""
    before: Facts | None = None
    reason: str = ""
    heard: tuple[tuple[str, int], ...] = ()


def day(facts: Facts, language: str) -> str:
    """Tuesday, December 1; martes 1 de diciembre"""
    pattern = "EEEE d 'de' MMMM" if language == "es" else "EEEE, MMMM d"
    return str(format_date(facts.starts, pattern, locale=_locale(language)))


def hour(facts: Facts, language: str) -> str:
    """6:00 PM; 6:00 p.m."""
    shown = str(format_time(facts.starts.time(), "short", locale=_locale(language)))
    return re.sub(r"\s", " ", shown)  # the narrow blanks of CLDR are counted and searched for like others


def title(kind: Kind, facts: Facts, language: str) -> str:
    """The title of the post at our desk."""
    return f"{label(kind, language)}: {facts.name}"[:120]


def label(kind: Kind, language: str) -> str:
    """The kind of post in words."""
    _ = translate(language).gettext
    return {
        Kind.ANNOUNCEMENT: _("Announcement"),
        Kind.REMINDER: _("Reminder"),
        Kind.CHANGE: _("Change of plan"),
        Kind.CANCELLATION: _("Cancellation"),
        Kind.THANKS: _("Thanks"),
        Kind.HEARD: _("What we heard"),
    }[kind]


def words(kind: Kind, facts: Facts, language: str, beside: Beside, *, short: bool = False) -> str:
    """The first wording of a post. `short`: for networks that take few characters."""
    _ = translate(language).gettext
    told = _values(facts, language)
    if kind is Kind.HEARD:
        return _heard(told, language, beside)
    if kind is Kind.THANKS:
        lines = [_("Thank you to everyone who came to %(name)s on %(day)s.") % told]
        if facts.partners:
            lines.append(_("Thank you for your help: %(partners)s.") % {"partners": facts.partners})
        return " ".join(lines)
    lines = [
        {
            Kind.ANNOUNCEMENT: _("You are invited: %(name)s. %(day)s, %(hour)s, %(where)s."),
            Kind.REMINDER: _("Coming up: %(name)s. %(day)s, %(hour)s, %(where)s."),
            Kind.CHANGE: _("Change of plan: %(name)s is now on %(day)s, %(hour)s, %(where)s."),
            Kind.CANCELLATION: _("Cancelled: %(name)s on %(day)s, %(hour)s, %(where)s."),
        }[kind]
        % told
    ]
    if kind is Kind.CHANGE and beside.before is not None:
        lines.append(_("It was planned for %(day)s, %(hour)s, %(where)s.") % _values(beside.before, language))
    if kind is Kind.CANCELLATION and beside.reason:
        lines.append(beside.reason)
    if not short and kind is Kind.ANNOUNCEMENT:
        lines += [facts.notes, *details(facts, language)]
    elif not short and kind is Kind.REMINDER:
        lines += details(facts, language)[:2]
    return "\n".join(line for line in [*lines, beside.link] if line)


def details(facts: Facts, language: str) -> list[str]:
    """What people need to know to come, a line each: languages, access, room, who holds it with us."""
    _ = translate(language).gettext
    lines = []
    if facts.languages:
        names = ", ".join(language_name(code, language) for code in facts.languages)
        lines.append(_("Languages: %(names)s.") % {"names": names})
    if facts.access:
        lines.append(_("Access: %(access)s") % {"access": facts.access})
    if facts.capacity is not None:
        lines.append(_("Places: %(count)s.") % {"count": facts.capacity})
    if facts.partners:
        lines.append(_("Together with %(partners)s.") % {"partners": facts.partners})
    return lines


def language_name(code: str, language: str) -> str:
    """A language by its name in another."""
    return str(Locale.parse(_locale(language)).languages.get(code, code))


def mended(text: str, kind: Kind, old: Facts, new: Facts, language: str) -> tuple[str, bool]:
    """Words that people chose, with what changed of name, day, hour and place put in; and whether all of it was found.
    Where it was not, a person must look."""
    before, after = _values(old, language), _values(new, language)
    needed = ("name", "day", "hour", "where") if kind in TELLS_WHEN or kind is Kind.CANCELLATION else ("name", "day")
    changed = {before[key]: after[key] for key in needed if before[key] != after[key]}
    if not changed:
        return text, True
    whole = all(phrase in text for phrase in changed)
    pattern = "|".join(re.escape(phrase) for phrase in sorted(changed, key=len, reverse=True))
    return re.sub(pattern, lambda found: changed[found.group(0)], text), whole


def _heard(told: Mapping[str, str], language: str, beside: Beside) -> str:
    translation = translate(language)
    _, ngettext = translation.gettext, translation.ngettext
    lines = [_("What we heard at %(name)s on %(day)s:") % told]
    for concern, people in beside.heard:
        told_by = ngettext("%(concern)s (%(count)d person)", "%(concern)s (%(count)d people)", people)
        lines.append("• " + told_by % {"concern": concern, "count": people})
    return "\n".join([*lines, _("Thank you for telling us. We will say here what comes of it.")])


def _values(facts: Facts, language: str) -> dict[str, str]:
    return {"name": facts.name, "day": day(facts, language), "hour": hour(facts, language), "where": facts.where}


def _locale(language: str) -> str:
    return f"{language if language in LANGUAGES else 'en'}_US"
