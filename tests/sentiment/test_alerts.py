"""What stands out becomes one alert, and stays one. Long, as sentiment/alerts.py is: its whole life is tried here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from config import database
from config.permissions import Role
from config.tables import AuditEntry, Person
from listeners import mentions, rhythm
from listeners.tables import Mention, Source
from sentiment import alert_details, alerts, counts, inbox, scoring, surges, tuning
from sentiment.tables import Alert, AlertMention
from sentiment.taxonomy import CONCERNS
from sentiment.topics import Topic
from sentiment.tuning import Tuning
from tests.sentiment import street
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE, Said

MORNING = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)  # Tuesday 08:00 in Riverton
SPEEDING = (
    "Cars fly past Lincoln School every single morning",
    "Somebody will get hurt at Elm and 4th, the speeding is out of hand",
    "Third near miss this week, speeding at Lincoln School, where is the patrol",
    "My kid crosses at Lincoln School and nobody slows down",
    "Speeding on Elm Street again, 50 in a 25",
    "Saw an officer at Lincoln School today, thank you, keep coming",
)


def _ordinary(places: Sequence[int], seed: int = 4, days: int = 30) -> list[Said]:
    """About twenty posts a day on all concerns and places, as a small town has."""
    rng = np.random.default_rng(seed)
    keys = list(CONCERNS)
    posts: list[Said] = []
    for back in range(days, -1, -1):
        midnight = (MORNING - timedelta(days=back)).replace(hour=5)
        for number in range(rng.poisson(19)):
            at = midnight + timedelta(minutes=int(rng.integers(0, 1440)))
            if at >= MORNING:
                continue
            posts.append(
                Said(
                    at,
                    f"resident {rng.integers(0, 260)}",
                    text=f"Something ordinary number {back} {number} seen from my window",
                    concerns=tuple(rng.choice(keys, size=rng.integers(0, 3), replace=False).tolist()),
                    place_id=int(rng.choice(places)) if rng.random() < 0.4 else None,
                    network=str(rng.choice(["facebook", "x", "bluesky"])),
                    mistrust=float(rng.beta(0.5, 1.5)),
                )
            )
    return sorted(posts, key=lambda post: post.at)


def _speeding(place_id: int, seed: int = 8) -> list[Said]:
    """34 posts by 28 authors from two days before the morning on, some of which raise schools too."""
    rng = np.random.default_rng(seed)
    return sorted(
        (
            Said(
                MORNING - timedelta(minutes=int(rng.integers(1, 47 * 60))),
                f"parent {number % 28}",
                text=f"{SPEEDING[number % len(SPEEDING)]} ({number})",
                concerns=("traffic_safety", "youth_schools") if number % 3 == 0 else ("traffic_safety",),
                place_id=place_id,
                network=["facebook", "x", "bluesky"][number % 3],
                mistrust=[0.8, 0.2, 0.1][number % 3],
                trust=[0.1, 0.1, 0.8][number % 3],
            )
            for number in range(34)
        ),
        key=lambda post: post.at,
    )


def _watch(session: Session, days: int = 10, every: int = 6) -> list[Alert]:
    """Looks as the desk would have, with the posts of each time; posts must be stored already, but not scored."""
    raised: list[Alert] = []
    at = MORNING - timedelta(days=days)
    while at <= MORNING:
        raised += alerts.raise_alerts(session, at, ZONE)
        at += timedelta(hours=every)
    return raised


def test_a_quiet_town_raises_nothing(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        places = [street.place(session, name) for name in ("Elm Street", "Northgate", "Old Mill")]
        street.say(session, _ordinary(places))
        assert _watch(session) == []


def test_speeding_near_the_school_raises_exactly_that_alert(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, *others = (street.place(session, name) for name in ("Elm Street", "Northgate", "Old Mill"))
        street.say(session, _ordinary([elm, *others]))
        street.say(session, _speeding(elm))
        raised = _watch(session)
        assert [alert.title for alert in raised] == ["Traffic and road safety near Elm Street: far more than usual"]
        (alert,) = alerts.open_alerts(session)
        assert MORNING - timedelta(days=2) < alert.raised_at <= MORNING - timedelta(days=1)
        assert alert.updated_at == MORNING
        assert 28 <= alert.authors <= 31
        assert 34 <= alert.posts <= 38
        assert alert.expected < 3
        assert "lincoln school" in alert.keyphrases


def test_its_detail_shows_quotes_columns_and_where(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, *others = (street.place(session, name) for name in ("Elm Street", "Northgate", "Old Mill"))
        street.say(session, _ordinary([elm, *others]))
        street.say(session, _speeding(elm))
        (alert,) = _watch(session)
        detail = alert_details.of_one(session, alert.id or 0, ZONE)
        assert detail is not None
        assert (detail.concern_name, detail.place_name) == ("Traffic and road safety", "Elm Street")
        assert sorted(quote.trust for quote in detail.quotes) == ["mistrust", "neither", "trust"]
        authors = {session.get_one(Mention, quote.mention_id).author for quote in detail.quotes}
        assert len(authors) == 3
        assert len(detail.columns) == 24
        assert detail.columns[-1].start <= MORNING < detail.columns[-1].start + timedelta(hours=2)
        assert sum(column.posts for column in detail.columns) >= 30
        assert sum(column.expected for column in detail.columns) < 4
        assert detail.places == (("Elm Street", detail.authors),)
        assert detail.authors % 5 == 0 < detail.authors <= alert.authors
        assert {name for name, _ in detail.networks} == {"facebook", "x", "bluesky"}
        assert detail.once_in_days > 300


def test_too_short_a_history_raises_nothing(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        elm = street.place(session, "Elm Street")
        street.say(session, _ordinary([elm], days=18))
        street.say(session, _speeding(elm))
        assert alerts.raise_alerts(session, MORNING, ZONE) == []


def _history(session: Session) -> tuple[int, int]:
    """A calm month, with one post on drugs every other day."""
    elm, mill = street.place(session, "Elm Street"), street.place(session, "Old Mill")
    street.say(
        session,
        [
            Said(MORNING - timedelta(days=back, hours=3), f"resident {back}", concerns=("drugs",) if back % 2 else ())
            for back in range(40, 3, -1)
        ],
    )
    return elm, mill


def _burst(
    concern: str, place_id: int | None, authors: int = 15, before: timedelta = timedelta(hours=1), text: str = ""
) -> list[Said]:
    return [
        Said(
            MORNING - before - timedelta(minutes=number),
            f"{concern} {number}",
            text=text or f"What I saw with my own eyes, number {number}, about it",
            concerns=(concern,),
            place_id=place_id,
        )
        for number in range(authors)
    ]


def test_one_author_however_loud_raises_nothing(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        _history(session)
        loud = [
            Said(
                MORNING - timedelta(minutes=n), "one voice", text=f"They do nothing, day {n} of it", concerns=("drugs",)
            )
            for n in range(60)
        ]
        street.say(session, loud)
        assert alerts.raise_alerts(session, MORNING, ZONE) == []


def test_twenty_accounts_with_the_same_words_raise_nothing(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("drugs", elm, 20, text="Win a free phone now, Riverton, click the link"))
        assert alerts.raise_alerts(session, MORNING, ZONE) == []


_ADDS_NOBODY = [{"copy_of": 1}, {"automatic": True}, {"copy_of": 1, "automatic": True}]


@pytest.mark.parametrize("what", _ADDS_NOBODY)
def test_near_copies_and_programs_raise_nothing(engine: sa.Engine, what: dict[str, object]) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("drugs", elm, 20))
        session.execute(sa.update(Mention).where(col(Mention.id).in_(ids[1:])).values(**what))
        assert alerts.raise_alerts(session, MORNING, ZONE) == []


def test_reposts_are_the_one_voice_of_whoever_wrote_it(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("drugs", elm, 20, text="RT @neighbour: Dealing again"))
        session.execute(sa.update(Mention).where(col(Mention.id).in_(ids)).values(repost=True))
        assert alerts.raise_alerts(session, MORNING, ZONE) == []


@pytest.mark.parametrize("what", _ADDS_NOBODY)
def test_near_copies_and_programs_add_posts_to_a_thread_but_nobody_and_no_words(
    engine: sa.Engine, what: dict[str, object]
) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("drugs", elm, 15))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        more = [
            Said(
                MORNING + timedelta(minutes=number), f"loud {number}", f"Chief Smith must go, {number}", ("drugs",), elm
            )
            for number in range(20)
        ]
        ids = street.say(session, more)
        session.execute(sa.update(Mention).where(col(Mention.id).in_(ids)).values(**what))
        alerts.raise_alerts(session, MORNING + timedelta(hours=1), ZONE)
        assert (alert.posts, alert.authors) == (35, 15)
        assert not [phrase for phrase in alert.keyphrases if "smith" in phrase]


def test_a_surge_everywhere_names_no_place(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("drugs", elm, 4) + _burst("drugs", None, 16, timedelta(hours=4)))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
    assert (alert.title, alert.place_id) == ("Drugs and alcohol: far more than usual", None)


def _talk(days: range, a_day: float, seed: int = 3, who: str = "reader", hours: int = 24) -> list[Said]:
    """Ordinary posts on any concern or none, so many a day; of today those of the last `hours`."""
    rng = np.random.default_rng(seed)
    keys = list(CONCERNS)
    return [
        Said(
            MORNING - timedelta(days=back, hours=float(rng.uniform(0, hours))),
            f"{who} {back} {number}",
            text=f"What {who} {number} saw on day {back} from the window",
            concerns=tuple(rng.choice(keys, size=rng.integers(0, 3), replace=False).tolist()),
        )
        for back in days
        for number in range(rng.poisson(a_day))
    ]


def _bring(session: Session, name: str, days: int, a_day: int) -> None:
    """A source that is heard since so many days ago, and brings so many mentions each."""
    source = session.exec(select(Source).where(col(Source.name) == name)).first() or Source(network="x", name=name)
    session.add(source)
    session.flush()
    for back in range(days, -1, -1):
        rhythm.note(session, source.id or 0, a_day, a_day, MORNING - timedelta(days=back, hours=1))


def test_sources_that_come_after_a_few_old_items_raise_nothing(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        street.say(session, _talk(range(1, 51), 0.8, who="an old feed"))
        street.say(session, _talk(range(1), 300))
        _bring(session, "a source", 0, 300)
        assert surges.find(session, MORNING, ZONE) == []


def test_a_large_source_added_to_an_old_desk_raises_nothing_for_weeks(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        street.say(session, _talk(range(31, 80), 20))
        street.say(session, _talk(range(31), 160, seed=5, who="of the new source"))
        _bring(session, "a source", 60, 20)
        _bring(session, "the new source", 30, 140)
        for back in (30, 29, 27, 23, 16, 9, 2, 0):
            assert surges.find(session, MORNING - timedelta(days=back), ZONE) == [], back


def test_what_stands_out_of_a_larger_source_too_is_told(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm = street.place(session, "Elm Street")
        street.say(session, _talk(range(3, 50), 20))
        street.say(session, _talk(range(3), 160, seed=5, who="of the new source"))
        _bring(session, "a source", 49, 20)
        _bring(session, "the new source", 2, 140)
        street.say(session, _burst("drugs", elm, 25))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
    assert (alert.title, alert.posts) == ("Drugs and alcohol near Elm Street: far more than usual", 25)


@pytest.mark.parametrize("recall", [0.5, 0.3])
@pytest.mark.parametrize("source_came", [None, 25, 50])
def test_a_surge_is_not_excused_by_its_posts_that_the_model_misses(
    engine: sa.Engine, recall: float, source_came: int | None
) -> None:
    """Whether every source was heard all the time, or a large one came weeks ago."""
    with database.writing(engine) as session:
        street.say(session, _talk(range(1, 50), 20))
        _bring(session, "a source", 50, 20)
        if source_came is not None:
            _bring(session, "the new source", source_came, 20)
        told = _burst("drugs", None, 13)
        missed = _burst("drugs", None, round(len(told) * (1 / recall - 1)), timedelta(hours=2))
        street.say(session, told + [replace(post, author=f"m{post.author}", concerns=()) for post in missed])
        assert {surge.concern for surge in surges.find(session, MORNING, ZONE)} == {"drugs"}


def test_several_surges_at_once_do_not_excuse_each_other(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, mill = _history(session)
        street.say(
            session, _burst("drugs", elm, 40) + _burst("youth_schools", mill, 40) + _burst("emergencies", None, 40)
        )
        found = surges.merged(surges.find(session, MORNING, ZONE))
    assert {surge.concern for surge in found} == {"drugs", "youth_schools", "emergencies"}


def test_what_has_no_words_counts_for_nothing_in_how_much_is_heard(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        pictures = street.hear(session, [Said(post.at, post.author, "") for post in _talk(range(3), 200)])
        session.execute(sa.update(Mention).where(col(Mention.id).in_(pictures)).values(scored_at=MORNING))
        street.say(session, _burst("drugs", elm, 8))
        _bring(session, "a source", 10, 60)
        assert {surge.concern for surge in surges.find(session, MORNING, ZONE)} == {"drugs"}


def test_one_alert_a_day_and_the_second_concern_the_day_after(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, mill = _history(session)
        street.say(session, _burst("drugs", elm, 20) + _burst("youth_schools", mill, 15))
        today = [alert.concern for alert in alerts.raise_alerts(session, MORNING, ZONE)]
        later = [alert.concern for alert in alerts.raise_alerts(session, MORNING + timedelta(hours=6), ZONE)]
        tomorrow = [alert.concern for alert in alerts.raise_alerts(session, MORNING + timedelta(hours=20), ZONE)]
    assert (today, later, tomorrow) == (["drugs"], [], ["youth_schools"])


def test_an_emergency_is_raised_beside_the_day_s_alert(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, mill = _history(session)
        street.say(session, _burst("drugs", elm, 20) + _burst("emergencies", mill, 15))
        found = [alert.concern for alert in alerts.raise_alerts(session, MORNING, ZONE)]
    assert found == ["emergencies", "drugs"]


def _crash(place_id: int, authors: int = 17, emergencies: int = 14) -> list[Said]:
    """A crash that all of them call traffic, and most an emergency too."""
    return [
        replace(post, concerns=("traffic_safety", "emergencies") if number < emergencies else post.concerns)
        for number, post in enumerate(_burst("traffic_safety", place_id, authors))
    ]


def test_an_emergency_that_is_traffic_too_is_told_whatever_was_raised_or_muted(
    engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        elm, mill = _history(session)
        street.say(session, _burst("drugs", mill, 20, timedelta(hours=5)))
        (day_s,) = alerts.raise_alerts(session, MORNING - timedelta(hours=4), ZONE)
        tuning.mute(session, "traffic_safety", MORNING + timedelta(days=1), ada, MORNING)
        street.say(session, _crash(elm))
        (crash,) = alerts.raise_alerts(session, MORNING, ZONE)
    assert (day_s.concern, crash.concern, crash.severity) == ("drugs", "emergencies", "urgent")
    assert crash.posts == 14


@pytest.mark.parametrize("authors", [14, 40])
def test_an_emergency_where_a_thread_on_traffic_is_open_is_an_alert_of_its_own(engine: sa.Engine, authors: int) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("traffic_safety", elm, 15, timedelta(hours=8)))
        (thread,) = alerts.raise_alerts(session, MORNING - timedelta(hours=7), ZONE)
        street.say(session, [replace(post, author=f"w{post.author}") for post in _crash(elm, authors, authors)])
        (crash,) = alerts.raise_alerts(session, MORNING, ZONE)
        assert alerts.raise_alerts(session, MORNING + timedelta(hours=1), ZONE) == []
        assert (thread.concern, thread.severity) == ("traffic_safety", "high")
        assert (crash.concern, crash.severity, crash.posts) == ("emergencies", "urgent", authors)


def test_what_else_goes_on_where_an_emergency_is_does_not_become_part_of_it(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("emergencies", elm, 20) + _burst("drugs", elm, 12))
        found = alerts.raise_alerts(session, MORNING, ZONE)
        assert [(alert.concern, alert.posts) for alert in found] == [("emergencies", 20), ("drugs", 12)]


@pytest.mark.parametrize(("authors", "raised"), [(40, ["emergencies", "traffic_safety"]), (28, ["emergencies"])])
def test_a_surge_of_which_an_emergency_has_less_than_half_the_posts_is_told_beside_it(
    engine: sa.Engine, authors: int, raised: list[str]
) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _crash(elm, authors, 14))
        assert [alert.concern for alert in alerts.raise_alerts(session, MORNING, ZONE)] == raised
        assert alerts.raise_alerts(session, MORNING + timedelta(minutes=5), ZONE) == []


def test_something_new_that_is_an_emergency_is_told_though_its_posts_were_alerted_as_traffic(
    engine: sa.Engine,
) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("traffic_safety", elm, 15))
        alerts.raise_alerts(session, MORNING, ZONE)
        (new,) = alerts.put(session, _new(ids[:5], ids[:5]), MORNING + timedelta(hours=1), ZONE)
        assert (new.concern, new.severity, new.posts) == ("emergencies", "urgent", 5)
        assert alerts.put(session, _new(ids[:4], ids[:4]), MORNING + timedelta(hours=2), ZONE) == []


@pytest.mark.parametrize(("p_value", "told"), [(1e-13, 1), (1e-9, 0)])
def test_an_emergency_within_a_surge_of_the_whole_town_is_told_where_it_is_more_than_a_part_of_it(
    engine: sa.Engine, p_value: float, told: int
) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("emergencies", elm, 4) + _burst("emergencies", None, 16, timedelta(hours=4)))
        (surge,) = alerts.raise_alerts(session, MORNING, ZONE)
        assert (surge.concern, surge.place_id) == ("emergencies", None)
        new = _new(ids[-5:], ids[-5:], p_value)
        assert len(alerts.put(session, new, MORNING + timedelta(hours=1), ZONE)) == told
        assert alerts.put(session, new, MORNING + timedelta(hours=2), ZONE) == []


def test_an_emergency_of_a_great_many_people_within_a_surge_stops_no_look(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("emergencies", elm, 4) + _burst("emergencies", None, 196, timedelta(hours=4)))
        assert len(alerts.raise_alerts(session, MORNING, ZONE)) == 1
        for p_value in (0.0, 1e-300):
            alerts.put(session, _new(ids[-150:], ids[-150:], p_value), MORNING + timedelta(hours=1), ZONE)
        assert [alert.title for alert in alerts.open_alerts(session)][:1] == ["New: Derailment"]


def test_posts_that_raise_two_concerns_make_one_alert(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        both = [
            Said(post.at, post.author, post.text, ("emergencies", "traffic_safety"), elm)
            for post in _burst("traffic_safety", elm, 16)
        ]
        street.say(session, both)
        first = alerts.raise_alerts(session, MORNING, ZONE)
        again = alerts.raise_alerts(session, MORNING + timedelta(hours=1), ZONE)
    assert (len(first), again) == (1, [])


def test_more_of_the_same_updates_the_thread(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("drugs", elm, 15))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        assert (alert.authors, alert.posts, alert.window_hours) == (15, 15, 24)
        street.say(
            session,
            [
                Said(MORNING + timedelta(hours=4), f"late {n}", f"And it goes on here today, {n}", ("drugs",), elm)
                for n in range(5)
            ],
        )
        assert alerts.raise_alerts(session, MORNING + timedelta(hours=6), ZONE) == []
        assert (alert.authors, alert.posts, alert.window_hours) == (20, 20, 30)
        assert alert.updated_at == MORNING + timedelta(hours=6)
        linked = session.exec(select(AlertMention).where(col(AlertMention.alert_id) == alert.id)).all()
        assert len(linked) == 20


def test_a_thread_that_grows_is_told_of_as_what_it_has_become(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        usual = [
            Said(MORNING - timedelta(days=back, hours=3), f"resident {number}", concerns=("drugs",))
            for back in range(40, 3, -1)
            for number in range(12)
        ]
        street.say(session, usual + _burst("drugs", None, 32))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        assert (alert.title, alert.severity) == ("Drugs and alcohol: more than usual", "normal")
        more = _burst("drugs", None, 60, timedelta(hours=-2))
        street.say(session, [replace(post, author=f"later {post.author}", text=f"Later: {post.text}") for post in more])
        assert alerts.raise_alerts(session, MORNING + timedelta(hours=3), ZONE) == []
        assert alert.authors == 92
        assert (alert.title, alert.severity) == ("Drugs and alcohol: far more than usual", "high")


def test_the_same_posts_never_raise_a_second_alert(engine: sa.Engine, person: Callable[..., Person]) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        elm, _ = _history(session)
        street.say(session, _burst("drugs", elm, 20))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        alerts.resolve(session, alert.id or 0, ada, MORNING)
        assert alerts.raise_alerts(session, MORNING + timedelta(hours=40), ZONE) == []


def test_a_closed_concern_stays_quiet_for_a_day_and_then_may_be_raised_again(
    engine: sa.Engine, person: Callable[..., Person]
) -> None:
    later = timedelta(hours=8)
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        elm, _ = _history(session)
        street.say(session, _burst("drugs", elm, 12))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        alerts.not_a_concern(session, alert.id or 0, ada, MORNING)
        street.say(
            session,
            [
                Said(MORNING + later, f"new {n}", f"Something else entirely now, {n}", ("drugs",), elm)
                for n in range(60)
            ],
        )
        quiet = alerts.raise_alerts(session, MORNING + timedelta(hours=23), ZONE)
        raised = alerts.raise_alerts(session, MORNING + timedelta(hours=26), ZONE)
    assert (quiet, [one.concern for one in raised]) == ([], ["drugs"])


def test_one_worry_that_some_call_traffic_and_some_schools_is_one_alert(engine: sa.Engine) -> None:
    """Neither concern alone stands out; the place does, and is named by what most raise."""
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("traffic_safety", elm, 6) + _burst("youth_schools", elm, 4, timedelta(hours=2)))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        street.say(
            session,
            [
                Said(
                    MORNING + timedelta(hours=1, minutes=n),
                    f"p{n}",
                    f"The school run is a worry, {n}",
                    ("youth_schools",),
                    elm,
                )
                for n in range(12)
            ],
        )
        again = alerts.raise_alerts(session, MORNING + timedelta(hours=2), ZONE)
    assert (alert.title, alert.posts, again) == ("Youth and schools near Elm Street: far more than usual", 22, [])


def test_a_place_as_a_whole_passes_what_its_leading_concern_must(engine: sa.Engine) -> None:
    """By "fewer", and by what officers said of the concern's alerts before."""
    with database.writing(engine) as session:
        elm, _ = _history(session)
        schools = _burst("youth_schools", elm, 2)
        street.say(
            session, _burst("traffic_safety", elm, 4) + [replace(post, text=f"{post.text}!") for post in schools]
        )

        def whole(tuned: Tuning) -> list[str]:
            return [surge.concern for surge in surges.find(session, MORNING, ZONE, tuned) if surge.whole_place]

        assert whole(Tuning(sensitivity={"drugs": "fewer"}, learnt={"youth_schools": 1 / 16})) == ["traffic_safety"]
        assert whole(Tuning(learnt={"traffic_safety": 1 / 16})) == []
        assert whole(Tuning(sensitivity={"traffic_safety": "fewer"}, learnt={"traffic_safety": 1 / 4})) == []


