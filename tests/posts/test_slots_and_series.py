"""Weekly slots, and posts that come again, across daylight saving."""

from datetime import date, datetime, time, timedelta
from itertools import islice
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from config import clock, database
from posts import blackouts, categories, drafts, series, slots, workflow
from posts.tables import Post, Review, Series, Target
from posts.workflow import WrongState
from tests.posts.conftest import Desk

NEW_YORK = "America/New_York"
AUTUMN = clock.utc(datetime.fromisoformat("2026-10-26T12:00:00+00:00"))  # a Monday; clocks go back on 1 November
DAY = timedelta(days=1)
wall = datetime.fromisoformat


def pattern(desk: Desk, rule: str, first: datetime, zone: str = NEW_YORK, now: datetime = AUTUMN) -> tuple[int, int]:
    """An approved pattern and its series."""
    number = desk.writing("Coffee with officers, nine o'clock, as every week.")
    with database.writing(desk.engine) as session:
        begun = series.begin(session, number, rule, first, zone, desk.officer, now).id or 0
        drafts.submit(session, number, desk.officer, now)
        drafts.approve(session, number, desk.approver, drafts.read(session, number).content_hash, now)
    return number, begun


def extend(desk: Desk, number: int, now: datetime) -> int:
    with database.writing(desk.engine) as session:
        return series.extend(session, session.get_one(Series, number), now)


def made(desk: Desk, number: int) -> list[Post]:
    with database.reading(desk.engine) as session:
        return list(session.exec(select(Post).where(Post.series_id == number).order_by(col(Post.series_time))))


def test_every_tuesday_at_nine_stays_at_nine_when_the_clocks_go_back(desk: Desk) -> None:
    _, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    assert extend(desk, begun, AUTUMN) == 5
    posts = made(desk, begun)
    assert [post.due_at.isoformat() if post.due_at else "" for post in posts][:2] == [
        "2026-10-27T13:00:00+00:00",
        "2026-11-03T14:00:00+00:00",
    ]
    assert {(post.state, post.wall_time.time() if post.wall_time else None) for post in posts} == {
        ("scheduled", time(9))
    }
    with database.reading(desk.engine) as session:
        assert len(session.exec(select(Target)).all()) == 10  # two accounts each, approved as the pattern was


