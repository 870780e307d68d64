"""A pool for each account, so that a slow network delays nobody else."""

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Lock

import sqlalchemy as sa
import structlog

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from networks.tables import Account
from posts import publishing
from posts.publishing import Claim

log = structlog.get_logger(__name__)
WORKERS = 2  # calls to one account at once


class Pools:
    """Runs claims; one small pool an account, made when first needed."""

    def __init__(self, engine: sa.Engine, settings: Settings, keys: Keys) -> None:
        self._engine, self._settings, self._keys = engine, settings, keys
        self._late = timedelta(minutes=settings.late_limit_minutes)
        self._pools: dict[int, ThreadPoolExecutor] = {}
        self._running: set[Future[None]] = set()
        self._lock = Lock()
        self._closed = False

    def submit(self, made: Claim) -> None:
        """Queues one claim. After `drain` it is left to its lease."""
        with self._lock:
            if self._closed:
                return
            pool = self._pools.get(made.account_id)
            if pool is None:
                pool = ThreadPoolExecutor(WORKERS, thread_name_prefix=f"account-{made.account_id}")
                self._pools[made.account_id] = pool
            future = pool.submit(self._run, made)
            self._running.add(future)
        future.add_done_callback(self._forget)

    def drain(self, seconds: float) -> bool:
        """Takes nothing new, waits up to `seconds` for calls under way; whether all ended."""
        with self._lock:
            self._closed = True
            running = set(self._running)
        deadline = time.monotonic() + seconds
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=False)
        _, late = wait(running, timeout=max(0.0, deadline - time.monotonic()))
        return not late

    def _run(self, made: Claim) -> None:
        try:
            with database.reading(self._engine) as session:
                account = session.get_one(Account, made.account_id)
            publisher = accounts.publisher(self._engine, account, self._keys, self._settings)
            publishing.run(self._engine, made, publisher, clock.now, self._late)
        except Exception as error:  # the claim's lease ends and it is looked up; the other accounts go on
            log.error("publishing_failed", target=made.target_id, kind=type(error).__name__, error=str(error))

    def _forget(self, future: "Future[None]") -> None:
        with self._lock:
            self._running.discard(future)
