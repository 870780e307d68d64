"""The digest's words agree with its numbers, whatever the numbers are."""

import re
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from sentiment import digest, digest_words, wording
from sentiment.digest import Answered, DigestContent, Morning, Sent, compose
from sentiment.figures import Volume
from sentiment.trust import Change, Moved, Share, Show
from tests.sentiment.mornings import (
    FULL,
    NOW,
    OVERVIEW,
    QUIET,
    RESPONSE,
    SPEEDING,
    STEADY,
    TRAFFIC,
    YOUTH,
    figure,
    mornings,
    quote,
    share,
    with_overview,
)


def strings(value: Any) -> list[str]:
    """Every sentence in a value."""
    if isinstance(value, str):
        return [value]
    if is_dataclass(value):
        return [found for one in fields(value) for found in strings(getattr(value, one.name))]
    return [found for one in value for found in strings(one)] if isinstance(value, tuple) else []


def test_a_morning_with_an_alert_in_words() -> None:
    made = compose(FULL)
    assert made.headline == "Trust is steady. Traffic and road safety near Elm Street: far more than usual."
    assert made.lead == "Nothing else moved beyond what chance explains. 4 posts go out today; 10 things wait for you."
    assert made.dated == "Tuesday 24 November, 07:00 ET. Covers Monday 23 November."
    assert made.subject == f"24 Nov: {made.headline}"
    assert made.preheader == "Mistrust 24%, likely 21 to 27%. Usual 23%. 1 new alert. 10 things wait for you."
    assert [(one.number, one.name, one.beside, one.below) for one in made.figures] == [
        ("24%", "Posts voicing mistrust", "likely 21 to 27%", "412 authors, 17–23 Nov. Usual 23%."),
        ("18%", "Posts voicing trust", "likely 15 to 21%", "412 authors, 17–23 Nov. Usual 17%."),
        ("611", "All posts", "usually 480 to 690", "By 412 authors, 17–23 Nov. Usual 585."),
    ]
    assert made.since_yesterday == (
        "Sent: 3 posts on 4 networks, all confirmed.",
        "Answered: 5 mentions; half within 1 h 50 min.",
    )
    assert made.baseline == (
        "Against the last 42 days: mistrust up in “Traffic and road safety”, else no clear change."
    )
    assert (made.quiet, made.trend is None, made.day) == (False, False, date(2026, 11, 23))


def test_concerns_with_an_alert_come_first_and_each_has_its_sureness() -> None:
    made = compose(FULL).concerns
    assert [(one.heading, one.body) for one in made] == [
        (
            "Traffic and road safety near Elm Street: far more than usual",
            "17 posts by 14 authors since Monday; about 3 authors would be usual. Often in them: “crossing guard”, "
            "“elm and 4th”. Mistrust 38%, likely 30 to 46%, 96 authors. Usual 27%. Mostly Elm Street.",
        ),
        (
            "Response and visibility: no clear change",
            "Mistrust 41%, likely 32 to 51%, 74 authors. Usual 43%. Mostly Northgate.",
        ),
        ("Youth and schools: cannot say yet", "Mistrust 18 to 47%; 27 authors are too few for one value."),
    ]


def test_a_quote_says_where_it_stood_and_never_who_said_it() -> None:
    assert compose(FULL).concerns[0].quote == digest_words.QuoteWords(
        "“Third morning in a row somebody flew past the crossing guard.”", "en", "Facebook, Monday. Mistrust."
    )


def test_a_long_quote_ends_at_a_word() -> None:
    said = digest_words.quote(quote("word " * 99), "feed", FULL.zone, NOW, "en").text
    assert (len(said) < 260, said[-7:]) == (True, "word …”")


def test_no_quote_stands_twice_and_residents_come_before_the_news() -> None:
    news, first, second = (
        replace(quote(name, network), mention_id=i)
        for i, (name, network) in enumerate([("news", "feed"), ("first", "facebook"), ("second", "x")])
    )
    found = {"traffic_safety": [news, first], "drugs": [first, second], "youth_schools": [news], "hate": [first]}
    chosen = digest.one_quote_each(found)
    assert {key: one.text for key, one in chosen.items()} == {
        "traffic_safety": "first",
        "drugs": "second",
        "youth_schools": "news",
    }


