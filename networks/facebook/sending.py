"""Publishing on a Page: pictures first, unpublished; then the post. Look-up among the Page's own posts, by words and
time; deletion."""

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from config import clock
from networks import pictures
from networks.graph import Gone, Line, delete, same, when
from networks.network import Connection, OutcomeUnknown, Outgoing, Picture, Receipt, Rejected, Unavailable

CLOCKS = timedelta(minutes=5)  # that theirs and ours may differ
SETTLED = timedelta(minutes=4)  # after an attempt began, a post that is not shown was not applied
LARGEST = 4_000_000  # bytes of a picture
_LINK = re.compile(r"https?://\S+")


class Desk:
    """One Page's way to publish."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Sends the post, or the comment that answers. Everything before that last call is seen by nobody."""
        if outgoing.reply_to is not None:
            where, edge, said = outgoing.reply_to, "comments", {"message": outgoing.text}
        else:
            where, edge, said = self._line.me, "feed", self._post(outgoing)
        outgoing.proceed()
        try:
            made = self._line.writes(lambda graph: graph.put_object(where, edge, **said))
        except Gone as error:
            raise Rejected("What this answers is gone from Facebook.") from error
        return self._receipt(str(made["id"]))

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """Among what the Page said since the attempt began. None only once Facebook had time to show it."""
        begun = outgoing.begun_at or clock.now()
        try:
            found = [
                one
                for one in self._said(outgoing)
                if when(one["created_time"]) >= begun - CLOCKS
                and str(one["id"]) not in outgoing.others
                and same(str(one.get("message", "")), outgoing.text)
            ]
        except (Unavailable, Rejected) as error:
            raise OutcomeUnknown(str(error)) from error
        seen = [_seen(one) for one in found]
        if len(seen) == 1:
            return seen[0]
        if seen:
            raise OutcomeUnknown("the same words are there more than once", seen)
        if clock.now() < begun + SETTLED:
            raise OutcomeUnknown("it is not there yet; Facebook may show it late")
        return None

    def remove(self, remote_id: str) -> None:
        """Deletes a post or comment of ours; one that is gone already is fine."""
        delete(self._line, remote_id)

    def _post(self, outgoing: Outgoing) -> dict[str, Any]:
        said: dict[str, Any] = {"message": outgoing.text}
        uploaded = [self._upload(picture, outgoing.proceed) for picture in outgoing.pictures]
        if uploaded:
            said["attached_media"] = json.dumps([{"media_fbid": number} for number in uploaded])
        elif (link := _LINK.search(outgoing.text)) is not None:
            said["link"] = link[0].rstrip(".,;:!?)")
        return said

    def _upload(self, picture: Picture, proceed: Callable[[], None]) -> str:
        small = pictures.fitted(picture, LARGEST)
        proceed()
        made = self._line.reads(
            lambda graph: graph.put_photo(
                io.BytesIO(small.data),
                f"{self._line.me}/photos",
                published="false",
                alt_text_custom=picture.alt,
            )
        )
        return str(made["id"])

    def _said(self, outgoing: Outgoing) -> Iterator[dict[str, Any]]:
        """What may be it, newest first, back to before the attempt."""
        begun = (outgoing.begun_at or clock.now()) - CLOCKS
        if outgoing.reply_to is not None:
            fields = "id,message,created_time,permalink_url,from"
            rows = self._line.listed(outgoing.reply_to, "comments", fields, order="reverse_chronological")
        else:
            rows = self._line.listed(self._line.me, "posts", "id,message,created_time,permalink_url", limit="50")
        for one in rows:
            if when(one["created_time"]) < begun:
                return
            if outgoing.reply_to is None or str(one.get("from", {}).get("id")) == self._line.me:
                yield one

    def _receipt(self, remote_id: str) -> Receipt:
        """Its address and time; without them, where Facebook does not answer now, all the same."""
        try:
            asked = self._line.reads(lambda graph: graph.get_object(remote_id, fields="id,created_time,permalink_url"))
            return _seen(asked)
        except (Unavailable, Rejected):
            return Receipt(remote_id, f"https://www.facebook.com/{remote_id}", clock.now())


def _seen(one: dict[str, Any]) -> Receipt:
    address = one.get("permalink_url") or f"https://www.facebook.com/{one['id']}"
    return Receipt(str(one["id"]), str(address), when(one["created_time"]))
