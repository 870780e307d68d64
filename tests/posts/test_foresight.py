"""What will keep a post back is seen before it is due, whatever the number of posts."""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from config import database
from networks import accounts
from posts import blackouts, drafts, foresight
from tests.posts.conftest import Desk


def kinds(desk: Desk, *numbers: int) -> dict[int, list[str]]:
    with database.reading(desk.engine) as session:
        found = foresight.obstacles(session, numbers, desk.now)
    return {number: [one.kind for one in some] for number, some in found.items()}


def test_an_approved_post_that_fits_has_no_obstacle(desk: Desk) -> None:
    assert kinds(desk, desk.approved()) == {}


def test_what_is_not_approved_is_named(desk: Desk) -> None:
    draft, waits = desk.writing("One."), desk.handed_in("Two.")
    assert kinds(desk, draft, waits) == {draft: ["unwritten"], waits: ["unapproved"]}


def test_a_text_that_is_too_long_is_told_for_each_account(desk: Desk) -> None:
    number = desk.writing("x" * 600)
    assert kinds(desk, number)[number] == ["unwritten", "misfit", "misfit"]


def test_a_day_of_silence_stops_all_but_what_its_kind_lets_through(desk: Desk) -> None:
    number = desk.approved(after=timedelta(hours=2))
    with database.writing(desk.engine) as session:
        blackouts.place(session, date(2026, 11, 24), date(2026, 11, 24), "A funeral", desk.approver, desk.now)
    assert kinds(desk, number) == {number: ["silent"]}


def test_an_account_that_is_signed_out_is_named(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        accounts.mark_signed_out(session, desk.accounts[1], "The token was revoked.", desk.now)
    with database.reading(desk.engine) as session:
        (one,) = foresight.obstacles(session, [number], desk.now)[number]
    assert (one.kind, one.about) == ("signed_out", "Riverton PD en español")


def test_an_account_that_was_removed_is_no_account_that_is_signed_out(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        accounts.disconnect(session, desk.accounts[0], desk.now)
    assert kinds(desk, number) == {number: ["removed"]}


def test_a_post_without_an_account_goes_nowhere(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        number = drafts.create(session, desk.officer, "Hello.", (), desk.now).id or 0
    assert kinds(desk, number)[number] == ["unwritten", "nowhere"]


def test_what_is_gone_is_not_asked_about(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        drafts.cancel(session, number, desk.officer, desk.now)
    assert kinds(desk, number) == {}


def test_forty_posts_cost_no_more_questions_than_one(desk: Desk) -> None:
    def asked(*numbers: int) -> int:
        count = 0

        def one_more(*_: object) -> None:
            nonlocal count
            count += 1

        sa.event.listen(desk.engine, "before_cursor_execute", one_more)
        with Session(desk.engine) as session:
            foresight.obstacles(session, numbers, desk.now)
        sa.event.remove(desk.engine, "before_cursor_execute", one_more)
        return count

    posts = [desk.writing(f"Number {number}") for number in range(40)]
    assert asked(*posts) == asked(posts[0])
