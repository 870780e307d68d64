"""What the public may read of an event: what was approved with a post of it that went out, and nothing before."""

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from config.translations import translate
from posts import event_posts, event_words
from posts.event_words import Facts
from posts.tables import Event, Target


def told(session: Session, event: Event) -> Facts | None:
    """What of an event was approved with its announcement, or with a later post that went out; none before any did."""
    sent = [one for one in event_posts.of_event(session, event.id or 0) if one.stands == "out"]
    if not sent:
        return None
    if (shows := sent[-1].post.shows) is not None:
        return event_words.read(shows["event"])
    ours = col(Target.post_id).in_([one.post.id for one in sent])
    return _as_said(event_words.read(sent[-1].row.told), session.exec(select(Target.text).where(ours)).all())


def as_now(event: Event, told: Facts, language: str) -> Facts:
    """The same with the day and hour as they are now, because a wrong day helps nobody. A place is words: another one
    is only said to be, until the post that tells it went out."""
    _ = translate(language).gettext
    where = told.where or _("see our posts")
    if told.where not in (event.where, ""):
        where = _("changed, see our posts")
    return replace(told, name=told.name or _("Event"), starts=event.wall_time, where=where)


def _as_said(told: Facts, texts: Sequence[str]) -> Facts:
    """Of posts from before the event's page was approved with them: what their words say."""

    def said(words: str) -> str:
        return words if any(words in text for text in texts) else ""

    return replace(
        told,
        name=said(told.name),
        where=said(told.where),
        access=said(told.access),
        partners=said(told.partners),
        notes=said(told.notes),
        reason=said(told.reason),
    )
