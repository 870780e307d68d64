"""A resident says something to the department, and is answered: `liaison run` as it is installed, its pages over HTTP,
and real networks on the other side."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database, sign_ins
from config.secrets import load
from config.settings import Department as Named
from config.settings import Settings
from config.tables import Person
from listeners import sources
from listeners.tables import Mention
from posts.tables import Target
from sentiment.tables import Score
from tests.live import department as departments
from tests.live import processes
from tests.live.bluesky_network import Network
from tests.live.department import Department
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until
from tests.posts.test_pictures import photo
from tests.web.browsing import form_token

pytestmark = pytest.mark.live
LIAISON = str(Path(sys.executable).with_name("liaison"))
ALT = "Two officers and a lamp post in the rain"


@dataclass(frozen=True)
class Desk:
    """An installation that runs, and browsers of its officer and its approver."""

    department: Department
    ana: httpx.Client
    luc: httpx.Client

    def listen(self, network: str, account: int) -> None:
        with database.writing(self.department.engine) as session:
            sources.add(
                session, network=network, name=f"Mentions on {network}", settings={"kind": "mentions"},
                every_seconds=10, now=clock.now(), account_id=account,
            )  # fmt: skip

    def the_mention(self, words: str) -> Mention | None:
        with database.reading(self.department.engine) as session:
            return session.exec(select(Mention).where(Mention.text.contains(words))).one_or_none()  # type: ignore[union-attr]

    def on_the_page(self, words: str) -> bool:
        page = self.ana.get("/mentions")
        assert page.status_code == 200
        return words in page.text

    def answer(self, mention: int, text: str, picture: tuple[bytes, str], account: int) -> int:
        """Writes an answer with a picture over the pages, hands it in, and has it approved; the post's number."""
        page = f"/compose?reply_to={mention}"
        given = {"message": text, "accounts": str(account), "reply_to": str(mention), "category": "answer"}
        made = self._send(self.ana, page, "/compose", {**given, "then": "picture"}, picture[0])
        number = int(made.headers["location"].split("/")[2].split("?")[0])
        page = f"/compose/{number}"
        form = self.ana.get(page).text
        zone = self.department.settings.department.zone
        due = (clock.now() + timedelta(seconds=2)).astimezone(zone)
        shown = _between(form, 'name="alt_', '"')
        more = {
            f"alt_{shown}": picture[1],
            "revision": _between(form, 'name="revision" value="', '"'),
            "day": f"{due:%Y-%m-%d}",
            "hour": f"{due:%H:%M:%S}",
            "then": "submit",
        }
        sent = self._send(self.ana, page, page, given | more)
        assert sent.headers["location"] == f"/posts/{number}?said=submitted", sent.text
        seen = self.luc.get(f"/posts/{number}").text
        assert picture[1] in seen
        approved = {"content_hash": _between(seen, 'name="content_hash" value="', '"')}
        self._send(self.luc, f"/posts/{number}", f"/posts/{number}/approve", approved)
        return number

    def link(self, number: int) -> str | None:
        """The address of the post on its network, once it is out, as the page shows it."""
        with database.reading(self.department.engine) as session:
            target = session.exec(select(Target).where(Target.post_id == number)).one()
        if target.state != "published" or target.remote_url is None:
            return None
        assert target.remote_url in self.ana.get(f"/posts/{number}").text
        return target.remote_id

    def _send(
        self, browser: httpx.Client, page: str, path: str, fields: dict[str, str], picture: bytes = b""
    ) -> httpx.Response:
        token = form_token(browser.get(page).text)
        files = {"picture": ("lamp.jpg", picture, "image/jpeg")} if picture else None
        answer = browser.post(path, data={"csrf": token, **fields}, files=files)
        assert answer.status_code == 303, answer.text[:2000]
        return answer


def _between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


@pytest.fixture
def desk(sqlite_engine: sa.Engine, tmp_path: Path, person: Callable[..., Person]) -> Iterator[Desk]:
    port, secret = processes.free_port(), secrets.token_hex(16)
    address = f"http://127.0.0.1:{port}"
    settings = Settings(
        data_dir=tmp_path, secret_key=secret, base_url=address, fetch_private_addresses=True,
        department=Named(name="Riverton Police Department"),
    )  # fmt: skip
    department = departments.made(sqlite_engine, load(settings), settings, person)
    environment = {
        **os.environ,
        "LIAISON_DATA_DIR": str(tmp_path),
        "LIAISON_SECRET_KEY": secret,
        "LIAISON_BASE_URL": address,
        "LIAISON_FETCH_PRIVATE_ADDRESSES": "true",
    }
    log = (tmp_path / "run.log").open("w")
    with log, subprocess.Popen([LIAISON, "run", "--port", str(port)], cwd=tmp_path, env=environment, stderr=log) as run:
        try:
            wait_until(lambda: _answers(address), "the desk to open", 60)
            with (
                _browser(department, department.officer, address) as ana,
                _browser(department, department.approver, address) as luc,
            ):
                yield Desk(department, ana, luc)
        finally:
            run.terminate()
            run.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _browser(department: Department, person: int, address: str) -> httpx.Client:
    with database.writing(department.engine) as session:
        token = sign_ins.open_sign_in(session, person, department.keys, clock.now())
    return httpx.Client(base_url=address, cookies={"liaison": token}, timeout=30, trust_env=False)


