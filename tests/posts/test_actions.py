"""Actions: handed over, due, ended with an outcome, told; what the public sees was published."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, col, select

from config import database
from config.tables import AuditEntry
from posts import actions, drafts
from posts.actions import ActionMove, ActionState
from posts.tables import Post, Target, UnitAction
from posts.targets import settle
from posts.workflow import TargetState, WrongState
from tests.posts.conftest import Desk

TODAY = date(2026, 11, 24)


def handed(session: Session, desk: Desk, **more: object) -> UnitAction:
    given = {
        "concern": "traffic_safety",
        "said": "Drivers speed past the school.",
        "wanted": "A speed sign on Elm Street.",
        "unit": "Traffic unit",
        "due_on": TODAY + timedelta(days=14),
        "today": TODAY,
    }
    return actions.hand_over(session, desk.officer, desk.now, **{**given, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", list(ActionState))
@pytest.mark.parametrize("move", list(ActionMove))
def test_an_action_ends_once_and_opens_again(state: ActionState, move: ActionMove) -> None:
    if (state is ActionState.OPEN) == (move is not ActionMove.REOPEN):
        assert actions.after(state.value, move) in ActionState
    else:
        with pytest.raises(WrongState, match="since you looked"):
            actions.after(state.value, move)


@pytest.mark.parametrize(
    ("days", "which"),
    [
        (4, None),
        (3, "soon"),
        (1, "soon"),
        (0, "today"),
        (-1, "late-0"),
        (-7, "late-0"),
        (-8, "late-1"),
        (-15, "late-2"),
    ],
)
def test_reminders_come_before_on_the_day_and_weekly_after(days: int, which: str | None) -> None:
    assert actions.reminder(TODAY + timedelta(days=days), TODAY) == which


@pytest.mark.parametrize(
    "wrong",
    [
        {"said": " "},
        {"wanted": ""},
        {"unit": ""},
        {"due_on": TODAY - timedelta(days=1)},
        {"due_on": date(2040, 1, 1)},
        {"unit_mail": "not an address"},
        {"unit_mail": "tránsito@riverton.example"},
        {"said": "x" * 1001},
    ],
)
def test_what_cannot_be_handed_over_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    with database.writing(desk.engine) as session:
        with pytest.raises(WrongState):
            handed(session, desk, **wrong)
        assert session.exec(select(UnitAction)).all() == []


def test_a_closed_action_is_told_by_a_draft_that_a_second_person_must_approve(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        made = handed(session, desk)
        with pytest.raises(WrongState, match="what came of it"):
            actions.tell(session, made.id or 0, desk.accounts, "en", desk.officer, desk.now)
        actions.close(session, made.id or 0, True, "A sign stands there since Monday.", desk.officer, desk.now)
        post = actions.tell(session, made.id or 0, desk.accounts, "en", desk.officer, desk.now)
        again = actions.tell(session, made.id or 0, desk.accounts, "en", desk.officer, desk.now)
        assert (post.state, post.category, post.concern) == ("draft", "you_said_we_did", "traffic_safety")
        assert post.message == ("You said: Drivers speed past the school.\n\nWe did: A sign stands there since Monday.")
        assert again.id == post.id
        drafts.cancel(session, post.id or 0, desk.officer, desk.now)
        assert actions.tell(session, made.id or 0, desk.accounts, "es", desk.officer, desk.now).id != post.id


def test_the_public_list_has_published_words_of_closed_actions_only(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        made = handed(session, desk)
        actions.close(session, made.id or 0, True, "A sign stands there.", desk.officer, desk.now)
        post = actions.tell(session, made.id or 0, desk.accounts, "en", desk.officer, desk.now)
        number = post.id or 0
        drafts.schedule(session, number, desk.officer, desk.now.replace(tzinfo=None), "UTC", desk.now)
        drafts.submit(session, number, desk.officer, desk.now)
        assert actions.told(session) == []
        content = session.get_one(Post, number).content_hash
        drafts.approve(session, number, desk.approver, content, desk.now)
        assert actions.told(session) == []
        for target in session.exec(select(Target)):
            target.state, target.published_at, target.remote_url = "published", desk.now, "https://x.example/1"
            session.add(target)
        session.flush()
        assert [(one.words, one.address) for one in actions.told(session)] == [(post.message, "https://x.example/1")]
        actions.reopen(session, made.id or 0, desk.officer, desk.now)
        assert actions.told(session) == []


def out(session: Session, desk: Desk, post: Post, state: str = "published") -> None:
    """Timed, approved, and its targets in this state."""
    number = post.id or 0
    drafts.schedule(
        session, number, desk.officer, (desk.now + timedelta(hours=1)).replace(tzinfo=None), "UTC", desk.now
    )
    drafts.submit(session, number, desk.officer, desk.now)
    drafts.approve(session, number, desk.approver, drafts.read(session, number).content_hash, desk.now)
    for target in session.exec(select(Target).where(Target.post_id == number)).all():
        target.published_at = desk.now if state == "published" else None
        settle(session, target, TargetState(state), "", desk.now)


def test_a_new_outcome_takes_the_old_words_off_the_public_list_and_can_be_told(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        number = handed(session, desk).id or 0
        actions.close(session, number, True, "Speed bumps are built.", desk.officer, desk.now)
        first = actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now)
        out(session, desk, first)
        actions.reopen(session, number, desk.officer, desk.now)
        actions.close(session, number, False, "The bumps were taken out again.", desk.officer, desk.now)
        assert actions.told(session) == []
        second = actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now)
        out(session, desk, second)
        assert [one.words for one in actions.told(session)] == [second.message]
        assert (first.state, second.id != first.id) == ("published", True)
        noted = session.exec(select(AuditEntry.detail).where(AuditEntry.action == "action.not_done")).one()
    assert noted == {"told_before": first.id}


@pytest.mark.parametrize(("done", "kept"), [(True, True), (False, False)])
def test_an_action_opened_by_mistake_and_closed_as_before_stays_told(desk: Desk, done: bool, kept: bool) -> None:
    with database.writing(desk.engine) as session:
        number = handed(session, desk).id or 0
        actions.close(session, number, True, "Speed bumps are built.", desk.officer, desk.now)
        out(session, desk, actions.tell(session, number, desk.accounts, "es", desk.officer, desk.now))
        actions.reopen(session, number, desk.officer, desk.now)
        actions.close(session, number, done, "Speed bumps are built.", desk.officer, desk.now)
        assert bool(actions.told(session)) is kept


def test_a_post_that_is_not_out_does_not_go_out_with_an_outcome_that_holds_no_more(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        number = handed(session, desk).id or 0
        actions.close(session, number, True, "Speed bumps are built.", desk.officer, desk.now)
        post = actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now)
        out(session, desk, post, "waiting")
        actions.reopen(session, number, desk.officer, desk.now)
        actions.close(session, number, False, "No money for bumps.", desk.officer, desk.now)
        assert (post.state, session.exec(select(Target)).all()) == ("draft", [])
        assert actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now).id == post.id


@pytest.mark.parametrize("left", ["waiting", "retry"])
def test_a_post_that_is_out_on_one_account_goes_out_on_no_other_with_the_old_outcome(desk: Desk, left: str) -> None:
    with database.writing(desk.engine) as session:
        number = handed(session, desk).id or 0
        actions.close(session, number, True, "The lamps are on.", desk.officer, desk.now)
        post = actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now)
        out(session, desk, post, left)
        first, second = session.exec(select(Target).order_by(col(Target.id))).all()
        first.published_at = desk.now
        settle(session, first, TargetState.PUBLISHED, "", desk.now)
        actions.reopen(session, number, desk.officer, desk.now)
        actions.close(session, number, False, "No money.", desk.officer, desk.now)
        assert (first.state, second.state, post.state) == ("published", "cancelled", "partly_published")
        assert actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now).id != post.id


def test_what_the_network_refused_for_good_can_be_told_in_another_post(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        number = handed(session, desk).id or 0
        actions.close(session, number, True, "A sign stands there.", desk.officer, desk.now)
        post = actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now)
        out(session, desk, post, "failed")
        assert post.state == "failed"
        assert actions.tell(session, number, desk.accounts, "en", desk.officer, desk.now).state == "draft"


def test_another_day_and_every_step_stand_in_the_audit_log(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        made = handed(session, desk)
        actions.move_day(session, made.id or 0, TODAY + timedelta(days=20), TODAY, desk.officer, desk.now)
        actions.close(session, made.id or 0, False, "The road belongs to the state.", desk.officer, desk.now)
        with pytest.raises(WrongState, match="open it again"):
            actions.move_day(session, made.id or 0, TODAY, TODAY, desk.officer, desk.now)
        noted = session.exec(select(AuditEntry.action).where(AuditEntry.subject == f"action:{made.id}")).all()
    assert noted == ["action.hand_over", "action.move_day", "action.not_done"]
