"""Publishing on Instagram: a container that Instagram fills from our address, kept before it is published. Its status
says exactly whether it was, so nobody ever has to decide.

An answer is a comment; of that Instagram keeps no container, and a lost reply is looked up among the comments."""

import json
import time
from datetime import timedelta
from typing import Any

from config import clock
from networks.graph import Gone, Line, delete, same, when
from networks.network import Connection, OutcomeUnknown, Outgoing, RateLimited, Receipt, Rejected, Unavailable

CLOCKS = timedelta(minutes=5)  # that theirs and ours may differ
SETTLED = timedelta(minutes=4)  # after an attempt began, a comment that is not shown was not applied
SHOWN = timedelta(minutes=10)  # after which a picture that is out counts as out, listed or not
FILLING = 40.0  # seconds that Instagram may take to fetch all the pictures, in one attempt
SPOILT = ("EXPIRED", "ERROR")  # of a container: it is made anew
ASKED = 1.0  # seconds between two looks whether it did
FULL = timedelta(hours=1)  # until a used-up publishing limit is asked for again


class Desk:
    """One account's way to publish."""

    def __init__(self, connection: Connection) -> None:
        self._line = Line(connection)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Publishes the container that an earlier attempt kept, or a new one."""
        if outgoing.reply_to is not None:
            return self._comment(outgoing.reply_to, outgoing)
        container, until = _whole(outgoing), time.monotonic() + FILLING
        status = self._status(container) if container is not None else "EXPIRED"
        if container is not None and status == "PUBLISHED":
            return self._published(container, outgoing)
        if container is None or status in SPOILT:
            self._check_quota()
            container = self._made(outgoing, until)
            _keep(outgoing, container)
        self._filled(container, until)
        outgoing.proceed()
        made = self._line.writes(lambda graph: graph.put_object(self._line.me, "media_publish", creation_id=container))
        return self._receipt(str(made["id"]))

    def find(self, outgoing: Outgoing) -> Receipt | None:
        """By the container's status: exact. Without one nothing can have been published."""
        if outgoing.reply_to is not None:
            return self._find_comment(outgoing.reply_to, outgoing)
        container = _whole(outgoing)
        if container is None:
            return None
        try:
            status = self._status(container)
            return self._published(container, outgoing) if status == "PUBLISHED" else None
        except (Unavailable, Rejected) as error:
            raise OutcomeUnknown(str(error)) from error

    def remove(self, remote_id: str) -> None:
        """Deletes a post or comment of ours; one that is gone already is fine."""
        delete(self._line, remote_id)

    def _made(self, outgoing: Outgoing, until: float) -> str:
        """A container for one picture, or for several with one each inside: those are kept, too, for Instagram goes on
        filling them when nobody waits any more."""
        shown = [{"image_url": self._address(picture.url), "alt_text": picture.alt} for picture in outgoing.pictures]
        if len(shown) == 1:
            return self._container(outgoing, **shown[0], caption=outgoing.text)
        children = _parts(outgoing)
        if not children or any(self._status(child) in SPOILT for child in children):
            children = [self._container(outgoing, **one, is_carousel_item="true") for one in shown]
            _keep(outgoing, json.dumps(children))
        for child in children:
            self._filled(child, until)
        return self._container(outgoing, media_type="CAROUSEL", children=json.dumps(children), caption=outgoing.text)

    def _container(self, outgoing: Outgoing, **said: str) -> str:
        outgoing.proceed()
        return str(self._line.reads(lambda graph: graph.put_object(self._line.me, "media", **said))["id"])

    def _address(self, url: str | None) -> str:
        if url is None:
            raise Rejected(
                "Instagram fetches pictures from a public address, and this desk has none that it can reach."
            )
        return url

    def _status(self, container: str) -> str:
        try:
            told = self._line.reads(lambda graph: graph.get_object(container, fields="status_code"))
        except Gone:
            return "EXPIRED"  # containers go after a day; one that was published keeps its status
        return str(told["status_code"])

    def _filled(self, container: str, until: float) -> None:
        """Waits until Instagram has what it needs. Nothing is public yet."""
        while (status := self._status(container)) == "IN_PROGRESS":
            if time.monotonic() > until:
                raise Unavailable("Instagram takes long over the pictures; nothing was published yet")
            time.sleep(ASKED)
        if status in SPOILT:
            raise Rejected("Instagram could not take the pictures; look at their size and shape.")

    def _check_quota(self) -> None:
        fields = "quota_usage,config"
        rows = self._line.reads(
            lambda graph: graph.get_connections(self._line.me, "content_publishing_limit", fields=fields)
        )
        for row in rows.get("data", ()):
            if int(row.get("quota_usage", 0)) >= int(row.get("config", {}).get("quota_total", 100)):
                raise RateLimited(clock.now() + FULL)

    def _published(self, container: str, outgoing: Outgoing) -> Receipt:
        """Of a container that is out: the picture with its caption that no other post of ours is."""
        begun = outgoing.begun_at or clock.now()
        for one in self._line.listed(self._line.me, "media", "id,caption,permalink,timestamp", limit="50"):
            if when(one["timestamp"]) < begun - timedelta(days=1) - CLOCKS:
                break
            if str(one["id"]) not in outgoing.others and same(str(one.get("caption", "")), outgoing.text):
                return _seen(one)
        if clock.now() < begun + SHOWN:
            raise OutcomeUnknown("it is out, and not listed yet")
        return Receipt(container, None, begun)

    def _receipt(self, remote_id: str) -> Receipt:
        try:
            asked = self._line.reads(lambda graph: graph.get_object(remote_id, fields="id,permalink,timestamp"))
            return _seen(asked)
        except (Unavailable, Rejected):
            return Receipt(remote_id, None, clock.now())

    def _comment(self, reply_to: str, outgoing: Outgoing) -> Receipt:
        outgoing.proceed()
        try:
            made = self._line.writes(lambda graph: graph.put_object(reply_to, "replies", message=outgoing.text))
        except Gone as error:
            raise Rejected("What this answers is gone from Instagram.") from error
        return Receipt(str(made["id"]), None, clock.now())

    def _find_comment(self, reply_to: str, outgoing: Outgoing) -> Receipt | None:
        """Below the comment that it answers, or beside it: an answer to an answer Instagram puts below what that one
        answers."""
        begun = outgoing.begun_at or clock.now()
        try:
            told = self._line.reads(lambda graph: graph.get_object(reply_to, fields="id,parent_id"))
            above = str(told.get("parent_id") or reply_to)
            rows = list(self._line.listed(above, "replies", "id,text,timestamp,from"))
        except (Unavailable, Rejected) as error:
            raise OutcomeUnknown(str(error)) from error
        seen = [
            Receipt(str(one["id"]), None, when(one["timestamp"]))
            for one in rows
            if str(one.get("from", {}).get("id")) == self._line.me
            and when(one["timestamp"]) >= begun - CLOCKS
            and str(one["id"]) not in outgoing.others
            and same(str(one.get("text", "")), outgoing.text)
        ]
        if len(seen) == 1:
            return seen[0]
        if seen:
            raise OutcomeUnknown("the same words are there more than once", seen)
        if clock.now() < begun + SETTLED:
            raise OutcomeUnknown("it is not there yet; Instagram may show it late")
        return None


def _recalled(outgoing: Outgoing) -> str:
    return (outgoing.memory.recall() if outgoing.memory is not None else None) or ""


def _whole(outgoing: Outgoing) -> str | None:
    """The container that is kept, if it came to that."""
    kept = _recalled(outgoing)
    return kept if kept and not kept.startswith("[") else None


def _parts(outgoing: Outgoing) -> list[str]:
    """Before it: those of the single pictures."""
    kept = _recalled(outgoing)
    return [str(one) for one in json.loads(kept)] if kept.startswith("[") else []


def _keep(outgoing: Outgoing, made: str) -> None:
    if outgoing.memory is not None:
        outgoing.memory.keep(made)


def _seen(one: dict[str, Any]) -> Receipt:
    return Receipt(str(one["id"]), one.get("permalink"), when(one["timestamp"]))
