"""A few quotes that stand for many posts."""

from datetime import UTC, datetime

import numpy as np

from sentiment import quotes
from sentiment.quotes import Candidate, Quote


def _candidate(
    number: int, author: str, trust: str = "mistrust", network: str = "x", turn: float = 0.0, text: str = ""
) -> Candidate:
    words = text or f"A post of reasonable length, number {number}"
    return Candidate(
        Quote(number, words, "en", network, datetime(2026, 11, 24, tzinfo=UTC), trust, "negative"),
        author.encode(),
        np.array([np.cos(turn), np.sin(turn)], dtype=np.float32),
    )


def test_each_quote_is_by_another_author() -> None:
    posts = [_candidate(number, "one", turn=0.6 * number) for number in range(5)] + [_candidate(9, "two", turn=-0.6)]
    assert sorted(quote.mention_id for quote in quotes.choose(posts)) == [1, 9]


def test_other_stances_come_before_more_of_the_same() -> None:
    posts = [
        _candidate(1, "a", turn=0.0),
        _candidate(2, "b", turn=0.5),
        _candidate(3, "c", turn=-0.5),
        _candidate(4, "d", "neither", turn=0.7),
        _candidate(5, "e", "trust", turn=-0.7),
    ]
    assert sorted(quote.trust for quote in quotes.choose(posts)) == ["mistrust", "neither", "trust"]


def test_other_networks_come_before_more_of_the_same() -> None:
    posts = [_candidate(number, str(number), turn=0.5 * number) for number in range(4)]
    posts.append(_candidate(8, "z", network="facebook", turn=0.9))
    assert {quote.network for quote in quotes.choose(posts, 2)} == {"x", "facebook"}


def test_two_posts_that_say_the_same_are_one_quote() -> None:
    posts = [_candidate(1, "a"), _candidate(2, "b"), _candidate(3, "c")]
    assert [quote.mention_id for quote in quotes.choose(posts)] == [1]


def test_a_post_of_three_words_is_taken_only_where_there_is_nothing_better() -> None:
    posts = [_candidate(1, "a", text="Slow down!!!"), _candidate(2, "b", turn=0.3)]
    assert quotes.choose(posts, 1)[0].mention_id == 2
    assert quotes.choose(posts[:1], 1)[0].mention_id == 1


def test_no_posts_no_quotes() -> None:
    assert quotes.choose([]) == []
