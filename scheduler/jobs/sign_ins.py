"""Accounts asked once a day who they are, so that a sign-in that ended is known before a post is due; and people told
in time that one will end."""

from datetime import datetime, timedelta
from email.message import EmailMessage

import sqlalchemy as sa
import structlog
from sqlmodel import Session

from config import database, letters, people
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.translations import translate
from listeners import joined
from networks import accounts, registry
from networks.network import NetworkError
from networks.tables import Account

log = structlog.get_logger(__name__)
TOLD = tuple(timedelta(days=days) for days in (14, 7, 1))  # before it ends


def look(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Tests every connected account, and tells the administrators of sign-ins that end soon; how many mails."""
    with database.reading(engine) as session:
        numbers = [
            account.id or 0
            for account in accounts.connected(session)
            if registry.network(account.network).test is not None
        ]
    for number in numbers:
        try:
            joined.test(engine, number, None, keys, settings, now)
        except NetworkError as error:  # signed out: the account says so; anything else passes
            log.info("account_test_failed", account=number, kind=type(error).__name__)
        except Exception as error:  # a lost key, a module's own mistake: the others are tested, and people told
            log.error("account_not_tested", account=number, kind=type(error).__name__, error=str(error))
    with database.writing(engine) as session:
        return tell(session, settings, now)


def tell(session: Session, settings: Settings, now: datetime) -> int:
    """One mail to each administrator at 14, 7 and 1 days before a sign-in ends; how many."""
    sent = 0
    for account in accounts.connected(session):
        left = account.ends_at - now if account.ends_at is not None else None
        passed = [before for before in TOLD if left is not None and left <= before]
        if left is None or not passed:
            continue
        for person in people.with_role(session, Role.ADMINISTRATOR):
            key = f"sign-in-ends:{account.id}:{account.ends_at:%Y%m%d}:{passed[-1].days}:{person.id}"
            message = _message(account, left, settings, person.language)
            sent += letters.put(
                session, message, key=key, kind="account", recipient=person.email, settings=settings, now=now
            )
    return sent


def _message(account: Account, left: timedelta, settings: Settings, language: str) -> EmailMessage:
    _ = translate(language)
    days = max(0, left.days)
    if left <= timedelta():
        subject = _.gettext("The sign-in of %(name)s on %(network)s has ended")
    elif not days:
        subject = _.gettext("The sign-in of %(name)s on %(network)s ends today")
    else:
        subject = _.ngettext(
            "The sign-in of %(name)s on %(network)s ends tomorrow",
            "The sign-in of %(name)s on %(network)s ends in %(days)d days",
            days,
        )
    words = _.gettext(
        "Liaison publishes and listens as %(name)s (@%(handle)s) on %(network)s, which asks a person to sign in again "
        "now and then.\n\n"
        "Until the sign-in ends everything goes on. After it, posts for this account wait; nothing is lost.\n\n"
        "Connect it again, it takes a minute: %(link)s"
    )
    about = {
        "name": " ".join(account.name.split()),
        "handle": account.handle,
        "network": registry.network(account.network).label,
        "days": days,
        "link": f"{settings.base_url}/accounts",
    }
    message = EmailMessage()
    message["Subject"] = subject % about
    message.set_content(words % about + "\n")
    return message
