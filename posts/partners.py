"""Partners: schools, faith groups, non-profits, businesses and others who pass things on, read drafts and tell us what
they hear. Whom to write to is sealed; the mails themselves are posts.partner_mail's."""

import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from config import audit, mailboxes
from config.phrases import Phrase
from config.secrets import Keys, SecretKeyError
from posts import drafts
from posts.tables import Heard, Partner, PartnerComment, PartnerContact, Post, PostVersion
from posts.workflow import OPEN, PostState, WrongState

KINDS = ("school", "faith", "non_profit", "business", "youth", "neighbourhood", "other")
WAYS = ("met", "called", "wrote")  # entered by a person; mails enter themselves as kit and review
LONG = timedelta(days=60)  # since the last contact, after which a partner is shown as not heard from
LONGEST_LINE, LONGEST = 120, 1000  # characters
LASTS = {"review": timedelta(days=30), "kit": timedelta(days=90)}  # a partner's own address
_TOKEN = re.compile(
    r"(?P<said>(?P<what>kit|review)-(?P<partner>[0-9]{1,9})-(?P<post>[0-9]{1,9})-(?P<revision>[0-9]{1,9})"
    r"-(?P<until>[0-9]{8}))-(?P<mark>[0-9a-f]{1,80})"
)
MOST_A_DAY = 30  # notes and comments of one partner
SHARED = frozenset({PostState.APPROVED, PostState.SCHEDULED, PostState.PUBLISHED, PostState.PARTLY_PUBLISHED})


@dataclass(frozen=True)
class Reach:
    """Whom to write to: opened only to show it to an officer, and to send."""

    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Given:
    """A partner as a form gives it."""

    name: str
    kind: str
    place_id: int | None = None
    languages: tuple[str, ...] = ()
    notes: str = ""
    reach: Reach = Reach()


@dataclass(frozen=True)
class Listed:
    """A partner with when it was last in contact, and how many people's words it passed on."""

    partner: Partner
    last: datetime | None
    heard: int

    def silent(self, now: datetime) -> bool:
        """Whether nobody has been in contact for long."""
        return now - (self.last or self.partner.added_at) >= LONG


@dataclass(frozen=True)
class Opened:
    """What a partner's own address is for: kit or review, of the version of a post that it was sent."""

    what: str
    partner: Partner
    post: Post
    sent: PostVersion

    def texts(self) -> list[str]:
        """Each wording that it was sent, once."""
        own = sorted(self.sent.content["variants"].items(), key=lambda one: int(one[0]))
        return list(dict.fromkeys(str(self.sent.content["message"] if text is None else text) for _, text in own))


def keep(
    session: Session, given: Given, keys: Keys, person_id: int, now: datetime, partner_id: int | None = None
) -> Partner:
    """Adds a partner, or changes the one with this number: with another e-mail address the week's counts end, for they
    were agreed to at the one before. Raises WrongState for what cannot be."""
    if not given.name.strip() or len(given.name) > LONGEST_LINE or given.kind not in KINDS:
        raise WrongState("A partner needs a name and a kind.", "name")
    if len(given.notes) > LONGEST:
        raise WrongState(Phrase("Notes have %(most)s characters at most.", most=LONGEST), "notes")
    reach = Reach(given.reach.name[:LONGEST_LINE], _mail(given.reach.email), given.reach.phone[:40])
    found = read(session, partner_id) if partner_id is not None else None
    if found is None:
        found = Partner(name="", kind="", added_by=person_id, added_at=now)
    elif _email(found, keys).casefold() != reach.email.casefold():
        stop_digest(session, found.id or 0, person_id, now)
    found.name, found.kind, found.place_id = given.name.strip(), given.kind, given.place_id
    found.languages, found.notes = list(given.languages), given.notes.strip()
    found.reach = keys.seal(json.dumps([reach.name, reach.email, reach.phone])) if reach != Reach() else None
    session.add(found)
    session.flush()
    move = "partner.change" if partner_id is not None else "partner.add"
    audit.record(session, now, person_id, move, f"partner:{found.id}", {"name": found.name, "kind": found.kind})
    return found


def read(session: Session, partner_id: int) -> Partner:
    """Raises WrongState if there is none."""
    found = session.get(Partner, partner_id)
    if found is None:
        raise WrongState("There is no such partner.")
    return found


