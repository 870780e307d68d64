"""Days that people keep: the library's, with their limits, and the department's own."""

from datetime import date, datetime, timedelta

import pytest

from config import database
from posts import drafts, foresight, observances
from posts.workflow import WrongState
from tests.posts.conftest import Desk


def days(year: int) -> dict[str, observances.Day]:
    return {one.name: one for one in observances.known(year, "en")}


def test_days_of_2026_are_as_published() -> None:
    found = days(2026)
    assert {
        name: found[name].first for name in ("Eid al-Fitr", "Yom Kippur", "Easter", "Lunar New Year", "Diwali")
    } == {
        "Eid al-Fitr": date(2026, 3, 20),
        "Yom Kippur": date(2026, 9, 21),
        "Easter": date(2026, 4, 5),
        "Lunar New Year": date(2026, 2, 17),
        "Diwali": date(2026, 11, 8),
    }
    assert (found["Hanukkah"].first, found["Hanukkah"].last) == (date(2026, 12, 5), date(2026, 12, 12))


def test_what_follows_the_moon_is_told_as_an_estimate_and_begins_the_evening_before() -> None:
    eid, easter = days(2027)["Eid al-Fitr"], days(2027)["Easter"]
    assert (eid.estimated, eid.evening, easter.estimated, easter.evening) == (True, True, False, False)
    assert eid.covers(eid.first - timedelta(days=1))
    assert not easter.covers(easter.first - timedelta(days=1))


def test_ramadan_lasts_to_the_day_before_the_feast_over_the_turn_of_a_year_too() -> None:
    late = [one for one in observances.known(2030, "en") if one.name == "Ramadan"]
    assert [(one.first, one.last) for one in late] == [
        (date(2030, 1, 5), date(2030, 2, 3)),
        (date(2030, 12, 26), date(2031, 1, 23)),
    ]
    assert late[0].season


def test_names_are_in_the_reader_s_language() -> None:
    assert {one.name for one in observances.known(2026, "es")} >= {"Año Nuevo Lunar", "Día de los Caídos", "Ramadán"}


def test_our_own_day_comes_each_year_and_a_leap_day_too(desk: Desk) -> None:
    with database.writing(desk.engine) as session:
        day = date(2024, 2, 29)
        made = observances.keep(
            session, desk.officer, desk.now, name="Bridge", first=day, last=day, yearly=True, about="No jokes."
        )
        found = [one for one in observances.between(session, date(2026, 2, 1), date(2028, 3, 1), "en") if one.number]
        assert [one.first for one in found] == [date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]
        assert found[0].about == "No jokes."
        observances.remove(session, made.id or 0, desk.officer, desk.now)
        assert observances.own(session) == []


@pytest.mark.parametrize(("name", "last"), [("", "2026-12-01"), ("x", "2026-11-30"), ("x" * 201, "2026-12-01")])
def test_a_day_that_is_none_is_refused(desk: Desk, name: str, last: str) -> None:
    with database.writing(desk.engine) as session, pytest.raises(WrongState):
        observances.keep(
            session, desk.officer, desk.now, name=name, first=date(2026, 12, 1), last=date.fromisoformat(last)
        )


def test_a_post_on_such_a_day_is_named_and_not_kept_back(desk: Desk) -> None:
    number = desk.approved()
    with database.writing(desk.engine) as session:
        drafts.schedule(
            session, number, desk.officer, datetime.fromisoformat("2026-12-04T18"), "America/New_York", desk.now
        )
        coming = observances.between(session, date(2026, 11, 24), date(2026, 12, 31), "en")
        found = foresight.on_kept_days(session, coming, desk.now)
        assert [(day.name, [one.id for one in some]) for day, some in found] == [("Hanukkah", [number])]
        assert foresight.obstacles(session, [number], desk.now) == {}


@pytest.mark.parametrize("day", [date.min, date.max, date(9998, 1, 1), date(1971, 1, 1)])
def test_days_out_of_every_calendar_are_empty(desk: Desk, day: date) -> None:
    with database.reading(desk.engine) as session:
        assert observances.between(session, day, day, "en") == []
