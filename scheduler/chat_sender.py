"""A process of its own that tells one chat room one message through Apprise: `python -m scheduler.chat_sender`, with
{"address", "title", "body", "private"} as JSON on stdin; the last line of stdout is {"told": …, "why": …}.

Apprise makes its own connections. Here, where nothing else lives, each of them is held to public addresses at the
moment it is made, redirects are not followed, and whoever started this ends it when it takes too long."""

import json
import logging
import sys
import warnings
from typing import Any

import urllib3.util.connection

from networks import fetching
from networks.fetching import NotFetched

SERVICES = {  # Apprise's name for what an address may lead to -> as people know it
    "NotifySlack": "Slack",
    "NotifyMSTeams": "Microsoft Teams",
    "NotifyWorkflows": "Microsoft Teams",
    "NotifyMattermost": "Mattermost",
    "NotifyRocketChat": "Rocket.Chat",
    "NotifyGoogleChat": "Google Chat",
    "NotifyDiscord": "Discord",
    "NotifyMatrix": "Matrix",
    "NotifyZulip": "Zulip",
    "NotifyWebexTeams": "Webex",
    "NotifyTelegram": "Telegram",
    "NotifyNtfy": "ntfy",
}


def service(address: str) -> str | None:
    """The chat service that an address leads to: an incoming webhook's own, or Apprise's form (mmosts://host/token).
    None for what is none, or is none that we tell: a file, a mail, a program; and for an address with a template, which
    Apprise would read from this machine's files."""
    if not address.strip() or len(address.split()) > 1:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that Apprise loads for services we do not tell
        import apprise  # takes half a second, and only those who use it wait

        found = apprise.Apprise.instantiate(address.strip(), asset=apprise.AppriseAsset(http_redirects=False))
    return None if getattr(found, "template", None) else SERVICES.get(type(found).__name__)


def hold_to_public_addresses() -> None:
    """From now on this process connects nowhere else, whatever a name turns into."""
    connect = urllib3.util.connection.create_connection

    def checked(address: tuple[str, int], *given: Any, **named: Any) -> Any:
        host, port = address
        addresses = fetching.public_addresses(host, port)
        return fetching.first_open(addresses, lambda one, _: connect((one, port), *given, **named))

    urllib3.util.connection.create_connection = checked


def tell(address: str, title: str, body: str) -> tuple[bool, str]:
    """Whether the room took it, and what was said if not."""
    import apprise

    said = _Said()
    logging.getLogger("apprise").addHandler(said)
    room = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, async_mode=False))
    if service(address) is None or not room.add(address):
        return False, "this address leads to no chat service that Liaison knows"
    told = bool(room.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))
    return told, "" if told else said.last


class _Said(logging.Handler):
    """Apprise says what went wrong only in its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = "the chat service did not take it"

    def emit(self, record: logging.LogRecord) -> None:
        self.last = " ".join(record.getMessage().split())[:200]


def main() -> int:
    asked = json.load(sys.stdin)
    if not asked["private"]:
        hold_to_public_addresses()
    try:
        told, why = tell(asked["address"], asked["title"], asked["body"])
    except NotFetched as error:
        told, why = False, str(error)
    sys.stdout.write(json.dumps({"told": told, "why": why}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
