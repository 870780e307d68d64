"""Polls of questions to the public, read back from their networks until they are closed."""

from datetime import datetime

import sqlalchemy as sa
import structlog

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import polling
from networks import accounts, registry
from networks.network import NetworkError
from networks.tables import Account
from posts import questions

log = structlog.get_logger(__name__)


def read(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Asks for each poll that is not closed; how many answered. One that cannot be asked is asked next time."""
    with database.reading(engine) as session:
        due = questions.polls_to_read(session, now)
        known = {target.account_id: session.get_one(Account, target.account_id) for _, target in due}
    read = 0
    for question_id, target in due:
        account = known[target.account_id]
        make = registry.network(account.network).polls
        if make is None or account.state != "connected":
            continue
        try:
            found = make(accounts.connection(engine, account, keys, settings)).count(target.remote_id or "")
        except NetworkError as error:
            log.warning("poll_not_read", question=question_id, kind=type(error).__name__, error=str(error))
            polling.note_sign_in(engine, account, error, now)
            continue
        except Exception as error:  # a module's own mistake, an account's lost key: other polls are read
            log.error("poll_failed", question=question_id, kind=type(error).__name__, error=str(error))
            continue
        with database.writing(engine) as session:
            questions.note_poll(session, question_id, target, found, now)
        read += 1
    return read
