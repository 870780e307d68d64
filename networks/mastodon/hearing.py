"""Listening on Mastodon: mentions of our account, hashtags, the stream that rings; and which posts are gone."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from mastodon import StreamListener
from mastodon.errors import MastodonError

from config import clock
from networks.mastodon import client, words
from networks.mastodon.client import UNREADABLE, Gone, Server
from networks.network import (
    A_LOOK,
    Connection,
    Page,
    PollCount,
    RateLimited,
    Rejected,
    RemoteMention,
    Unavailable,
    Witnessed,
)

FIRST = timedelta(days=7)  # how far back the first look goes
LATE = timedelta(minutes=10)  # that posts of other servers may be under way
ALIVE = 5.0  # seconds between two looks whether the line is still there
PAGE = 40
PUBLIC = ("public", "unlisted")  # what is said to a few is not for the desk
RECONNECT = 10.0  # seconds
LEFT = 1 / 3  # of the rate, that following deletions leaves
_DAY = 86_400_000  # milliseconds


class Ear:
    """One source: mentions of an account, or a hashtag, with an account or without."""

    def __init__(self, connection: Connection) -> None:
        self._kind = connection.settings.get("kind", "mentions")
        self._tag = connection.settings.get("hashtag", "").strip().lstrip("#")
        self._server = server_of(connection)
        self._me = self._server.number(connection.remote_id)
        self._handle = connection.handle.casefold()

    def mentions(self, cursor: str | None) -> Page:
        """The page after the cursor, which is the id of the last item read. Raises NetworkError."""
        if self._kind == "hashtag":
            if not self._tag:
                raise Rejected("a hashtag source needs its hashtag")
            page = self._server.reads(lambda api: api.timeline_hashtag(self._tag, min_id=cursor, limit=PAGE))
            statuses = list(page)
        else:
            page = self._server.reads(lambda api: api.notifications(types=["mention"], min_id=cursor, limit=PAGE))
            statuses = [one.status for one in page if one.type == "mention" and one.status is not None]
        since = clock.now() - FIRST
        found, refused = [], []
        for one in statuses:
            try:
                if self._is_wanted(one) and (cursor is not None or one.created_at >= since):
                    found.append(_mention(self._server, one, addressed=self._kind == "mentions"))
            except UNREADABLE as error:  # the others of its page are none the worse
                refused.append(f"post {getattr(one, 'id', '?')}: {type(error).__name__}")
        newest = str(page[0].id) if page else cursor  # newest first, whichever way it was asked for
        more = cursor is not None and len(page) == PAGE
        if self._kind == "hashtag" and newest is not None and not more:
            now = clock.now()  # after a page that was full to the last there is an empty one
            newest = before_late(newest, page[0].created_at if page else now, now)
        return Page(found, newest, more=more, refused=refused)

    def _is_wanted(self, status: Any) -> bool:
        acct = str(status.account.acct)
        whole = acct if "@" in acct else f"{acct}@{self._server.host}"
        ours = str(status.account.id) == self._me or whole.casefold() == self._handle
        return status.visibility in PUBLIC and status.reblog is None and not ours


def _mention(server: Server, status: Any, *, addressed: bool) -> RemoteMention:
    author = status.account
    said = [status.spoiler_text or "", words.plain(status.content)]
    answered = getattr(status, "in_reply_to_id", None)
    return RemoteMention(
        remote_id=server.named(status.id),
        text="\n".join(part for part in said if part),
        posted_at=status.created_at,
        author_id=getattr(author, "uri", None) or author.url or _named(author.acct, server.host),
        author_created_at=author.created_at,
        language=status.language,
        url=status.url or status.uri,
        addressed=addressed,
        # The post that it answers: a server does not tell a thread's first one without being asked for each.
        root_id=server.named(answered) if answered is not None else None,
        automatic=bool(getattr(author, "bot", False)),
    )


def _named(acct: str, host: str) -> str:
    """name@host, wherever the account lives: a server leaves its own host out."""
    return acct if "@" in acct else f"{acct}@{host}"


class Looker:
    """Tells which posts are gone: what our server does not have any more, while it answers for the rest; and what those
    say now that were edited."""

    def __init__(self, connection: Connection) -> None:
        self._server = server_of(connection)

    def ask(self, remote_ids: Sequence[str]) -> Witnessed:
        """One by one. Stops where the server does, after A_LOOK, and while LEFT of the rate is there for all else, with
        what it knows by then."""
        found: set[str] = set()
        edited: list[RemoteMention] = []
        told, begun = 0, time.monotonic()
        for place, remote_id in enumerate(remote_ids):
            number = self._server.number(remote_id)
            if number is None:
                continue
            if told and (time.monotonic() - begun > A_LOOK or self._server.rate_left < LEFT):
                return Witnessed(frozenset(found), unasked=frozenset(remote_ids[place:]), edited=edited)
            try:
                gone, now = self._shown(number)
                if gone and not found:  # a server that has lost its way says 404 to everything
                    self._server.itself()
                found |= {remote_id} if gone else set()
                edited += [now] if now is not None else []
            except (RateLimited, Unavailable):
                if not told:
                    raise
                return Witnessed(frozenset(found), unasked=frozenset(remote_ids[place:]), edited=edited)
            told += 1
        return Witnessed(frozenset(found), edited=edited)

    def _shown(self, number: str) -> tuple[bool, RemoteMention | None]:
        """Whether a post is gone; how it is now, if it was edited."""
        try:
            status = self._server.reads(lambda api: api.status(number))
        except Gone:
            return True, None
        except Rejected:  # not for us to see, or not now: that tells nothing
            return False, None
        if getattr(status, "edited_at", None) is None:
            return False, None
        try:
            return False, _mention(self._server, status, addressed=False)
        except UNREADABLE:  # it is there, whatever it says now
            return False, None


class Counter:
    """Reads what people chose in polls of ours."""

    def __init__(self, connection: Connection) -> None:
        self._server = server_of(connection)

    def count(self, remote_id: str) -> PollCount | None:
        """The poll of this post as it stands; none where the post is gone or has none. Raises NetworkError."""
        number = self._server.number(remote_id)
        if number is None:
            return None
        try:
            poll = self._server.reads(lambda api: api.status(number).poll)
        except Gone:
            return None
        if poll is None:
            return None
        choices = tuple((str(one.title), int(one.votes_count or 0)) for one in poll.options)
        people = poll.get("voters_count")
        return PollCount(choices, int(people) if people is not None else None, bool(poll.expired))


class _Bell(StreamListener):
    """Rings for what came, tells what went."""

    def __init__(self, server: Server, ring: Callable[[], None], told_gone: Callable[[str], None], tag: bool) -> None:
        self._server, self._ring, self._told_gone, self._tag = server, ring, told_gone, tag

    def on_notification(self, notification: Any) -> None:
        if notification.type == "mention":
            self._ring()

    def on_update(self, status: Any) -> None:
        if self._tag:
            self._ring()

    def on_delete(self, status_id: Any) -> None:
        self._told_gone(self._server.named(status_id))


def stay_on_the_line(
    connection: Connection, ring: Callable[[], None], told_gone: Callable[[str], None], stop: Event
) -> None:
    """Follows the account's stream, or the hashtag's, until `stop` (networks.network.Doorbell)."""
    server = server_of(connection)
    tag = connection.settings.get("hashtag", "").strip().lstrip("#")
    by_tag = connection.settings.get("kind") == "hashtag"
    bell = _Bell(server, ring, told_gone, by_tag)
    more: dict[str, Any] = {"run_async": True, "reconnect_async": True, "reconnect_async_wait_sec": RECONNECT}
    try:
        line = server.client.stream_hashtag(tag, bell, **more) if by_tag else server.client.stream_user(bell, **more)
    except MastodonError as error:
        raise server.meant(error, Unavailable) from error
    try:
        while not stop.wait(ALIVE):
            if not line.is_alive():
                raise Unavailable("the stream broke off")
    finally:
        line.close()


def before_late(newest: str, written: datetime, now: datetime) -> str:
    """The id to go on from in a timeline, as far back as posts may still come in.

    A server gives a post from elsewhere the id of when it was written there, not of when it came: going on from the
    newest would skip it. Ids that hold no time (milliseconds << 16, Mastodon's) are taken as they are."""
    if not newest.isdecimal():
        return newest
    if abs((int(newest) >> 16) - written.timestamp() * 1000) > _DAY:
        return newest
    return str(min(int(newest), int((now - LATE).timestamp() * 1000) << 16))


def server_of(connection: Connection) -> Server:
    """The server that a source asks: another than the account's only without the account."""
    named = connection.settings.get("server", "").strip()
    if named:
        address = client.address_of(named, connection.allow_private)
        if connection.secret is None or address != connection.settings.get("home"):
            return Server(address, allow_private=connection.allow_private)
    return client.account(connection)
