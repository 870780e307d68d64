"""A real SMTP server's mind on loopback: it keeps what it takes, and answers as it is told."""

import email
import socket
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session as SmtpSession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from config.settings import Settings


class Post:
    """What the server does with mail: keeps it, or answers as scripted for a recipient, one answer a try."""

    def __init__(self) -> None:
        self.box: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.at_rcpt: dict[str, list[str]] = defaultdict(list)
        self.at_data: dict[str, list[str]] = defaultdict(list)
        self.meanwhile: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802  the name that aiosmtpd calls
        self, server: Any, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_rcpt[address]:
            return self.at_rcpt[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        script = self.at_data[envelope.rcpt_tos[0]]
        said = script.pop(0) if script else "250 OK"
        self.meanwhile()
        if said == "drop":
            server.transport.abort()
            return "451 never heard"
        if said in ("250 OK", "reply lost"):
            assert isinstance(envelope.content, bytes)
            self.box.append(email.message_from_bytes(envelope.content, _class=EmailMessage))
            self.encrypted.append(session.ssl is not None)
        if said == "reply lost":
            server.transport.abort()
        return "250 OK" if said == "reply lost" else said

    def to(self, recipient: str) -> list[EmailMessage]:
        return [mail for mail in self.box if mail["To"] == recipient]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def using(settings: Settings, url: str) -> Settings:
    """With the keys of the tests, since some mails wait sealed."""
    return settings.model_copy(
        update={
            "smtp_url": SecretStr(url), "mail_from": "Liaison <desk@riverton.example>",
            "secret_key": SecretStr("not a secret: tests only"),
        }
    )  # fmt: skip


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path