def heard(desk: Desk, words: str, record: Callable[[str, object], None]) -> int:
    """Waits until the words are on the page, scored; the mention's id. How long it took goes into the report."""
    start = time.monotonic()
    wait_until(lambda: desk.on_the_page(words), f"{words!r} to be on the Mentions page", 60)
    record("seconds_until_on_the_page", round(time.monotonic() - start, 1))
    mention = desk.the_mention(words)
    assert mention is not None
    with database.reading(desk.department.engine) as session:
        assert session.get(Score, mention.id) is not None
    return mention.id or 0


def is_gone(desk: Desk, words: str) -> None:
    """The mention's time to be asked for again comes; then it is not here any more."""
    with database.writing(desk.department.engine) as session:
        session.connection().execute(sa.update(Mention).values(check_at=clock.now()))
    wait_until(lambda: desk.the_mention(words) is None, "the deletion to be followed", 60)
    assert not desk.on_the_page(words)


def test_on_bluesky_a_resident_is_heard_and_answered_once(
    desk: Desk, bluesky: Network, record_property: Callable[[str, object], None]
) -> None:
    us, ines = bluesky.create("riverton"), bluesky.create("ines")
    account, _ = departments.on_bluesky(desk.department, bluesky, us)
    desk.listen("bluesky", account)
    words = "the lamp on Elm Street has been out for a week"
    question = bluesky.mention(ines, us, f"@{us.handle} {words}", langs=["en"])
    mention = heard(desk, words, record_property)
    text = f"Thank you @{ines.handle} 👮🏽‍♀️ it is mended tonight: https://riverton.example/lamps #ElmStreet"
    number = desk.answer(mention, text, (photo((2400, 1600)), ALT), account)
    remote_id = wait_until(lambda: desk.link(number), "the answer to be out", 60)
    (view,) = bluesky.posts([remote_id])
    record = view["record"]
    assert (record["text"], record["langs"], view["embed"]["images"][0]["alt"]) == (text, ["en"], ALT)
    assert record["reply"]["parent"]["uri"] == record["reply"]["root"]["uri"] == question
    assert record["embed"]["images"][0]["image"]["size"] <= 1_000_000
    said = {
        one["features"][0]["$type"].partition("#")[2]: text.encode()[
            one["index"]["byteStart"] : one["index"]["byteEnd"]
        ].decode()
        for one in record["facets"]
    }
    assert said == {"mention": f"@{ines.handle}", "link": "https://riverton.example/lamps", "tag": "#ElmStreet"}
    assert [one["uri"] for one in bluesky.feed(us.did)] == [remote_id]
    bluesky.delete(ines, question)
    assert bluesky.gone(question)
    is_gone(desk, words)


def test_on_mastodon_a_resident_is_heard_and_answered_once(
    desk: Desk, mastodon: Server, record_property: Callable[[str, object], None]
) -> None:
    us, ines = mastodon.create("riverton"), mastodon.create("ines")
    account = departments.on_mastodon(desk.department, mastodon, us)
    desk.listen("mastodon", account)
    words = "the lamp on Elm Street has been out for a week"
    mastodon.post(ines.token, f"@{us.username} this is between us", visibility="direct")
    question = mastodon.post(ines.token, f"@{us.username} {words}", language="en")
    mention = heard(desk, words, record_property)
    assert desk.the_mention("this is between us") is None
    text = "It is mended tonight: https://riverton.example/lamps #ElmStreet"
    number = desk.answer(mention, text, (photo((2400, 1600)), ALT), account)
    wait_until(lambda: desk.link(number), "the answer to be out", 60)
    (there,) = mastodon.statuses(us)
    assert (there["text"], there["in_reply_to_id"]) == (f"@{ines.username} {text}", question["id"])
    assert ([one["description"] for one in there["media_attachments"]], there["visibility"]) == ([ALT], "public")
    mastodon.delete(ines.token, question["id"])
    is_gone(desk, words)
