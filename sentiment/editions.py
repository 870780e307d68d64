"""The editions of the digest: which days each covers, against which it is held, and the words that say so. Pure.

The weekly edition has the figures of any morning, which are of 7 days anyway, with the events of the week; the monthly
one is of the calendar month, as far back as author-days are kept."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from config.translations import translate
from sentiment import counts, trust, wording
from sentiment.trust import GUARD_DAYS, LEAST_BASELINE_DAYS, Windows


class Edition(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Rhythm:
    """When a person gets an edition: at `hour` of each local day, of each `weekday` (Monday 0), or of each first."""

    edition: Edition
    hour: int
    weekday: int | None = None

    def falls_on(self, day: date) -> bool:
        """Whether the edition is due on that local day."""
        if self.edition is Edition.WEEKLY:
            return day.weekday() == self.weekday
        return self.edition is Edition.DAILY or day.day == 1


def windows(edition: Edition, today: date, history_from: date | None) -> Windows:
    """The days that an edition of `today` compares: the last 7 against up to 42, or the month before today's against
    those before it of the 60 up to its end, always with the 3-day guard between; of days since `history_from`."""
    if edition is not Edition.MONTHLY:
        return trust.windows(today, history_from)
    last = today.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    baseline_last = first - timedelta(days=GUARD_DAYS + 1)
    baseline_first = today.replace(day=1) - timedelta(days=counts.AUTHOR_DAYS_KEPT)
    if history_from is not None:
        baseline_first = max(baseline_first, history_from)
    if history_from is None or (baseline_last - baseline_first).days + 1 < LEAST_BASELINE_DAYS:
        return Windows(first, last, None, None)
    return Windows(first, last, baseline_first, baseline_last)


def short_date(edition: Edition, today: date, first: date, last: date, language: str) -> str:
    """What a subject begins with: "24 Nov", "17–23 Nov", "November"."""
    if edition is Edition.DAILY:
        return wording.day(today, language)
    if edition is Edition.WEEKLY:
        return wording.days(first, last, language)
    return wording.month(last, language)


def covers(edition: Edition, first: date, last: date, language: str) -> str:
    """The days of the events: "Monday 23 November", "17–23 Nov", "November"."""
    if edition is Edition.DAILY:
        return wording.day_in_full(last, language)
    return short_date(edition, last, first, last, language)


def events_heading(edition: Edition, last: date, language: str) -> str:
    """Over what was sent, answered and closed."""
    _ = translate(language).gettext
    if edition is Edition.DAILY:
        return _("Since yesterday")
    if edition is Edition.WEEKLY:
        return _("In these 7 days")
    return _("In %(month)s") % {"month": wording.month(last, language)}


def rhythm(edition: Edition, on: date, hour: str, language: str) -> str:
    """At the foot: how often one gets it. `hour` has its zone; `on` is the day it goes out."""
    _ = translate(language).gettext
    if edition is Edition.DAILY:
        return _("You get this each day at %(hour)s.") % {"hour": hour}
    if edition is Edition.WEEKLY:
        return _("You get this each %(weekday)s at %(hour)s.") % {
            "weekday": wording.weekday(on, language),
            "hour": hour,
        }
    return _("You get this on the first of each month at %(hour)s.") % {"hour": hour}