def reach(partner: Partner, keys: Keys) -> Reach:
    """Whom to write to, opened. Raises SecretKeyError."""
    return Reach(*json.loads(keys.open(partner.reach))) if partner.reach is not None else Reach()


def consent(partner: Partner, keys: Keys) -> str:
    """How it agreed to the week's counts, opened; empty where it gets none. Raises SecretKeyError."""
    return keys.open(partner.digest_consent) if partner.digest_consent is not None else ""


def retire(session: Session, partner_id: int, person_id: int, now: datetime) -> None:
    """No partner any more: whom to write to is forgotten, what was done together stays."""
    found = read(session, partner_id)
    found.active, found.reach = False, None
    found.digest_since, found.digest_consent = None, None
    session.add(found)
    audit.record(session, now, person_id, "partner.retire", f"partner:{partner_id}", {"name": found.name})


def send_digest(session: Session, partner_id: int, consent: str, keys: Keys, person_id: int, now: datetime) -> Partner:
    """From now on it gets the week's counts by mail; `consent`: how it agreed. Raises WrongState without that, or
    without an e-mail address."""
    found = read(session, partner_id)
    if not consent.strip() or len(consent.strip()) > LONGEST_LINE:
        words = Phrase("Write down how they agreed, in %(most)s characters at most.", most=LONGEST_LINE)
        raise WrongState(words, "consent")
    if not found.active or not reach(found, keys).email:
        raise WrongState(f"{found.name} has no e-mail address here.")
    found.digest_since, found.digest_consent = now, keys.seal(consent.strip())
    session.add(found)
    audit.record(session, now, person_id, "partner.digest", f"partner:{partner_id}", {})
    return found


def stop_digest(session: Session, partner_id: int, person_id: int | None, now: datetime) -> None:
    """It gets no more of them; `person_id` none: by the address in the mail. One that gets none already is fine."""
    found = read(session, partner_id)
    if found.digest_since is not None:
        found.digest_since, found.digest_consent = None, None
        session.add(found)
        audit.record(session, now, person_id, "partner.digest_stop", f"partner:{partner_id}", {})


def digest_readers(session: Session) -> list[Partner]:
    """Partners that agreed to get the week's counts."""
    query = select(Partner).where(col(Partner.digest_since).is_not(None), col(Partner.active))
    return list(session.exec(query.order_by(col(Partner.id))))


def stop_token(keys: Keys, partner_id: int) -> str:
    """The last part of the address in a mail at which it is stopped."""
    return f"{partner_id}-{_mark(keys, 'stop', partner_id, 0)}"


def read_stop_token(keys: Keys, given: str) -> int | None:
    """The partner whose mail this address stops; none if we did not make it."""
    number, _, mark = given.partition("-")
    if not (given.isascii() and number.isdecimal() and len(number) < 10):
        return None
    return int(number) if hmac.compare_digest(_mark(keys, "stop", int(number), 0), mark) else None


def contacted(
    session: Session, partner_id: int, how: str, person_id: int, now: datetime, post_id: int | None = None
) -> PartnerContact:
    """Notes that somebody of us was in contact."""
    made = PartnerContact(partner_id=read(session, partner_id).id or 0, how=how, at=now, by=person_id, post_id=post_id)
    session.add(made)
    session.flush()
    audit.record(session, now, person_id, f"partner.{how}", f"partner:{partner_id}", {"post": post_id})
    return made


def listed(session: Session, *, place_id: int | None = None, language: str = "", kind: str = "") -> list[Listed]:
    """Partners that are active, by name, with what they are looked for by."""
    query = select(Partner).where(col(Partner.active)).order_by(col(Partner.name), col(Partner.id))
    if place_id is not None:
        query = query.where(Partner.place_id == place_id)
    if kind:
        query = query.where(Partner.kind == kind)
    last = select(PartnerContact.partner_id, func.max(PartnerContact.at)).group_by(col(PartnerContact.partner_id))
    passed_on = select(Heard.partner_id, func.sum(Heard.people)).group_by(col(Heard.partner_id))
    contacts = dict(session.exec(last).all())
    heard = dict(session.exec(passed_on.where(col(Heard.partner_id).is_not(None))).all())
    return [
        Listed(one, contacts.get(one.id or 0), int(heard.get(one.id, 0)))
        for one in session.exec(query)
        if not language or language in one.languages
    ]