def test_what_waits_is_a_link_and_a_reason() -> None:
    assert [(one.link + one.rest, one.path) for one in compose(FULL).waiting] == [
        ("Traffic and road safety near Elm Street: far more than usual. Nobody has it yet", "/alerts/1"),
        ("3 mentions to answer, the oldest from 05:50", "/mentions?state=new"),
        ("1 post to approve", "/approvals"),
        ("“Winter parking rules” came back: changes were asked for", "/posts/4"),
        ("2 posts: nobody knows yet whether it went out; look and decide", "/queue"),
        ("Instagram sign-in ends in 7 days", "/sources"),
        ("Mastodon is behind and catching up; nothing is lost", "/sources"),
    ]


def test_nothing_unusual_is_one_short_mail() -> None:
    made = compose(QUIET)
    assert made.headline == "Trust is steady. Nothing unusual."
    assert made.lead == "Nothing moved beyond what chance explains. No post goes out today; nothing waits for you."
    assert (made.quiet, made.trend, made.concerns) == (True, None, ())
    assert made.since_yesterday == ("Sent: nothing.", "Answered: no mentions.")
    assert made.baseline == "Against the last 42 days: no clear change."


def test_too_few_days_are_said_and_nothing_is_called_usual() -> None:
    unknown = Change("unknown", why="days")
    young = figure("mistrust", share(0.24, 0.21, 0.27, 412), share(0.2, 0.1, 0.3, 5), unknown)
    made = compose(
        with_overview(
            QUIET,
            baseline_days=0,
            mistrust=replace(young, usual=None),
            trust=replace(young, name="trust", usual=None),
            volume=Volume(611, None, None, None),
        )
    )
    assert made.headline == "Not enough days yet to say whether trust moved."
    assert made.figures[0].below == "412 authors, 17–23 Nov. Usual level not known yet."
    assert made.baseline == "Usual levels need 14 days of posts; they follow by themselves."


def test_a_town_of_which_nobody_writes_gets_no_figure() -> None:
    none = figure("mistrust", share(0, 0, 1, 1), share(0, 0, 1, 1), Change("unknown", why="authors"))
    made = compose(with_overview(QUIET, mistrust=replace(none, share=None), authors=0, volume=Volume(0, 2.0, 0, 6)))
    assert made.headline == "Too few posts to say how trust stands."
    assert (made.figures[0].number, made.figures[0].beside) == ("–", "too few posts to say")
    assert made.figures[2].number == "0"


@pytest.mark.parametrize(
    ("mistrust", "trust", "said"),
    [
        ("up", "down", "Trust is down, mistrust is up."),
        ("down", "up", "Trust is up, mistrust is down."),
        ("up", "up", "Mistrust and trust are both up."),
        ("down", "down", "Mistrust and trust are both down."),
        ("up", "steady", "Mistrust is up."),
        ("down", "unknown", "Mistrust is down."),
        ("steady", "up", "Trust is up."),
        ("unknown", "down", "Trust is down."),
        ("steady", "steady", "Trust is steady."),
        ("steady", "unknown", "No clear change in mistrust."),
        ("unknown", "steady", "No clear change in trust."),
        ("unknown", "unknown", "Cannot say yet whether trust moved."),
    ],
)
def test_the_first_sentence_follows_the_two_directions(mistrust: Any, trust: Any, said: str) -> None:
    def turned(direction: Any) -> Change:
        return STEADY if direction == "steady" else Change(direction, 0.1, 0.05, 0.15)

    found = replace(
        OVERVIEW,
        mistrust=replace(OVERVIEW.mistrust, change=turned(mistrust)),
        trust=replace(OVERVIEW.trust, change=turned(trust)),
    )
    assert digest_words.trust(found, "en") == said


def test_steady_is_not_said_where_a_real_change_could_hide() -> None:
    wide = Change("steady", 0.02, -0.06, 0.1)
    found = replace(OVERVIEW, mistrust=replace(OVERVIEW.mistrust, change=wide))
    assert digest_words.trust(found, "en") == "No clear change in trust."


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (Sent(1, 1), "Sent: 1 post on 1 network, all confirmed."),
        (Sent(2, 1, unconfirmed=1), "Sent: 2 posts on 1 network; 1 not confirmed yet."),
        (Sent(0, 0, failed=2), "Sent: nothing; 2 failed."),
        (Sent(2, 1, missed=1), "Sent: 2 posts on 1 network; 1 missed its time."),
        (Sent(0, 0, failed=1, missed=2), "Sent: nothing; 1 failed; 2 missed their time."),
        (Sent(0, 0, practised=3), "Sent: nothing; 3 on the practice board."),
    ],
)
def test_all_confirmed_is_said_only_when_it_is_so(sent: Sent, said: str) -> None:
    assert compose(replace(QUIET, sent=sent)).since_yesterday[0] == said


