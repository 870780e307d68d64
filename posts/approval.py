"""Whose word a post still needs: the steps of its kind, and what was said of exactly the words that stand there now."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from posts import categories
from posts.categories import Step
from posts.tables import Post, PostVersion, Review, SignOffRule


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


@dataclass(frozen=True)
class Standing:
    """A post's approval, and who wrote what stands there: their word does not count."""

    progress: Progress
    writers: frozenset[int]

    def asks(self, person_id: int) -> bool:
        """Whether this approver's word would count now."""
        missing, said = self.progress.missing, self.progress.said
        return (not missing or person_id in missing) and person_id not in said and person_id not in self.writers


def progress(session: Session, post: Post) -> Progress:
    """By the rules of its kind as they are now."""
    return of_all(session, [post])[post.id or 0].progress


def of_all(session: Session, posts: Sequence[Post]) -> dict[int, Standing]:
    """Where the approval of each of these posts stands, by the rules of its kind as they are now."""
    if not posts:
        return {}
    rules, barred, said = categories.rules(session), _writers(session, posts), _given(session, posts)
    found = {}
    for post in posts:
        number = post.id or 0
        steps = rules.get(post.category, rules["general"]).steps
        found[number] = Standing(standing(steps, said[number], barred[number]), frozenset(barred[number]))
    return found


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
    return _writers(session, [post])[post.id or 0]


def _writers(session: Session, posts: Sequence[Post]) -> dict[int, set[int]]:
    versions = session.exec(
        select(PostVersion.post_id, PostVersion.saved_by, PostVersion.content_hash)
        .where(col(PostVersion.post_id).in_([post.id for post in posts]))
        .order_by(col(PostVersion.revision))
    )
    saved: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for post_id, saved_by, content_hash in versions:
        saved[post_id].append((saved_by, content_hash))
    found = {}
    for post in posts:
        its, before = {post.author_id}, ""
        for saved_by, content_hash in saved[post.id or 0]:
            if content_hash == post.content_hash != before:
                its.add(saved_by)
            before = content_hash
        found[post.id or 0] = its
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


def unsigned(session: Session, post: Post) -> bool:
    """Whether it is a translation into a language that asks for a person's sign-off, and these words have none."""
    if post.translation_of is None or session.get(SignOffRule, post.language) is None:
        return False
    said = select(Review.id).where(
        Review.post_id == post.id, Review.decision == "signed_off", Review.content_hash == post.content_hash
    )
    return session.exec(said.limit(1)).first() is None


def _given(session: Session, posts: Sequence[Post]) -> dict[int, list[int]]:
    """Who approved the words of each post since they were last handed in, or sent back."""
    by_id = {post.id or 0: post for post in posts}
    found: dict[int, list[int]] = {number: [] for number in by_id}
    query = select(Review).where(col(Review.post_id).in_(list(by_id))).order_by(col(Review.id))
    for review in session.exec(query):
        post = by_id[review.post_id]
        if post.submitted_at is not None and review.at < post.submitted_at:
            continue
        if review.decision == "changes_asked":
            found[review.post_id].clear()
        elif review.decision == "approved" and review.content_hash == post.content_hash:
            found[review.post_id].append(review.person_id)
    return found
