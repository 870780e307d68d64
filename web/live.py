"""Live counts by server-sent events: the numbers beside the navigation, while a page is open and seen.

All listeners of a process share one answer of the store, a few seconds old at most; each is told only when its own
numbers change. A stream ends when its sign-in ends, when the server stops, and by itself after a while: the browser
comes again, and is asked again who it is."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, func
from starlette.concurrency import run_in_threadpool

from config import clock, database, sign_ins
from config.permissions import Action
from listeners import mentions
from listeners.tables import Mention
from posts.tables import Post
from sentiment.tables import Alert
from web.desk import TheDesk
from web.guard import Visitor, Who, cookie_name, needs
from web.pages import MOST_COUNTED, Counts

log = structlog.get_logger(__name__)
router = APIRouter()
ASKED_EVERY = 4.0  # seconds
TURN = 0.5  # seconds in which a stream sees that there is something new, or that the server stops
LONGEST = 300.0  # seconds of one stream


@dataclass(frozen=True)
class Standing:
    """What waits in the whole desk, approvals by who wrote the post; and which of the listeners' sign-ins are over."""

    mentions: int
    alerts: int
    approvals: Mapping[int, int]
    over: frozenset[bytes]

    def counts(self, who: Visitor) -> Counts:
        """What of it stands beside this person's navigation: as web.pages counts it."""
        others = sum(self.approvals.values()) - self.approvals.get(who.id, 0)
        return Counts(
            mentions=self.mentions if who.may(Action.READ_MENTIONS) else 0,
            alerts=self.alerts if who.may(Action.READ_FIGURES) else 0,
            approvals=others if who.may(Action.APPROVE_POSTS) else 0,
        )


def standing(session: Session, listening: Iterable[bytes]) -> Standing:
    """How things stand, and whose sign-in of those listening (by the hash of its token) is over: two questions."""
    new = sa.select(col(Mention.id)).where(col(Mention.state) == "new", *mentions.listed()).limit(MOST_COUNTED)
    waits = sa.union_all(
        sa.select(sa.literal("mentions"), sa.literal(0), func.count()).select_from(new.subquery()),
        sa.select(sa.literal("alerts"), sa.literal(0), func.count()).where(col(Alert.state) == "new"),
        sa.select(sa.literal("approvals"), col(Post.author_id), func.count())
        .where(col(Post.state) == "in_review")
        .group_by(col(Post.author_id)),
    )
    found: dict[str, dict[int, int]] = {"mentions": {}, "alerts": {}, "approvals": {}}
    for kind, whose, number in session.connection().execute(waits):
        found[kind][whose] = number
    hashes = frozenset(listening)
    over = hashes - sign_ins.still_open(session, hashes, clock.now())
    return Standing(found["mentions"].get(0, 0), found["alerts"].get(0, 0), found["approvals"], over)


@dataclass
class Watch:
    """What the listeners of one process share. `serving`: whether a server is there that keeps streams open; without
    one, a stream tells once and ends."""

    engine: sa.Engine
    serving: Callable[[], bool] = lambda: False
    _listening: Counter[bytes] = field(default_factory=Counter)
    _newest: Standing | None = None
    _asked_at: float = -ASKED_EVERY
    _asking: bool = False

    async def changes(self, who: Visitor, token: bytes) -> AsyncIterator[Counts | None]:
        """This person's numbers as they change; None at last, when the sign-in is over."""
        until, told = time.monotonic() + LONGEST, None
        self._listening[token] += 1
        try:
            while True:
                now = await self._standing()
                if now is not None and token in now.over:
                    yield None
                    return
                counts = now.counts(who) if now is not None else told
                if counts is not None and counts != told:
                    told = counts
                    yield counts
                if not self.serving() or time.monotonic() > until:
                    return
                await asyncio.sleep(TURN)
        finally:
            self._listening -= Counter([token])

    async def _standing(self) -> Standing | None:
        """The newest answer. Whoever finds it old asks anew, for all; a store that does not answer changes nothing."""
        if not self._asking and time.monotonic() - self._asked_at >= ASKED_EVERY:
            self._asking = True
            try:
                self._newest = await run_in_threadpool(self._ask, tuple(self._listening))
            except DatabaseError as error:
                log.warning("live_counts_failed", error=str(error)[:300])
            finally:
                self._asking, self._asked_at = False, time.monotonic()
        return self._newest

    def _ask(self, listening: tuple[bytes, ...]) -> Standing:
        with database.reading(self.engine) as session:
            return standing(session, listening)


@router.get("/live", dependencies=[needs(Action.OWN_ACCOUNT)], response_class=EventSourceResponse)
async def live(request: Request, found: TheDesk, who: Who) -> AsyncIterator[ServerSentEvent]:
    """Events "counts", and "over" where the sign-in ended. Browsers only: a token of the API is no sign-in."""
    watch: Watch = request.app.state.watch
    token = found.keys.hash("token", request.cookies.get(cookie_name(found), ""))
    async for counts in watch.changes(who, token):
        yield ServerSentEvent(event="counts", data=asdict(counts)) if counts else ServerSentEvent(event="over", data="")
