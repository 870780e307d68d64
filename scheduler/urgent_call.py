"""The second approval of an urgent safety update, asked of everyone who may give it at once: by mail, whatever their
quiet hours, and in the team's chat rooms and programs. The first who approves it sends it."""

from datetime import datetime
from email.message import EmailMessage

from sqlmodel import Session, col, select

from config import letters, outbox, people
from config.permissions import Action, may
from config.settings import Settings
from config.tables import OutboxMessage, Person
from config.translations import LANGUAGES, translate
from posts import urgent
from posts.tables import Post
from scheduler import webhooks
from scheduler.tables import AlertChannel


def repeat(session: Session, post: Post, settings: Settings, now: datetime) -> int:
    """Asks everyone once more, for the same words once, and tells the author that nobody approved them yet; how many
    messages."""
    put = ask(session, post, settings, now, about=_again(post))
    author = session.get_one(Person, post.author_id)
    language = author.language if author.language in LANGUAGES else "en"
    message, link = EmailMessage(), f"{settings.base_url.rstrip('/')}/outreach/urgent/{post.id}"
    _ = translate(language).gettext
    message["Subject"] = _("Nobody approved it yet: %(title)s") % {"title": " ".join(post.title.split())}
    message["Importance"], message["X-Priority"] = "high", "1"
    words = _(
        "Two minutes after you asked, nobody has approved these words:\n\n%(words)s\n\n"
        "Everyone was asked once more. Call somebody who may approve it.\n\n%(link)s"
    )
    message.set_content(words % {"words": post.message, "link": link} + "\n")
    return put + letters.put(
        session, message, key=f"{_again(post)}:author", kind="urgent", recipient=author.email, settings=settings,
        now=now,
    )  # fmt: skip


def was_repeated(session: Session, post: Post) -> bool:
    """Whether everyone was asked once more for these words."""
    there = select(OutboxMessage.id).where(col(OutboxMessage.key).startswith(f"{_again(post)}:"))
    return session.exec(there.limit(1)).first() is not None


def _again(post: Post) -> str:
    return f"urgent:{post.id}:{post.revision}:again"


def ask(session: Session, post: Post, settings: Settings, now: datetime, about: str = "") -> int:
    """Puts what asks for it into the outbox, for the same words once a minute at most (once for the same `about`); how
    many messages."""
    roles = people.roles_of_all(session)
    able = {
        people.known_id(person): person
        for person in people.all_people(session)
        if person.active and may(roles.get(people.known_id(person), frozenset()), Action.APPROVE_POSTS)
    }
    wanted = urgent.asked(session, post, list(able))
    by = session.get_one(Person, post.author_id).name
    link = f"{settings.base_url.rstrip('/')}/outreach/urgent/{post.id}"
    about = about or f"urgent:{post.id}:{post.revision}:{now:%Y%m%d%H%M}"
    put = 0
    for number in wanted:
        person = able[number]
        put += letters.put(
            session,
            _mail(post, by, link, person.language if person.language in LANGUAGES else "en"),
            key=f"{about}:{number}",
            kind="urgent",
            recipient=person.email,
            settings=settings,
            now=now,
        )
    language = settings.department.language if settings.department.language in LANGUAGES else "en"
    for channel in session.exec(select(AlertChannel).where(col(AlertChannel.active)).order_by(col(AlertChannel.id))):
        recipient = webhooks.recipient(channel.id or 0)
        subject, words = _call(post, by, link, f"{about}:{recipient}", language)
        put += outbox.put_call(
            session, key=f"{about}:{recipient}", kind="urgent", recipient=recipient, subject=subject, words=words,
            now=now,
        )  # fmt: skip
    return put


def _mail(post: Post, by: str, link: str, language: str) -> EmailMessage:
    _ = translate(language).gettext
    message = EmailMessage()
    message["Subject"] = _subject(post, language)
    message["Importance"], message["X-Priority"] = "high", "1"
    words = _(
        "%(by)s asks for your approval now. With it these words go out at once:\n\n%(words)s\n\n"
        "Read and approve: %(link)s\n\n"
        "Everyone who may approve it has this mail; the first one is enough."
    )
    message.set_content(words % {"by": by, "words": post.message, "link": link} + "\n")
    return message


def _call(post: Post, by: str, link: str, key: str, language: str) -> tuple[str, dict[str, object]]:
    """Subject and JSON for programs and chat rooms; our own words only."""
    _ = translate(language).gettext
    words = _("%(by)s asks for approval now: “%(words)s”") % {"by": by, "words": post.message}
    return _subject(post, language), {
        "event": "urgent.asked",
        "delivery": key,
        "post": post.id,
        "title": post.title,
        "words": words,
        "url": link,
        "test": False,
    }


def _subject(post: Post, language: str) -> str:
    return translate(language).gettext("Approve now: %(title)s") % {"title": " ".join(post.title.split())}