def _at_the_same_place(session: Session, concern: str, later: timedelta) -> list[str]:
    """A thread on drugs at Elm Street, and what is raised when another concern surges there so much later."""
    elm, _ = _history(session)
    street.say(session, _burst("drugs", elm, 12))
    alerts.raise_alerts(session, MORNING, ZONE)
    street.say(
        session,
        [
            Said(MORNING + later - timedelta(minutes=n), f"q{n}", f"It happened right here, {n}", (concern,), elm)
            for n in range(15)
        ],
    )
    return [alert.concern for alert in alerts.raise_alerts(session, MORNING + later, ZONE)]


def test_another_concern_at_the_place_joins_a_fresh_thread(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        assert _at_the_same_place(session, "nuisance_disorder", timedelta(hours=30)) == []
        (alert,) = alerts.open_alerts(session)
        assert (alert.concern, alert.posts) == ("nuisance_disorder", 27)


def test_another_concern_at_the_place_is_news_after_three_days(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        assert _at_the_same_place(session, "nuisance_disorder", timedelta(hours=80)) == ["nuisance_disorder"]


def test_an_emergency_at_the_place_is_news_at_once(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        assert _at_the_same_place(session, "emergencies", timedelta(hours=6)) == ["emergencies"]


def test_a_thread_without_a_place_gets_the_one_that_turns_out_to_carry_it(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        street.say(session, _burst("drugs", None, 12))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        assert alert.title == "Drugs and alcohol: far more than usual"
        street.say(
            session,
            [
                Said(MORNING + timedelta(minutes=n), f"r{n}", f"Dealing on our corner, {n}", ("drugs",), elm)
                for n in range(30)
            ],
        )
        assert alerts.raise_alerts(session, MORNING + timedelta(hours=1), ZONE) == []
        assert (alert.place_id, alert.posts, alert.authors) == (elm, 30, 30)
        assert alert.title == "Drugs and alcohol near Elm Street: far more than usual"


def test_a_mention_of_an_open_alert_that_was_deleted_stops_no_look(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("drugs", elm, 15))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        counts.subtract(session, ids[:1])
        mentions.remove(session, ids[:1])
        assert alerts.raise_alerts(session, MORNING + timedelta(minutes=5), ZONE) == []
        assert (alert.posts, alert.authors) == (14, 14)
        assert alerts.mentions_of(session, alert.id or 0) == set(ids[1:])


def test_what_was_deleted_or_hidden_between_look_and_put_is_left_out(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, mill = _history(session)
        ids = street.say(session, _burst("drugs", elm, 15))
        street.say(session, _burst("emergencies", mill, 15))
    with database.reading(engine) as session:
        found = alerts.find(session, MORNING, ZONE)
    with database.writing(engine) as session:
        mentions.remove(session, ids[:2])
        mentions.hide(session, ids[2:3])
    with database.writing(engine) as session:
        raised = {alert.concern: alert for alert in alerts.put(session, found, MORNING, ZONE)}
        assert set(raised) == {"drugs", "emergencies"}
        assert (raised["drugs"].posts, raised["drugs"].authors) == (12, 12)
        assert alerts.mentions_of(session, raised["drugs"].id or 0) == set(ids[3:])


def test_what_lost_most_of_its_posts_between_look_and_put_waits_for_the_next_look(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        ids = street.hear(session, [Said(MORNING, f"rider {number}") for number in range(9)])
    with database.writing(engine) as session:
        mentions.remove(session, ids[1:3])
        mentions.hide(session, ids[4:6])
        mentions.remove(session, ids[6:])
    with database.writing(engine) as session:
        found = [_new(ids[start : start + 3], ids[start : start + 3]) for start in (0, 3, 6)]
        assert [alerts.put(session, one, MORNING, ZONE) for one in found] == [[], [], []]


def test_what_is_hidden_raises_nothing(engine: sa.Engine) -> None:
    with database.writing(engine) as session:
        elm, _ = _history(session)
        ids = street.say(session, _burst("drugs", elm, 20))
        session.execute(sa.update(Mention).where(col(Mention.id).in_(ids)).values(shown=False))
        assert surges.find(session, MORNING, ZONE) == []


def _alert(session: Session) -> int:
    alert = Alert(
        kind="cell",
        concern="drugs",
        title="Drugs and alcohol: more than usual",
        raised_at=MORNING,
        since=MORNING,
        updated_at=MORNING,
        window_hours=24,
        posts=5,
        authors=5,
        expected=1.0,
        p_value=1e-6,
    )
    session.add(alert)
    session.flush()
    return alert.id or 0


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        (["take"], "taken"),
        (["take", "take"], "taken"),
        (["take", "resolve"], "resolved"),
        (["resolve", "reopen"], "new"),
        (["not_a_concern"], "not_a_concern"),
        (["take", "not_a_concern", "reopen", "take"], "taken"),
    ],
)
def test_an_alert_goes_from_hand_to_hand_and_each_step_is_on_record(
    sqlite_engine: sa.Engine, person: Callable[..., Person], steps: list[str], state: str
) -> None:
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        number = _alert(session)
        for step in steps:
            alert = getattr(alerts, step)(session, number, ada, MORNING)
        assert alert.state == state
        assert (alert.closed_at is None) is (state in alerts.OPEN)
        assert alert.taken_by == (ada if "take" in steps and steps[-1] != "reopen" else None)
        session.flush()
        recorded = session.exec(select(AuditEntry.action).where(col(AuditEntry.subject) == f"alert:{number}")).all()
    assert recorded == [f"alert.{step}" for step in steps]


@pytest.mark.parametrize("action", ["take", "resolve", "not_a_concern"])
def test_a_closed_alert_is_not_closed_again(
    sqlite_engine: sa.Engine, person: Callable[..., Person], action: str
) -> None:
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        number = _alert(session)
        alerts.resolve(session, number, ada, MORNING)
        with pytest.raises(alerts.WrongState, match="resolved already"):
            getattr(alerts, action)(session, number, ada, MORNING)


def test_an_alert_that_does_not_exist_cannot_be_taken(sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session, pytest.raises(alerts.WrongState, match="no such alert"):
        alerts.take(session, 99, 1, MORNING)


def _new(mention_ids: Sequence[int], kin: Sequence[int], p_value: float = 1e-6) -> alerts.Found:
    """Something new that is an emergency; `kin`: posts that mean much the same."""
    topic = Topic(
        concern="emergencies",
        place_id=None,
        title="New: Derailment",
        keyphrases=("derailment",),
        mention_ids=frozenset(mention_ids),
        kin=frozenset(kin),
        hours=2,
        authors=len(mention_ids),
        expected=0.1,
        p_value=p_value,
        since=MORNING,
    )
    return alerts.Found([], [topic], Tuning())


@pytest.mark.parametrize(("hours", "kin", "threads"), [(3, 3, 1), (3, 1, 2), (30, 3, 2)])
def test_one_emergency_in_other_words_is_an_update_of_its_thread(
    hours: int, kin: int, threads: int, engine: sa.Engine
) -> None:
    """`kin`: of the first three posts, how many mean what the later ones do."""
    with database.writing(engine) as session:
        said = [Said(MORNING - timedelta(minutes=number), f"rider {number}") for number in range(6)]
        ids = street.hear(session, said)
        alerts.put(session, _new(ids[:3], ids[:3]), MORNING, ZONE)
        alerts.put(session, _new(ids[3:], [*ids[:kin], *ids[3:]]), MORNING + timedelta(hours=hours), ZONE)
        raised = alerts.all_alerts(session)
        assert len(raised) == threads
        assert raised[-1].posts == (6 if threads == 1 else 3)


@pytest.mark.parametrize("raise_it", ["emerging", "cell"])
@pytest.mark.parametrize("marked_by", ["officer", "model"])
def test_what_is_withdrawn_as_a_protest_leaves_an_alert_with_its_words(
    raise_it: str, marked_by: str, engine: sa.Engine, person: Callable[..., Person]
) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        elm, _ = _history(session)
        said = [
            replace(post, text=f"Blockade at the bridge, says number {n}")
            for n, post in enumerate(_burst("drugs", elm))
        ]
        said.append(replace(said[0], text="Blockade at the bridge, as I said before"))  # by one who is there already
        ids = street.say(session, said)
        found = _new(ids, ids) if raise_it == "emerging" else alerts.find(session, MORNING, ZONE)
        (alert,) = alerts.put(session, found, MORNING, ZONE)
        before = alert.authors
        assert alert.keyphrases
    for one in (ids[1], ids[-1]):
        if marked_by == "officer":
            with database.writing(engine) as session:
                inbox.correct(session, one, ada, MORNING, ZONE, concerns=["protest_public_order"])
        else:
            with database.writing(engine) as session:
                mentions.reword(session, {one: "Join the protest at the bridge"}, MORNING)
                counts.subtract(session, [one])
                scoring.forget(session, [one])
            scoring.score_pending(engine, WordReader(), MORNING, zone=ZONE)
    with database.reading(engine) as session:
        (alert,) = alerts.all_alerts(session)
        assert alerts.mentions_of(session, alert.id or 0) == set(ids) - {ids[1], ids[-1]}
        assert (alert.posts, alert.authors, alert.keyphrases) == (14, before - 1, [])
        assert alert.title == {
            "emerging": "New: Emergencies",
            "cell": "Drugs and alcohol near Elm Street: far more than usual",
        }.get(raise_it)


@pytest.mark.parametrize("state", ["new", "taken"])
def test_an_alert_whose_posts_are_all_withdrawn_is_closed_and_keeps_nothing_quiet(
    state: str, engine: sa.Engine, person: Callable[..., Person]
) -> None:
    later = MORNING + timedelta(hours=2)
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        elm, _ = _history(session)
        ids = street.say(session, _burst("emergencies", elm, 8))
        (alert,) = alerts.raise_alerts(session, MORNING, ZONE)
        if state == "taken":
            alerts.take(session, alert.id or 0, ada, MORNING)
        for one in ids:
            inbox.correct(session, one, ada, MORNING, ZONE, concerns=["protest_public_order"])
        assert (alert.posts, alert.state, alert.closed_at) == (0, "not_a_concern", MORNING)
        closed = select(AuditEntry).where(col(AuditEntry.action) == "alert.not_a_concern")
        (entry,) = session.exec(closed).all()
        assert (entry.person_id, entry.subject, entry.detail) == (
            None,
            f"alert:{alert.id}",
            {"from": state, "to": "not_a_concern"},
        )
        assert tuning.read(session, later).learnt["emergencies"] == 1.0
        fire = _burst("emergencies", elm, 8, timedelta(hours=-2))
        again = street.say(session, [replace(post, author=f"w{post.author}") for post in fire])
        (new,) = alerts.raise_alerts(session, later, ZONE)
        assert alerts.mentions_of(session, new.id or 0) == set(again)


def test_an_alert_whose_posts_are_all_withdrawn_names_nobody(engine: sa.Engine, person: Callable[..., Person]) -> None:
    with database.writing(engine) as session:
        ada = person(session, "Ada", Role.OFFICER).id or 0
        ids = street.say(session, _burst("drugs", None, 3))
        alerts.put(session, _new(ids, ids), MORNING, ZONE)
        for one in ids:
            inbox.correct(session, one, ada, MORNING, ZONE, concerns=["protest_public_order"])
        (alert,) = alerts.all_alerts(session)
        assert (alert.posts, alert.authors, alert.keyphrases, alert.title) == (0, 0, [], "New: Emergencies")
