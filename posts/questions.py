"""Questions to the public: a post that asks, a short form of our own where anybody answers without an account, what was
said by concern, and the answer given back.

Nothing of who answers is kept: against spam there is a hidden field, a signed time stamp, limits of length, and a keyed
hash of the address that is forgotten within the hour."""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, delete, func, select

from config import addresses, audit
from config.phrases import Phrase
from config.secrets import Keys
from config.translations import translate
from networks import polls, registry
from networks.network import PollCount
from networks.tables import Account
from posts import drafts
from posts.heard import nameless
from posts.tables import Post, Question, QuestionAnswer, QuestionPoll, QuestionTry, Target
from posts.workflow import DEAD, PostState, TargetState, WrongState

LONGEST_QUESTION, LONGEST = 200, 600  # characters
QUICKEST, LONGEST_OPEN = timedelta(seconds=3), timedelta(hours=12)  # between opening the form and sending it
HOUR = timedelta(hours=1)
MOST_AN_HOUR, MOST_OF_ALL = 5, 300  # answers from one address, and to one question
LONGEST_ASKED = timedelta(days=92)


class Refused(Exception):
    """An answer that is not taken; nothing was kept. The message says it to people. `fields`: of the form, that it is
    about, where it is about any."""

    def __init__(self, words: str, *fields: str) -> None:
        super().__init__(Phrase.about(words, *fields))


@dataclass(frozen=True)
class Read:
    """What the model reads in one answer: the concern it raises most, if any, and the trust in it."""

    concern: str | None
    trust: str
    never_tracked: bool = False


@dataclass(frozen=True)
class Said:
    """Answers that raise one concern (none: no concern that we know), of whom so many with mistrust and with trust."""

    concern: str | None
    answers: int
    mistrust: int
    trust: int


def ask(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    text: str,
    language: str,
    closes_on: date,
    today: date,
    accounts: Iterable[int],
    base_url: str,
    choices: Iterable[str] = (),
) -> Question:
    """A question with the draft that asks it, for approval like any post. `choices`: of a poll, on accounts whose
    network has one. Raises WrongState."""
    if not text.strip() or len(text) > LONGEST_QUESTION:
        raise WrongState(Phrase("A question has words, %(most)s characters at most.", most=LONGEST_QUESTION), "text")
    if not today <= closes_on <= today + LONGEST_ASKED:
        raise WrongState("It is asked until today or later, three months at most.", "closes_on")
    made = Question(
        code=secrets.token_urlsafe(9), text=text.strip(), language=language, closes_on=closes_on,
        asked_by=person_id, asked_at=now,
    )  # fmt: skip
    address = f"{base_url.rstrip('/')}/ask/{made.code}"
    accounts = list(accounts)
    words = translate(language).gettext("%(question)s\n\nAnswer here, without an account: %(link)s")
    post = drafts.create(
        session, person_id, words % {"question": made.text, "link": address}, accounts, now, title=made.text[:120],
        language=language, options=_polls(session, accounts, choices, (closes_on - today).days),
        shows={"question": made.text},
    )  # fmt: skip
    made.post_id = post.id
    session.add(made)
    session.flush()
    audit.record(session, now, person_id, "question.ask", f"question:{made.id}", {"post": post.id})
    return made


def _polls(session: Session, to: Iterable[int], choices: Iterable[str], days: int) -> dict[int, dict[str, str]]:
    """Account id -> the options that make a poll, where its network has one."""
    wanted = polls.options(choices, days)
    if not wanted["poll"]:
        return {}
    there = session.exec(select(Account).where(col(Account.id).in_(list(to)))).all()
    return {one.id or 0: wanted for one in there if registry.network(one.network).polls is not None}


def polls_to_read(session: Session, now: datetime) -> list[tuple[int, Target]]:
    """Polls of questions that are out and not known to be closed: the question's number and where it was sent."""
    closed = select(QuestionPoll.target_id).where(col(QuestionPoll.closed))
    query = (
        select(Question.id, Target)
        .join(Target, col(Target.post_id) == col(Question.post_id))
        .where(
            Target.state == TargetState.PUBLISHED.value,
            Target.part == 0,
            col(Target.remote_id).is_not(None),
            col(Target.id).not_in(closed),
            col(Question.asked_at) > now - LONGEST_ASKED,
        )
    )
    rows = session.exec(query.order_by(col(Target.id)))
    return [(number or 0, target) for number, target in rows if polls.of(target.options) is not None]


def note_poll(session: Session, question_id: int, target: Target, found: PollCount | None, now: datetime) -> None:
    """Keeps what people chose so far; of a post that is gone what was known last."""
    kept = session.get(QuestionPoll, target.id) or QuestionPoll(
        target_id=target.id or 0, question_id=question_id, account_id=target.account_id, read_at=now
    )
    if found is None:
        kept.closed = True
    else:
        kept.choices, kept.people = [list(choice) for choice in found.choices], found.people
        kept.closed = found.closed
    kept.read_at = now
    session.add(kept)
    session.flush()