def contacts(session: Session, partner_id: int, limit: int = 50) -> list[PartnerContact]:
    """What was done together, the last first."""
    query = select(PartnerContact).where(PartnerContact.partner_id == partner_id)
    return list(session.exec(query.order_by(col(PartnerContact.id).desc()).limit(limit)))


def comments(session: Session, post_id: int) -> list[PartnerComment]:
    """What partners said about a post, the first first."""
    query = select(PartnerComment).where(PartnerComment.post_id == post_id)
    return list(session.exec(query.order_by(col(PartnerComment.id))))


def comment(session: Session, partner: Partner, read: PostVersion, words: str, now: datetime) -> PartnerComment:
    """A partner's word on what it was sent to read, while the post is still open; it decides nothing. Raises
    WrongState."""
    post = drafts.locked(session, read.post_id)
    if post.state not in OPEN:
        raise WrongState("This post is out already, or will not go out. Thank you all the same.")
    if not words.strip() or len(words) > LONGEST:
        raise WrongState(Phrase("A comment has words, %(most)s characters at most.", most=LONGEST), "words")
    check_rate(session, partner, now)
    made = PartnerComment(
        partner_id=partner.id or 0, post_id=read.post_id, content_hash=read.content_hash, words=words.strip(), at=now
    )
    session.add(made)
    session.flush()
    audit.record(session, now, None, "partner.comment", f"post:{read.post_id}", {"partner": partner.id})
    return made


def check_rate(session: Session, partner: Partner, now: datetime) -> None:
    """Raises WrongState when this partner's addresses were used more often within a day than people write."""
    day = now - timedelta(days=1)
    said = session.exec(
        select(func.count()).where(PartnerComment.partner_id == partner.id, col(PartnerComment.at) > day)
    ).one()
    heard = session.exec(select(func.count()).where(Heard.partner_id == partner.id, col(Heard.written_at) > day)).one()
    if said + heard >= MOST_A_DAY:
        raise WrongState("That is a lot for one day; please write the rest tomorrow, or call us.")


def what_is_asked(post: Post) -> str:
    """What a partner can be asked with this post: to share it once it is approved, to review it before. Raises
    WrongState for a post that goes nowhere."""
    if post.state in SHARED:
        return "kit"
    if post.state in OPEN:
        return "review"
    raise WrongState("This post does not go out; there is nothing to share.")


def token(keys: Keys, what: str, partner_id: int, post: Post, today: date) -> str:
    """The last part of a partner's own address: `what` is kit (to give feedback) or review (to comment). It is for the
    post as it is now, and has a last day."""
    said = f"{what}-{partner_id}-{post.id}-{post.revision}-{today + LASTS[what]:%Y%m%d}"
    return f"{said}-{keys.hash('partner', said).hex()}"


def opened(session: Session, keys: Keys, given: str, today: date) -> Opened | None:
    """What such an address is for; none if we did not make it, its last day is over, or the partner or the post is
    gone."""
    found = _TOKEN.fullmatch(given)
    if found is None or not hmac.compare_digest(keys.hash("partner", found["said"]).hex(), found["mark"]):
        return None
    if f"{today:%Y%m%d}" > found["until"]:
        return None
    partner, post = session.get(Partner, int(found["partner"])), session.get(Post, int(found["post"]))
    if partner is None or not partner.active or post is None:
        return None
    sent = select(PostVersion).where(PostVersion.post_id == post.id, PostVersion.revision == int(found["revision"]))
    return Opened(found["what"], partner, post, session.exec(sent).one())


def chosen(session: Session, numbers: Iterable[int]) -> list[Partner]:
    """The active ones of these."""
    query = select(Partner).where(col(Partner.id).in_(list(numbers)), col(Partner.active)).order_by(col(Partner.id))
    return list(session.exec(query))


def _mark(keys: Keys, what: str, partner_id: int, post_id: int) -> str:
    return keys.hash("partner", f"{what} {partner_id} {post_id}").hex()


def _email(partner: Partner, keys: Keys) -> str:
    """Its address; none where no key opens it any more."""
    try:
        return reach(partner, keys).email
    except SecretKeyError:
        return ""


def _mail(given: str) -> str:
    if not given.strip():
        return ""
    try:
        return mailboxes.checked(given)
    except mailboxes.BadAddress as error:
        raise WrongState(Phrase(error.sentence, given=given.strip()), "email") from error
