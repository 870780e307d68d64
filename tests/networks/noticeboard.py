"""A town's notice board on the web: the example of docs/add-a-network.md. It is ours, and no real network."""

from datetime import datetime

import httpx

from networks import fetching
from networks.network import (
    Connection,
    Limits,
    Network,
    OutcomeUnknown,
    Outgoing,
    Page,
    Policy,
    Receipt,
    Rejected,
    RemoteMention,
    SignInExpired,
    Unavailable,
)


class Board:
    def __init__(self, connection: Connection) -> None:
        self._web = httpx.Client(
            base_url=connection.settings["server"],
            transport=fetching.transport(allow_private=connection.allow_private),
            headers={"Authorization": f"Bearer {connection.secret}"},
            timeout=10,
        )

    def mentions(self, cursor: str | None) -> Page:
        notes = self._ask("GET", "/notes", params={"after": cursor or "0"}).json()
        found = [RemoteMention(n["id"], n["text"], datetime.fromisoformat(n["at"]), n["by"]) for n in notes]
        return Page(found, cursor=found[-1].remote_id if found else cursor, more=len(found) == 50)

    def publish(self, outgoing: Outgoing) -> Receipt:
        return self._receipt(self._ask("PUT", f"/ours/{outgoing.key}", json={"text": outgoing.text}))

    def find(self, outgoing: Outgoing) -> Receipt | None:
        answer = self._ask("GET", f"/ours/{outgoing.key}")
        return None if answer.status_code == 404 else self._receipt(answer)

    def remove(self, remote_id: str) -> None:
        self._ask("DELETE", f"/notes/{remote_id}")

    def _ask(self, method: str, path: str, **more: object) -> httpx.Response:
        try:
            answer = self._web.request(method, path, **more)  # type: ignore[arg-type]
        except httpx.ConnectError as error:  # it was never sent
            raise Unavailable(str(error)) from error
        except httpx.HTTPError as error:  # it may have been applied
            raise (Unavailable if method == "GET" else OutcomeUnknown)(str(error)) from error
        if answer.status_code == 401:
            raise SignInExpired("the board does not know us any more")
        if answer.status_code >= 500:
            raise (Unavailable if method == "GET" else OutcomeUnknown)(f"the board answered {answer.status_code}")
        if answer.status_code >= 400 and answer.status_code != 404:
            raise Rejected(answer.text)
        return answer

    def _receipt(self, answer: httpx.Response) -> Receipt:
        note = answer.json()
        return Receipt(note["id"], note["url"], datetime.fromisoformat(note["at"]))


NETWORK = Network("noticeboard", "Notice board", Policy(), Limits(length=200), listener=Board, publisher=Board)