def test_one_answer_has_no_half() -> None:
    made = compose(replace(QUIET, answered=Answered(1, timedelta(minutes=35))))
    assert made.since_yesterday[1] == "Answered: 1 mention, after 35 min."


def test_a_new_kind_of_concern_is_called_new() -> None:
    made = compose(replace(FULL, new_alerts=(replace(SPEEDING, title="Speeding on Elm Street", kind="emerging"),)))
    assert made.headline == "Trust is steady. Speeding on Elm Street is new."
    assert made.subject == "24 Nov: Trust is steady. New: Traffic and road safety."  # it is kept longer


def test_an_older_alert_that_grows_is_told_with_its_day() -> None:
    made = compose(replace(FULL, new_alerts=(), open_alerts=(SPEEDING,)))
    assert (
        made.headline == "Trust is steady. Traffic and road safety near Elm Street: far more than usual since Monday."
    )
    assert made.lead.startswith("Nothing else moved beyond what chance explains. 4 posts")
    assert made.concerns[0].heading == SPEEDING.title
    assert "1 open alert." in made.preheader


def test_an_older_alert_that_stands_still_is_open_and_no_headline() -> None:
    made = compose(replace(QUIET, open_alerts=(replace(SPEEDING, growing=False),)))
    assert (made.headline, made.quiet) == ("Trust is steady.", False)
    assert "1 older alert is still open." in made.lead


def test_a_new_alert_that_was_dealt_with_is_told_of_below_and_heads_nothing() -> None:
    closed = replace(SPEEDING, closed=True)
    made = compose(replace(FULL, new_alerts=(closed,), waiting=()))
    assert (made.headline, made.subject) == ("Trust is steady.", "24 Nov: Trust is steady.")
    assert made.lead == "Nothing else moved beyond what chance explains. 4 posts go out today; nothing waits for you."
    assert "alert" not in made.preheader
    assert made.concerns[0].heading == SPEEDING.title
    assert made.concerns[0].body.count(" It was closed.") == 1
    assert " Se cerró." in compose(replace(FULL, new_alerts=(closed,)), "es").concerns[0].body


def test_what_stands_leads_whatever_was_closed_beside_it() -> None:
    closed = replace(SPEEDING, closed=True, concern="drugs", title="Drugs: more than usual")
    made = compose(replace(FULL, new_alerts=(closed, SPEEDING)))
    assert made.headline == "Trust is steady. Traffic and road safety near Elm Street: far more than usual."
    assert "1 new alert." in made.preheader
    assert [one.heading for one in made.concerns[:2]] == [SPEEDING.title, "Drugs: more than usual"]
    assert "older" not in made.lead
    older = compose(replace(FULL, new_alerts=(closed,), open_alerts=(SPEEDING,)))
    assert older.headline.endswith("far more than usual since Monday.")


def test_new_alerts_come_before_older_ones() -> None:
    older = replace(SPEEDING, concern="drugs", title="Drugs: more than usual")
    made = compose(replace(FULL, open_alerts=(older,)))
    assert [one.heading for one in made.concerns[:2]] == [SPEEDING.title, "Drugs: more than usual"]
    assert "1 older alert is still open." in made.lead


def test_more_posts_than_usual_are_no_quiet_morning() -> None:
    made = compose(with_overview(QUIET, volume=Volume(900, 585.0, 480, 690)))
    assert made.quiet is False
    assert made.lead.startswith("More posts than usual: 900, usually 480 to 690.")


def test_a_rise_that_rounds_away_has_no_number() -> None:
    rose = Change("up", 0.003, 0.001, 0.005)
    assert digest_words.change(rose, share(0.244, 0.243, 0.245, 9999), share(0.241, 0.24, 0.242, 9999), "en") == "Up."


def test_a_concern_that_moved_without_an_alert_is_in_the_lead() -> None:
    made = compose(replace(FULL, new_alerts=()))
    assert made.lead.startswith("Mistrust is up in: Traffic and road safety.")
    assert made.headline == "Trust is steady."


