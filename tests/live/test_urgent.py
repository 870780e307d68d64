"""An urgent update on all networks at once: approved, out, corrected, closed; one thread on each, read from it. The
AT Protocol network and the Mastodon API are real servers; X and Facebook are ours, held to their own descriptions."""

import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from posts import urgent
from posts.pools import Pools
from posts.tables import Post
from posts.urgent import Stage
from scheduler.jobs import publishing
from tests.live import department as departments
from tests.live.bluesky_network import Network
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until
from tests.networks import meta_server, x_server

pytestmark = pytest.mark.live
FOLLOWING = (
    (Stage.CORRECTION, "Correction: it is Oak Street, not Elm Street."),
    (Stage.ALL_CLEAR, "All clear: the leak on Oak Street is mended."),
)


@pytest.fixture
def x() -> Iterator[x_server.XServer]:
    with x_server.an_x(clock.now()) as server:
        yield server


@pytest.fixture
def meta() -> Iterator[meta_server.MetaServer]:
    with meta_server.a_meta(clock.now()) as server:
        yield server


def test_one_thread_on_each_network_from_first_word_to_all_clear(
    sqlite_engine: sa.Engine,
    keys: Keys,
    settings: Settings,
    person: Callable[..., Person],
    bluesky: Network,
    mastodon: Server,
    x: x_server.XServer,
    meta: meta_server.MetaServer,
    record_property: Callable[[str, object], None],
) -> None:
    department = departments.made(sqlite_engine, keys, settings, person)
    on_bluesky, on_mastodon = bluesky.create("riverton"), mastodon.create("riverton")
    departments.on_bluesky(department, bluesky, on_bluesky)
    departments.on_mastodon(department, mastodon, on_mastodon)
    x_server.account_on(x, sqlite_engine, keys, settings)
    meta_server.account_on(meta, "facebook", sqlite_engine, keys, settings)
    pools = Pools(sqlite_engine, department.settings, keys)

    def out(number: int) -> None:
        """Approved by the second person, and on all four networks."""
        begun = time.monotonic()
        with database.writing(sqlite_engine) as session:
            content = session.get_one(Post, number).content_hash
            urgent.approve(session, number, department.approver, content, clock.now(), past_hold=False)

        def there() -> bool:
            publishing.tick(sqlite_engine, department.settings, keys, pools, clock.now())
            return [target.state for target in department.targets(number)] == ["published"] * 4

        wait_until(there, "it to be on all networks", 60)
        record_property(f"seconds_until_out_{number}", round(time.monotonic() - begun, 1))

    blanks = {"where": "Elm Street", "why": "a gas leak", "advice": "stay inside"}
    words = urgent.words("avoid_area", blanks, "en")
    with database.writing(sqlite_engine) as session:
        first = urgent.begin(
            session, department.officer, clock.now(), template="avoid_area", message=words, language="en",
            settings=department.settings,
        ).id or 0  # fmt: skip
    out(first)
    for stage, said in FOLLOWING:
        with database.writing(sqlite_engine) as session:
            more = urgent.follow(
                session, first, department.officer, clock.now(), stage=stage, message=said,
                settings=department.settings,
            ).id or 0  # fmt: skip
        out(more)
    pools.drain(10)

    answers = [said for _, said in FOLLOWING]
    records = {one["value"]["text"]: one for one in bluesky.feed(on_bluesky.did)}
    root = records[words]["uri"]
    assert sorted(records) == sorted([words, *answers])
    for said in answers:
        reply = records[said]["value"]["reply"]
        assert (reply["root"]["uri"], reply["parent"]["uri"]) == (root, root)
    statuses = {one["text"]: one for one in mastodon.statuses(on_mastodon)}
    assert {said: statuses[said]["in_reply_to_id"] for said in (words, *answers)} == {
        words: None,
        **dict.fromkeys(answers, statuses[words]["id"]),
    }
    posts = {one.written: one for one in x.posts.values()}
    assert {said: posts[said].reply_to for said in (words, *answers)} == {
        words: None,
        **dict.fromkeys(answers, posts[words].id),
    }
    on_page = {one.text: one for one in meta.things.values()}
    assert {said: (on_page[said].kind, on_page[said].parent) for said in (words, *answers)} == {
        words: ("post", None),
        **dict.fromkeys(answers, ("comment", on_page[words].id)),
    }
