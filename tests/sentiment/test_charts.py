"""A chart draws what may be said, in both themes, and its sentence says the same."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sentiment import charts, drawing, trust, wording
from sentiment.charts import Columns, Trend, TrendPoint
from sentiment.columns import Column
from sentiment.figures import Figure, Overview, Volume, WeekCount
from sentiment.trust import Change, DayShare, Share

FIRST = date(2026, 10, 13)
ZONE = ZoneInfo("America/New_York")


def points(*said: tuple[float | None, float, float] | None) -> tuple[TrendPoint, ...]:
    return tuple(TrendPoint(FIRST + timedelta(days=i), *(one or (None, None, None))) for i, one in enumerate(said))


STEADY = Trend("mistrust", points(*[(0.23, 0.2, 0.26)] * 42), usual=0.23, direction="steady")


def test_a_trend_says_where_it_ends_and_how_sure_that_is() -> None:
    rising = Trend("mistrust", points((0.27, 0.2, 0.34), (0.38, 0.3, 0.46)), usual=0.27, direction="up")
    assert charts.trend_in_words(rising) == (
        "Mistrust from 13 October to 14 October: values of 27 to 38%; at the end 38%, likely 30 to 46%; "
        "above its usual level; usual 27%."
    )


def test_too_few_authors_give_a_range_and_no_direction() -> None:
    few = Trend("mistrust", points((None, 0.18, 0.47)), direction="up")
    assert charts.trend_in_words(few) == (
        "Mistrust from 13 October to 13 October: at the end 18 to 47%, too few authors for one value."
    )


@pytest.mark.parametrize("said", [points(), points(None, None)])
def test_nothing_to_say_is_said(said: tuple[TrendPoint, ...]) -> None:
    assert charts.trend_in_words(Trend("trust", said)) == "Trust: too few posts to say."


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9))
def test_the_sentence_never_gives_a_value_outside_its_interval(values: list[tuple[float, float, float]]) -> None:
    ordered = [sorted(one) for one in values]
    said = charts.trend_in_words(Trend("mistrust", points(*[(value, low, high) for low, value, high in ordered])))
    value, low, high = re.findall(r"at the end (\d+)%, likely (?:(\d+) to )?(\d+)%", said)[0]
    assert int(low or high) <= int(value) <= int(high)


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        (9, TrendPoint(FIRST, None, None, None, 9)),
        (10, TrendPoint(FIRST, None, 0.1, 0.3, 10)),
        (29, TrendPoint(FIRST, None, 0.1, 0.3, 29)),
        (30, TrendPoint(FIRST, 0.2, 0.1, 0.3, 30)),
    ],
)
def test_what_may_not_be_said_is_not_drawn(authors: int, expected: TrendPoint) -> None:
    assert charts.points([DayShare(FIRST, Share(0.2, 0.1, 0.3, authors, authors))]) == (expected,)


def test_a_gap_is_left_open_and_hatching_stands_for_not_sure() -> None:
    sure, unsure = (0.2, 0.1, 0.3), (None, 0.1, 0.4)

    def lines_and_hatches(*said: tuple[float | None, float, float] | None) -> tuple[int, int]:
        paths = re.findall(r"<path[^>]*>", charts.trend(Trend("mistrust", points(*said))).svg)
        lines = [path for path in paths if 'stroke="var(--mistrust)"' in path and 'fill="var(--surface)"' not in path]
        return len(lines), sum('fill="url(#hatch-mistrust)"' in path for path in paths)

    assert lines_and_hatches(*[sure] * 7) == (1, 0)
    assert lines_and_hatches(*[sure] * 3, None, unsure, *[sure] * 3) == (2, 1)


def test_a_page_colours_the_drawing_and_may_forbid_inline_styles() -> None:
    svg = charts.trend(STEADY).svg
    assert (re.findall(r"#[0-9a-f]{3,6}\b(?!\")", svg), "style=" in svg, "<script" in svg) == ([], False, False)
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", svg)) <= set(drawing.PALETTE["light"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_has_twice_the_pixels_and_the_themes_ground(theme: drawing.Theme) -> None:
    picture = Image.open(BytesIO(charts.trend(STEADY, charts.MAIL).png(theme))).convert("RGB")
    assert picture.size == (charts.MAIL.width * 2, charts.MAIL.height * 2)
    corner = picture.crop((picture.width - 1, picture.height - 1, *picture.size))
    assert "#" + corner.tobytes().hex() == drawing.PALETTE[theme]["surface"]


def test_a_picture_has_ink_where_its_words_are() -> None:
    picture = Image.open(BytesIO(charts.trend(STEADY, charts.MAIL).png("light"))).convert("L")
    dates = picture.crop((0, picture.height - 2 * 28, picture.width // 2, picture.height))
    assert min(dates.tobytes()) < 120


def test_pointing_at_a_day_tells_value_interval_and_number_of_authors() -> None:
    said = (
        TrendPoint(FIRST, 0.24, 0.21, 0.27, 212),
        TrendPoint(FIRST + timedelta(days=1), None, 0.18, 0.47, 14),
        TrendPoint(FIRST + timedelta(days=2), None, None, None, 1),
    )
    drawn = charts.trend(Trend("mistrust", said))
    assert [(one["words"], one["sure"]) for one in json.loads(drawn.spec)["usermeta"]["told"]] == [
        ("7 days up to 13 October: 24%, likely 21 to 27%; 212 authors", True),
        ("7 days up to 14 October: 18 to 47%, too few authors for one value; 14 authors", False),
        ("7 days up to 15 October: too few posts to say; 1 author", False),
    ]
    assert drawn.table.rows == (  # the table behind it says the same, and no more
        ("15 Oct", "–", "Too few posts to say", "1"),
        ("14 Oct", "–", "18 to 47%", "14"),
        ("13 Oct", "24%", "21 to 27%", "212"),
    )


def test_pointing_at_a_column_tells_how_many_and_how_many_are_usual() -> None:
    (told,) = json.loads(charts.columns(Columns((column(0, 9, 1.5),), ZONE)).spec)["usermeta"]["told"]
    assert told["words"] == "2 hours from 22 Nov 07:00 ET: 9 posts; usual: 2"


def test_the_specification_may_stand_in_a_script_element() -> None:
    words = drawing.Told(0, "</script><b>")
    spec = drawing.chart([drawing.text([{"t": "a"}], charts.PAGE)], charts.PAGE, "a", "mistrust", [words]).spec
    assert ("<" in spec, json.loads(spec)["usermeta"]["told"][0]["words"]) == (False, words.words)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.tuples(st.none(), st.floats(0, 0.5), st.floats(0.5, 1)),
            st.tuples(st.floats(0.4, 0.6), st.floats(0, 0.4), st.floats(0.6, 1)),
        ),
        max_size=45,
    ),
    st.none() | st.floats(0, 1),
)
def test_anything_can_be_drawn(said: list[tuple[float | None, float, float] | None], usual: float | None) -> None:
    drawn = charts.trend(Trend("negative", points(*said), usual=usual, last_days=(FIRST, FIRST + timedelta(days=6))))
    assert drawn.svg.startswith("<svg ")
    assert drawn.svg.endswith("</svg>")


def column(index: int, posts: int, expected: float = 0.5) -> Column:
    return Column(datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(hours=2 * index), posts, expected)


def test_columns_say_how_many_came_and_when_most_did() -> None:
    found = Columns((column(0, 1), column(1, 9, 1.5), column(2, 3)), ZONE)
    assert charts.columns_in_words(found) == (
        "13 posts since 22 Nov 07:00 ET; about 2 would be usual; most, 9, in the 2 hours from 22 Nov 09:00."
    )


def test_columns_far_over_the_usual_are_ink() -> None:
    drawn = charts.columns(Columns((column(0, 1), column(1, 9), column(2, 8)), ZONE)).svg
    bars = [part.split(">")[0] for part in re.findall(r"<path[^>]*>", drawn) if "fill=" in part]
    assert [sum(f'fill="var(--{token})"' in bar for bar in bars) for token in ("ink", "ink-3")] == [2, 1]


def test_no_columns_can_be_drawn_too() -> None:
    drawn = charts.columns(Columns((), ZONE))
    assert (drawn.alt, drawn.svg.endswith("</svg>")) == ("No posts.", True)


def test_names_cannot_leave_the_label() -> None:
    drawn = drawing.chart([drawing.text([{"t": "</svg><b>"}], charts.PAGE)], charts.PAGE, '"><script>', "mistrust")
    assert ("<script" in drawn.svg, "<b>" in drawn.svg) == (False, False)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("America/New_York", "07:00 ET"),
        ("Europe/London", "07:00 GMT"),
        ("Asia/Kathmandu", "07:00 UTC+05:45"),
        ("America/Sao_Paulo", "07:00 UTC-03:00"),
        ("UTC", "07:00 UTC"),
    ],
)
def test_an_hour_names_its_zone(zone: str, words: str) -> None:
    assert wording.hour(datetime(2026, 11, 24, 7, tzinfo=ZoneInfo(zone)), "en") == words


@given(st.integers(0, 10**7))
def test_a_length_of_time_has_no_zero_parts(seconds: int) -> None:
    said = wording.span(timedelta(seconds=seconds))
    assert re.fullmatch(r"[1-9]\d* (min|h|d)( [1-9]\d* (min|h))?", said)


def test_days_are_joined_within_a_month_and_named_across_two() -> None:
    assert wording.days(date(2026, 11, 17), date(2026, 11, 23), "en") == "17–23 Nov"
    assert wording.days(date(2026, 10, 28), date(2026, 11, 3), "en") == "28 Oct – 3 Nov"


def test_the_towns_trend_names_the_days_that_were_compared() -> None:
    share = Share(0.2, 0.15, 0.25, 200, 200)
    figure = Figure("mistrust", share, share, Change("steady", 0.0, -0.05, 0.05))
    spans = trust.windows(date(2026, 11, 24), date(2026, 1, 1))
    found = Overview(spans.first, spans.last, 42, 200, figure, figure, figure, Volume(1, None, None, None), ())
    drawn = charts.mistrust_in_town(found)
    assert (drawn.usual_days, drawn.last_days) == (
        (spans.baseline_first, spans.baseline_last),
        (spans.first, spans.last),
    )
    assert (drawn.usual, drawn.direction) == (0.2, "steady")


def test_counts_say_the_last_week_and_what_is_usual_and_pointing_tells_one() -> None:
    weeks = charts.Weeks(
        tuple(WeekCount(date(2026, 11, day), posts) for day, posts in ((1, 12), (2, 8), (3, 21))), 11.0, 3, 20
    )
    drawn = charts.weeks(weeks)
    assert drawn.alt == ("Posts in 7 days, from 1 November to 3 November: 8 to 21; 21 at the end; usually 3 to 20.")
    told = json.loads(drawn.spec)["usermeta"]["told"]
    assert [one["words"] for one in told][-1] == "7 days up to 3 November: 21 posts; usually 3 to 20"
    assert [row[1] for row in drawn.table.rows] == ["21", "8", "12"]


def test_counts_without_a_usual_level_have_no_box() -> None:
    weeks = charts.Weeks((WeekCount(date(2026, 11, 1), 1), WeekCount(date(2026, 11, 2), 2)))
    assert "usually" not in charts.weeks(weeks).alt
    assert "stroke-dasharray" not in charts.weeks(weeks).svg
    assert charts.weeks(charts.Weeks(())).alt == "No posts."
