"""A thread goes out part by part, each answering the one before, and is cut where a part is not sent."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from config import database
from networks.network import OutcomeUnknown, Rejected
from posts import claims, decide, lapsing, threads
from tests.posts.conftest import Desk
from tests.posts.square import Square, raising
from tests.posts.test_publishing import HOUR, publish

THREAD = "First word.\n---\nWhat we know.\n ---- \nAll clear."
PARTS = ("First word.", "What we know.", "All clear.")


def test_lines_of_dashes_cut_a_text() -> None:
    assert threads.parts(THREAD) == PARTS
    assert threads.parts("One - two -- three\n--\nfour") == ("One - two -- three\n--\nfour",)
    assert threads.parts(" \n---\n") == ("---",)


@given(st.lists(st.text(st.characters(exclude_characters="-"), min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_no_word_of_a_thread_is_lost_or_moved(words: list[str]) -> None:
    assert threads.parts("\n---\n".join(words)) == tuple(word.strip() for word in words)


def test_each_part_answers_the_one_before_and_is_sent_once_that_is_there(desk: Desk) -> None:
    number, square = desk.approved(THREAD), Square()
    for seconds in range(6):
        publish(desk, square, desk.now + HOUR + timedelta(seconds=seconds))
    sent: dict[str, list[tuple[str, str | None]]] = {}
    for place, post in enumerate(square.posts, 1):
        sent.setdefault(post.text, []).append((str(place), post.reply_to))
    assert [len(sent[part]) for part in PARTS] == [2, 2, 2]
    for before, after in pairwise(PARTS):
        assert {answered for _, answered in sent[after]} == {place for place, _ in sent[before]}
    assert desk.post(number).state == "published"


def test_nothing_is_claimed_of_a_part_before_the_one_before_it_is_there(desk: Desk) -> None:
    desk.approved(THREAD)
    square = Square(after=raising(OutcomeUnknown("the reply was lost")), can_look_up=False)
    publish(desk, square, desk.now + HOUR)
    assert [claim.outgoing.text for claim in claims.claim(desk.engine, desk.keys, desk.now + 2 * HOUR)] == []


def test_a_refused_part_takes_the_later_ones_with_it_and_what_went_out_stays(desk: Desk) -> None:
    number, square = desk.approved(THREAD), Square()
    publish(desk, square, desk.now + HOUR)
    square.before = raising(Rejected("too long there"))
    for seconds in (1, 2):
        publish(desk, square, desk.now + HOUR + timedelta(seconds=seconds))
    assert desk.post(number).state == "partly_published"
    by_part = {(target.part, target.state, target.last_error) for target in desk.targets(number)}
    assert by_part == {
        (0, "published", None),
        (1, "failed", "too long there"),
        (2, "failed", "the part of the thread before it was not sent"),
    }
    assert len(square.posts) == 2


def test_a_thread_whose_first_part_is_unsure_waits_whole_and_goes_on_whole_by_a_persons_word(desk: Desk) -> None:
    number, late = desk.approved(THREAD), desk.now + HOUR + timedelta(hours=3)
    publish(desk, Square(before=raising(OutcomeUnknown("the line broke")), can_look_up=False), desk.now + HOUR)
    with database.writing(desk.engine) as session:
        assert lapsing.lapse(session, late, timedelta(hours=2)) == []
    assert {(target.part, target.state) for target in desk.targets(number)} == {
        (0, "unknown"), (1, "waiting"), (2, "waiting"),
    }  # fmt: skip
    unsure = [target.id or 0 for target in desk.targets(number) if target.part == 0]
    with database.writing(desk.engine) as session:
        for target_id in unsure:
            decide.decide(session, target_id, desk.officer, "send_again", late)
        assert lapsing.lapse(session, late, timedelta(hours=2)) == []
    square = Square()
    for seconds in range(6):
        publish(desk, square, late + timedelta(seconds=seconds))
    assert (desk.post(number).state, len(square.posts)) == ("published", 6)


def test_parts_that_are_too_late_are_missed_together(desk: Desk) -> None:
    number, late = desk.approved(THREAD), desk.now + HOUR + timedelta(hours=2, seconds=1)
    with database.writing(desk.engine) as session:
        lapsing.lapse(session, late, timedelta(hours=2))
    assert {target.state for target in desk.targets(number)} == {"missed"}
    assert desk.post(number).state == "missed"
