"""How Bluesky counts, the record key of a post, and the walk over pages that never skips one."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.bluesky.hearing import OVERLAP, PAGE, Heard, step
from networks.bluesky.session import Refused
from networks.bluesky.words import LIMITS, graphemes, tid
from networks.network import Outgoing, RemoteMention
from posts.drafts import new_key

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FAMILY, FLAG, ACCENTED = "👨‍👩‍👧‍👦", "🇲🇽", "ö̲"
KEYS = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("né", 2), (FAMILY, 1), (FLAG * 3, 3), (ACCENTED, 1), ("a\r\nb", 3)]
)
def test_what_a_reader_takes_for_one_character_counts_one(text: str, length: int) -> None:
    assert graphemes(text) == length


def problems(text: str) -> list[str]:
    return [problem.message for problem in LIMITS.problems(Outgoing(key="", text=text))]


def test_the_limit_is_in_characters_and_in_bytes() -> None:
    assert problems(FLAG * 300) == []
    assert problems(FLAG * 301) == ["The text is 1 character too long; the limit is 300."]
    assert problems(FAMILY * 121) == [
        "Bluesky takes 3000 bytes and this is 25 more: emoji and some scripts take several bytes a character."
    ]


@given(KEYS)
def test_a_key_has_one_record_key_of_the_form_that_the_protocol_asks(key: str) -> None:
    found = tid(key)
    assert (len(found), found) == (13, tid(key))
    assert found[0] in "234567abcdefghij"
    assert set(found) <= set("234567abcdefghijklmnopqrstuvwxyz")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)), st.integers(1, 10**6))  # noqa: DTZ001
def test_record_keys_sort_as_their_times_do(at: datetime, milliseconds: int) -> None:
    early, late = at.replace(tzinfo=UTC), at.replace(tzinfo=UTC) + timedelta(milliseconds=milliseconds + 1)
    assert tid(new_key(early)) < tid(new_key(late))


def test_keys_of_one_moment_have_record_keys_of_their_own() -> None:
    assert len({tid(new_key(NOW)) for _ in range(1000)}) > 990


class Pager:
    """A list of items, newest first, in pages; `cursor` is the place where the next page begins."""

    def __init__(self, ages: Sequence[int], size: int) -> None:
        self.items = [
            Heard(NOW - timedelta(minutes=age), RemoteMention(str(age), "words", NOW - timedelta(minutes=age)))
            for age in sorted(ages)
        ]
        self.size = size

    def __call__(self, cursor: str | None) -> tuple[Sequence[Heard], str | None]:
        start = int(cursor or 0)
        page = self.items[start : start + self.size]
        return page, str(start + self.size) if start + self.size < len(self.items) else None


def walk(pager: Pager, cursor: str | None, now: datetime = NOW) -> tuple[list[str], str | None]:
    """A walk to its end: every remote id that it gave, and the cursor that is left."""
    found: list[str] = []
    while True:
        page = step(cursor, pager, now)
        found += [one.remote_id for one in page.mentions]
        cursor = page.cursor
        if not page.more:
            return found, cursor


@given(st.sets(st.integers(0, 9000), max_size=40), st.integers(1, 7), st.sets(st.integers(-500, -1), max_size=10))
def test_a_second_walk_gives_all_that_came_since_and_little_again(old: set[int], size: int, later: set[int]) -> None:
    first, cursor = walk(Pager(sorted(old), size), None)
    assert {int(one) for one in first} == old
    again, _ = walk(Pager(sorted(old | later), size), cursor, NOW + timedelta(minutes=501))
    newest = min(old, default=None)
    near = {age for age in old if newest is not None and age - newest <= OVERLAP.total_seconds() / 60}
    assert later <= {int(one) for one in again}
    assert {int(one) for one in again} - later <= near | (old if newest is None else set())


def test_a_crash_between_two_pages_repeats_one_and_skips_none() -> None:
    pager = Pager(range(20), 5)
    one = step(None, pager, NOW)
    repeated = step(one.cursor, pager, NOW)
    assert step(one.cursor, pager, NOW) == repeated
    rest, _ = walk(pager, one.cursor)
    assert {found.remote_id for found in one.mentions} | set(rest) == {str(age) for age in range(20)}


def test_a_post_that_says_it_is_of_tomorrow_hides_no_later_one() -> None:
    pager = Pager([-1440, 3], PAGE)
    _, cursor = walk(pager, None)
    assert json.loads(cursor or "{}")["since"] == NOW.isoformat()
    found, _ = walk(Pager([-1440, -2, 3], PAGE), cursor, NOW + timedelta(minutes=10))
    assert "-2" in found


def test_a_search_that_goes_back_no_further_ends_its_walk_and_says_what_it_lost() -> None:
    pager = Pager(range(20), 5)

    def short(cursor: str | None) -> tuple[Sequence[Heard], str | None]:
        if int(cursor or 0) >= 10:
            raise Refused("cursor: at most 10000", "InvalidRequest")
        return pager(cursor)

    found, cursor, lost = (
        list[str](),
        json.dumps({"since": (NOW - timedelta(minutes=15)).isoformat()}),
        list[tuple[datetime, datetime] | None](),
    )
    for _ in range(3):
        page = step(cursor, short, NOW, bounded=True)
        found, cursor, lost = [*found, *(one.remote_id for one in page.mentions)], page.cursor or "", [*lost, page.lost]
    assert (found, page.more) == ([str(age) for age in range(10)], False)
    assert lost == [None, None, (NOW - timedelta(minutes=15), NOW - timedelta(minutes=9))]  # as far as it came
    again = step(cursor, short, NOW + timedelta(minutes=1), bounded=True)
    assert again.mentions
    with pytest.raises(Refused):  # at its start that is an error like any other
        step(None, lambda _: short("10"), NOW, bounded=True)


@pytest.mark.parametrize(("bounded", "name"), [(False, "InvalidRequest"), (True, "NotFound"), (True, "")])
def test_any_other_refusal_in_the_midst_of_a_walk_leaves_it_where_it_is(bounded: bool, name: str) -> None:
    pager = Pager(range(20), 5)
    first = step(None, pager, NOW, bounded=bounded)

    def refused(cursor: str | None) -> tuple[Sequence[Heard], str | None]:
        raise Refused("not now", name)

    with pytest.raises(Refused):
        step(first.cursor, refused, NOW, bounded=bounded)
    rest, _ = walk(pager, first.cursor)
    assert len(rest) == 15


def test_a_search_that_is_cut_off_where_it_had_read_before_lost_nothing() -> None:
    pager = Pager(range(20), 5)

    def short(cursor: str | None) -> tuple[Sequence[Heard], str | None]:
        if int(cursor or 0) >= 5:
            raise Refused("invalid value for 'cursor'", "")
        return pager(cursor)

    first = step(json.dumps({"since": (NOW - timedelta(minutes=4)).isoformat()}), short, NOW, bounded=True)
    ended = step(first.cursor, short, NOW, bounded=True)
    assert (first.more, ended.more, ended.lost) == (True, False, None)