def poll_counts(session: Session, question_id: int) -> list[tuple[Account, QuestionPoll]]:
    """What people chose, account by account."""
    query = select(Account, QuestionPoll).join(QuestionPoll, col(QuestionPoll.account_id) == col(Account.id))
    return list(session.exec(query.where(QuestionPoll.question_id == question_id).order_by(col(Account.id))).all())


def voted(poll: QuestionPoll) -> int:
    """n of a poll: who voted, or how many votes there are where that is all that is told. Pure."""
    return poll.people if poll.people is not None else sum(int(votes) for _, votes in poll.choices)


def by_code(session: Session, code: str) -> Question | None:
    """The question at this address, once the post that asks it was approved."""
    found = session.exec(select(Question).where(Question.code == code)).one_or_none()
    post = session.get(Post, found.post_id) if found is not None else None
    return found if post is not None and is_public(post) else None


def is_public(post: Post) -> bool:
    """Whether the question that this post asks has its page for the public. Pure."""
    return post.state not in (PostState.DRAFT, PostState.IN_REVIEW, PostState.CANCELLED, PostState.MISSED)


def of_post(session: Session, post_id: int) -> Question | None:
    """The question that this post asks, or answers."""
    ours = (col(Question.post_id) == post_id) | (col(Question.answer_post_id) == post_id)
    return session.exec(select(Question).where(ours)).first()


def is_open(question: Question, today: date) -> bool:
    return question.closed_at is None and today <= question.closes_on


def stamp(keys: Keys, code: str, now: datetime) -> str:
    """When a form was opened, signed."""
    at = int(now.timestamp())
    return f"{at}-{keys.hash('ask', f'{code} {at}').hex()}"


def check_stamp(keys: Keys, code: str, given: str, now: datetime) -> None:
    """Raises Refused for a form that we did not give out, that was filled in faster than people do, or long ago."""
    at, _, mark = given.partition("-")
    if not (at.isascii() and at.isdecimal() and len(at) < 12):
        raise Refused(Phrase("Please load the page again and send it once more."))
    if not hmac.compare_digest(keys.hash("ask", f"{code} {int(at)}").hex().encode(), mark.encode("utf-8", "replace")):
        raise Refused(Phrase("Please load the page again and send it once more."))
    age = now - datetime.fromtimestamp(int(at), UTC)
    if age < QUICKEST:
        raise Refused(Phrase("That was very quick. Please look at it once more, and send it again."))
    if age > LONGEST_OPEN:
        raise Refused(Phrase("This page was open for long. Please send it once more."))


def take(
    session: Session, question: Question, words: str, address: str, keys: Keys, now: datetime, keep: timedelta
) -> QuestionAnswer:
    """Keeps an answer for as long as `keep`; handles, e-mail addresses and telephone numbers masked. Raises Refused."""
    if not words.strip() or len(words) > LONGEST:
        raise Refused(Phrase("An answer has words, %(most)s characters at most.", most=LONGEST), "words")
    session.exec(delete(QuestionTry).where(col(QuestionTry.at) <= now - HOUR))
    whose = keys.hash("ask", f"{question.id} {addresses.one_place(address)}")
    tries = session.exec(
        select(QuestionTry.subject_hash, func.count())
        .where(QuestionTry.question_id == question.id)
        .group_by(col(QuestionTry.subject_hash))
    ).all()
    if dict(tries).get(whose, 0) >= MOST_AN_HOUR or sum(number for _, number in tries) >= MOST_OF_ALL:
        raise Refused(Phrase("Too many answers came at once. Please try again in an hour."))
    made = QuestionAnswer(
        question_id=question.id or 0, said_at=now, words=nameless(words.strip()), expires_at=now + keep
    )
    session.add_all([made, QuestionTry(question_id=question.id or 0, subject_hash=whose, at=now)])
    session.flush()
    return made


def unread(session: Session, limit: int, part: int = 0, parts: int = 1) -> list[QuestionAnswer]:
    """Answers that the model has not read, of one part of all (by their number)."""
    query = select(QuestionAnswer).where(col(QuestionAnswer.trust).is_(None), col(QuestionAnswer.words).is_not(None))
    if parts > 1:
        query = query.where(col(QuestionAnswer.id) % parts == part)
    return list(session.exec(query.order_by(col(QuestionAnswer.id)).limit(limit)))


def note(session: Session, found: Sequence[tuple[int, Read]]) -> None:
    """Writes down what the model read; an answer that raises what is never tracked goes whole."""
    for number, read in found:
        answer = session.get(QuestionAnswer, number)
        if answer is None:
            continue
        if read.never_tracked:
            session.delete(answer)
            continue
        answer.concern, answer.trust = read.concern, read.trust
        session.add(answer)


def counted(session: Session, question_id: int) -> list[Said]:
    """Answers by the concern that they raise most: most answers first. Their sum is n."""
    rows = session.exec(
        select(QuestionAnswer.concern, QuestionAnswer.trust).where(QuestionAnswer.question_id == question_id)
    ).all()
    found: dict[str | None, list[str | None]] = {}
    for concern, trust in rows:
        found.setdefault(concern, []).append(trust)
    said = [Said(key, len(all_), all_.count("mistrust"), all_.count("trust")) for key, all_ in found.items()]
    return sorted(said, key=lambda one: (-one.answers, one.concern or "~"))


