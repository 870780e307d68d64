"""That what is against X's OpenAPI is seen: or x_server's checks would prove nothing."""

import jsonschema
import pytest

from tests.networks.x_openapi import against, as_told, route_of

CREATE, LISTED = ("POST", "/2/tweets"), ("GET", "/2/users/{id}/tweets")


@pytest.mark.parametrize(
    ("question", "places", "asked", "body", "wrong"),
    [
        (CREATE, {}, {}, {"text": "Coffee"}, ""),
        (CREATE, {}, {}, {"text": "Coffee", "reply": {"in_reply_to_tweet_id": "12"}}, ""),
        (CREATE, {}, {}, {"text": 5}, "body: 5 is not of type 'string'"),
        (CREATE, {}, {}, None, "body: None is not of type 'object'"),
        (CREATE, {}, {}, {"status": "x"}, "body: Additional properties are not allowed ('status' was unexpected)"),
        (CREATE, {}, {}, {"reply": {}}, "body: 'in_reply_to_tweet_id' is a required property"),
        (CREATE, {}, {}, {"media": {"media_ids": ["a"]}}, "body: 'a' does not match '^[0-9]{1,19}$'"),
        (LISTED, {"id": "7"}, {"max_results": "100"}, None, ""),
        (LISTED, {"id": "7"}, {"max_results": "101"}, None, "max_results: 101 is greater than the maximum of 100"),
        (LISTED, {"id": "me"}, {}, None, "id: 'me' does not match '^[0-9]{1,19}$'"),
        (LISTED, {"id": "7"}, {"tweet.fields": "lang"}, None, "tweet.fields is not known"),
        (LISTED, {"id": "7"}, {}, {"x": 1}, "there is a body"),
        (("GET", "/2/tweets"), {}, {}, None, "ids is missing"),
    ],
)
def test_a_question_that_x_does_not_know_so_is_seen(
    question: tuple[str, str], places: dict[str, str], asked: dict[str, str], body: object, wrong: str
) -> None:
    assert against(*question, places, asked, body) == wrong


def test_only_x_s_addresses_are_known() -> None:
    assert route_of("DELETE", "/2/tweets/12") == ("/2/tweets/{id}", {"id": "12"})
    assert route_of("GET", "/2/tweets/search/recent") == ("/2/tweets/search/recent", {})
    assert [route_of(*one) for one in (("PUT", "/2/tweets"), ("GET", "/1.1/statuses"))] == [None, None]


def test_an_answer_that_is_none_of_x_s_is_seen() -> None:
    with pytest.raises(jsonschema.ValidationError):
        as_told("Post", {"id": "1", "text": "x", "note_tweet": {"text": "x"}})
    assert as_told("Post", {"id": "1", "text": "x"}) == {"id": "1", "text": "x"}
