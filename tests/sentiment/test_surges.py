"""Which surges are one, and whose voices count."""

from sentiment import surges
from sentiment.surges import Said, Surge


def _surge(concern: str, place_id: int | None, ids: range, authors: int | None = None, expected: float = 1.0) -> Surge:
    return Surge(
        concern=concern,
        place_id=place_id,
        whole_place=False,
        hours=24,
        authors=authors or len(ids),
        expected=expected,
        p_value=1e-7,
        once_in_days=900,
        mention_ids=frozenset(ids),
    )


def test_surges_that_share_half_their_posts_are_the_one_with_most_authors() -> None:
    most, less = _surge("traffic_safety", None, range(20)), _surge("youth_schools", None, range(14, 26))
    assert surges.merged([most, less]) == [most]


def test_surges_that_share_less_stay_two() -> None:
    one, two = _surge("traffic_safety", None, range(20)), _surge("drugs", None, range(16, 30))
    assert surges.merged([one, two]) == [one, two]


def test_the_place_that_carries_a_concern_stands_for_it() -> None:
    everywhere, at_place = _surge("drugs", None, range(20), expected=6.0), _surge("drugs", 3, range(10), expected=0.2)
    assert surges.merged([everywhere, at_place]) == [at_place]


def test_a_place_with_a_small_part_of_it_does_not() -> None:
    everywhere, at_place = _surge("drugs", None, range(30), expected=2.0), _surge("drugs", 3, range(8), expected=0.2)
    assert surges.merged([everywhere, at_place]) == [everywhere]


def test_two_concerns_at_one_place_are_one_but_an_emergency_is_its_own() -> None:
    one, two = _surge("drugs", 3, range(20)), _surge("nuisance_disorder", 3, range(20, 35))
    urgent = _surge("emergencies", 3, range(40, 50))
    assert surges.merged([one, two, urgent]) == [urgent, one]
    larger = _surge("emergencies", 3, range(40, 80))
    assert surges.merged([larger, one, two]) == [larger, one]


def test_an_emergency_takes_in_what_its_posts_make_up_and_is_taken_in_by_nothing() -> None:
    urgent = _surge("emergencies", 3, range(14))
    assert surges.merged([_surge("traffic_safety", 3, range(17)), urgent]) == [urgent]
    much_else = _surge("traffic_safety", 3, range(60))
    assert surges.merged([much_else, urgent]) == [urgent, much_else]


def test_copies_of_another_s_words_are_no_voice_of_their_own() -> None:
    said = [
        Said(b"a", "Free phones for all of Riverton, click here http://one.example"),
        Said(b"b", "free phones for all of  Riverton, click here http://two.example"),
        Said(b"c", "@a Free phones for all of Riverton, click here"),
        Said(b"d", "Is this about phones really what the feed is for?"),
    ]
    assert len(surges.voices(said)) == 2


def test_short_words_and_lost_texts_count_as_one_s_own() -> None:
    said = [Said(b"a", "Slow down!"), Said(b"b", "Slow down!"), Said(b"c", ""), Said(b"d", "")]
    assert len(surges.voices(said)) == 4


def test_the_first_repost_stands_for_whoever_wrote_it_however_short() -> None:
    passed_on = [Said(who, "RT @neighbour: Slow down!", repost=True) for who in (b"a", b"b", b"c")]
    assert surges.voices(passed_on) == {b"a"}
    written = Said(b"w", "Somebody will be hurt at this corner soon")
    assert surges.voices([written, Said(b"a", f"RT @w: {written.text}", repost=True)]) == {b"w"}


def test_one_who_is_copied_and_copies_too_still_has_a_voice() -> None:
    said = [
        Said(b"a", "Somebody will be hurt at this corner soon"),
        Said(b"b", "Somebody will be hurt at this corner soon"),
        Said(b"b", "And nobody in that building seems to care"),
    ]
    assert len(surges.voices(said)) == 2
