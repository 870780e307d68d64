"""What programs fill in day after day is told from what people say."""

import pytest

from sentiment.forms import Forms, piece, signs


def _days(forms: Forms, text: str, days: int) -> list[bool]:
    return [forms.filled_in(text.format(day), 24.0 * day + hour) for day in range(days) for hour in (1, 9, 17)]


def test_check_ins_become_a_form_after_some_days() -> None:
    found = _days(Forms(), "I'm at the Library number {} https://example.org/x", 6)
    assert found[:3] == [False] * 3
    assert found[-1]


def test_a_weather_station_without_a_link_is_a_form_too() -> None:
    assert _days(Forms(), "Wind 3.6 km/h N. Barometer 99{}.1 hPa, Rising. Temperature 16.0 C", 6)[-1]


def test_the_same_tags_with_a_link_are_a_campaign() -> None:
    forms = Forms()
    found = [
        forms.filled_in(f"Opening {number} for a fitter at plant {number} #job #hiring http://x.example", 12.0 * number)
        for number in range(12)
    ]
    assert not found[0]
    assert found[-1]


def test_what_many_share_on_one_day_is_news_and_no_form() -> None:
    forms = Forms()
    assert not any(
        forms.filled_in(f"Train derailed at the bridge, {number} hurt http://news.example/{number}", number / 4)
        for number in range(60)
    )


def test_plain_words_have_no_signs() -> None:
    assert signs("Does anybody know why Elm Street is closed again?") == ()


def test_a_form_is_forgotten_when_nobody_fills_it_in() -> None:
    forms = Forms()
    assert _days(forms, "I'm at the Library number {} https://example.org/x", 6)[-1]
    forms.forget(24.0 * 60)
    assert not forms.filled_in("I'm at the Library number 9 https://example.org/x", 24.0 * 60)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ning of the gate. Marrow pulled the old lantern closer and waited for the river to #answer him, as it", True),
        ("y, por fin, la puerta se abrió. Él no dijo nada y siguió andando hacia el faro, como si la", True),
        ("Marrow pulled the lantern closer. He waited for the river to answer him, as it had always done", False),
        ("my brother is in that crosswalk every morning. nobody slows down, not one of them, and nobody cares", False),
        ("someone hit the lamp on our corner. Is anybody coming?", False),
        ("so they closed the road again. Read all about it here, with pictures of everything https://a.example", False),
    ],
)
def test_a_piece_of_a_book_begins_in_small_letters_and_goes_on_in_capitals(text: str, is_one: bool) -> None:
    assert piece(text) == is_one
