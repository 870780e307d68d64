"""Before and after something that we did: mistrust in its concern in the four weeks before and in the first four after.

Both are added up while their author-days are kept, and told from the kept sums when those are gone."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session

from sentiment import counts, figures, interrupted, sums, trust
from sentiment.figures import Figure
from sentiment.interrupted import Step
from sentiment.tables import ALL
from sentiment.trust import Span, Sums

LOOK_BACK = 28  # days before it, and after it at the most


@dataclass(frozen=True)
class Done:
    """Something that we did about a concern, from one day to another by the department's clocks; none: not ended."""

    concern: str
    begun: date
    ended: date | None


@dataclass(frozen=True)
class Since:
    """Mistrust in a concern from `first` to `last` (`figure`; its usual level is of the four weeks before), and by how
    much it lies above where its own trend would have led, where enough days had enough authors."""

    figure: Figure
    step: Step | None
    first: date
    last: date


def read(session: Session, concern: str, begun: date, ended: date, today: date) -> Since | None:
    """Mistrust in a concern since something that we did between these days: the 28 days after it, as far as they are
    over (7 at the least), against the 28 before it. None where that cannot be said: of days whose author-days are gone
    only what was kept can be told."""
    spans = _spans(begun, ended, today)
    if (spans.last - spans.first).days + 1 < trust.LAST_DAYS:
        return None
    both, daily = figures.both(spans), _daily(spans)
    kept_from = counts.first_day(session) or today
    found = sums.read(session, {ALL: both, concern: [*both, *daily]}, kept_from=kept_from)
    if any(span not in found[key] for key in (ALL, concern) for span in both):
        return None
    whole = figures.figure_of("mistrust", found[ALL], spans, None, None)
    figure = figures.figure_of("mistrust", found[concern], spans, whole.share, whole.usual)
    before, days = begun - timedelta(days=LOOK_BACK), (spans.last - begun).days + 1 + LOOK_BACK
    series = [found[concern].get(_day(before + timedelta(days=day)), Sums()) for day in range(days)]
    return Since(
        figure,
        interrupted.step(
            [day.mistrust / max(1, day.authors) for day in series],
            [day.authors for day in series],
            (begun - before).days,
            (ended - before).days,
        ),
        spans.first,
        spans.last,
    )


def lasting(done: Done, today: date, kept_from: date) -> dict[str, list[Span]]:
    """Of what `read` asks for, what is of days that are over for good and whose author-days are kept: to be kept."""
    spans = _spans(done.begun, done.ended or today, today)
    over = done.ended is not None and spans.last == done.ended + timedelta(days=LOOK_BACK)
    sides = figures.both(spans) if over else figures.both(spans)[1:]  # after it, then before it
    daily = [span for span in _daily(spans) if over or span.last < done.begun]
    wanted = {ALL: sides, done.concern: [*sides, *daily]}
    return {concern: [span for span in several if span.first >= kept_from] for concern, several in wanted.items()}


def _spans(begun: date, ended: date, today: date) -> trust.Windows:
    last = min(today - timedelta(days=1), ended + timedelta(days=LOOK_BACK))
    before = begun - timedelta(days=LOOK_BACK)
    return trust.Windows(ended + timedelta(days=1), last, before, begun - timedelta(days=1))


def _daily(spans: trust.Windows) -> list[Span]:
    """The days before and after, one by one; not those of what we did."""
    found: list[Span] = []
    for first, last in ((spans.baseline_first, spans.baseline_last), (spans.first, spans.last)):
        if first is not None and last is not None:
            found += [_day(first + timedelta(days=day)) for day in range((last - first).days + 1)]
    return found


def _day(day: date) -> Span:
    return Span(day, day)
