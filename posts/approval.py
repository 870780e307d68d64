"""Whose word a post still needs: the steps of its kind, and what was said of exactly the words that stand there now."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from posts import categories
from posts.categories import Step
from posts.tables import Post, PostVersion, Review


@dataclass(frozen=True)
class Progress:
    """Where the approval of a post stands. `missing`: whose word the present step needs; empty: any one approver's."""

    steps: tuple[Step, ...]
    done: int  # steps that are complete
    said: tuple[int, ...]  # who approved these words, in order
    missing: tuple[int, ...]

    @property
    def complete(self) -> bool:
        return self.done >= len(self.steps)


def progress(session: Session, post: Post) -> Progress:
    """By the rules of its kind as they are now."""
    steps = categories.rules_of(session, post.category).steps
    return standing(steps, [review.person_id for review in _given(session, post)], writers(session, post))


def standing(steps: Sequence[Step], said: Sequence[int], barred: set[int]) -> Progress:
    """Pure: `said` are the approvals in their order, `barred` wrote the words and have no say. Each person counts for
    one step; whoever a later step cannot do without is kept for it. A step that is left with nobody by name is
    anybody's."""
    left = list(dict.fromkeys(person for person in said if person not in barred))
    counted = tuple(left)
    used: set[int] = set()
    for done, step in enumerate(steps):
        later = {person for one in steps[done + 1 :] if one.everyone for person in one.people} - barred - used
        named = [person for person in step.people if person not in barred | used]
        if not step.everyone:
            named = [person for person in named if person not in later]
        if step.everyone and named:
            missing = tuple(person for person in named if person not in left)
            if missing:
                return Progress(tuple(steps), done, counted, missing)
            used |= set(named)
            left = [person for person in left if person not in named]
            continue
        first = next((one for one in left if one not in later and (not named or one in named)), None)
        if first is None:
            missing = tuple(person for person in named if person not in counted)
            return Progress(tuple(steps), done, counted, missing)
        left.remove(first)
    return Progress(tuple(steps), len(steps), counted, ())


def writers(session: Session, post: Post) -> set[int]:
    """Who may not approve it: its author, and whoever put the words there that stand there now."""
    versions = session.exec(
        select(PostVersion).where(PostVersion.post_id == post.id).order_by(col(PostVersion.revision))
    )
    found, before = {post.author_id}, ""
    for version in versions:
        if version.content_hash == post.content_hash != before:
            found.add(version.saved_by)
        before = version.content_hash
    return found


def approval_of(session: Session, post: Post) -> Review | None:
    """The approval that completed the steps for the post's present content, if any: not from who wrote it, not taken
    back since."""
    reviews = session.exec(select(Review).where(Review.post_id == post.id).order_by(col(Review.id).desc()))
    barred = writers(session, post)
    for review in reviews:
        if review.decision == "changes_asked":
            return None
        if review.decision == "approved" and review.final and review.content_hash == post.content_hash:
            return review if review.person_id not in barred else None
    return None


def _given(session: Session, post: Post) -> list[Review]:
    """Approvals of these words since they were last handed in, or sent back."""
    query = select(Review).where(Review.post_id == post.id).order_by(col(Review.id))
    if post.submitted_at is not None:
        query = query.where(Review.at >= post.submitted_at)
    found: list[Review] = []
    for review in session.exec(query):
        if review.decision == "changes_asked":
            found.clear()
        elif review.decision == "approved" and review.content_hash == post.content_hash:
            found.append(review)
    return found
