from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config import database
from config.secrets import Keys
from networks import accounts, practice
from networks.network import Connection, Listener, Outgoing, Publisher, Rejected
from networks.registry import NETWORKS, UnknownNetwork, network


@pytest.fixture
def board(engine: sa.Engine, keys: Keys, now: datetime) -> Connection:
    with database.writing(engine) as session:
        account = accounts.add(
            session, network="practice", name="Riverton PD", handle="@RivertonPD", secret=None, keys=keys, now=now
        )
    return Connection(engine, account_id=account.id)


def publisher(board: Connection) -> Publisher:
    assert practice.NETWORK.publisher is not None
    return practice.NETWORK.publisher(board)


def listener(board: Connection) -> Listener:
    assert practice.NETWORK.listener is not None
    return practice.NETWORK.listener(board)


def test_publishing_twice_with_one_key_makes_one_post(board: Connection) -> None:
    post = Outgoing(key="k1", text="Coffee at nine.")
    first, second = publisher(board).publish(post), publisher(board).publish(post)
    assert first == second
    with database.reading(board.engine) as session:
        assert [row.text for row in practice.board(session)] == ["Coffee at nine."]


def test_the_board_goes_by_the_time_of_a_post(board: Connection, now: datetime) -> None:
    with database.writing(board.engine) as session:
        for days, text in ((0, "today"), (2, "before"), (1, "yesterday")):
            practice.post_as_resident(session, "A resident", text, now - timedelta(days=days))
    with database.reading(board.engine) as session:
        assert [row.text for row in practice.board(session)] == ["today", "yesterday", "before"]


def test_a_post_is_found_by_its_key_and_only_by_it(board: Connection) -> None:
    receipt = publisher(board).publish(Outgoing(key="k1", text="Coffee at nine."))
    assert publisher(board).find(Outgoing(key="k1", text="")) == receipt
    assert publisher(board).find(Outgoing(key="k2", text="Coffee at nine.")) is None


def test_only_residents_are_heard_each_once(board: Connection, now: datetime) -> None:
    publisher(board).publish(Outgoing(key="k1", text="Ours."))
    with database.writing(board.engine) as session:
        practice.post_as_resident(session, "Nan", "When is coffee?", now)
    page = listener(board).mentions(None)
    assert [(found.text, found.author_id) for found in page.mentions] == [("When is coffee?", "Nan")]
    assert listener(board).mentions(page.cursor).mentions == []


@pytest.mark.parametrize("text", ["", " \x00 ", "x" * 501])
def test_a_resident_cannot_post_nothing_or_too_much(engine: sa.Engine, now: datetime, text: str) -> None:
    with pytest.raises(Rejected), database.writing(engine) as session:
        practice.post_as_resident(session, "Nan", text, now)


def test_limits_say_in_plain_words_what_is_wrong() -> None:
    limits = practice.NETWORK.limits
    assert limits is not None
    assert limits.problems(Outgoing(key="", text="fine")) == ()
    (problem,) = limits.problems(Outgoing(key="", text="x" * 503))
    assert problem.message == "The text is 3 characters too long; the limit is 500."


def test_nothing_is_published_where_it_cannot_be(engine: sa.Engine, keys: Keys, now: datetime) -> None:
    with pytest.raises(Rejected), database.writing(engine) as session:
        accounts.add(session, network="feed", name="x", handle="", secret=None, keys=keys, now=now)
    with pytest.raises(UnknownNetwork, match="there is no network 'myspace'"):
        network("myspace")


def test_what_was_collected_on_x_never_trains() -> None:
    assert (NETWORKS["x"].policy.corrections_may_train, NETWORKS["x"].policy.deletion_hours) == (False, 24)
