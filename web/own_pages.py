"""What our own public pages show of a post once it is out, as who approves it sees it: approved with its words."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from config.settings import Settings
from posts import event_posts, event_words, questions
from posts.tables import Post, PostVersion


@dataclass(frozen=True)
class OwnPage:
    """A page of ours, and its lines. `changed`: they are others than in the version that was reviewed before. Without
    an address where pages of events are switched off: these lines are what they would show."""

    address: str
    lines: tuple[str, ...]
    changed: bool = False


def of_post(
    session: Session, post: Post, before: PostVersion | None, settings: Settings, language: str
) -> OwnPage | None:
    """None where no page of ours shows anything of it beside its words."""
    if post.shows is None:
        return None
    lines = tuple(_lines(post.shows, language))
    changed = before is not None and before.content.get("shows") != post.shows
    return OwnPage(_address(session, post, settings), lines, changed)


def _address(session: Session, post: Post, settings: Settings) -> str:
    base = settings.base_url.rstrip("/")
    if (question := questions.of_post(session, post.id or 0)) is not None:
        return f"{base}/ask/{question.code}"
    event = event_posts.of_post(session, post.id or 0)
    return f"{base}/events/{event.code}" if event is not None and settings.public_events else ""


def _lines(shows: dict[str, Any], language: str) -> list[str]:
    if "event" not in shows:
        return [str(shows.get("question") or shows.get("answer") or "")]
    facts = event_words.read(shows["event"])
    said = (facts.name, facts.where, facts.reason, facts.notes, *event_words.details(facts, language))
    return [line for line in said if line]
