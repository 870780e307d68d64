"""A pool for each account, so that a slow network delays nobody else."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue
from threading import Lock, Thread

import sqlalchemy as sa
import structlog

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from networks.network import Picture, Publisher
from networks.tables import Account
from posts import addresses, pictures, publishing, takedown
from posts.claims import Claim
from posts.publishing import Outcome
from posts.tables import PostPicture

log = structlog.get_logger(__name__)
WORKERS = 2  # calls to one account at once
TOGETHER = 50  # receipts in one commit
PAUSE = timedelta(minutes=1)  # before an account that could not even be opened is tried again
OpenAccount = Callable[[sa.Engine, Account, Keys, Settings], Publisher]


class Pools:
    """Runs claims; one small pool an account, made when first needed. `open_account` gives the way to an account."""

    def __init__(
        self, engine: sa.Engine, settings: Settings, keys: Keys, open_account: OpenAccount = accounts.publisher
    ) -> None:
        self._engine, self._settings, self._keys, self._open_account = engine, settings, keys, open_account
        self._pools: dict[int, ThreadPoolExecutor] = {}
        self._running: dict[Future[None], Claim] = {}
        self._lock = Lock()
        self._closed = False
        self._recorder = _Recorder(engine)

    def submit(self, made: Claim) -> None:
        """Queues one claim. After `drain` it is given back."""
        with self._lock:
            future = None if self._closed else self._pool(made.account_id).submit(self._run, made)
            if future is not None:
                self._running[future] = made
        if future is not None:
            future.add_done_callback(self._forget)
        else:
            self._give_back(made, "stopping")

    @property
    def in_hand(self) -> int:
        """Claims that are queued here or under way."""
        with self._lock:
            return len(self._running)

    def drain(self, seconds: float) -> bool:
        """Takes nothing new and waits up to `seconds` for what is queued or under way; whether all ended.

        What has not begun by then is given back; a call still under way is left to its lease."""
        with self._lock:
            self._closed = True
            running = dict(self._running)
        for pool in self._pools.values():
            pool.shutdown(wait=False)
        _, left = wait(running, timeout=seconds)
        for future in left:
            if future.cancel():
                self._give_back(running[future], "stopping")
        self._recorder.finish()
        return not left

    def _pool(self, account_id: int) -> ThreadPoolExecutor:
        if account_id not in self._pools:
            self._pools[account_id] = ThreadPoolExecutor(WORKERS, thread_name_prefix=f"account-{account_id}")
        return self._pools[account_id]

    def _run(self, made: Claim) -> None:
        try:
            publisher = self._publisher(made)
            if publisher is None:
                return
            if made.kind == "remove":
                takedown.run(self._engine, made, publisher, clock.now)
            else:
                self._recorder.put(publishing.call(self._engine, made, publisher, clock.now, self._as_sent))
        except Exception as error:  # the claim's lease ends and it is looked up; the other accounts go on
            log.error("publishing_failed", target=made.target_id, kind=type(error).__name__, error=str(error))

    def _publisher(self, made: Claim) -> Publisher | None:
        """The way to the claim's account. None: it could not be opened, and the claim is given back."""
        try:
            with database.reading(self._engine) as session:
                account = session.get_one(Account, made.account_id)
            return self._open_account(self._engine, account, self._keys, self._settings)
        except Exception as error:
            log.error("account_not_opened", account=made.account_id, kind=type(error).__name__, error=str(error))
            self._give_back(made, f"the account cannot be opened: {error}", PAUSE)
            return None

    def _as_sent(self, picture: PostPicture) -> Picture:
        """With a public address, if networks can reach us at all."""
        sent, base = pictures.as_sent(picture), self._settings.base_url
        if not addresses.reachable(base):
            return sent
        return replace(sent, url=addresses.signed(picture.id or 0, base, self._keys, clock.now()))

    def _give_back(self, made: Claim, words: str, pause: timedelta = timedelta()) -> None:
        if made.kind == "remove":
            takedown.not_done(self._engine, made, "not begun", words, clock.now(), retry_at=clock.now() + pause)
        else:
            publishing.give_back(self._engine, made, words, clock.now(), pause)

    def _forget(self, future: "Future[None]") -> None:
        with self._lock:
            self._running.pop(future, None)


class _Recorder:
    """Writes receipts down, those that came meanwhile in one commit: the next call need not wait for the last one's.

    What is lost with the process is looked up, as any call whose reply was lost."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._came: SimpleQueue[Outcome | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._lock = Lock()

    def put(self, outcome: Outcome) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._write, name="receipts", daemon=True)
                self._thread.start()
            self._came.put(outcome)

    def finish(self) -> None:
        """Returns when everything that came is written; what comes after is written by the next."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._came.put(None)
        if thread is not None:
            thread.join()

    def _write(self) -> None:
        while True:
            came = [self._came.get()]
            while came[-1] is not None and len(came) < TOGETHER and not self._came.empty():
                came.append(self._came.get())
            self._keep([outcome for outcome in came if outcome is not None])
            if came[-1] is None:
                return

    def _keep(self, outcomes: list[Outcome]) -> None:
        """All in one commit; if that fails each in its own, so that one cannot take the others along."""
        try:
            publishing.record(self._engine, outcomes)
        except Exception as error:
            log.warning("receipts_not_together", count=len(outcomes), kind=type(error).__name__, error=str(error))
            for outcome in outcomes:
                try:
                    publishing.record(self._engine, [outcome])
                except Exception as failed:  # the claim's lease ends and it is looked up
                    log.error(
                        "receipt_not_kept",
                        target=outcome.claim.target_id,
                        kind=type(failed).__name__,
                        error=str(failed),
                    )
