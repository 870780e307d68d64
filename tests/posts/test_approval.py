"""Steps of approval by kind of post."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import database
from config.permissions import Role
from posts import approval, categories, drafts, queue
from posts.approval import standing
from posts.categories import Step
from posts.workflow import NotAllowed, WrongState
from tests.posts.conftest import Desk

TWO = (Step(), Step())


def steps(desk: Desk, *wanted: Step, name: str = "general") -> None:
    with database.writing(desk.engine) as session:
        categories.change(
            session, name, steps=wanted, late=None, over_blackout=False, person_id=desk.second, now=desk.now
        )


def approve(desk: Desk, number: int, person: int) -> str:
    with database.writing(desk.engine) as session:
        return drafts.approve(session, number, person, drafts.read(session, number).content_hash, desk.now).state


def test_a_kind_with_two_steps_needs_two_people(desk: Desk) -> None:
    steps(desk, *TWO)
    number = desk.handed_in()
    assert approve(desk, number, desk.approver) == "in_review"
    with pytest.raises(NotAllowed, match="You approved this already"):
        approve(desk, number, desk.approver)
    assert desk.targets(number) == []
    assert approve(desk, number, desk.second) == "scheduled"
    assert len(desk.targets(number)) == 2


def test_where_fewer_steps_are_asked_for_since_the_same_word_again_finishes_it_but_never_the_authors(
    desk: Desk,
) -> None:
    steps(desk, *TWO)
    number = desk.handed_in()
    assert approve(desk, number, desk.approver) == "in_review"
    with database.reading(desk.engine) as session:
        assert queue.waiting_for(session, desk.approver, [Role.APPROVER]) == []
    steps(desk, Step())
    with database.reading(desk.engine) as session:
        waiting = [queue.waiting_for(session, one, [Role.APPROVER]) for one in (desk.approver, desk.officer)]
    assert [len(rows) for rows in waiting] == [1, 0]
    with pytest.raises(NotAllowed, match="of their own"):
        approve(desk, number, desk.officer)
    assert approve(desk, number, desk.approver) == "scheduled"
    assert len(desk.targets(number)) == 2
    with database.reading(desk.engine) as session:
        review = approval.approval_of(session, drafts.read(session, number))
    assert review is not None
    assert (review.person_id, review.final) == (desk.approver, True)


def test_a_step_may_ask_for_everyone_it_names(desk: Desk) -> None:
    steps(desk, Step((desk.approver, desk.second), everyone=True))
    number = desk.handed_in()
    assert [approve(desk, number, desk.second), approve(desk, number, desk.approver)] == ["in_review", "scheduled"]


def test_only_who_is_named_approves_that_step(desk: Desk) -> None:
    steps(desk, Step((desk.approver,)))
    number = desk.handed_in()
    with pytest.raises(NotAllowed, match="somebody else's"):
        approve(desk, number, desk.second)
    assert approve(desk, number, desk.approver) == "scheduled"


def test_an_edit_between_two_steps_asks_for_both_again(desk: Desk) -> None:
    steps(desk, *TWO)
    number = desk.handed_in()
    approve(desk, number, desk.approver)
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        drafts.save(
            session, number, desk.officer, post.revision, message="Coffee at ten.", title="", category="general",
            language="en", concern=None, wordings=dict.fromkeys(desk.accounts), now=desk.now,
        )  # fmt: skip
    with database.reading(desk.engine) as session:
        assert approval.progress(session, drafts.read(session, number)).said == ()
    assert [approve(desk, number, desk.approver), approve(desk, number, desk.second)] == ["in_review", "scheduled"]


def test_taking_a_post_back_forgets_the_steps_that_were_done(desk: Desk) -> None:
    steps(desk, *TWO)
    number = desk.handed_in()
    approve(desk, number, desk.approver)
    later = desk.now + timedelta(minutes=1)
    with database.writing(desk.engine) as session:
        drafts.withdraw(session, number, desk.officer, later)
        drafts.submit(session, number, desk.officer, later)
    with database.reading(desk.engine) as session:
        assert approval.progress(session, drafts.read(session, number)).done == 0


def test_a_kind_with_fewer_steps_is_no_way_around_them(desk: Desk) -> None:
    steps(desk, *TWO, name="safety")
    number = desk.approved()  # as a general post, by one
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        saved = drafts.save(
            session, number, desk.officer, post.revision, message=post.message, title="", category="safety",
            language="en", concern=None, wordings=dict.fromkeys(desk.accounts), now=desk.now,
        )  # fmt: skip
        assert saved.state == "in_review"


def test_a_post_waits_only_for_those_whose_word_is_missing(desk: Desk) -> None:
    steps(desk, Step((desk.second,)))
    number = desk.handed_in()
    with database.reading(desk.engine) as session:

        def waiting(person: int) -> list[int]:
            return [row.post_id for row in queue.waiting_for(session, person, [Role.APPROVER])]

        assert (waiting(desk.approver), waiting(desk.second)) == ([], [number])


def test_steps_that_cannot_be_are_refused(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        for wanted in ((), (Step((), everyone=True),), (Step(),) * 6):
            with pytest.raises(WrongState):
                categories.change(
                    session, "general", steps=wanted, late=None, over_blackout=False, person_id=1, now=desk.now
                )


def test_whoever_a_later_step_cannot_do_without_is_kept_for_it() -> None:
    wanted = (Step(), Step((3,), everyone=True))
    assert (standing(wanted, [3], set()).done, standing(wanted, [3, 1], set()).complete) == (0, True)
    assert standing(wanted, [1], set()).missing == (3,)


people = st.integers(1, 5)
any_steps = st.lists(st.builds(Step, st.lists(people, unique=True, max_size=3).map(tuple), st.booleans()), max_size=3)


@given(any_steps, st.lists(people, max_size=8), st.sets(people, max_size=2))
def test_who_wrote_the_words_never_counts(wanted: list[Step], said: list[int], barred: set[int]) -> None:
    outsiders = [person for person in said if person not in barred]
    assert standing(wanted, said, barred) == standing(wanted, outsiders, barred)
    assert not set(standing(wanted, said, barred).missing) & barred


@given(any_steps, st.lists(people, max_size=8), people)
def test_one_more_word_never_undoes_a_step_and_nothing_is_complete_without_as_many_people(
    wanted: list[Step], said: list[int], another: int
) -> None:
    before, after = standing(wanted, said, set()), standing(wanted, [*said, another], set())
    assert after.done >= before.done
    if before.complete:
        assert len(before.said) >= len(wanted)
