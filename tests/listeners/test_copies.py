"""What many people post word for word is listed once, and counted as often as it was said."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlmodel import col, select

from config import database
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from listeners import copies, mentions, places, triage
from listeners.tables import CopyBand, Mention, Source
from networks.network import RemoteMention
from scheduler.jobs import expiry
from sentiment import counts, scoring
from tests.listeners import said
from tests.sentiment.reader import WordReader
from tests.sentiment.street import ZONE

BRIGADE = "The officers at the river bridge turned everybody away this morning and nobody was told why"
OTHER = "Coffee with the neighbourhood team at the library was lovely, we talked about lights on our block"
THIRD = "My neighbour's bicycle was stolen from the yard again, third time since summer, please patrol more"
Say = Callable[..., list[int]]


@pytest.fixture
def say(engine: sa.Engine, keys: Keys, settings: Settings, now: datetime) -> Say:
    """`say(text, …)`: each by another author, taken in and read; their numbers."""
    source, number = said.a_source(engine, now), 0

    def take(*texts: str, read: bool = True, **more: bool) -> list[int]:
        nonlocal number
        posts = []
        for text in texts:
            number += 1
            posts.append(RemoteMention(str(number), text, now, f"author {number}", **more))  # type: ignore[arg-type]
        said.take_in(engine, source, posts, keys, settings, now)
        if read:
            said.read_all(engine, now)
        return [one.id or 0 for one in said.stored(engine)[-len(texts) :]]

    return take


def bands(engine: sa.Engine) -> set[int]:
    """The mentions that keep bands."""
    with database.reading(engine) as session:
        return set(session.exec(select(CopyBand.mention_id)))


def take_away(engine: sa.Engine, *ids: int) -> None:
    """As a deletion upstream does."""
    with database.writing(engine) as session:
        counts.subtract(session, ids)
        mentions.remove(session, ids)


def reword(engine: sa.Engine, number: int, text: str, now: datetime) -> None:
    """As an edit upstream does."""
    with database.writing(engine) as session:
        counts.subtract(session, [number])
        scoring.forget(session, [number])
        mentions.reword(session, {number: text}, now)


@pytest.mark.parametrize(
    "changed",
    [
        BRIGADE.upper(),
        f"{BRIGADE}!!! 😡😡",
        f"@RivertonPD {BRIGADE} #RiverBridge",
        f"{BRIGADE} https://t.example/a8Zk2",
        f"12:45, 3/4: {BRIGADE} (2,417)",
        BRIGADE.replace("bridge", "brídge").replace(" ", "  "),
        BRIGADE.replace("everybody", "everyone"),
        f"RT @nan: {BRIGADE}",
    ],
)
def test_a_copy_is_found_whatever_was_hung_on_it(engine: sa.Engine, say: Say, changed: str) -> None:
    first, _copy = say(BRIGADE, changed)
    assert said.listed(engine) == {first: 1}


@pytest.mark.parametrize(
    "text",
    [
        "Thank you officers!",
        "Thank you so much, officers 💙",
        "gracias a todos",
        "👍👍👍",
        "",
        "https://t.example/1 @rpd 5",
    ],
)
def test_two_short_thanks_are_two_thanks(engine: sa.Engine, say: Say, text: str) -> None:
    assert copies.shape(text) is None
    if text:
        say(text, text)
        assert list(said.listed(engine).values()) == [0, 0]


def test_two_posts_about_the_same_thing_in_other_words_are_both_listed(engine: sa.Engine, say: Say) -> None:
    say(BRIGADE, "This morning at the bridge the police sent all of us back, without one word about the reason", OTHER)
    assert list(said.listed(engine).values()) == [0, 0, 0]


WORD = st.text(st.characters(categories=["L"]), min_size=1, max_size=9)
WORDS = st.lists(WORD, min_size=8, max_size=30).map(" ".join)
IDLE = st.one_of(
    st.sampled_from(["@nan", "#elm", "https://t.example/x?y=1", "🚨", "…", "(!)", "12:30", "3.5", "1,000"]),
    st.integers(0, 10**9).map(str),
)


@how(deadline=None)  # the first one loads the library
@given(WORDS, st.lists(st.tuples(st.integers(0, 40), IDLE), max_size=8))
def test_numbers_links_handles_and_signs_between_the_words_change_nothing(
    text: str, hung: list[tuple[int, str]]
) -> None:
    words = text.split(" ")
    for place, sign in hung:
        words.insert(min(place, len(words)), sign)
    assert copies.shape(" ".join(words)) == copies.shape(text)


@how(deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_likeness_is_one_with_itself_and_the_same_both_ways(one: str, other: str) -> None:
    first, second = copies.shape(one), copies.shape(other)
    if first is not None:
        assert copies.alike(first, first) == 1
        assert len(first.bands) == copies.BANDS
        assert all(-(2**63) <= band < 2**63 for band in first.bands)
    if first is not None and second is not None:
        assert copies.alike(first, second) == copies.alike(second, first) <= 1


def test_a_copy_is_counted_and_still_found_under_the_first(engine: sa.Engine, say: Say) -> None:
    first, *others = say(BRIGADE, BRIGADE, OTHER, BRIGADE)
    assert said.listed(engine) == {others[1]: 0, first: 2}
    assert said.counted(engine) == 4


def test_a_later_copy_joins_the_first_across_batches(engine: sa.Engine, say: Say) -> None:
    (first,) = say(BRIGADE)
    say(OTHER)
    say(f"{BRIGADE} 2")
    say(f"{BRIGADE} 3")
    assert said.listed(engine)[first] == 2
    assert first in bands(engine)
    assert len(bands(engine)) == 2


def test_a_repost_that_came_before_its_original_is_not_the_one_listed(engine: sa.Engine, say: Say) -> None:
    _repost, original = say(f"RT @nan: {BRIGADE}", BRIGADE)
    assert said.listed(engine) == {original: 1}


def test_what_a_person_says_is_listed_though_a_program_said_it_before(engine: sa.Engine, say: Say) -> None:
    say(BRIGADE, automatic=True)
    (person,) = say(BRIGADE)
    assert said.listed(engine) == {person: 0}


def test_reposts_are_counted_under_their_original_and_not_listed(engine: sa.Engine, say: Say) -> None:
    (original,) = say(BRIGADE)
    say(f"RT @nan: {BRIGADE}", f"RT @bo: {BRIGADE}")
    say(BRIGADE, repost=True)
    assert (said.listed(engine), said.counted(engine)) == ({original: 3}, 4)


def test_when_the_first_goes_its_oldest_copy_stands_in_its_place(engine: sa.Engine, say: Say) -> None:
    first, second, _third = say(BRIGADE, BRIGADE, BRIGADE)
    take_away(engine, first)
    assert (said.listed(engine), said.counted(engine)) == ({second: 1}, 2)
    say(BRIGADE)
    assert said.listed(engine) == {second: 2}


def test_the_one_that_stands_in_is_dealt_with_as_far_as_the_first_was(
    engine: sa.Engine, say: Say, now: datetime, person: Callable[..., Person]
) -> None:
    first, second = say(BRIGADE, BRIGADE)
    with database.writing(engine) as session:
        who = person(session, "Ana Ortega").id or 0
        triage.assign(session, first, who, now)
    take_away(engine, first)
    with database.reading(engine) as session:
        heir = session.get_one(Mention, second)
    assert (heir.state, heir.assigned_to, heir.copy_of) == ("assigned", who, None)


def test_no_repost_stands_in_for_what_is_gone(engine: sa.Engine, say: Say) -> None:
    (first,) = say(BRIGADE)
    say(f"RT @nan: {BRIGADE}")
    (copy,) = say(BRIGADE)
    take_away(engine, first)
    assert said.listed(engine) == {copy: 1}
    take_away(engine, copy)
    assert (said.listed(engine), bands(engine)) == ({}, set())


def test_all_of_a_group_may_go_at_once(engine: sa.Engine, say: Say) -> None:
    first, second, third = say(BRIGADE, BRIGADE, BRIGADE)
    take_away(engine, first, second)
    assert (said.listed(engine), bands(engine)) == ({third: 0}, {third})


def test_a_first_that_changes_its_words_leaves_the_group_and_may_join_another(
    engine: sa.Engine, say: Say, now: datetime
) -> None:
    first, second, third, other = say(BRIGADE, BRIGADE, BRIGADE, OTHER)
    reword(engine, first, OTHER, now)
    assert (said.listed(engine), said.counted(engine)) == ({other: 0, second: 1}, 3)
    said.read_all(engine, now)
    assert (said.listed(engine), said.counted(engine)) == ({other: 1, second: 1}, 4)
    assert bands(engine) == {second, other}
    assert third not in said.listed(engine)


def test_a_place_that_the_old_words_named_goes_with_them(engine: sa.Engine, say: Say, now: datetime) -> None:
    with database.writing(engine) as session:
        places.add(session, "River Bridge", [])
    (number,) = say("Long waits at the River Bridge today")
    assert said.stored(engine)[0].place_id is not None
    reword(engine, number, "Long waits today", now)
    said.read_all(engine, now)
    assert (said.stored(engine)[0].place_id, said.stored(engine)[0].place_sure) == (None, None)


def test_what_is_left_out_whole_keeps_no_bands(engine: sa.Engine, say: Say) -> None:
    say(f"{BRIGADE}, come to the protest")
    assert (said.listed(engine), bands(engine)) == ({}, set())


def test_the_copy_of_one_that_is_left_out_stands_for_the_group(engine: sa.Engine, say: Say) -> None:
    """The reader took the first for a never-tracked concern, and its copies not."""
    _first, second, _third = say(f"protest {BRIGADE}", BRIGADE, BRIGADE)
    assert said.listed(engine) == {second: 1}
    say(BRIGADE)
    assert said.listed(engine) == {second: 2}


def test_when_the_first_is_deleted_while_the_model_reads_the_next_stands_in(
    engine: sa.Engine, say: Say, now: datetime
) -> None:
    first, second, third = say(BRIGADE, BRIGADE, BRIGADE, read=False)

    class Slow(WordReader):
        def read(self, texts):  # type: ignore[no-untyped-def]
            take_away(engine, first)
            return super().read(texts)

    scoring.score_pending(engine, Slow(), now, zone=ZONE)
    assert (said.listed(engine), bands(engine)) == ({second: 1}, {second})
    assert third


def test_bands_are_forgotten_after_a_week_and_the_same_words_begin_anew(
    engine: sa.Engine, say: Say, now: datetime, settings: Settings, keys: Keys
) -> None:
    (first,) = say(BRIGADE)
    later = now + copies.WINDOW
    expiry.expire(engine, settings, later)
    assert bands(engine) == {first}
    expiry.expire(engine, settings, later + timedelta(seconds=1))
    assert bands(engine) == set()
    with database.reading(engine) as session:
        source = session.exec(select(Source.id)).one() or 0
    post = RemoteMention("again", BRIGADE, later + timedelta(days=1), "author")
    said.take_in(engine, source, [post], keys, settings, later + timedelta(days=1))
    said.read_all(engine, later)
    assert list(said.listed(engine).values()) == [0, 0]


def test_when_the_first_expires_what_it_counted_stays_and_a_copy_is_listed(
    engine: sa.Engine, say: Say, now: datetime, settings: Settings
) -> None:
    first, second = say(BRIGADE, BRIGADE)
    with database.writing(engine) as session:
        session.execute(sa.update(Mention).where(col(Mention.id) == first).values(expires_at=now))
    expiry.expire(engine, settings, now)
    assert (said.listed(engine), said.counted(engine)) == ({second: 0}, 2)


TEXTS = (BRIGADE, OTHER, THIRD)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99)), min_size=1, max_size=4)),
        st.tuples(st.just("take away"), st.lists(st.integers(0, 30), min_size=1, max_size=3)),
        st.tuples(st.just("reword"), st.tuples(st.integers(0, 30), st.integers(0, 2))),
        st.tuples(st.just("read"), st.none()),
    ),
    max_size=12,
)


@how(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_whatever_happens_each_group_is_listed_once_and_adds_up_to_what_was_said(
    engine: sa.Engine, say: Say, now: datetime, acts: list[tuple[str, Any]]
) -> None:
    with database.writing(engine) as session:
        ids = [number for number in session.exec(select(Mention.id)) if number is not None]
        counts.subtract(session, ids)
        mentions.remove(session, ids)
    alive: dict[int, int] = {}  # number -> which text
    for act, what in acts:
        if act == "say":
            which = [text for text, _ in what]
            numbers = say(*(f"{TEXTS[text]} {number}" for text, number in what), read=False)
            alive |= dict(zip(numbers, which, strict=True))
        elif act == "take away":
            going = {sorted(alive)[place % len(alive)] for place in what if alive}
            take_away(engine, *going)
            alive = {number: text for number, text in alive.items() if number not in going}
        elif act == "reword" and alive:
            place, text = what
            number = sorted(alive)[place % len(alive)]
            if alive[number] != text:
                reword(engine, number, TEXTS[text], now)
                alive[number] = text
        elif act == "read":
            said.read_all(engine, now)
    said.read_all(engine, now)
    found = said.listed(engine)
    by_text = {alive[number]: more for number, more in found.items()}
    assert len(by_text) == len(found)
    assert by_text == {text: list(alive.values()).count(text) - 1 for text in set(alive.values())}
    assert said.counted(engine) == len(alive)
    assert bands(engine) == set(found)
