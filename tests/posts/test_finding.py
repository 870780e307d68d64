"""All our posts, found by words, state, network and time, page after page."""

from datetime import timedelta

from config import database
from posts import drafts, finding
from posts.finding import Filters
from tests.posts.conftest import Desk


def test_posts_are_found_newest_first_by_words_state_network_and_time(desk: Desk) -> None:
    waits, approved = desk.handed_in("100% of Oak Street is open.", after=timedelta(days=3)), desk.approved()
    with database.writing(desk.engine) as session:
        own = {desk.accounts[0]: "Cierre de la calle Elm.", desk.accounts[1]: None}
        elm = drafts.create(session, desk.officer, "Elm Street is closed.", desk.accounts, desk.now, wordings=own).id

    def found(asked: Filters) -> list[int | None]:
        with database.reading(desk.engine) as session:
            return [one.post.id for one in finding.every(session, asked, step=2)]

    assert found(Filters()) == [waits, approved, elm]
    assert found(Filters(words="street ELM")) == [elm]
    assert found(Filters(words="calle")) == [elm]  # in one account's own wording
    assert found(Filters(words="0% o")) == [waits]
    assert found(Filters(words="_")) == []
    assert found(Filters(state="waits")) == [waits]
    assert found(Filters(network="practice", state="going_out")) == [approved]
    assert found(Filters(network="x")) == []
    assert found(Filters(since=desk.now + timedelta(days=1))) == [waits]
    assert found(Filters(until=desk.now + timedelta(days=1))) == [approved, elm]
