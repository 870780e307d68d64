"""The way to the mail server: an address such as smtp+starttls://user:password@host:587 read, a session opened, one
message handed over, and every refusal told apart by what is to be done about it.

delivery.py decides when; nothing here knows the store."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TIMEOUT = 20.0  # seconds for each word with the server
WHOLE_MESSAGE = 120.0  # seconds for the two words about a whole message: many servers filter it before the last one
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_WRITTEN = (
    "the mail server's address cannot be read: it is written as smtp+starttls://name:password@host:587, with name and "
    "password percent-encoded (/ is %2F, # is %23, ? is %3F, @ is %40, : is %3A)"
)


class BadAddress(ValueError):
    """The mail server's address cannot be used as it stands; the message says why."""


class Unreachable(Exception):
    """The server is away, or says "not now" to everybody: no message is at fault."""


class NotAdmitted(Exception):
    """The server is there and does not let us send at all: name, password, TLS or sender must be mended."""


class TryLater(Exception):
    """The server does not take this message now."""


class Refused(Exception):
    """The server will never take this message."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over. `scheme` is smtp, smtps or smtp+starttls; the password never shows in a repr."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"MailServer({self.scheme}://{self.host}:{self.port})"

    @property
    def local(self) -> bool:
        """Whether nobody can listen on the way."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def server(url: str) -> MailServer:
    """The server of an address; its name and password may be percent-encoded. Raises BadAddress."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # its words quote the address, and a password may stand there
        raise BadAddress(_WRITTEN) from None
    if parts.scheme not in _PORTS:
        raise BadAddress("the mail server's address begins with smtp://, smtps:// or smtp+starttls://")
    if parts.path.strip("/") or parts.query or parts.fragment:  # then what passes for host and port is of a password
        raise BadAddress(_WRITTEN)
    if not parts.hostname:
        raise BadAddress("the mail server's address names no host")
    return MailServer(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class _Client(smtplib.SMTP):
    """Waits longer while the server looks at a message: whoever hangs up before the last word sends it twice."""

    def data(self, msg: "ReadableBuffer | str") -> tuple[int, bytes]:
        if self.sock is None:
            return super().data(msg)
        self.sock.settimeout(WHOLE_MESSAGE)
        answer = super().data(msg)
        if self.sock is not None:
            self.sock.settimeout(TIMEOUT)
        return answer


class _TlsClient(_Client, smtplib.SMTP_SSL):
    """The same where the line is encrypted from its first byte."""


@contextmanager
def session(to: MailServer) -> Iterator[smtplib.SMTP]:
    """A session, greeted, encrypted as the scheme says, and signed in. A plain smtp:// server that offers STARTTLS gets
    it, and a password never goes over an open line to another machine. Raises Unreachable or NotAdmitted."""
    where = f"{to.host}:{to.port}"
    try:
        client = _open(to)
    except ssl.SSLError as error:
        raise NotAdmitted(f"{where} and Liaison cannot agree on TLS: {error.reason or error}") from error
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:
            raise Unreachable(f"{where} cannot check the password now: {_said(error)}") from error
        raise NotAdmitted(f"{where} refuses name or password: {_said(error)}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotAdmitted(f"{where}: {error}") from error
    except UnicodeError as error:
        raise NotAdmitted(f"{where}: host, name or password has letters that cannot be sent there") from error
    except smtplib.SMTPResponseException as error:
        raise Unreachable(f"{where} answers {_said(error)}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(f"{where} cannot be reached: {error}") from error
    try:
        yield client
    finally:
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
        client.close()


def _open(to: MailServer) -> smtplib.SMTP:
    client: smtplib.SMTP
    if to.scheme == "smtps":
        client = _TlsClient(to.host, to.port, timeout=TIMEOUT, context=ssl.create_default_context())
    else:
        client = _Client(to.host, to.port, timeout=TIMEOUT)
    with ExitStack() as closing:  # whatever goes wrong here, the line is not left open
        closing.callback(client.close)
        client.ehlo_or_helo_if_needed()
        offered = client.has_extn("starttls") and not to.local
        if to.scheme == "smtp+starttls" or (to.scheme == "smtp" and offered):
            client.starttls(context=ssl.create_default_context())
            client.ehlo()
        elif to.scheme == "smtp" and to.user and not to.local:
            raise smtplib.SMTPNotSupportedError("offers no encryption, and a password is not sent over an open line")
        if to.user:
            client.login(to.user, to.password)
        closing.pop_all()
    return client


def hand_over(client: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> None:
    """Gives one message (RFC 5322) for one recipient to the server; when this returns, the server has it.

    Raises Refused or TryLater for this message, NotAdmitted for all of them, and Unreachable where the line broke: then
    the server may have the message all the same, if its answer was lost: only the same Message-ID tells."""
    options = [] if f"{sender}{recipient}".isascii() else ["SMTPUTF8"]
    try:
        client.sendmail(sender, [recipient], message, mail_options=options)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = error.recipients[recipient]
        raise _about(code, f"{recipient}: {code} {_text(said)}") from error
    except smtplib.SMTPSenderRefused as error:
        if error.smtp_code >= 500 and error.smtp_code != _TOO_LARGE:
            raise NotAdmitted(f"the sender {sender} is refused: {_said(error)}") from error
        raise _about(error.smtp_code, _said(error)) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(f"{recipient}: the server cannot write to addresses with such letters") from error
    except smtplib.SMTPResponseException as error:
        raise _about(error.smtp_code, _said(error)) from error
    except ValueError as error:
        raise Refused(f"{recipient!r}: no address to write to") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(f"the connection broke: {error}") from error


_CLOSING = 421
_TOO_LARGE = 552


def _about(code: int, words: str) -> Exception:
    if code == _CLOSING:
        return Unreachable(words)
    return Refused(words) if code >= 500 else TryLater(words)


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(words.split())[:300]
