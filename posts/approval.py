"""Whose word a post still needs: the steps of its kind, and what was said of exactly the words that stand there now."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from posts import categories
from posts.categories import Rules, Step
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
class Word:
    """What somebody did to a post's words: `saved` them, or a review's decision on them. `said`: each text, description
    and choice of a version that readers see."""

    what: str
    person_id: int
    content_hash: str
    at: datetime
    said: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Standing:
    """A post's approval, and who wrote what stands there: their word does not count."""

    progress: Progress
    writers: frozenset[int]

    def asks(self, person_id: int) -> bool:
        """Whether this approver's word would count now. Where all that its kind asks for was said already, of a kind
        that asked for more then, anyone's finishes it."""
        missing, said = self.progress.missing, self.progress.said
        again = person_id in said and not self.progress.complete
        return (not missing or person_id in missing) and not again and person_id not in self.writers


def progress(session: Session, post: Post) -> Progress:
    """By the rules of its kind as they are now."""
    return of_all(session, [post])[post.id or 0].progress


def of_all(session: Session, posts: Sequence[Post], known: Mapping[str, Rules] | None = None) -> dict[int, Standing]:
    """Where the approval of each of these posts stands, by the rules of its kind as they are now; `known`: those rules,
    where they were read before."""
    if not posts:
        return {}
    rules, told = known or categories.rules(session), _told(session, posts)
    return {post.id or 0: stands(rules, post, told[post.id or 0]) for post in posts}


def stands(rules: Mapping[str, Rules], post: Post, told: Sequence[Word]) -> Standing:
    """Pure: from what was told of the post."""
    steps, barred = rules.get(post.category, rules["general"]).steps, _writers(post, told)
    return Standing(standing(steps, _given(post, told), barred), frozenset(barred))


def words(versions: Iterable[PostVersion], reviews: Iterable[Review]) -> list[Word]:
    """What these tell of their post; each in its order."""
    saved = [Word("saved", one.saved_by, one.content_hash, one.saved_at, _said(one.content)) for one in versions]
    return [*saved, *(Word(one.decision, one.person_id, one.content_hash, one.at) for one in reviews)]


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
    return _writers(post, _told(session, [post])[post.id or 0])


def approval_of(session: Session, post: Post) -> Review | None:
    """The approval that completed the steps for the post's present content, if any: not from who wrote it, not taken
    back since."""
    return approvals_of(session, [post])[post.id or 0]


def approvals_of(session: Session, posts: Sequence[Post]) -> dict[int, Review | None]:
    """The same of each of these posts."""
    told, reviews = _told(session, posts), defaultdict(list)
    newest = select(Review).where(col(Review.post_id).in_([post.id for post in posts])).order_by(col(Review.id).desc())
    for review in session.exec(newest):
        reviews[review.post_id].append(review)
    return {post.id or 0: _completed(post, reviews[post.id or 0], told[post.id or 0]) for post in posts}


def _completed(post: Post, newest_first: Sequence[Review], told: Sequence[Word]) -> Review | None:
    for review in newest_first:
        if review.decision == "changes_asked":
            return None
        if review.decision == "approved" and review.final and review.content_hash == post.content_hash:
            return review if review.person_id not in _writers(post, told) else None
    return None


def unsigned(session: Session, post: Post) -> bool:
    """Whether it is a translation into a language that asks for a person's sign-off, and these words have none but of
    whoever wrote them."""
    if post.translation_of is None or session.get(SignOffRule, post.language) is None:
        return False
    told = _told(session, [post])[post.id or 0]
    barred = _writers(post, told)
    signs = (one for one in told if one.what == "signed_off" and one.content_hash == post.content_hash)
    return all(one.person_id in barred for one in signs)


def _told(session: Session, posts: Sequence[Post]) -> dict[int, list[Word]]:
    """Who wrote which words of each post, and what approvers said of which; each in its order. One question."""
    numbers = [post.id for post in posts]
    saved: list[Any] = [PostVersion.post_id, sa.literal("saved"), PostVersion.saved_by, PostVersion.content_hash]
    saved += [PostVersion.saved_at, col(PostVersion.revision).label("number"), PostVersion.content]
    said: list[Any] = [Review.post_id, Review.decision, Review.person_id, Review.content_hash, Review.at, Review.id]
    said += [sa.null()]
    both = sa.union_all(
        sa.select(*saved).where(col(PostVersion.post_id).in_(numbers)),
        sa.select(*said).where(col(Review.post_id).in_(numbers)),
    )
    found: dict[int, list[Word]] = defaultdict(list)
    for post_id, what, by, of, at, _, content in session.connection().execute(both.order_by("number")):
        found[post_id].append(Word(what, by, of, at, _said(content) if content else frozenset()))
    return found


def _said(content: Mapping[str, Any]) -> frozenset[str]:
    """What readers see of a version, piece by piece, whichever accounts say it."""
    variants: Mapping[str, str | None] = content.get("variants") or {"": None}  # no account yet: the message
    texts = {content.get("message", "") if own is None else own for own in variants.values()}
    chosen = {value for options in content.get("options", {}).values() for value in options.values()}
    pictures = {f"{one['digest']} {one['alt']}" for one in content.get("pictures", [])}
    shown = {json.dumps(content["shows"], sort_keys=True)} if content.get("shows") else set()
    return frozenset(texts | chosen | pictures | shown) - {""}


def _writers(post: Post, told: Sequence[Word]) -> set[int]:
    """Its author; who made it the whole that stands there now; and who brought in a piece of it, whatever somebody else
    changed beside it since."""
    found, whole, pieces = {post.author_id}, "", dict[str, int]()
    for one in told:
        if one.what != "saved":
            continue
        if one.content_hash == post.content_hash != whole:
            found.add(one.person_id)
        whole = one.content_hash
        pieces = {piece: pieces.get(piece, one.person_id) for piece in one.said}
    return found | set(pieces.values())


def _given(post: Post, told: Sequence[Word]) -> list[int]:
    """Who approved the words of the post since they were last handed in, or sent back."""
    found: list[int] = []
    for one in told:
        if post.submitted_at is not None and one.at < post.submitted_at:
            continue
        if one.what == "changes_asked":
            found.clear()
        elif one.what == "approved" and one.content_hash == post.content_hash:
            found.append(one.person_id)
    return found