@settings(max_examples=60, deadline=None)
@given(mornings())
def test_no_sentence_is_more_certain_than_its_figures(morning: Morning) -> None:
    made, found = compose(morning), morning.overview
    directions = (found.mistrust.change.direction, found.trust.change.direction)
    first = digest_words.trust(found, "en")
    assert made.headline.startswith(first)
    claims = re.findall(r"(?i)(mistrust|trust) is (up|down)", first)
    both = re.findall(r"are both (up|down)", first)
    told = {name.lower(): way for name, way in claims} | ({"mistrust": both[0], "trust": both[0]} if both else {})
    here = found.mistrust.share
    sayable = found.baseline_days > 0 and here is not None and here.show is not Show.NOTHING
    moved = {name: way for name, way in zip(("mistrust", "trust"), directions, strict=True) if way in ("up", "down")}
    assert told == (moved if sayable else {})
    if "steady" in first:
        changes = (found.mistrust.change, found.trust.change)
        assert all(-0.08 < (one.low or 0) <= (one.high or 0) < 0.08 for one in changes)
        assert directions == ("steady", "steady")


@settings(max_examples=40, deadline=None)
@given(mornings())
def test_each_value_lies_in_its_interval_and_is_shown_only_when_it_may_be(morning: Morning) -> None:
    found = morning.overview
    for words, source in zip(compose(morning).figures, (found.mistrust, found.trust), strict=False):
        shown = source.share.show if source.share else Show.NOTHING
        if shown is Show.VALUE:
            low, high = re.fullmatch(r"likely (?:(\d+) to )?(\d+)%", words.beside).groups()  # type: ignore[union-attr]
            assert int(low or high) <= int(words.number.rstrip("%")) <= int(high)
        else:
            assert (words.number == "–") is (shown is Show.NOTHING)
            assert "likely" not in words.beside
            assert not re.search(r"(Up|Down)", words.below)


@settings(max_examples=40, deadline=None)
@given(mornings())
def test_a_named_change_is_what_the_reader_gets_by_subtracting(morning: Morning) -> None:
    for words in compose(morning).figures[:2]:
        moved = re.search(r"Usual (\d+)%\. (Up|Down) (\d+) points?\.", words.below)
        if moved:
            usual, way, points = int(moved[1]), moved[2], int(moved[3])
            assert int(words.number.rstrip("%")) == usual + (points if way == "Up" else -points)


@settings(max_examples=60, deadline=None)
@given(mornings())
def test_words_agree_with_their_counts_and_stay_on_their_line(morning: Morning) -> None:
    plain = replace(
        morning,
        new_alerts=tuple(replace(alert, title="Title", keyphrases=()) for alert in morning.new_alerts),
        open_alerts=tuple(replace(alert, title="Title", keyphrases=()) for alert in morning.open_alerts),
        gone_quiet=(),
        quotes={},
        concerns=tuple(replace(row, mostly=None) for row in morning.concerns),
    )
    counted = r"(posts|authors|things|alerts|points|days|mentions|networks)\b"
    for said in strings(compose(plain)):
        assert not re.search(rf"(?<![\d,.])1 {counted}", said), said
        assert not re.search(r"(?<![\d,.])(?!1 )\d+ (post|author|thing|alert|point|mention|network)\b", said), said
    made = compose(morning)
    told = strings((made.headline, made.lead, made.subject, made.figures, made.concerns, made.baseline, made.waiting))
    assert [said for said in told if re.search(r"[\r\n\x00-\x1f]", said)] == []


@settings(max_examples=40, deadline=None)
@given(mornings())
def test_a_quiet_morning_has_nothing_new_and_nothing_that_moved(morning: Morning) -> None:
    made = compose(morning)
    told = [figure.change.direction for figure in morning.overview.figures]
    told += [row.change.direction for row in morning.concerns]
    volume = morning.overview.volume
    in_range = volume.usual_low is None or volume.usual_low <= volume.posts <= (volume.usual_high or 0)
    assert made.quiet is (
        not morning.new_alerts and not morning.open_alerts and not {"up", "down"} & set(told) and in_range
    )
    assert ("Nothing unusual." in made.headline) is (
        made.quiet and morning.overview.mistrust.change.direction == "steady"
    )
    assert len(made.concerns) <= 3


@settings(max_examples=10, deadline=None)
@given(mornings())
def test_the_same_morning_gives_the_same_digest(morning: Morning) -> None:
    first: DigestContent = compose(morning)
    assert first == compose(morning)


