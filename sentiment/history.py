"""How far back usual levels reach: as far as author-days are kept, or sums that were kept while they were."""

from datetime import date, timedelta

from sqlmodel import Session

from sentiment import editions, sums
from sentiment.editions import Edition
from sentiment.tables import ALL
from sentiment.trust import Span, Windows


def windows(session: Session, edition: Edition, today: date, kept_from: date | None) -> Windows:
    """The days that an edition of `today` compares (editions.windows), author-days being kept from that day on. A month
    has the usual level of the first days after it for as long as its sums are kept: author-days go a day a day, and in
    the middle of the month too few of those before the last one would be left."""
    if edition is not Edition.MONTHLY or kept_from is None:
        return editions.windows(edition, today, kept_from)
    reach = editions.windows(edition, today, date.min)
    if reach.baseline_first is None or reach.baseline_last is None or kept_from <= reach.baseline_first:
        return reach
    earlier = min(kept_from, reach.baseline_last) - reach.baseline_first
    spans = [
        Span(reach.baseline_first + timedelta(days=day), reach.baseline_last, by_week=True)
        for day in range(earlier.days)
    ]
    first = min((span.first for span in sums.kept(session, {ALL: spans})[ALL]), default=kept_from)
    return editions.windows(edition, today, first)
