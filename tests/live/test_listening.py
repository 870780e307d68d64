"""What the connectors hear on real networks: cursors that go on, words, hashtags without an account, the bell of a
stream, what is private, what is gone; and a session that is resumed and renewed."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from config import clock
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.network import Connection, Listener, Outgoing, OwnPost, Reach, RemoteMention, SignInExpired, Witness
from networks.registry import NETWORKS
from posts.drafts import new_key
from tests.live import department as departments
from tests.live.bluesky_network import Network
from tests.live.department import Department
from tests.live.fault_proxy import Faults
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until

pytestmark = pytest.mark.live


@pytest.fixture
def department(sqlite_engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]) -> Department:
    return departments.made(sqlite_engine, keys, settings, person)


def connection(department: Department, account: int, **settings: str) -> Connection:
    found = department.account(account)
    return accounts.connection(department.engine, found, department.keys, department.settings, settings)


def ear(made: Connection, network: str) -> Listener:
    listener = NETWORKS[network].listener
    assert listener is not None
    return listener(made)


def eye(made: Connection, network: str) -> Witness:
    witness = NETWORKS[network].witness
    assert witness is not None
    return witness(made)


def heard(listener: Listener, cursor: str | None = None) -> tuple[list[RemoteMention], str | None]:
    """Every page from the cursor on."""
    found: list[RemoteMention] = []
    while True:
        page = listener.mentions(cursor)
        found += page.mentions
        cursor = page.cursor
        if not page.more:
            return found, cursor


def test_bluesky_tells_mentions_answers_and_quotes_of_us_and_goes_on_from_there(
    bluesky: Network, department: Department
) -> None:
    us, ines = bluesky.create("riverton"), bluesky.create("ines")
    account, _ = departments.on_bluesky(department, bluesky, us)
    listener = ear(connection(department, account, kind="mentions"), "bluesky")
    ours = bluesky.post(us, "Coffee at nine")
    first = bluesky.mention(ines, us, f"@{us.handle} why so late?", langs=["en-US"])
    answer = bluesky.post(ines, "I will be there", reply=ours)
    wait_until(lambda: len(bluesky.notifications(us)) >= 2, "both notifications")
    found, cursor = heard(listener)
    assert {one.remote_id for one in found} == {first, answer}
    asked = next(one for one in found if one.remote_id == first)
    assert (asked.text, asked.language, asked.author_id, asked.addressed) == (
        f"@{us.handle} why so late?", "en", ines.did, True
    )  # fmt: skip
    last = bluesky.mention(ines, us, f"@{us.handle} and where?")
    wait_until(lambda: len(bluesky.notifications(us)) >= 3, "the third notification")
    assert last in {one.remote_id for one in heard(listener, cursor)[0]}


def test_bluesky_finds_posts_by_words_but_not_our_own(bluesky: Network, department: Department) -> None:
    us, omar = bluesky.create("riverton"), bluesky.create("omar")
    account, _ = departments.on_bluesky(department, bluesky, us)
    theirs = bluesky.post(omar, "A quillwort grows by the station")
    bluesky.post(us, "We like the quillwort")
    wait_until(lambda: len(bluesky.search("quillwort")) == 2, "searchPosts to know both")
    found, _ = heard(ear(connection(department, account, kind="search", query="quillwort"), "bluesky"))
    assert [(one.remote_id, one.addressed) for one in found] == [(theirs, False)]


def test_a_bluesky_post_is_gone_only_when_its_own_server_says_so(bluesky: Network, department: Department) -> None:
    us, omar = bluesky.create("riverton"), bluesky.create("omar")
    account, _ = departments.on_bluesky(department, bluesky, us)
    kept, away = bluesky.post(omar, "This stays"), bluesky.post(omar, "This goes")
    witness = eye(connection(department, account), "bluesky")
    assert witness.ask([kept, away]).gone == frozenset()
    bluesky.delete(omar, away)
    assert bluesky.gone(away)
    never_indexed = kept.rpartition("/")[0] + "/3mzzzzzzzzz2z"
    wait_until(
        lambda: witness.ask([kept, away, never_indexed]).gone == {away, never_indexed}, "its server to say what is gone"
    )
    lost = connection(department, account, directory="http://127.0.0.1:9")  # where nobody answers
    assert eye(lost, "bluesky").ask([away]).gone == frozenset()


def test_how_a_post_of_ours_fares_on_bluesky_is_counted_by_its_index(bluesky: Network, department: Department) -> None:
    us, omar = bluesky.create("riverton"), bluesky.create("omar")
    account, _ = departments.on_bluesky(department, bluesky, us)
    ours, away = bluesky.post(us, "Coffee at nine."), bluesky.post(us, "Coffee at ten.")
    (view,) = bluesky.posts([ours])
    subject = {"uri": ours, "cid": view["cid"]}
    for kind in ("like", "repost"):
        record = {"$type": f"app.bsky.feed.{kind}", "subject": subject, "createdAt": "2026-11-24T12:00:00.000Z"}
        asked = {"repo": omar.did, "collection": f"app.bsky.feed.{kind}", "record": record}
        bluesky.call("com.atproto.repo.createRecord", by=omar, json=asked)
    bluesky.post(omar, "see you there", reply=ours)
    bluesky.delete(us, away)
    assert bluesky.gone(away)
    assert NETWORKS["bluesky"].reach is not None
    gauge = NETWORKS["bluesky"].reach(connection(department, account))
    told = {ours: Reach(None, 1, 1, 1), away: None}
    wait_until(
        lambda: gauge.reach([OwnPost(ours), OwnPost(away)]).reach == told,
        "the index to count a like, a repost, a reply",
    )


def test_a_bluesky_session_is_made_once_resumed_and_renewed(
    bluesky: Network, department: Department, faults: Faults
) -> None:
    us = bluesky.create("riverton")
    proxy = faults.before(bluesky.pds)
    account, name = departments.on_bluesky(department, bluesky, us, proxy.url)
    for _ in range(3):
        heard(ear(connection(department, account, kind="mentions"), "bluesky"))
    assert len(proxy.seen("createSession")) == 1
    made = connection(department, account)
    assert made.keeper is not None
    stale(made)
    heard(ear(connection(department, account, kind="mentions"), "bluesky"))
    assert (len(proxy.seen("refreshSession")), len(proxy.seen("createSession"))) == (1, 1)
    bluesky.revoke(us, name)
    stale(made)
    with pytest.raises(SignInExpired):
        heard(ear(connection(department, account, kind="mentions"), "bluesky"))


def stale(made: Connection) -> None:
    assert made.keeper is not None
    kept = made.keeper.session()
    assert kept is not None
    made.keeper.keep_session(departments.aged(kept))


def test_mastodon_tells_public_mentions_with_their_warnings_and_goes_on_from_there(
    mastodon: Server, department: Department
) -> None:
    us, ines = mastodon.create("riverton"), mastodon.create("ines")
    account = departments.on_mastodon(department, mastodon, us)
    listener = ear(connection(department, account, kind="mentions"), "mastodon")
    mastodon.post(ines.token, f"@{us.username} between us", visibility="private")
    mastodon.post(ines.token, f"@{us.username} a crash", spoiler_text="Blood", language="en")
    found, cursor = heard(listener)
    assert [(one.text, one.language, one.addressed) for one in found] == [
        (f"Blood\n@{us.username} a crash", "en", True)
    ]
    for number in range(45):
        mastodon.post(ines.token, f"@{us.username} number {number}", visibility="unlisted")
    after, last = heard(listener, cursor)
    assert {one.text for one in after} == {f"@{us.username} number {number}" for number in range(45)}
    assert heard(listener, last) == ([], last)


def test_a_hashtag_is_heard_without_an_account(mastodon: Server, department: Department) -> None:
    ines = mastodon.create("ines")
    mastodon.post(ines.token, "The lamp is out again #ElmStreetLamp")
    settings = {"kind": "hashtag", "hashtag": "ElmStreetLamp", "server": mastodon.url}
    found, _ = heard(ear(Connection(department.engine, settings, allow_private=True), "mastodon"))
    assert [(one.text, one.addressed) for one in found] == [("The lamp is out again #ElmStreetLamp", False)]


def test_a_stream_rings_for_a_mention_and_tells_what_is_deleted(mastodon: Server, department: Department) -> None:
    us, ines = mastodon.create("riverton"), mastodon.create("ines")
    account = departments.on_mastodon(department, mastodon, us)
    made = connection(department, account, kind="mentions")
    rings, stop = threading.Semaphore(0), threading.Event()
    doorbell = NETWORKS["mastodon"].doorbell
    assert doorbell is not None
    line = threading.Thread(target=doorbell, args=(made, rings.release, lambda _: None, stop), daemon=True)
    line.start()
    numbers = iter(range(100))

    def rung() -> bool:  # the stream is open some time after it was asked for
        mastodon.post(ines.token, f"@{us.username} number {next(numbers)}")
        return rings.acquire(timeout=1)

    wait_until(rung, "the bell to ring")
    stop.set()
    line.join(20)
    assert not line.is_alive()


def test_mastodon_reads_its_servers_limits_and_posts_with_every_option(
    mastodon: Server, department: Department
) -> None:
    us = mastodon.create("riverton")
    account = departments.on_mastodon(department, mastodon, us)
    assert department.account(account).settings == {
        "home": mastodon.url, "characters": "500", "reserved_url": "23", "pictures": "4", "picture_bytes": "10485760",
        "poll_choices": "4", "poll_length": "50", "poll_shortest": "300", "poll_longest": "2629746",
    }  # fmt: skip
    publisher = NETWORKS["mastodon"].publisher
    assert publisher is not None
    options = {"visibility": "unlisted", "content_warning": "A crash"}
    post = Outgoing(key=new_key(clock.now()), text="Route 9 is closed", language="es", options=options)
    desk = publisher(connection(department, account))
    receipt = desk.publish(post)
    (there,) = mastodon.statuses(us)
    assert [there[name] for name in ("text", "visibility", "spoiler_text", "language", "sensitive")] == [
        "Route 9 is closed", "unlisted", "A crash", "es", True,
    ]  # fmt: skip
    for _ in range(2):
        desk.remove(receipt.remote_id)
    assert mastodon.statuses(us) == []