def test_rows_without_an_alert_keep_the_order_they_came_in() -> None:
    made = compose(replace(FULL, new_alerts=(), concerns=(RESPONSE, TRAFFIC)))
    assert [one.heading for one in made.concerns] == [
        "Traffic and road safety: up",
        "Response and visibility: no clear change",
    ]


@pytest.mark.parametrize(
    ("gone", "out", "said"),
    [
        (0, 0, "No post goes out today"),
        (2, 0, "No more posts go out today"),
        (0, 1, "1 post goes out today"),
        (2, 1, "1 more post goes out today"),
    ],
)
def test_what_went_out_today_is_not_told_as_nothing(gone: int, out: int, said: str) -> None:
    assert f"{said}; nothing waits for you." in compose(replace(QUIET, gone_out=gone, going_out=out)).lead


@pytest.mark.parametrize(
    ("gone", "out", "language", "said"),
    [
        (0, 1, "en", "1 post is due today and is held"),
        (0, 2, "en", "2 posts are due today and are held"),
        (2, 1, "en", "1 more post is due today and is held"),
        (2, 3, "en", "3 more posts are due today and are held"),
        (2, 0, "en", "No more posts go out today"),
        (2, 3, "es", "3 publicaciones más son para hoy y están en pausa"),
    ],
)
def test_during_a_hold_nothing_is_said_to_go_out(gone: int, out: int, language: str, said: str) -> None:
    assert f"{said};" in compose(replace(QUIET, gone_out=gone, going_out=out, held=True), language).lead


def test_an_unknown_language_falls_back_to_english() -> None:
    assert wording.locale("xx").language == "en"
    assert compose(FULL, "xx").headline == compose(FULL).headline


def test_shares_that_round_alike_read_alike() -> None:
    assert {wording.percent(value, "en") for value in (0.2351, 0.2449)} == {"24%"}
    assert digest_words.usual(Share(0.2449, 0.2, 0.3, 50, 50), "en") == "Usual 24%."


def test_a_month_ends_within_the_days_of_the_figures() -> None:
    made = compose(with_overview(FULL, first=date(2026, 10, 28), last=date(2026, 11, 3)))
    assert "412 authors, 28 Oct – 3 Nov." in made.figures[0].below


@pytest.mark.parametrize(("hours", "said"), [(1, "06:00"), (25, "Monday"), (24 * 8, "16 Nov")])
def test_an_instant_is_told_as_people_tell_it(hours: int, said: str) -> None:
    local = (NOW - timedelta(hours=hours)).astimezone(FULL.zone)
    assert digest_words.when(local, NOW.astimezone(FULL.zone).date(), "en") == said


@pytest.mark.parametrize(
    ("hours", "said"), [(1, "las 06:00"), (6, "la 01:00"), (25, "el lunes"), (24 * 8, "el 16 nov")]
)
def test_an_instant_has_its_article_in_spanish(hours: int, said: str) -> None:
    local = (NOW - timedelta(hours=hours)).astimezone(FULL.zone)
    assert digest_words.when(local, NOW.astimezone(FULL.zone).date(), "es") == said


def test_a_source_that_fails_and_a_sign_in_that_ended_say_what_to_do() -> None:
    waiting = (digest.SourceTrouble("City feed", "failing", "/sources"), digest.SignInEnds("X", 0, "/sources"))
    made = compose(replace(QUIET, waiting=waiting)).waiting
    assert [one.link + one.rest for one in made] == [
        "City feed cannot be reached; what it holds comes in later",
        "X sign-in has ended: connect it again",
    ]


def test_a_concern_whose_mistrust_has_been_higher_for_days_is_told_with_its_figures_past_a_limit_for_all() -> None:
    from_thursday = replace(RESPONSE, moved=Moved("up", date(2026, 11, 19), 6.0), mistrust=share(0.49, 0.40, 0.58, 74))
    made = compose(replace(QUIET, concerns=(from_thursday, YOUTH)))
    said = (
        "Response and visibility: mistrust rose around 19 Nov. "
        "49% in the last 7 days (90% interval 40 to 58%), usual 43%."
    )
    assert said in made.lead
    assert not made.quiet
    of_many = tuple(replace(from_thursday, concern=f"c{number}", moved=None) for number in range(15))
    assert "rose around" not in compose(replace(QUIET, concerns=(from_thursday, *of_many))).lead
