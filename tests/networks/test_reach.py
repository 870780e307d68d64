"""How posts of ours fare, read from each network: what it gives, what it does not, what it costs, where it stops."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts, registry
from networks.gauging import together
from networks.network import Connection, OwnPost, RateLimited, Reach, ReachPage, SignInExpired, Unavailable
from networks.tables import PracticePost, Spending
from tests.networks import meta_server
from tests.networks.answering import Answer
from tests.networks.meta_server import IG, PAGE, MetaServer
from tests.networks.test_mastodon import connection, status
from tests.networks.test_what_errors_mean import answering
from tests.networks.x_server import Fault, XServer, account_on, an_x

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
COUNTS = {"impression": 1200, "like": 30, "repost": 4, "quote": 2, "reply": 7, "bookmark": 9}


def read(network: str, made: Connection, *posts: OwnPost | str) -> ReachPage:
    reader = registry.network(network).reach
    assert reader is not None
    return reader(made).reach([one if isinstance(one, OwnPost) else OwnPost(one) for one in posts])


def test_counts_that_are_not_given_are_not_zero() -> None:
    assert together(None, None) is None
    assert together(None, 0) == 0
    assert together(3, 4) == 7


# X


@pytest.fixture
def x() -> Iterator[XServer]:
    with an_x(NOON) as server, clock.at(NOON):
        yield server


@pytest.fixture
def on_x(x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return account_on(x, sqlite_engine, keys, settings)


def spent(made: Connection) -> Decimal:
    with database.reading(made.engine) as session:
        return sum((one.dollars for one in session.exec(select(Spending)) if one.what == "read"), Decimal())


@pytest.mark.parametrize("old_names", [False, True])
def test_x_gives_views_likes_reposts_with_quotes_and_answers(x: XServer, on_x: Connection, *, old_names: bool) -> None:
    x.old_names = old_names
    post, quiet = x.write("Coffee at nine."), x.write("Road closed.")
    post.counts = COUNTS
    found = read("x", on_x, post.id, quiet.id)
    assert found == ReachPage({post.id: Reach(1200, 30, 6, 7), quiet.id: Reach(0, 0, 0, 0)})


def test_x_charges_for_each_post_once_a_day_and_is_asked_a_hundred_at_a_time(x: XServer, on_x: Connection) -> None:
    ids = [x.write(f"Coffee {number}").id for number in range(101)]
    assert len(read("x", on_x, *ids).reach) == 101
    assert x.asked.count("GET /2/tweets") == 2
    assert spent(on_x) == Decimal("0.505")
    read("x", on_x, *ids)
    assert spent(on_x) == Decimal("0.505")


def test_a_post_that_is_gone_from_x_is_told_from_one_that_x_does_not_explain(x: XServer, on_x: Connection) -> None:
    away, lost = x.write("one"), x.write("two")
    x.problems = {away.id: "Not Found Error", lost.id: "lost"}
    assert read("x", on_x, away.id, lost.id).reach == {away.id: None, lost.id: Reach()}


def test_x_is_not_asked_when_the_month_s_budget_is_used_up(x: XServer, on_x: Connection) -> None:
    post = x.write("Coffee at nine.")
    with database.writing(on_x.engine) as session:
        accounts.set_budget(session, on_x.account_id or 0, Decimal("0.001"), None, NOON)
        session.add(Spending(account_id=on_x.account_id or 0, month="2026-11", what="read", dollars=Decimal(1)))
    with pytest.raises(RateLimited) as told:
        read("x", on_x, post.id)
    assert told.value.retry_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert x.asked == []


def test_where_x_stops_what_it_told_by_then_stays(x: XServer, on_x: Connection) -> None:
    ids = [x.write(f"Coffee {number}").id for number in range(101)]
    resets = {"x-rate-limit-reset": str(int((NOON + timedelta(minutes=5)).timestamp()))}
    slow = Fault(429, body={"title": "Too Many Requests"}, headers=resets)
    fine = Fault(200, applied=True, body={"data": [{"id": ids[0], "text": "", "public_metrics": {"like_count": 3}}]})
    x.faults["GET /2/tweets"] = [fine, slow]
    found = read("x", on_x, *ids).reach
    assert (len(found), found[ids[0]]) == (100, Reach(likes=3))
    x.faults["GET /2/tweets"] = [slow]
    with pytest.raises(RateLimited):
        read("x", on_x, *ids)


def test_counts_that_cannot_be_read_are_not_given(x: XServer, on_x: Connection) -> None:
    post = x.write("Coffee at nine.")
    body = {"data": [{"id": post.id, "text": "", "public_metrics": {"like_count": "many"}}, "nonsense"]}
    x.faults["GET /2/tweets"] = [Fault(200, body=body)]
    assert read("x", on_x, post.id).reach == {post.id: Reach()}


# Facebook and Instagram


@pytest.fixture
def meta(now: datetime) -> Iterator[MetaServer]:
    with clock.at(now), meta_server.a_meta(now) as server:
        yield server


@pytest.fixture
def page(meta: MetaServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return meta_server.account_on(meta, "facebook", sqlite_engine, keys, settings)


@pytest.fixture
def gram(meta: MetaServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return meta_server.account_on(meta, "instagram", sqlite_engine, keys, settings)


def refusing(words: str, code: int = 200) -> meta_server.Fault:
    return meta_server.Fault(400, body={"error": {"code": code, "message": words}})


def test_a_page_gives_views_reactions_shares_and_comments(meta: MetaServer, page: Connection) -> None:
    post, quiet = meta.add("post", "Coffee at nine.", PAGE), meta.add("post", "Road closed.", PAGE)
    post.counts = {"post_media_view": 800, "reactions": 21, "comments": 5, "shares": 3}
    found = read("facebook", page, post.id, quiet.id)
    assert found == ReachPage({post.id: Reach(800, 21, 3, 5), quiet.id: Reach(None, 0, 0, 0)})


def test_of_a_comment_of_ours_there_are_no_views_and_insights_are_not_asked_for(
    meta: MetaServer, page: Connection
) -> None:
    theirs = meta.add("post", "@rivertonpd why?", "555")
    ours = meta.add("comment", "Thank you for asking.", PAGE, parent=theirs.id)
    ours.counts = {"like_count": 4, "comment_count": 1}
    assert read("facebook", page, OwnPost(ours.id, answers=True)).reach == {ours.id: Reach(likes=4, replies=1)}
    assert meta.asked == ["GET object"]


def test_views_that_need_a_yes_are_missed_aloud_and_the_rest_is_kept(meta: MetaServer, page: Connection) -> None:
    post = meta.add("post", "Coffee at nine.", PAGE)
    post.counts = {"reactions": 21}
    meta.faults["GET insights"] = [refusing("(#200) Requires read_insights permission")]
    found = read("facebook", page, post.id)
    assert found.reach == {post.id: Reach(None, 21, 0, 0)}
    assert "read_insights" in found.refused


def test_a_post_that_is_gone_from_facebook_and_one_that_is_not_for_us(meta: MetaServer, page: Connection) -> None:
    post = meta.add("post", "Coffee at nine.", PAGE)
    assert read("facebook", page, f"{PAGE}_9").reach == {f"{PAGE}_9": None}
    meta.faults["GET object"] = [refusing("not yours")]
    assert read("facebook", page, post.id).reach == {post.id: Reach()}


def test_a_limit_in_the_middle_keeps_what_was_told_and_an_ended_sign_in_is_an_error(
    meta: MetaServer, page: Connection
) -> None:
    one, two = (meta.add("post", words, PAGE) for words in ("one", "two"))
    one.counts = {"post_media_view": 9}
    meta.faults["GET insights"] = [meta_server.Fault(200, applied=True, body={"data": "nonsense"}), refusing("slow", 4)]
    assert read("facebook", page, one.id, two.id).reach == {one.id: Reach(None, 0, 0, 0)}
    meta.faults["GET object"] = [refusing("over", 190)]
    with pytest.raises(SignInExpired):
        read("facebook", page, one.id)


def test_a_picture_gives_views_likes_shares_and_comments_an_answer_likes_alone(
    meta: MetaServer, gram: Connection
) -> None:
    post, answer = meta.add("ig_media", "Found.", IG), meta.add("ig_comment", "Thank you.", IG)
    post.counts = {"views": 500, "shares": 6, "like_count": 40, "comments_count": 8}
    answer.counts = {"like_count": 2}
    found = read("instagram", gram, post.id, OwnPost(answer.id, answers=True))
    assert found == ReachPage({post.id: Reach(500, 40, 6, 8), answer.id: Reach(likes=2)})


def test_too_few_viewers_are_no_trouble(meta: MetaServer, gram: Connection) -> None:
    post = meta.add("ig_media", "Found.", IG)
    post.counts = {"like_count": 1, "comments_count": 0}
    meta.faults["GET insights"] = [refusing("(#10) Not enough viewers for the media to show insights", 10)]
    assert read("instagram", gram, post.id) == ReachPage({post.id: Reach(None, 1, None, 0)})


# Mastodon


def test_a_server_gives_favourites_boosts_with_quotes_and_answers_and_no_views(sqlite_engine: sa.Engine) -> None:
    told = {**status("11", "Coffee", NOON), "favourites_count": 5, "reblogs_count": 2, "quotes_count": 1}
    older = {**status("12", "Coffee", NOON), "favourites_count": 0, "reblogs_count": 4, "replies_count": 0}
    answers = {
        "GET /api/v1/statuses/11": Answer(200, {**told, "replies_count": 3}),
        "GET /api/v1/statuses/12": Answer(200, older),
        "GET /api/v1/statuses/14": Answer(403, {"error": "no"}),
    }
    with answering(answers) as server:
        made = connection(sqlite_engine, server.address)
        host = server.address.removeprefix("http://")
        found = read("mastodon", made, *(f"{number}@{host}" for number in (11, 12, 13, 14)), "11@elsewhere.example")
    assert [found.reach[f"{number}@{host}"] for number in (11, 12, 13, 14)] == [
        Reach(None, 5, 3, 3),
        Reach(None, 0, 4, 0),
        None,
        Reach(),
    ]
    assert found.reach["11@elsewhere.example"] == Reach()


def test_a_server_that_does_not_answer_told_nothing(sqlite_engine: sa.Engine) -> None:
    with answering({"GET /api/v1/statuses/11": Answer(503, {"error": "later"})}) as server:
        host = server.address.removeprefix("http://")
        with pytest.raises(Unavailable):
            read("mastodon", connection(sqlite_engine, server.address), f"11@{host}")


# The practice board


def test_the_board_counts_answers_and_invents_nothing(engine: sa.Engine, keys: Keys, now: datetime) -> None:
    with database.writing(engine) as session:
        accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        session.add(PracticePost(key="k1", account_id=1, author="PD", text="Coffee.", posted_at=now))
        session.flush()
        for number in range(2):
            session.add(PracticePost(key=f"r{number}", author="Nan", text="When?", reply_to=1, posted_at=now))
    assert read("practice", Connection(engine, account_id=1), "1", "2", "77").reach == {
        "1": Reach(replies=2),
        "2": Reach(replies=0),
        "77": None,
    }


def test_every_network_that_publishes_tells_how_a_post_fares() -> None:
    assert [one.name for one in registry.NETWORKS.values() if one.publisher and not one.reach] == []
