"""Publishing on X: pictures first, then the post; look-up among our own posts, by their words; deletion.

X knows no key of ours and gives no id when it refuses a text as a copy: after a lost reply only its list of our own
posts can tell, and that shows a post late."""

import base64
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from config import clock
from networks import pictures
from networks.network import Connection, OutcomeUnknown, Outgoing, Picture, Receipt, Rejected, Unavailable
from networks.x import posts, words
from networks.x.client import Gone, Refused
from networks.x.posts import Post
from networks.x.session import Account

CLOCKS = timedelta(minutes=5)  # that theirs and ours may differ
SETTLED = timedelta(minutes=4)  # after an attempt began, a post that is not shown was not applied
PAGES = 5  # of our own posts that a look-up reads
PROCESSING = 30.0  # seconds that X may take over a picture
LARGEST = 5_000_000  # bytes of a picture
PLAIN, LINKED = Decimal("0.015"), Decimal("0.20")  # dollars for a post without and with a link
DESCRIBED, REMOVED = Decimal("0.005"), Decimal("0.01")  # dollars for a picture's description, and for a deletion
_A_COPY = re.compile(r"duplicate", re.IGNORECASE)
_PAGE = 100


class Desk:
    """One account's way to publish."""

    def __init__(self, connection: Connection) -> None:
        self._account = Account(connection)
        self._me, self._handle = connection.remote_id, connection.handle

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Sends the post. Everything before that last call changes nothing that anybody sees."""
        media = [self._upload(picture, outgoing.proceed) for picture in outgoing.pictures]

        def send(client: Any) -> Any:  # once more after a token was renewed, which takes its time, too
            outgoing.proceed()
            return client.create_tweet(
                text=outgoing.text,
                media_ids=media or None,
                in_reply_to_tweet_id=outgoing.reply_to,
                user_auth=self._account.signs,
            )

        try:
            told = self._account.writes(send)
        except Refused as error:
            if _A_COPY.search(error.reason):
                raise Rejected(
                    "X has this text already, and takes no copy. Look at the account there: is it there, nothing more "
                    f"is to be done; to say it once more, change its words. ({error.reason})"
                ) from error
            raise
        number = _number(told)
        if number is None:
            raise OutcomeUnknown("X's answer cannot be read")
        self._account.has_published(_price(outgoing.text))
        return self._receipt(number, clock.now())

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """Among our own posts since the attempt began. None only once X had time to show it, and showed all there is.

        Looking costs money and never asks for the budget: it is part of publishing."""
        begun = outgoing.begun_at or clock.now()
        try:
            listed, whole = self._since(begun - CLOCKS)
        except (Unavailable, Rejected) as error:
            raise OutcomeUnknown(str(error)) from error
        sure, maybe = self._likely([post for post in listed if post.id not in outgoing.others], outgoing)
        if len(sure) == 1:
            self._account.has_published(_price(outgoing.text))
            return sure[0]
        if sure:
            raise OutcomeUnknown("the same words are there more than once", sure)
        if maybe:
            raise OutcomeUnknown("something is there that may be it", maybe)
        if not whole:
            raise OutcomeUnknown("X did not show everything that it was asked for")
        if clock.now() < begun + SETTLED:
            raise OutcomeUnknown("it is not shown yet; X may show it late")
        return None

    def remove(self, remote_id: str) -> None:
        """Deletes a post of ours; one that is gone already is fine."""
        try:
            told = self._account.writes(lambda client: client.delete_tweet(remote_id, user_auth=self._account.signs))
        except Gone:
            return
        data = told.get("data") if isinstance(told, dict) else None
        if not isinstance(data, dict) or data.get("deleted") is not True:
            raise OutcomeUnknown("X did not say whether the post was deleted")
        self._account.has_published(REMOVED)

    def _since(self, start: datetime) -> tuple[list[Post], bool]:
        """Our own posts from `start` on; and whether X showed them whole."""
        asked = {
            "start_time": start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "max_results": str(_PAGE),
            "exclude": "retweets",
        }
        found: list[Post] = []
        whole = True
        for _ in range(PAGES):
            told = self._account.posts(f"/2/users/{self._me}/tweets", asked, "referenced_posts")
            page = posts.listing(told)
            self._account.has_read((post.id for post in page.posts), posts.PRICE)
            found += page.posts
            # Without its time a post came as X gives it unasked: without the addresses and what it answers, too.
            whole = whole and page.whole and all(post.created_at is not None for post in page.posts)
            if page.following is None:
                return found, whole
            asked["pagination_token"] = page.following
        raise Unavailable("too many posts since; it cannot be looked up")

    def _likely(self, listed: Sequence[Post], outgoing: Outgoing) -> tuple[list[Receipt], list[Receipt]]:
        """What surely is the post, and what may be."""
        sure: list[Receipt] = []
        maybe: list[Receipt] = []
        for post in listed:
            same = words.same(outgoing.text, post.raw(), post.links(), answers=outgoing.reply_to is not None)
            if same is False:
                continue
            if post.answers() == outgoing.reply_to:
                (sure if same else maybe).append(self._receipt(post.id, post.at()))
            elif post.answers() is None:  # what was answered may be gone
                maybe.append(self._receipt(post.id, post.at()))
        return sure, maybe

    def _upload(self, picture: Picture, proceed: Callable[[], None]) -> str:
        small = pictures.fitted(picture, LARGEST)
        body = {"media": base64.b64encode(small.data).decode(), "media_category": "tweet_image"}
        proceed()
        told = self._post("/2/media/upload", body)
        number = _number(told)
        if number is None:
            raise Unavailable("X's answer to a picture cannot be read; nothing was posted")
        self._wait_for(number, told)
        if picture.alt.strip():
            self._post("/2/media/metadata", {"id": number, "metadata": {"alt_text": {"text": picture.alt}}})
            self._account.has_published(DESCRIBED)
        return number

    def _wait_for(self, number: str, told: Any) -> None:
        """Until X has looked at the picture."""
        until = time.monotonic() + PROCESSING
        while (state := _processing(told)) is not None:
            if state.get("state") == "failed":
                raise Rejected("X cannot read a picture of this post.")
            if time.monotonic() > until:
                raise Unavailable("X takes too long over a picture; nothing was posted")
            asked = state.get("check_after_secs")
            time.sleep(min(max(float(asked), 0.1), 5.0) if isinstance(asked, int | float) else 1.0)
            told = self._account.get("/2/media/upload", {"media_id": number, "command": "STATUS"})

    def _post(self, route: str, body: Any) -> Any:
        """Makes something that nobody sees."""
        return self._account.reads(
            lambda client: client.request("POST", route, json=body, user_auth=self._account.signs).json()
        )

    def _receipt(self, number: str, at: datetime) -> Receipt:
        return Receipt(number, f"https://x.com/{self._handle or 'i'}/status/{number}", at)


def _price(text: str) -> Decimal:
    return LINKED if words.has_link(text) else PLAIN


def _number(told: Any) -> str | None:
    data = told.get("data") if isinstance(told, dict) else None
    found = str(data.get("id", "")) if isinstance(data, dict) else ""
    return found if found.isascii() and found.isdecimal() else None


def _processing(told: Any) -> dict[str, Any] | None:
    """How far X is with a picture; none when it is done."""
    data = told.get("data") if isinstance(told, dict) else None
    found = data.get("processing_info") if isinstance(data, dict) else None
    return found if isinstance(found, dict) and found.get("state") not in (None, "succeeded") else None