def test_a_pattern_that_was_approved_before_approvals_were_bound_to_more_goes_on(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    with database.writing(desk.engine) as session:
        post, review = session.get_one(Post, number), session.exec(select(Review)).one()
        post.leave = None
        post.content_hash = review.content_hash = workflow.content_hash(drafts.content_of(session, post))
        session.add_all([post, review])
    assert extend(desk, begun, AUTUMN) == 5


def test_looking_again_makes_nothing_twice_and_goes_on_later(desk: Desk) -> None:
    _, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    assert [extend(desk, begun, AUTUMN + week * 7 * DAY) for week in (0, 0, 1, 2)] == [5, 0, 1, 1]


def test_one_that_was_moved_or_dropped_is_not_made_again(desk: Desk) -> None:
    _, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    extend(desk, begun, AUTUMN)
    first, second, *_ = made(desk, begun)
    with database.writing(desk.engine) as session:
        drafts.schedule(session, first.id or 0, desk.officer, wall("2026-10-28T09:00"), NEW_YORK, AUTUMN)
        drafts.cancel(session, second.id or 0, desk.officer, AUTUMN)
    assert extend(desk, begun, AUTUMN) == 0
    assert [post.state for post in made(desk, begun)] == ["scheduled", "cancelled"] + ["scheduled"] * 3


def new_words(desk: Desk, number: int) -> None:
    with database.writing(desk.engine) as session:
        post = drafts.read(session, number)
        drafts.save(
            session, number, desk.officer, post.revision, message="Tea instead.", title="", category="general",
            language="en", concern=None, wordings=dict.fromkeys(desk.accounts), now=AUTUMN,
        )  # fmt: skip


def test_new_words_take_back_what_was_made_until_they_are_approved(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    extend(desk, begun, AUTUMN)
    new_words(desk, number)
    assert (extend(desk, begun, AUTUMN), made(desk, begun)) == (0, [])
    with database.writing(desk.engine) as session:
        drafts.approve(session, number, desk.approver, drafts.read(session, number).content_hash, AUTUMN)
    assert extend(desk, begun, AUTUMN) == 5
    assert {post.message for post in made(desk, begun)} == {"Tea instead."}


def reworded(desk: Desk, number: int, begun: int, approved_at: datetime) -> None:
    """The pattern gets new words, and waits for its approval until then."""
    new_words(desk, number)
    extend(desk, begun, AUTUMN)
    with database.writing(desk.engine) as session:
        drafts.approve(session, number, desk.approver, drafts.read(session, number).content_hash, approved_at)
    extend(desk, begun, approved_at)


def test_one_that_was_moved_keeps_its_own_day_when_the_words_change(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    extend(desk, begun, AUTUMN)
    first, second, third, *_ = made(desk, begun)
    with database.writing(desk.engine) as session:
        silent = date.fromisoformat("2026-11-03")
        blackouts.place(session, silent, silent, "election", desk.officer, AUTUMN)
        drafts.schedule(session, first.id or 0, desk.officer, wall("2026-10-29T10:00"), "America/Chicago", AUTUMN)
        drafts.schedule(session, second.id or 0, desk.officer, wall("2026-11-04T09:00"), NEW_YORK, AUTUMN)
        drafts.unschedule(session, third.id or 0, desk.officer, AUTUMN)
    reworded(desk, number, begun, AUTUMN + 2 * DAY)  # the first one's Tuesday is over then
    posts = made(desk, begun)
    assert [(post.wall_time, post.time_zone, post.state) for post in posts[:4]] == [
        (wall("2026-10-29T10:00"), "America/Chicago", "scheduled"),
        (wall("2026-11-04T09:00"), NEW_YORK, "scheduled"),
        (None, None, "approved"),
        (wall("2026-11-17T09:00"), NEW_YORK, "scheduled"),
    ]
    assert {post.message for post in posts} == {"Tea instead."}
    assert extend(desk, begun, AUTUMN + 2 * DAY) == 0


def test_one_that_was_made_a_draft_again_is_not_made_anew_with_new_words(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    extend(desk, begun, AUTUMN)
    with database.writing(desk.engine) as session:
        drafts.withdraw(session, made(desk, begun)[0].id or 0, desk.officer, AUTUMN)
    reworded(desk, number, begun, AUTUMN)
    assert [post.state for post in made(desk, begun)] == ["draft", *["scheduled"] * 4]


def test_one_that_was_moved_to_before_the_new_words_were_approved_is_not_sent_late(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-11-03T09:00"))
    extend(desk, begun, AUTUMN)
    with database.writing(desk.engine) as session:
        drafts.schedule(session, made(desk, begun)[0].id or 0, desk.officer, wall("2026-10-27T09:00"), NEW_YORK, AUTUMN)
    reworded(desk, number, begun, AUTUMN + 3 * DAY)
    assert made(desk, begun)[0].wall_time == wall("2026-11-10T09:00")


def test_a_post_that_may_be_out_holds_up_no_new_words_and_keeps_its_place(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    extend(desk, begun, AUTUMN)
    first = made(desk, begun)[0].id or 0
    with database.writing(desk.engine) as session:
        for target in session.exec(select(Target).where(Target.post_id == first)):
            target.state = "unknown"
            session.add(target)
        post = drafts.read(session, number)
        drafts.save(
            session, number, desk.officer, post.revision, message="Tea instead.", title="", category="general",
            language="en", concern=None, wordings=dict.fromkeys(desk.accounts), now=AUTUMN,
        )  # fmt: skip
        drafts.approve(session, number, desk.approver, drafts.read(session, number).content_hash, AUTUMN)
    assert extend(desk, begun, AUTUMN) == 4
    assert [post.message == "Tea instead." for post in made(desk, begun)] == [False, True, True, True, True]


def test_other_steps_for_its_kind_end_no_series_whose_words_were_approved(desk: Desk) -> None:
    _, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    two = (categories.Step(), categories.Step())
    with database.writing(desk.engine) as session:
        categories.change(
            session, "general", steps=two, late=None, over_blackout=False, person_id=desk.second, now=AUTUMN
        )
    assert extend(desk, begun, AUTUMN) == 5
    assert {post.state for post in made(desk, begun)} == {"scheduled"}


def test_a_pattern_gets_no_time_while_its_series_runs_and_the_coming_posts_stay(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=WEEKLY;BYDAY=TU", wall("2026-10-27T09:00"))
    extend(desk, begun, AUTUMN)
    with database.writing(desk.engine) as session, pytest.raises(WrongState, match="pattern of a series"):
        drafts.schedule(session, number, desk.officer, wall("2026-10-28T09:00"), NEW_YORK, AUTUMN)
    extend(desk, begun, AUTUMN)
    assert [post.state for post in made(desk, begun)] == ["scheduled"] * 5
    with database.writing(desk.engine) as session:
        assert [drafts.is_pattern(session, one) for one in (number, made(desk, begun)[0].id or 0)] == [True, False]
        drafts.schedule(  # what was made of it is moved as ever
            session, made(desk, begun)[0].id or 0, desk.officer, wall("2026-10-28T09:00"), NEW_YORK, AUTUMN
        )
        series.end(session, begun, desk.officer, AUTUMN)
        drafts.schedule(session, number, desk.officer, wall("2026-10-28T09:00"), NEW_YORK, AUTUMN)
    assert desk.post(number).state == "scheduled"


def test_an_ended_series_is_begun_anew_by_another_rule_and_one_of_a_pattern_runs(desk: Desk) -> None:
    number, begun = pattern(desk, "FREQ=MONTHLY;BYMONTHDAY=31", wall("2026-10-31T09:00"))
    extend(desk, begun, AUTUMN)
    rule, first = "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", wall("2026-10-31T09:00")
    with database.writing(desk.engine) as session:
        series.end(session, begun, desk.officer, AUTUMN)
        anew = series.begin(session, number, rule, first, NEW_YORK, desk.officer, AUTUMN).id or 0
        there = series.of_post(session, drafts.read(session, number))
        assert (there is not None and there.id == anew, [one.id for one in series.running(session)]) == (True, [anew])
        with pytest.raises(WrongState, match="belongs to a series already"):
            series.begin(session, number, rule, first, NEW_YORK, desk.officer, AUTUMN)
    assert [extend(desk, anew, AUTUMN + day * DAY) for day in (0, 1)] == [1, 1]
    times = [(post.state, post.wall_time) for one in (begun, anew) for post in made(desk, one)]
    assert times == [("cancelled", first), ("scheduled", first), ("scheduled", wall("2026-11-30T09:00"))]


def test_a_pattern_that_nobody_approved_makes_nothing(desk: Desk) -> None:
    number = desk.writing()
    with database.writing(desk.engine) as session:
        begun = series.begin(session, number, "FREQ=DAILY", wall("2026-10-27T09:00"), "UTC", desk.officer, AUTUMN)
        assert series.extend(session, begun, AUTUMN) == 0


def test_a_day_of_silence_is_left_out_and_the_end_takes_back_the_rest(desk: Desk) -> None:
    _, begun = pattern(desk, "FREQ=DAILY;COUNT=4", wall("2026-10-27T09:00"))
    with database.writing(desk.engine) as session:
        day = date.fromisoformat("2026-10-28")
        blackouts.place(session, day, day, "election", desk.officer, AUTUMN)
    assert extend(desk, begun, AUTUMN) == 3
    with database.writing(desk.engine) as session:
        series.end(session, begun, desk.officer, AUTUMN + 1.5 * DAY)
    assert [post.state for post in made(desk, begun)] == ["scheduled", "cancelled", "cancelled"]
    assert extend(desk, begun, AUTUMN) == 0


def test_an_hour_that_does_not_exist_comes_an_hour_later_and_one_that_comes_twice_comes_first(desk: Desk) -> None:
    for first, due in (
        (wall("2027-03-14T02:30"), "2027-03-14T07:30:00+00:00"),
        (wall("2026-11-01T01:30"), "2026-11-01T05:30:00+00:00"),
    ):
        now = clock.utc(first.replace(tzinfo=AUTUMN.tzinfo)) - DAY
        _, begun = pattern(desk, "FREQ=DAILY;COUNT=1", first, now=now)
        extend(desk, begun, now)
        (post,) = made(desk, begun)
        assert post.due_at is not None and post.due_at.isoformat() == due


@pytest.mark.parametrize(
    "rule",
    ["", "every tuesday", "FREQ=HOURLY", "FREQ=WEEKLY;BYDAY=XX", "DTSTART:20260101T000000\nRRULE:FREQ=DAILY",
     "FREQ=DAILY;UNTIL=20200101T000000", "FREQ=DAILY;INTERVAL=0", "FREQ=YEARLY;BYEASTER=277",
     "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYYEARDAY=366", "FREQ=DAILY;COUNT=99999"],
)  # fmt: skip
def test_a_rule_that_says_nothing_or_too_much_is_refused(desk: Desk, rule: str) -> None:
    number = desk.writing()
    with database.writing(desk.engine) as session, pytest.raises(WrongState):
        series.begin(session, number, rule, wall("2026-10-27T09:00"), "UTC", desk.officer, AUTUMN)


@pytest.mark.parametrize("first", ["0001-01-01T09:00", "9999-12-31T09:00", "2025-10-01T09:00"])
def test_a_first_day_that_is_far_away_is_refused(desk: Desk, first: str) -> None:
    number = desk.writing()
    with database.writing(desk.engine) as session, pytest.raises(WrongState, match="within a year"):
        series.begin(session, number, "FREQ=DAILY", wall(first), "UTC", desk.officer, AUTUMN)


@pytest.mark.parametrize(
    ("rule", "first"),
    [("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-10-27T09:00"), ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
      "2026-10-27T09:00"), ("FREQ=DAILY", "0001-01-01T09:00"), ("FREQ=YEARLY;BYEASTER=277", "2026-10-27T09:00")],
)  # fmt: skip
def test_a_rule_is_not_looked_into_for_thousands_of_years(rule: str, first: str) -> None:
    begun = process_time()
    try:
        assert list(islice(series.times(rule, wall(first), wall("2026-10-27T00:00")), 3)) == []
    except WrongState as error:
        assert str(error)
    assert process_time() - begun < 1  # seconds; it took 3.3


def test_months_years_and_ends_go_as_the_standard_says() -> None:
    def days(rule: str, first: str, number: int) -> list[str]:
        found = series.times(rule, wall(first), wall(first) - DAY)
        return [f"{one:%Y-%m-%d}" for one in islice(found, number)]

    assert days("RRULE:FREQ=MONTHLY;BYDAY=1TU", "2026-10-27T09:00", 2) == ["2026-11-03", "2026-12-01"]
    assert days("freq=monthly;byday=MO,TU,WE,TH,FR;bysetpos=-1", "2026-10-27T09:00", 1) == ["2026-10-30"]
    assert days("FREQ=DAILY;UNTIL=20261028T090000", "2026-10-27T09:00", 5) == ["2026-10-27", "2026-10-28"]
    assert days("FREQ=YEARLY", "2028-02-29T09:00", 2) == ["2028-02-29", "2032-02-29"]
    assert days("FREQ=WEEKLY;INTERVAL=2;COUNT=2", "2026-10-27T09:00", 5) == ["2026-10-27", "2026-11-10"]


@given(st.text(max_size=60))
def test_no_rule_however_odd_breaks_it(rule: str) -> None:
    try:
        found = next(series.times(rule, wall("2026-01-01T09:00"), wall("2026-01-01T00:00")), None)
    except WrongState:
        return
    assert found is None or found >= wall("2026-01-01T09:00")


def test_the_next_free_slot_passes_over_what_is_taken_and_days_of_silence(desk: Desk) -> None:
    account = desk.accounts[0]
    with database.writing(desk.engine) as session:
        for weekday, hour in ((1, 9), (3, 17)):  # Tuesday, Thursday
            slots.add(session, account, weekday, time(hour), NEW_YORK, desk.officer, AUTUMN)
        assert slots.next_free(session, [account], AUTUMN) == (wall("2026-10-27T09:00"), NEW_YORK)
        number = drafts.create(session, desk.officer, "One.", [account], AUTUMN).id or 0
        drafts.schedule(session, number, desk.officer, wall("2026-10-27T09:00"), NEW_YORK, AUTUMN)
        assert slots.next_free(session, [account], AUTUMN) == (wall("2026-10-29T17:00"), NEW_YORK)
        day = date.fromisoformat("2026-10-29")
        blackouts.place(session, day, day, "a funeral", desk.officer, AUTUMN)
        assert slots.next_free(session, [account], AUTUMN) == (wall("2026-11-03T09:00"), NEW_YORK)
        assert slots.next_free(session, [account], AUTUMN, "safety") == (wall("2026-10-29T17:00"), NEW_YORK)
        assert slots.next_free(session, [desk.accounts[1]], AUTUMN) is None


def test_a_slot_is_kept_once(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        kept = slots.add(session, desk.accounts[0], 1, time(9), NEW_YORK, desk.officer, AUTUMN)
        with pytest.raises(WrongState):
            slots.add(session, desk.accounts[0], 1, time(9), NEW_YORK, desk.officer, AUTUMN)
        slots.remove(session, kept.id or 0, desk.officer, AUTUMN)
        slots.remove(session, 999, desk.officer, AUTUMN)
        assert slots.kept(session) == []
