"""Publishing on Mastodon: pictures first, then the post; look-up among our own posts, by their words; deletion."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from config import clock
from networks import pictures, polls
from networks.mastodon import client, words
from networks.mastodon.client import Gone
from networks.network import Connection, OutcomeUnknown, Outgoing, Picture, Receipt, Rejected, Unavailable

CLOCKS = timedelta(minutes=5)  # that theirs and ours may differ
SETTLED = timedelta(minutes=10)  # after which a post that is not shown was not applied
PAGES = 10  # of our own posts that a look-up reads
PAGE = 40
PROCESSING = 30.0  # seconds that a server may take over a picture
LARGEST = 8_000_000  # bytes of a picture, where the server does not say


class Desk:
    """One account's way to publish."""

    def __init__(self, connection: Connection) -> None:
        self._server = client.account(connection)
        self._me = self._server.number(connection.remote_id) or ""
        self._largest = int(connection.settings.get("picture_bytes", LARGEST))

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Sends the post. Everything before that last call changes nothing that anybody sees."""
        answered = self._answered(outgoing)
        text = outgoing.text
        if answered is not None and str(answered.account.id) != self._me:
            acct = answered.account.acct
            if not words.names(text, acct, self._server.host):
                text = f"@{acct} {text}"  # or the one who is answered is not told
        media = [self._upload(picture, outgoing.proceed) for picture in outgoing.pictures]
        warning = outgoing.options.get("content_warning") or None
        asked = polls.of(outgoing.options)
        poll = None
        if asked is not None:
            open_for = int(asked.open_for.total_seconds())
            poll = self._server.client.make_poll(list(asked.choices), open_for, multiple=asked.multiple)
        outgoing.proceed()
        posted = self._server.writes(
            lambda server: server.status_post(
                text,
                in_reply_to_id=answered.id if answered is not None else None,
                media_ids=media or None,
                sensitive=warning is not None,
                spoiler_text=warning,
                visibility=outgoing.options.get("visibility") or "public",
                language=outgoing.language,
                idempotency_key=outgoing.key,
                poll=poll,
            )
        )
        return self._receipt(posted)

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """Among our own posts since the attempt began. None only once a server had time to show it."""
        begun = outgoing.begun_at or clock.now()
        try:
            since = self._since(begun - CLOCKS, outgoing.text)
            said = [one for one in since if self._server.named(one.id) not in outgoing.others]
            found = [one for one in said if self._answers(one, outgoing)]
        except (Unavailable, Rejected) as error:
            raise OutcomeUnknown(str(error)) from error
        if len(found) == 1:
            return self._receipt(found[0])
        if found:
            raise OutcomeUnknown("the same words are there more than once", [self._receipt(one) for one in found])
        if outgoing.reply_to is not None and any(one.get("in_reply_to_id") is None for one in said):
            raise OutcomeUnknown("the words are there, but what they answer is not")
        if clock.now() < begun + SETTLED:
            raise OutcomeUnknown("it is not there yet; a server may show it late")
        # A server may take a token that ended for nobody's, and show what it shows to anybody: that proves nothing.
        try:
            self._server.reads(lambda server: server.account_verify_credentials())
        except (Unavailable, Rejected) as error:
            raise OutcomeUnknown(str(error)) from error
        return None

    def remove(self, remote_id: str) -> None:
        """Deletes a post of ours; one that is gone already is fine."""
        number = self._server.number(remote_id)
        if number is None:
            raise Rejected("this post is on another server")
        try:
            self._server.writes(lambda server: server.status_delete(number))
        except Gone:
            return

    def _since(self, start: datetime, text: str) -> list[Any]:
        """Our own posts with these words, from `start` on. OutcomeUnknown if the list does not reach back that far."""
        found: list[Any] = []
        before: Any = None
        for _ in range(PAGES):
            page = self._statuses(before)
            found += [one for one in page if one.created_at >= start and self._says(one, text)]
            if not page or page[-1].created_at < start:
                return found
            before = page[-1].id
        raise OutcomeUnknown("too many posts since; it cannot be looked up")

    def _statuses(self, before: Any) -> list[Any]:
        return list(
            self._server.reads(
                lambda server: server.account_statuses(self._me, max_id=before, limit=PAGE, exclude_reblogs=True)
            )
        )

    def _says(self, status: Any, text: str) -> bool:
        if words.same(words.plain(status.content), text):
            return True
        if not words.near(words.plain(status.content), text):
            return False  # another post altogether: its source need not be asked for
        try:  # what the server made of it may look different; what we sent is kept as its source
            source = self._server.reads(lambda server: server.status_source(status.id))
        except Rejected:
            return False
        return words.same(source.text, text)

    def _answers(self, status: Any, outgoing: Outgoing) -> bool:
        """Whether it has the place in a conversation that ours has: many are thanked in the same words."""
        there = status.get("in_reply_to_id")
        if outgoing.reply_to is None or there is None:
            return outgoing.reply_to is None and there is None
        here = self._server.number(outgoing.reply_to) or self._answered(outgoing).id
        return str(there) == str(here)

    def _answered(self, outgoing: Outgoing) -> Any:
        """The post that is answered, as our server has it; none when nothing is."""
        if outgoing.reply_to is None:
            return None
        number = self._server.number(outgoing.reply_to)
        try:
            if number is not None:
                return self._server.reads(lambda server: server.status(number))
            if outgoing.reply_url is None:
                raise Gone("it was seen on another server")
            address = outgoing.reply_url
            found = self._server.reads(
                lambda server: server.search_v2(address, resolve=True, result_type="statuses").statuses
            )
        except Gone as error:
            raise Rejected("What this answers is gone from the server.") from error
        if not found:
            raise Rejected("This server cannot find what the post answers.")
        return found[0]

    def _upload(self, picture: Picture, proceed: Callable[[], None]) -> Any:
        small = pictures.fitted(picture, self._largest)
        proceed()
        kept = self._server.reads(
            lambda server: server.media_post(small.data, mime_type=small.mime, description=picture.alt)
        )
        until = time.monotonic() + PROCESSING
        while getattr(kept, "url", None) is None:
            if time.monotonic() > until:
                raise Unavailable("the server takes too long over a picture; nothing was posted")
            time.sleep(1.0)
            kept = self._media(kept.id)
        return kept.id

    def _media(self, number: Any) -> Any:
        return self._server.reads(lambda server: server.media(number))

    def _receipt(self, status: Any) -> Receipt:
        return Receipt(self._server.named(status.id), status.url, status.created_at)
