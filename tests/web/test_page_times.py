"""Times that are put together by hand are what Babel writes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_datetime
from hypothesis import given
from hypothesis import strategies as st

from web import pages

ZONES = ("America/New_York", "America/Phoenix", "Europe/Madrid", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")
FIRST, LAST = 800_000_000, 2_800_000_000  # seconds: 1995 to 2058
WRITTEN = pages._environment  # the desk's own, with its filters


@given(
    st.integers(FIRST, LAST).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from([ZoneInfo(name) for name in ZONES]),
    st.sampled_from(["en", "es"]),
)
def test_a_moment_is_as_babel_writes_it(moment: datetime, zone: ZoneInfo, language: str) -> None:
    shown = WRITTEN(language).from_string("{{ at|moment|striptags }};{{ at|short_day|striptags }};{{ wall|wall }}")
    local = moment.astimezone(zone)
    minute = format_datetime(moment, "EEE d MMM, HH:mm", tzinfo=zone, locale=language)
    name = format_datetime(moment, "z", tzinfo=zone, locale=f"{language}_US")
    written = (
        f"{minute} {name}",
        format_date(local, "EEE d MMM", locale=language),
        minute,
    )
    told = shown.render(at=moment, wall=local.replace(tzinfo=None), zone=zone, language=language)
    assert told.split(";") == list(written)


@pytest.mark.parametrize(
    ("instant", "name"),
    [(datetime(2026, 11, 1, 5, 59, 59, tzinfo=UTC), "EDT"), (datetime(2026, 11, 1, 6, tzinfo=UTC), "EST")],
)
def test_the_zones_name_changes_with_the_clocks(instant: datetime, name: str) -> None:
    assert pages.zone_name(instant, ZoneInfo("America/New_York"), "en") == name
