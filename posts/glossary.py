"""The department's own words in other languages, and who read a translation and signed it off.

A sign-off is a person's word on one exact content, as an approval is: a change takes it back."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlmodel import Session, col, delete, select

from config import audit
from config.phrases import Phrase
from config.translations import LANGUAGES
from posts import approval, drafts
from posts.tables import GlossaryTerm, Post, Review, SignOffRule
from posts.workflow import OPEN, NotAllowed, WrongState

LONGEST = 120  # characters of a field
MOST = 500
SIGNED = "signed_off"  # Review.decision


def kept(session: Session) -> list[GlossaryTerm]:
    """All of them, by term."""
    return list(session.exec(select(GlossaryTerm).order_by(col(GlossaryTerm.term), col(GlossaryTerm.language))))


def keep(session: Session, person_id: int, now: datetime, *, term: str, language: str, wording: str) -> GlossaryTerm:
    """Keeps how we say a term in a language, in place of what was kept of both. `wording`: one, or several with
    semicolons between. Raises WrongState."""
    term, wording = " ".join(term.split()), "; ".join(_choices(wording))
    given = {"term": term, "wording": wording}
    if amiss := [name for name, text in given.items() if not 0 < len(text) <= LONGEST]:
        raise WrongState(Phrase("A term and its wording have %(most)s characters at most.", most=LONGEST), *amiss)
    if language not in LANGUAGES:
        raise WrongState("Choose a language of this desk.")
    there = select(GlossaryTerm).where(GlossaryTerm.term == term, GlossaryTerm.language == language)
    found = session.exec(there).first()
    if found is None:
        if len(kept(session)) >= MOST:
            raise WrongState(Phrase("There are %(most)s already; remove one first.", most=MOST))
        found = GlossaryTerm(term=term, language=language, wording=wording, changed_by=person_id, changed_at=now)
    found.wording, found.changed_by, found.changed_at = wording, person_id, now
    session.add(found)
    session.flush()
    audit.record(session, now, person_id, "glossary.keep", f"term:{found.id}", {"term": term, "language": language})
    return found


def remove(session: Session, term_id: int, person_id: int, now: datetime) -> None:
    """One that is gone already is fine."""
    found = session.get(GlossaryTerm, term_id)
    if found is not None:
        audit.record(session, now, person_id, "glossary.remove", f"term:{term_id}", {"term": found.term})
        session.delete(found)
        session.flush()


def differing(terms: Iterable[GlossaryTerm], language: str, source: str, words: str) -> list[GlossaryTerm]:
    """Terms that stand in `source` while `words`, in `language`, have none of their wordings. Pure."""
    return [
        one
        for one in terms
        if one.language == language
        and _says(source, one.term)
        and not any(_says(words, choice) for choice in _choices(one.wording))
    ]


def asked_of(session: Session) -> frozenset[str]:
    """Languages in which a translation needs a sign-off before it is approved."""
    return frozenset(session.exec(select(SignOffRule.language)))


def ask_for(session: Session, languages: Iterable[str], person_id: int, now: datetime) -> None:
    """A sign-off is asked for in these languages and no others; approvals that were given stand."""
    wanted = sorted(set(languages) & set(LANGUAGES))
    session.exec(delete(SignOffRule))
    session.add_all([SignOffRule(language=language) for language in wanted])
    session.flush()
    audit.record(session, now, person_id, "sign_off.rule", "glossary", {"languages": wanted})


def sign_off(session: Session, post_id: int, person_id: int, content_hash: str, now: datetime) -> Review:
    """This person read the translation, and it says what it should. Raises WrongState for a post that is none, that is
    gone, or whose words changed since; NotAllowed for whoever wrote it."""
    post = drafts.locked(session, post_id)
    if post.translation_of is None or post.state not in OPEN:
        raise WrongState("Only a translation that has not gone out is signed off.")
    if person_id in approval.writers(session, post):
        raise NotAllowed("Nobody signs off a translation that they wrote; a second pair of eyes reads it.")
    if content_hash != post.content_hash:
        raise WrongState("The words changed since you looked; read them again.")
    if not any(text.strip() for text in drafts.texts_of(session, post).values()):
        raise WrongState("There is no text yet.")
    said = Review(post_id=post_id, person_id=person_id, at=now, decision=SIGNED, content_hash=content_hash, final=False)
    session.add(said)
    session.flush()
    audit.record(session, now, person_id, "post.sign_off", f"post:{post_id}", {"content_hash": content_hash})
    return said


def signed(post: Post, reviews: Iterable[Review], writers: Collection[int]) -> Review | None:
    """The last sign-off of exactly the words that stand there now, not from `writers`, who wrote them. Pure."""
    found = [one for one in reviews if one.decision == SIGNED and one.content_hash == post.content_hash]
    return next((one for one in reversed(found) if one.person_id not in writers), None)


def _choices(wording: str) -> list[str]:
    return [" ".join(choice.split()) for choice in wording.split(";") if choice.strip()]


def _says(text: str, words: str) -> bool:
    """Whether the words stand in the text, whole; large and small letters are the same, a plural counts."""
    return re.search(rf"(?<!\w){re.escape(words)}(e?s)?(?!\w)", text, re.IGNORECASE) is not None
