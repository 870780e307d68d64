"""A real SMTP server's mind on loopback: it keeps what it takes, and answers as it is told."""

import email
import socket
from collections import defaultdict
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session as SmtpSession
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
    return settings.model_copy(update={"smtp_url": SecretStr(url), "mail_from": "Liaison <desk@riverton.example>"})
