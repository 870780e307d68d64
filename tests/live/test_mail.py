"""A digest in a real mail server (maildev, TLS and a password), and its HTML against what mail clients can do."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from config import database, outbox
from config.settings import Settings
from scheduler import delivery, digest_mail
from sentiment.digest import compose
from tests.live import installed, processes
from tests.scheduler.postbox import free_port, self_signed
from tests.scheduler.test_digest_mail import DETAIL, alert_parts
from tests.sentiment.mornings import FULL, NOW

pytestmark = pytest.mark.live
DESK = "https://desk.riverton.example"
HERE = Path(__file__).parent
# What a client may lack without harm: each only adds to what stands inline, and the mail reads without it.
ONLY_ADDS = {
    "<style> element": "dark and narrow looks live there; what must hold is inline",
    "@media": "as above",
    "Class selector": "as above",
    "Type selector": "as above",
    "ID selector": "as above, MJML's own reset",
    "Chaining selectors": "as above",
    "Descendant combinator": "as above",
    "Child combinator": "as above",
    ":focus": "a ring for the keyboard",
    ":focus-visible": "a ring for the keyboard",
    "outline": "a ring for the keyboard",
    "outline-offset": "a ring for the keyboard",
    "color-scheme CSS property": "says that the mail has a dark look",
    "color-scheme meta tag": "says that the mail has a dark look",
    "display:none": "hides the preheader, which is then read first, and the dark picture, which then stands second",
    "opacity": "hides the preheader, as do five other ways beside it",
    "max-height property": "as above",
    "overflow": "as above",
    "cursor": "MJML's button",
    "target attribute": "MJML's button",
    "border-radius": "corners",
    "height property": "a spacer",
    "<body> element": "becomes a div; the ground is coloured on the first div too",
    "aria-label attribute": "MJML's name for the whole",
    "role attribute": "tables that lay out are read as tables",
    "word-break": "MJML's safety for long words",
    "word-spacing": "normal anyway",
    "white-space": "a number may break",
}


@dataclass(frozen=True)
class Maildev:
    smtp: str  # host:port
    web: str
    trusted: Path


@pytest.fixture(scope="module")
def maildev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maildev]:
    tools, folder = installed.mail(), tmp_path_factory.mktemp("maildev")
    pem = self_signed(folder)
    smtp, web = free_port(), free_port()
    command = [
        *(str(tools.node), str(tools.home / "node_modules/maildev/bin/maildev")),
        *("--smtp", str(smtp), "--web", str(web), "--ip", "127.0.0.1", "--incoming-secure"),
        *(
            "--incoming-cert",
            str(pem),
            "--incoming-key",
            str(pem),
            "--incoming-user",
            "desk",
            "--incoming-pass",
            "right",
        ),
    ]
    running = processes.start("maildev", command, folder)
    running.listens(web)  # the SMTP port is not knocked at: maildev ends when a greeting does not begin with TLS
    yield Maildev(f"127.0.0.1:{smtp}", f"http://127.0.0.1:{web}", pem)
    running.stop()


def put(engine: sa.Engine, now: datetime) -> digest_mail.DigestParts:
    made = digest_mail.render(compose(FULL, "es"), DESK, "es")
    message = digest_mail.message(
        made,
        key=FULL.key,
        sender="Liaison <desk@riverton.example>",
        recipient="ada@riverton.example",
        recipient_name="Ada Peña",
        base_url=DESK,
        now=NOW,
        unsubscribe=f"{DESK}/stop/3-daily-{'0' * 32}",
        one_click=True,
    )
    with database.writing(engine) as session:
        outbox.put(session, key=FULL.key, kind="digest", recipient="ada@riverton.example", message=message, now=now)
    return made


def received(maildev: Maildev) -> list[dict[str, Any]]:
    """The mails that the server has, once it has read them."""
    for _ in range(100):
        found: list[dict[str, Any]] = httpx.get(f"{maildev.web}/email").json()
        if found:
            return found
        time.sleep(0.1)
    return []


def test_a_digest_arrives_over_tls_with_a_password_as_it_was_written(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime, maildev: Maildev, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(maildev.trusted))
    made = put(sqlite_engine, now)

    def told(password: str) -> Settings:
        url = SecretStr(f"smtps://desk:{password}@{maildev.smtp}")
        return settings.model_copy(update={"smtp_url": url, "mail_from": "Liaison <desk@riverton.example>"})

    refused = delivery.deliver_due(sqlite_engine, told("wrong"), now)
    assert (refused.sent, refused.retried) == (0, 1)
    later = datetime.fromtimestamp(now.timestamp() + 7200, now.tzinfo)
    assert delivery.deliver_due(sqlite_engine, told("right"), later).sent == 1
    (mail,) = received(maildev)
    assert mail["subject"] == made.subject
    assert mail["to"] == [{"address": "ada@riverton.example", "name": "Ada Peña"}]
    assert mail["text"].split() == made.text.split()
    assert {one["contentId"] for one in mail["attachments"]} == set(made.pictures)
    assert mail["headers"]["list-unsubscribe"] == f"<{DESK}/stop/3-daily-{'0' * 32}>"
    assert mail["headers"]["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["messageId"] == digest_mail.message_id(FULL.key, DESK).strip("<>")


def in_clients(html: str) -> dict[str, list[str]]:
    tools = installed.mail()
    command = [str(tools.node), str(HERE / "mail_clients.mjs"), str(tools.home)]
    ran = subprocess.run(command, input=html, capture_output=True, text=True, check=True)
    missing: dict[str, list[str]] = json.loads(ran.stdout)
    return missing


def test_what_a_mail_client_lacks_only_adds(alert_html: Callable[[], str]) -> None:
    for html in (digest_mail.render(compose(FULL), DESK).html, alert_html()):
        missing = in_clients(html)
        assert {feature: clients for feature, clients in missing.items() if feature not in ONLY_ADDS} == {}
        assert len(html.encode()) < 100_000  # Gmail cuts at 102 KB


def test_the_check_finds_what_would_break() -> None:
    broken = '<div style="position:fixed">x</div><video src="x"></video>'
    assert set(in_clients(broken)) - set(ONLY_ADDS)


@pytest.fixture
def alert_html() -> Callable[[], str]:
    return lambda: alert_parts(DETAIL).html
