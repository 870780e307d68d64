"""How what we published fared, read where a network counts it: at a few ages of a post (posts.reach). A hold stops
nothing here, for nothing is said."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
import structlog

from config import database
from config.secrets import Keys
from config.settings import Settings
from listeners import polling
from listeners.masking import storable
from networks import accounts, registry
from networks.network import NetworkError, OwnPost, RateLimited
from networks.tables import Account
from posts import reach
from posts.reach import Due

log = structlog.get_logger(__name__)


def read(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime) -> int:
    """Asks for every post that is due, account by account; of how many something was told. One network's failure stands
    on its account and stops no other."""
    with database.reading(engine) as session:
        due = reach.due(session, now)
        known = {one.account_id: session.get_one(Account, one.account_id) for one in due}
    return sum(
        _read(engine, settings, keys, now, account, [one for one in due if one.account_id == number])
        for number, account in known.items()
    )


def _read(engine: sa.Engine, settings: Settings, keys: Keys, now: datetime, account: Account, asked: list[Due]) -> int:
    make, number = registry.network(account.network).reach, account.id or 0
    if make is None:
        return 0
    try:
        reader = make(accounts.connection(engine, account, keys, settings))
        page = reader.reach([OwnPost(one.remote_id, one.answers) for one in asked])
    except NetworkError as error:
        log.warning("reach_not_read", account=number, kind=type(error).__name__, error=str(error))
        polling.note_sign_in(engine, account, error, now)
        _failed(engine, number, str(error), error.retry_at if isinstance(error, RateLimited) else None, now)
        return 0
    except Exception as error:  # a module's own mistake must not stop the other accounts, nor go unseen
        log.error("reach_failed", account=number, kind=type(error).__name__, error=str(error))
        _failed(engine, number, f"an error inside Liaison ({type(error).__name__}); see the log", None, now)
        return 0
    with database.writing(engine) as session:
        accounts.note_ok(session, number, now)
        return reach.note(session, number, asked, replace(page, refused=storable(page.refused)), now)


def _failed(engine: sa.Engine, account_id: int, words: str, retry_at: datetime | None, now: datetime) -> None:
    with database.writing(engine) as session:
        reach.failed(session, account_id, storable(words), retry_at, now)
