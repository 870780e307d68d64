"""The digest as a mail: HTML, plain text and pictures from a DigestContent, the message, and the preview's files.

sentiment/digest.py has the words, config/outbox.py keeps the message, delivery.py sends it; alert_mail.py uses the same
frame. Nothing here reads the store."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from functools import cache
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
import mrml

from config import templates
from sentiment import charts
from sentiment.charts import Chart
from sentiment.digest import DigestContent

FOLDER = Path(__file__).parent / "mail_templates"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class DigestParts:
    """What a mail is made of. `pictures` are PNG by Content-ID, to which the HTML refers."""

    subject: str
    html: str
    text: str
    pictures: Mapping[str, bytes]


@dataclass(frozen=True)
class Picture:
    """A chart in a mail: the Content-IDs of its light and dark form, and what it shows."""

    light: str
    dark: str
    alt: str


def render(content: DigestContent, base_url: str, language: str = "en") -> DigestParts:
    """The digest's parts. Links lead to `base_url`; whatever people wrote is escaped."""
    chart = charts.trend(content.trend, charts.MAIL, language) if content.trend is not None else None
    return parts("digest", content.subject, content.key, chart, base_url, language, content=content)


def parts(
    template: str, subject: str, key: str, chart: Chart | None, base_url: str, language: str, **values: object
) -> DigestParts:
    """The parts of any mail in this frame: `template`.mjml and .txt, with one chart if there is one."""
    picture, pictures = _attached(chart, template, key, base_url)
    values = (
        {"scope": "", "others": ()}
        | values
        | {"picture": picture, "address": _addresses(base_url), "language": language}
    )
    environment = _environment(language)
    return DigestParts(
        subject=subject,
        html=html_of(environment.get_template(f"{template}.mjml").render(values)),
        text=environment.get_template(f"{template}.txt").render(values).strip() + "\n",
        pictures=pictures,
    )


def html_of(mjml: str) -> str:
    """The HTML of a mail from its MJML: tables and conditional comments that hold in Outlook's Word engine too."""
    return str(mrml.to_html(_NO_XML.sub(" ", mjml)).content) + "\n"


def message(
    made: DigestParts,
    *,
    key: str,
    sender: str,
    recipient: str,
    recipient_name: str,
    base_url: str,
    now: datetime,
    unsubscribe: str | None = None,
    one_click: bool = False,
) -> EmailMessage:
    """The mail: plain text, or HTML with its pictures. `sender` is as in settings.mail_from; the Message-ID comes from
    `key` alone, so that a mail sent twice is seen to be the same. `unsubscribe` is an address to go to, or a
    mailto:; `one_click` if a POST there is enough (RFC 8058). Raises ValueError for an address that is none."""
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = header(made.subject)
    mail["From"] = _address(*parseaddr(header(sender)))
    mail["To"] = _address(recipient_name, recipient)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(key, base_url)
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe is not None:
        mail["List-Unsubscribe"] = f"<{header(unsubscribe)}>"
        if one_click:
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(made.text, cte="quoted-printable")
    mail.add_alternative(made.html, subtype="html", cte="quoted-printable")
    html = mail.get_payload(1)
    assert isinstance(html, EmailMessage)  # noqa: S101  what add_alternative has just made  # nosec B101
    for cid, picture in made.pictures.items():
        html.add_related(picture, "image", "png", cid=f"<{cid}>", filename=file_name(cid), disposition="inline")
    return mail


def message_id(key: str, base_url: str) -> str:
    """The Message-ID of an outbox key at this installation."""
    return f"<{_atoms(key)}@{_host(base_url)}>"


def header(text: str) -> str:
    """`text` for a header: line ends and control characters become spaces, so that no name can add a header."""
    return _CONTROL.sub(" ", text).strip()


def file_name(cid: str) -> str:
    """The name of a picture as a file."""
    return f"{cid.split('.', 1)[0]}.png"


def write_preview(made: DigestParts, mail: EmailMessage, folder: Path) -> Path:
    """Writes digest.eml, digest.html, digest.txt and the pictures, each whole or not at all; the path of the .eml.
    The HTML is the mail's, with the pictures beside it instead of in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files(made).items():
        _write(folder / name, content)
    _write(folder / "digest.eml", mail.as_bytes(policy=SMTP))
    return folder / "digest.eml"


def files(made: DigestParts) -> dict[str, bytes]:
    """digest.html, digest.txt and the pictures, to be looked at side by side: what a preview shows."""
    html, found = made.html, {}
    for cid, picture in made.pictures.items():
        found[file_name(cid)] = picture
        html = html.replace(f"cid:{cid}", file_name(cid))
    return found | {"digest.html": html.encode(), "digest.txt": made.text.encode()}


class _WholeHeader(UnstructuredHeader):
    """A header with an address in it, on one line however long: broken or encoded it would lead nowhere."""

    def fold(self, *, policy: Policy) -> str:
        return f"List-Unsubscribe: {self}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _WholeHeader)  # type: ignore[arg-type]
_POLICY = SMTP.clone(header_factory=_headers)


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)


@cache
def _environment(language: str) -> jinja2.Environment:
    made = templates.environment(FOLDER, language)
    made.globals["heading"] = lambda words: f"{words}\n{'-' * len(words)}"
    return made


def _addresses(base_url: str) -> Callable[[str], str]:
    start = base_url.rstrip("/")
    return lambda path: f"{start}/{path.lstrip('/')}"


def _attached(chart: Chart | None, name: str, key: str, base_url: str) -> tuple[Picture | None, dict[str, bytes]]:
    if chart is None:
        return None, {}
    mark = blake2b(key.encode(), digest_size=6).hexdigest()
    light, dark = (f"{name}-{theme}.{mark}@{_host(base_url)}" for theme in ("light", "dark"))
    return Picture(light, dark, chart.alt), {light: chart.pictures["light"], dark: chart.pictures["dark"]}


def _address(name: str, address: str) -> Address:
    try:
        found = Address(display_name=header(name), addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(f"{address!r} is no e-mail address") from error
    if not found.username or not found.domain:
        raise ValueError(f"{address!r} is no e-mail address")
    return found


def _host(base_url: str) -> str:
    return _atoms(urlsplit(base_url).hostname or "localhost")


def _atoms(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", ".", text).strip(".") or "liaison"
