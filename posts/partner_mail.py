"""Mail to partners: a share kit (the approved words in their wordings and languages, pictures with what they show, a
link), or a draft to read. Each has the partner's own address to answer at, without signing in."""

from datetime import datetime
from email.message import EmailMessage

from babel import Locale
from sqlmodel import Session

from config import letters
from config.secrets import Keys
from config.settings import Settings
from config.translations import LANGUAGES, translate
from posts import drafts, partners
from posts.tables import Partner, Post
from posts.workflow import WrongState


def send(
    session: Session,
    post: Post,
    partner: Partner,
    note: str,
    link: str,
    *,
    by: tuple[int, str, str],
    keys: Keys,
    settings: Settings,
    now: datetime,
) -> str:
    """Puts the mail into the outbox and notes the contact; what was sent, kit or review. `by`: number, name and
    address of the officer, who gets what is answered by mail. Raises WrongState for a partner without an address."""
    what = partners.what_is_asked(post)
    reach = partners.reach(partner, keys)
    if not reach.email:
        raise WrongState(f"{partner.name} has no e-mail address here.")
    language = next((one for one in partner.languages if one in LANGUAGES), settings.department.language)
    token = partners.token(keys, what, partner.id or 0, post, now.astimezone(settings.department.zone).date())
    address = f"{settings.base_url.rstrip('/')}/partner/{token}"
    message = _kit(session, post, note, link, address, settings.department.name, language)
    if what == "review":
        message = _review(session, post, note, address, settings.department.name, language)
    message["Reply-To"] = by[2]
    contact = partners.contacted(session, partner.id or 0, what, by[0], now, post.id)
    letters.put(
        session, message, key=f"partner:{contact.id}", kind="partner", recipient=reach.email, settings=settings,
        now=now, keys=keys,  # its address is a key to a draft
    )  # fmt: skip
    return what


def variants(session: Session, post: Post) -> list[tuple[str, str]]:
    """Each wording that was approved, once, with its language: the message's own first."""
    found: list[tuple[str, str]] = []
    sisters = [one for one in drafts.translations_of(session, post) if one.state in partners.SHARED]
    for one in [post, *(other for other in sisters if other.id != post.id)]:
        texts = drafts.texts_of(session, one).values()
        found += [(one.language, text) for text in sorted(set(texts), key=lambda text: (text != one.message, text))]
    return list(dict.fromkeys(found))


def _kit(
    session: Session, post: Post, note: str, link: str, address: str, department: str, language: str
) -> EmailMessage:
    _ = translate(language).gettext
    message = EmailMessage()
    message["Subject"] = _("To share: %(title)s") % {"title": " ".join(post.title.split())}
    words = [_("%(department)s asks you to pass this on, in your own channels.") % {"department": department}]
    words += [note.strip()] if note.strip() else []
    for spoken, text in variants(session, post):
        name = Locale(spoken).get_display_name(language) or spoken
        words.append(f"--- {name.capitalize()} ---\n{text}")
    words += [_("A link to go with it: %(link)s") % {"link": link}] if link else []
    pictures = drafts.pictures_of(session, post)
    for number, one in enumerate(pictures, 1):
        words.append(
            _("Picture %(number)d shows, for people who cannot see it: %(alt)s") % {"number": number, "alt": one.alt}
        )
    words.append(
        _("What do people say to you about it? Tell us here, without names and without an account:\n%(address)s")
        % {"address": address}
    )
    message.set_content("\n\n".join(words) + "\n")
    for number, one in enumerate(pictures, 1):
        main, _slash, sub = one.mime.partition("/")
        kind = "jpg" if sub == "jpeg" else sub
        message.add_attachment(one.data, maintype=main, subtype=sub, filename=f"picture-{number}.{kind}")
    return message


def _review(session: Session, post: Post, note: str, address: str, department: str, language: str) -> EmailMessage:
    _ = translate(language).gettext
    message = EmailMessage()
    message["Subject"] = _("Before it goes out: %(title)s") % {"title": " ".join(post.title.split())}
    words = [
        _("%(department)s asks you to read this before it goes out. Please keep it to yourself until then.")
        % {"department": department}
    ]
    words += [note.strip()] if note.strip() else []
    words += [f"---\n{text}" for text in dict.fromkeys(drafts.texts_of(session, post).values())]
    words.append(_("Say what you think of it here, without an account:\n%(address)s") % {"address": address})
    message.set_content("\n\n".join(words) + "\n")
    return message
