"""A sender of mail killed at random moments, against a real SMTP server that loses replies: what came of each mail, as
the server saw it. A mail may come twice only where its reply was lost or its sender was killed before it could note it;
both carry the same Message-ID."""

import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session as SmtpSession
from pydantic import SecretStr
from sqlmodel import func, select

from config import clock, database, outbox
from config.settings import Settings
from config.tables import OutboxMessage
from scheduler import delivery, outgoing
from tests import killing
from tests.scheduler.postbox import free_port

FASTER = 60  # leases and waits are so much shorter than in use
LOST = 0.05  # of replies


def send(say: Connection, store: str, folder: Path, server: str) -> None:
    """The real sender, in a process of its own."""
    outgoing.LEASE /= FASTER
    outgoing.MARGIN /= FASTER
    outgoing.FIRST_WAIT /= FASTER
    engine = database.connect(store)
    settings = Settings(data_dir=folder, smtp_url=SecretStr(server), mail_from="Liaison <desk@town.example>")
    say.send_bytes(b"ready")
    while True:
        delivery.deliver_all(engine, settings)
        time.sleep(0.05)


@dataclass
class Counted:
    """What the server took: each acceptance by Message-ID, and which replies it lost."""

    accepted: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def handle_DATA(self, server: Any, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        name = str(message_from_bytes(envelope.original_content or b"")["Message-ID"])
        self.accepted.append(name)
        if self.chance.random() < LOST:
            self.lost.add(name)
            server.transport.abort()
        return "250 OK"


@dataclass(frozen=True)
class Outcome:
    mails: int
    kills: int
    acceptances: int
    missing: int
    doubled: int
    replies_lost: int
    cut_off: int  # the last mail that was taken before a kill
    unexplained: int  # doubles that neither explains


def run(kills: int, mails: int, seed: int, empty: Path | None = None) -> Outcome:
    """Puts the mails, kills the sender so often while they go out, and reads back what the server saw. `empty`: a
    migrated store to begin with a copy of, where there is one."""
    chance, counted = random.Random(seed), Counted(chance=random.Random(seed + 1))
    cut_off: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/liaison.db"
        if empty is not None:
            shutil.copy(empty, Path(folder) / "liaison.db")
        engine = database.connect(store)
        database.migrate(engine)
        server = Controller(counted, hostname="127.0.0.1", port=free_port())
        server.start()
        port = server.port
        put = 0
        try:
            for kill in range(kills + 1):
                share = mails - put if kill == kills else mails // (kills + 1)
                for _ in range(share):
                    _put(engine, put)
                    put += 1
                work = store, Path(folder), f"smtp://127.0.0.1:{port}"
                with killing.at_work(send, *work) as (_sender, hear):
                    killing.heard(hear)  # ready
                    seen = len(counted.accepted)
                    if kill < kills:
                        deadline = time.monotonic() + 3
                        wanted = seen + chance.randint(0, max(1, share - 1))
                        while len(counted.accepted) < wanted and time.monotonic() < deadline:
                            time.sleep(0.001)
                        time.sleep(chance.random() * 0.01)
                    else:
                        deadline = time.monotonic() + 300
                        while _left(engine) and time.monotonic() < deadline:
                            time.sleep(0.1)
                if counted.accepted:
                    cut_off.add(counted.accepted[-1])
        finally:
            server.stop()
            engine.dispose()
    times = Counter(counted.accepted)
    doubled = {name for name, number in times.items() if number > 1}
    return Outcome(
        mails=put,
        kills=kills,
        acceptances=len(counted.accepted),
        missing=put - len(times),
        doubled=len(doubled),
        replies_lost=len(counted.lost),
        cut_off=len(doubled & cut_off - counted.lost),
        unexplained=len(doubled - counted.lost - cut_off),
    )


def _put(engine: Any, number: int) -> None:
    message = EmailMessage()
    message["Subject"] = "Nothing unusual"
    message["From"] = "desk@town.example"
    message["To"] = f"reader-{number}@town.example"
    message["Message-ID"] = f"<digest.{number}@town.example>"
    message.set_content("Nothing unusual.\n" * 20)
    with database.writing(engine) as session:
        outbox.put(
            session,
            key=f"digest:{number}",
            kind="digest",
            recipient=f"reader-{number}@town.example",
            message=message,
            now=clock.now(),
        )


def _left(engine: Any) -> int:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state != "sent")).one()
