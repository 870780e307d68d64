"""A mail of one room, addressed and put into the outbox: the same key is the same mail, and is put once."""

import hashlib
from datetime import datetime
from email.message import EmailMessage

from sqlmodel import Session

from config import outbox
from config.secrets import Keys
from config.settings import Settings


def put(
    session: Session,
    message: EmailMessage,
    *,
    key: str,
    kind: str,
    recipient: str,
    settings: Settings,
    now: datetime,
    keys: Keys | None = None,
) -> bool:
    """Gives `message` (with its subject and words) sender, recipient and Message-ID, and puts it; sealed, where `keys`
    are given. False: that key is there already."""
    message["From"], message["To"] = settings.mail_from, recipient
    message["Message-ID"] = (
        f"<{kind}-{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}@{settings.mail_domain}>"
    )
    message["Auto-Submitted"] = "auto-generated"
    return outbox.put(session, key=key, kind=kind, recipient=recipient, message=message, now=now, keys=keys)
