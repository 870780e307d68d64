"""An event and its posts: made as drafts, kept in step, taken back; the calendar file."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from sqlmodel import Session, select

from config import database, holds
from posts import drafts, event_file, event_posts, events, heard, lapsing
from posts.event_posts import Desk as Place
from posts.event_posts import Made
from posts.event_words import Kind
from posts.events import Given
from posts.tables import Event, Post, Target, Variant
from posts.workflow import EditConflict, WrongState
from tests.posts.conftest import Desk


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


ZONE = ZoneInfo("America/New_York")
HERE = Place(ZONE, "https://desk.example/events/abc")
GIVEN = Given(
    name="Town hall on Elm Street",
    kind="town_hall",
    wall_time=wall("2026-12-08T18:00"),
    time_zone="America/New_York",
    minutes=90,
    where="Elm Street Library",
    access="Step-free; sign language.",
    languages=("es", "en"),
    capacity=60,
)
DAY = timedelta(days=1)


def planned(session: Session, desk: Desk, **more: object) -> Event:
    return events.make(session, replace(GIVEN, **more), desk.officer, desk.now)  # type: ignore[arg-type]


def made(
    session: Session, desk: Desk, event: Event, kind: Kind, *languages: str, before: timedelta | None = None
) -> Post:
    found = event_posts.make(
        session, event.id or 0, kind, languages or ("en",), desk.accounts, desk.officer, desk.now, HERE, before=before
    )
    return found[0]


def approved(session: Session, desk: Desk, post: Post, due: datetime | None = None) -> None:
    if due is not None:
        drafts.schedule(session, post.id or 0, desk.officer, due, ZONE.key, desk.now)
    drafts.submit(session, post.id or 0, desk.officer, desk.now)
    drafts.approve(session, post.id or 0, desk.approver, post.content_hash, desk.now)


def published(session: Session, desk: Desk, post: Post) -> None:
    approved(session, desk, post, wall("2026-11-24T09:00"))
    for target in session.exec(select(Target).where(Target.post_id == post.id)):
        target.state, target.published_at = "published", desk.now
        session.add(target)
    post.state = "published"
    session.add(post)
    session.flush()


def moved(session: Session, desk: Desk, event: Event, **more: object) -> dict[Kind, Made]:
    given = replace(GIVEN, **more)  # type: ignore[arg-type]
    event_posts.change(session, event.id or 0, event.revision, given, desk.officer, desk.now, HERE)
    return {one.kind: one for one in event_posts.of_event(session, event.id or 0)}


def test_an_announcement_tells_what_people_need_to_come_in_each_language(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        english, spanish = event_posts.make(
            session, event.id or 0, Kind.ANNOUNCEMENT, ("en", "es"), desk.accounts, desk.officer, desk.now, HERE
        )
        assert english.message == (
            "You are invited: Town hall on Elm Street. Tuesday, December 8, 6:00 PM, Elm Street Library.\n"
            "Languages: English, Spanish.\nAccess: Step-free; sign language.\nPlaces: 60.\n"
            "https://desk.example/events/abc"
        )
        assert spanish.message.startswith(
            "Le invitamos: Town hall on Elm Street, martes 8 de diciembre, 6:00 p.m., Elm Street Library.\n"
        )
        assert (spanish.translation_of, english.state, english.category) == (english.id, "draft", "event")
        assert made(session, desk, event, Kind.ANNOUNCEMENT).id == english.id  # not twice


def test_a_reminder_has_its_time_by_the_clock_on_the_wall(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk, wall_time=wall("2027-03-14T18:00"))  # clocks go forward that night
        post = made(session, desk, event, Kind.REMINDER, before=DAY)
        assert (post.wall_time, post.message[:10]) == (wall("2027-03-13T18:00"), "Coming up:")
        with pytest.raises(WrongState, match="too late"):
            made(session, desk, event, Kind.REMINDER, before=timedelta(days=60)) and made(
                session, desk, planned(session, desk), Kind.REMINDER, before=timedelta(days=30)
            )


def test_another_day_gives_unpublished_posts_new_words_and_takes_their_approval(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        announcement = made(session, desk, event, Kind.ANNOUNCEMENT)
        approved(session, desk, announcement, wall("2026-11-30T09:00"))
        approved(session, desk, made(session, desk, event, Kind.REMINDER, before=DAY))
        now = moved(session, desk, event, wall_time=wall("2026-12-15T19:00"), where="Town Hall")
        assert event.revision == 1
        assert set(now) == {Kind.ANNOUNCEMENT, Kind.REMINDER}  # nothing was out: nobody is told of a change
        assert "Tuesday, December 15, 7:00 PM, Town Hall." in now[Kind.ANNOUNCEMENT].post.message
        assert [now[kind].post.state for kind in (Kind.ANNOUNCEMENT, Kind.REMINDER)] == ["in_review", "in_review"]
        assert now[Kind.ANNOUNCEMENT].post.wall_time == wall("2026-11-30T09:00")
        assert now[Kind.REMINDER].post.wall_time == wall("2026-12-14T19:00")
        assert session.exec(select(Target)).all() == []


def test_words_that_people_chose_stay_and_get_the_new_day_and_place(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        post = made(session, desk, event, Kind.ANNOUNCEMENT)
        own = (
            "Come and ask us anything about Town hall on Elm Street: Tuesday, December 8, 6:00 PM, Elm Street Library!"
        )
        reword(
            session,
            desk,
            post,
            own,
            {desk.accounts[0]: None, desk.accounts[1]: "Elm Street Library, Tuesday, December 8."},
        )
        found = moved(session, desk, event, wall_time=wall("2026-12-09T18:00"), where="Town Hall")[Kind.ANNOUNCEMENT]
        assert found.post.message == own.replace("Tuesday, December 8", "Wednesday, December 9").replace(
            "Elm Street Library", "Town Hall"
        )
        assert session.exec(select(Variant.text).where(Variant.account_id == desk.accounts[1])).one() == (
            "Town Hall, Wednesday, December 9."
        )
        assert not found.look


def test_where_the_day_is_not_found_the_post_is_a_draft_again_and_marked_until_saved(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        post = made(session, desk, event, Kind.ANNOUNCEMENT)
        reword(session, desk, post, "Next Tuesday evening, same place as ever.", {desk.accounts[0]: None})
        approved(session, desk, post, wall("2026-11-30T09:00"))
        found = moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))[Kind.ANNOUNCEMENT]
        assert (found.post.state, found.look) == ("draft", True)
        reword(session, desk, post, "Next Wednesday evening.", {desk.accounts[0]: None})
        assert not event_posts.of_event(session, event.id or 0)[0].look


def test_a_change_is_proposed_where_the_public_knows_another_day_and_taken_back_with_the_change(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        change = moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))[Kind.CHANGE]
        assert change.post.state == "draft"
        assert change.post.message.startswith(
            "Change of plan: Town hall on Elm Street is now on Wednesday, December 9, 6:00 PM, Elm Street Library.\n"
            "It was planned for Tuesday, December 8, 6:00 PM, Elm Street Library."
        )
        again = moved(session, desk, event, wall_time=wall("2026-12-10T18:00"))
        assert again[Kind.CHANGE].post.id == change.post.id
        assert "Thursday, December 10" in again[Kind.CHANGE].post.message
        assert "planned for Tuesday, December 8" in again[Kind.CHANGE].post.message
        assert "December 8" in again[Kind.ANNOUNCEMENT].post.message  # what went out stays what it was
        assert moved(session, desk, event)[Kind.CHANGE].post.state == "cancelled"


def test_more_notes_are_no_change_of_plan(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        assert set(moved(session, desk, event, notes="There is coffee.")) == {Kind.ANNOUNCEMENT}


def test_a_post_on_its_way_cannot_be_called_back_and_is_followed_by_a_change(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        post = made(session, desk, event, Kind.ANNOUNCEMENT)
        approved(session, desk, post, wall("2026-11-24T09:00"))
        target = session.exec(select(Target)).first()
        assert target is not None
        target.state = "publishing"
        session.add(target)
        session.flush()
        now = moved(session, desk, event, where="Town Hall")
        assert (now[Kind.ANNOUNCEMENT].post.state, Kind.CHANGE in now) == ("scheduled", True)
        assert now[Kind.ANNOUNCEMENT].accounts == desk.accounts  # the other account says it within moments


def test_a_reminder_that_would_come_too_late_loses_its_time(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        approved(session, desk, made(session, desk, event, Kind.REMINDER, before=timedelta(days=7)))
        found = moved(session, desk, event, wall_time=wall("2026-11-30T18:00"))[Kind.REMINDER]
        assert (found.post.state, found.post.wall_time, found.look) == ("draft", None, True)


def test_a_post_that_a_hold_kept_beyond_its_time_loses_it_with_a_change_and_is_not_missed(desk: Desk) -> None:
    later = desk.now + timedelta(minutes=65)
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        approved(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT), wall("2026-11-24T09:00"))
        holds.place(session, desk.officer, "Crash on Route 9", desk.now)
        given = replace(GIVEN, where="Town Hall")
        event_posts.change(session, event.id or 0, event.revision, given, desk.officer, later, HERE)
        (found,) = event_posts.of_event(session, event.id or 0)
        assert (found.post.state, found.post.due_at, found.look) == ("draft", None, True)
        assert "Town Hall" in found.post.message
        assert lapsing.lapse(session, later, timedelta(hours=1)) == []


CHICAGO = Place(ZoneInfo("America/Chicago"), HERE.link)


def test_a_reminder_keeps_its_hour_before_the_event_after_the_department_corrected_its_zone(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        post = made(session, desk, event, Kind.REMINDER, before=DAY)
        again = event_posts.make(
            session, event.id or 0, Kind.REMINDER, ("en",), desk.accounts, desk.officer, desk.now, CHICAGO, before=DAY
        )
        assert [one.id for one in again] == [post.id]  # the same, though written by another clock
        given = replace(GIVEN, wall_time=wall("2026-12-09T18:00"))
        event_posts.change(session, event.id or 0, event.revision, given, desk.officer, desk.now, CHICAGO)
        assert post.due_at == event.starts_at - DAY


def test_a_post_that_keeps_its_time_is_judged_by_the_clock_that_it_was_given(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        post = made(session, desk, event, Kind.ANNOUNCEMENT)
        drafts.schedule(session, post.id or 0, desk.officer, wall("2026-12-09T17:30"), ZONE.key, desk.now)
        given = replace(GIVEN, wall_time=wall("2026-12-09T18:00"))  # at 17:30 by the clocks of Chicago it has begun
        event_posts.change(session, event.id or 0, event.revision, given, desk.officer, desk.now, CHICAGO)
        assert (post.wall_time, post.time_zone) == (wall("2026-12-09T17:30"), ZONE.key)


def test_a_cancelled_event_takes_back_what_is_not_out_and_proposes_to_tell_the_rest(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        approved(session, desk, made(session, desk, event, Kind.REMINDER, before=DAY))
        event_posts.cancel(session, event.id or 0, "The hall has no heating.", desk.officer, desk.now, HERE)
        now = {one.kind: one for one in event_posts.of_event(session, event.id or 0)}
        assert now[Kind.REMINDER].post.state == "cancelled"
        assert now[Kind.CANCELLATION].post.message.startswith(
            "Cancelled: Town hall on Elm Street on Tuesday, December 8, 6:00 PM, Elm Street Library.\n"
            "The hall has no heating."
        )
        with pytest.raises(WrongState):
            moved(session, desk, event, where="Town Hall")
        with pytest.raises(WrongState):
            made(session, desk, event, Kind.ANNOUNCEMENT)


@pytest.mark.parametrize("state", ["waiting", "retry"])
def test_a_cancelled_event_is_not_announced_where_an_account_is_late(desk: Desk, state: str) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        post = made(session, desk, event, Kind.ANNOUNCEMENT)
        published(session, desk, post)
        late = session.exec(select(Target).where(Target.account_id == desk.accounts[1])).one()
        late.state, late.published_at, post.state = state, None, "scheduled"
        session.add_all([late, post])
        session.flush()
        event_posts.cancel(session, event.id or 0, "The hall has no heating.", desk.officer, desk.now, HERE)
        now = {one.kind: one for one in event_posts.of_event(session, event.id or 0)}
        assert (late.state, now[Kind.ANNOUNCEMENT].post.state) == ("cancelled", "partly_published")
        told = select(Variant.account_id).where(Variant.post_id == now[Kind.CANCELLATION].post.id)
        assert session.exec(told).all() == [desk.accounts[0]]  # who was not invited is not told either


def translated(session: Session, desk: Desk, post: Post, heard: tuple[tuple[str, int], ...] = ()) -> Post:
    event = event_posts.of_post(session, post.id or 0)
    assert event is not None
    return event_posts.translate(session, event.id or 0, post.id or 0, "es", desk.officer, desk.now, HERE, heard=heard)


def test_a_translation_moves_with_the_event_and_says_what_the_original_is_for(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        reminder = made(session, desk, event, Kind.REMINDER, before=DAY)
        spanish = translated(session, desk, reminder)
        assert (spanish.translation_of, spanish.wall_time) == (reminder.id, wall("2026-12-07T18:00"))
        assert translated(session, desk, reminder).id == spanish.id  # not twice
        approved(session, desk, spanish)
        moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))
        assert (spanish.state, spanish.wall_time) == ("in_review", wall("2026-12-08T18:00"))
        assert "miércoles 9 de diciembre" in spanish.message


def test_a_translation_goes_where_the_original_does_by_the_same_steps(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        post = made(session, desk, planned(session, desk), Kind.ANNOUNCEMENT)
        drafts.save(
            session, post.id or 0, desk.officer, post.revision, message="Come.", title="Come", category="safety",
            language="en", concern="traffic_safety", wordings={desk.accounts[1]: None}, now=desk.now,
        )  # fmt: skip
        spanish = translated(session, desk, post)
        assert (spanish.category, spanish.concern) == ("safety", "traffic_safety")
        told = select(Variant.account_id).where(Variant.post_id == spanish.id)
        assert session.exec(told).all() == [desk.accounts[1]]


def test_a_change_that_is_translated_is_taken_back_with_the_change(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        change = moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))[Kind.CHANGE]
        spanish = translated(session, desk, change.post)
        assert "martes 8 de diciembre" in spanish.message  # for when it was planned, as the original says
        moved(session, desk, event, wall_time=wall("2026-12-10T18:00"))
        assert ("martes 8 de diciembre" in spanish.message, "jueves 10 de" in spanish.message) == (True, True)
        moved(session, desk, event)
        assert spanish.state == "cancelled"


def test_a_translation_of_a_change_that_is_out_stays_until_the_event_is_as_its_readers_know_it(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        change = moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))[Kind.CHANGE].post
        published(session, desk, change)
        spanish = translated(session, desk, change)
        was = spanish.message
        moved(session, desk, event, wall_time=wall("2026-12-09T18:00"), access="There is a ramp.")
        assert (spanish.state, spanish.message) == ("draft", was)
        for day, name in ((10, "jueves 10 de"), (11, "viernes 11 de")):
            moved(session, desk, event, wall_time=wall(f"2026-12-{day}T18:00"))
            said = [words in spanish.message for words in (name, "martes 8 de diciembre", "miércoles 9 de")]
            assert (spanish.state, said) == ("draft", [True, True, False])
        moved(session, desk, event)
        assert spanish.state == "cancelled"


def test_a_change_that_is_out_on_one_account_is_translated_with_the_day_before_it(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        change = moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))[Kind.CHANGE].post
        approved(session, desk, change, wall("2026-12-02T09:00"))
        first = session.exec(select(Target).where(Target.post_id == change.id)).first()
        assert first is not None
        first.state = "published"
        session.add(first)
        session.flush()
        said = translated(session, desk, change).message
        assert ("miércoles 9 de diciembre" in said, "martes 8 de diciembre" in said) == (True, True)


def test_a_cancellation_and_what_was_heard_are_translated_with_what_they_tell(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event, later = planned(session, desk, wall_time=wall("2026-11-24T09:00")), desk.now + timedelta(hours=1)
        published(session, desk, made(session, desk, event, Kind.ANNOUNCEMENT))
        said = {"en": [("Traffic safety", 4)]}
        (told,) = event_posts.tell_heard(session, event.id or 0, said, desk.accounts, desk.officer, later)
        assert "• Seguridad vial (4 personas)" in translated(session, desk, told, (("Seguridad vial", 4),)).message
        event_posts.cancel(session, event.id or 0, "No heating.", desk.officer, later, HERE)
        last = event_posts.of_event(session, event.id or 0)[-1].post
        spanish = translated(session, desk, last)
        assert spanish.message.startswith("Cancelado: Town hall on Elm Street, martes 24 de noviembre, 9:00 a.m.")
        assert ("No heating." in spanish.message, spanish.shows) == (True, last.shows)
        with pytest.raises(WrongState, match="cancelled"):
            translated(session, desk, told)


def test_the_calendar_file_follows_with_a_higher_sequence(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        first = read(event)
        assert (first["sequence"], str(first["status"]), first["dtstart"].dt.hour) == (0, "CONFIRMED", 18)
        assert first["dtend"].dt - first["dtstart"].dt == timedelta(minutes=90)
        assert "Access: Step-free; sign language." in first["description"]
        moved(session, desk, event, wall_time=wall("2026-12-09T18:00"))
        event_posts.cancel(session, event.id or 0, "", desk.officer, desk.now, HERE)
        last = read(event)
        assert (last["uid"], last["sequence"], str(last["status"])) == (first["uid"], 2, "CANCELLED")
        assert last["dtstart"].dt == wall("2026-12-09T18:00").replace(tzinfo=ZONE)


def test_what_was_heard_there_is_told_by_concern(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk, wall_time=wall("2026-11-24T09:00"))
        later = desk.now + timedelta(hours=3)
        with pytest.raises(WrongState, match="begun"):
            event_posts.tell_heard(session, event.id or 0, {"en": []}, desk.accounts, desk.officer, desk.now)
        heard.write_down(
            session, desk.officer, later, heard_on=later.date(), today=later.date(), channel="meeting",
            concern="traffic_safety", people=4, keep=timedelta(days=30), event_id=event.id,
        )  # fmt: skip
        assert [(one.concern, one.people) for one in heard.counted_at(session, event.id or 0)] == [
            ("traffic_safety", 4)
        ]
        said = {"en": [("Traffic safety", 4)]}
        (post,) = event_posts.tell_heard(session, event.id or 0, said, desk.accounts, desk.officer, later)
        assert post.message == (
            "What we heard at Town hall on Elm Street on Tuesday, November 24:\n• Traffic safety (4 people)\n"
            "Thank you for telling us. We will say here what comes of it."
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"kind": "parade"}, {"time_zone": "Mars/Base"}, {"minutes": 0}, {"capacity": 0},
        {"languages": ("xx",)}, {"wall_time": wall("2026-11-01T09:00")}, {"notes": "x" * 1001},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(desk: Desk, wrong: dict[str, object]) -> None:
    with database.writing(desk.engine) as session, pytest.raises(WrongState):
        planned(session, desk, **wrong)


def test_two_who_change_it_at_once_are_told(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        event = planned(session, desk)
        moved(session, desk, event, where="Town Hall")
        with pytest.raises(EditConflict):
            event_posts.change(session, event.id or 0, 0, GIVEN, desk.officer, desk.now, HERE)


def reword(session: Session, desk: Desk, post: Post, message: str, wordings: dict[int, str | None]) -> None:
    drafts.save(
        session, post.id or 0, desk.officer, post.revision, message=message, title=post.title, category="event",
        language="en", concern=None, wordings=wordings, now=desk.now,
    )  # fmt: skip


def read(event: Event) -> Any:
    content = event_file.write(event, events.facts(event), "https://desk.example", "en")
    assert content == event_file.write(event, events.facts(event), "https://desk.example", "en")
    (found,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return found
