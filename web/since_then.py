"""What changed since an action or a post, in words. After is not because: no sentence here says why."""

from dataclasses import dataclass

from config.translations import translate
from sentiment import wording
from sentiment.before_after import Since
from sentiment.taxonomy import CONCERNS
from sentiment.trust import Share, Show
from web.today import change_words


@dataclass(frozen=True)
class SinceView:
    """`said`: before and after; `base`: how many people that rests on; `trend`: day by day, against its own trend."""

    said: str
    base: str
    trend: str


def view(changed: Since, concern: str, language: str) -> SinceView:
    """Before and after with their intervals, or that there are too few posts to tell."""
    catalogue = translate(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    figure = changed.figure
    about = {"name": _(CONCERNS[concern].name), "days": wording.days(changed.first, changed.last, language)}
    since = figure.share.authors if figure.share else 0
    before = _("%(count)s before") % {"count": figure.usual.authors if figure.usual else 0}
    after = ngettext("%(count)s author since", "%(count)s authors since", since) % {"count": since}
    base = f"{after}, {before}"
    if not _sayable(figure.share) or not _sayable(figure.usual) or figure.change.direction == "unknown":
        return SinceView(_("Mistrust in %(name)s, %(days)s: too few posts to tell.") % about, base, "")
    said = _("Mistrust in %(name)s: %(before)s in the four weeks before it, %(after)s in %(days)s. %(change)s.") % (
        about
        | {
            "before": _with_interval(figure.usual, language),
            "after": _with_interval(figure.share, language),
            "change": change_words(figure.change, language),
        }
    )
    return SinceView(said, base, _trend(changed, language))


def _trend(changed: Since, language: str) -> str:
    _ = translate(language).gettext
    if changed.step is None:
        return _("Too few days with five authors or more to set it against the trend before it.")
    low, points, high = (round(100 * part) for part in (changed.step.low, changed.step.points, changed.step.high))
    return _("Day by day, set against its own trend before: %(points)s points (90%% interval %(low)s to %(high)s).") % {
        "points": f"{points:+d}",
        "low": f"{low:+d}",
        "high": f"{high:+d}",
    }


def _sayable(share: Share | None) -> bool:
    return share is not None and share.show is Show.VALUE


def _with_interval(share: Share | None, language: str) -> str:
    if share is None:
        return ""
    return f"{wording.percent(share.value, language)} ({wording.between(share.low, share.high, language)})"