def answers(session: Session, question_id: int, now: datetime, limit: int = 100) -> list[QuestionAnswer]:
    """Whose words are within their time, the last first; what only a legal hold keeps is out of the desk's sight."""
    query = select(QuestionAnswer).where(
        QuestionAnswer.question_id == question_id,
        col(QuestionAnswer.words).is_not(None),
        col(QuestionAnswer.expires_at) > now,
    )
    return list(session.exec(query.order_by(col(QuestionAnswer.id).desc()).limit(limit)))


def everyone(session: Session, limit: int = 100) -> list[Question]:
    """Every question, the last first."""
    return list(session.exec(select(Question).order_by(col(Question.id).desc()).limit(limit)))


def with_numbers(session: Session) -> list[tuple[Question, int]]:
    """The same, each with how many answered it."""
    answered = session.exec(
        select(QuestionAnswer.question_id, func.count()).group_by(col(QuestionAnswer.question_id))
    ).all()
    numbers = dict(answered)
    return [(one, numbers.get(one.id or 0, 0)) for one in everyone(session)]


def give_back(
    session: Session, question_id: int, answer: str, accounts: Iterable[int], person_id: int, now: datetime
) -> Post:
    """Closes it with what we answer, and drafts the post that tells it, with how many said what. Raises WrongState."""
    question = session.get(Question, question_id)
    if question is None:
        raise WrongState("There is no such question.")
    if not answer.strip() or len(answer) > LONGEST:
        raise WrongState(Phrase("Say what you answer, in %(most)s characters at most.", most=LONGEST), "words")
    there = session.get(Post, question.answer_post_id) if question.answer_post_id is not None else None
    if there is not None and there.state not in DEAD:
        raise WrongState("There is a post that answers it already.")
    total = sum(one.answers for one in counted(session, question_id))
    catalogue = translate(question.language)
    said = catalogue.ngettext(
        "We asked: %(question)s\n\nOne person answered.", "We asked: %(question)s\n\n%(count)d people answered.", total
    )
    words = f"{said % {'question': question.text, 'count': total}}"
    for account, poll in poll_counts(session, question_id):
        chosen = "; ".join(f"{choice}: {votes}" for choice, votes in poll.choices)
        told_there = catalogue.gettext("In our poll on %(network)s (n = %(n)d): %(chosen)s.")
        label = registry.network(account.network).label
        words += "\n" + told_there % {"network": label, "n": voted(poll), "chosen": chosen}
    words += f"\n\n{answer.strip()}"
    post = drafts.create(
        session, person_id, words, accounts, now, title=question.text[:120], category="answer",
        language=question.language, shows={"answer": answer.strip()},
    )  # fmt: skip
    question.answer, question.answer_post_id = answer.strip(), post.id
    question.closed_at = question.closed_at or now
    session.add(question)
    audit.record(session, now, person_id, "question.answer", f"question:{question_id}", {"post": post.id, "n": total})
    session.flush()
    return post


def asked(session: Session, question: Question) -> str:
    """The question as it was approved with its post."""
    post = session.get(Post, question.post_id) if question.post_id is not None else None
    return _shown(session, post, "question", question.text) if post is not None else ""


def told(session: Session, question: Question) -> str:
    """What was answered, as it was approved with the post that tells it, once that went out; else empty."""
    post = session.get(Post, question.answer_post_id) if question.answer_post_id is not None else None
    out = post is not None and post.state in ("published", "partly_published")
    return _shown(session, post, "answer", question.answer) if post is not None and out else ""


def _shown(session: Session, post: Post, what: str, words: str) -> str:
    """Of a post from before pages of ours were approved with it: `words` where its own say them, else its own."""
    if post.shows is not None:
        return str(post.shows.get(what, ""))
    texts = list(drafts.texts_of(session, post).values())
    return words if any(words in text for text in texts) else next(iter(texts), "")


def said_within(periods: Iterable[tuple[datetime, datetime]]) -> sa.ColumnElement[bool]:
    """What is true of an answer that was said in one of these."""
    said_at = col(QuestionAnswer.said_at)
    return sa.or_(sa.false(), *(sa.and_(said_at >= first, said_at < end) for first, end in periods))


def expire(session: Session, now: datetime, limit: int, held: Iterable[tuple[datetime, datetime]] = ()) -> int:
    """Lets go of words past their time but those said in a `held` period; how many. Counts stay."""
    session.exec(delete(QuestionTry).where(col(QuestionTry.at) <= now - HOUR))
    past = select(QuestionAnswer).where(
        col(QuestionAnswer.expires_at) <= now, col(QuestionAnswer.words).is_not(None), ~said_within(held)
    )
    gone = session.exec(past.limit(limit)).all()
    for answer in gone:
        answer.words = None
        session.add(answer)
    return len(gone)
