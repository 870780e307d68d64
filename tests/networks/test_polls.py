"""Polls: what a post's options ask for, what a server would not take, what goes out, and what people chose."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from networks import mastodon, polls
from networks.network import Outgoing, Picture, PollCount
from posts import fitting
from tests.networks.answering import Answer
from tests.networks.test_mastodon import KEY, NOON, POSTED, connection, desk, status
from tests.networks.test_what_errors_mean import answering

ASKED = Outgoing(KEY, "Where do cars go too fast?", options={"poll": "Elm St | Oak Ln", "poll_days": "7"})


def problems(outgoing: Outgoing, **settings: str) -> str:
    return " ".join(fitting.problems(mastodon.NETWORK, settings, outgoing))


def with_poll(words: str, **more: str) -> Outgoing:
    return replace(ASKED, options={"poll": words, **more})


def test_a_poll_is_read_from_what_was_typed() -> None:
    found = polls.of({"poll": " Yes|  No |Not  sure| ", "poll_multiple": "yes"})
    assert found == polls.Poll(("Yes", "No", "Not sure"), timedelta(days=1), True)
    assert polls.of({"poll": " | "}) is None
    assert polls.options(["Yes", "a|b", " "], 9) == {"poll": "Yes | a b", "poll_days": "7"}
    assert polls.options(["Yes"], 0)["poll_days"] == "1"


def test_what_a_server_does_not_take_is_said_in_plain_words() -> None:
    picture = Picture(b"", "image/png", 10, 10, "A street")
    assert problems(ASKED) == ""
    assert "without pictures" in problems(replace(ASKED, pictures=(picture,)))
    assert "two to 4 choices" in problems(with_poll("One"))
    assert "two to 4 choices" in problems(with_poll("a|b|c|d|e"))
    assert problems(with_poll("a|b|c|d|e"), poll_choices="5") == ""
    assert "the same" in problems(with_poll("Yes | yes"))
    assert "limit is 50" in problems(with_poll(f"Yes | {'x' * 51}"))
    assert "for so long" in problems(with_poll("a|b", poll_days="28"), poll_longest="604800")


def test_of_a_thread_only_the_first_part_has_the_poll() -> None:
    assert mastodon.NETWORK.with_part({"poll": "a|b", "poll_days": "3", "visibility": "unlisted"}, 1) == {
        "visibility": "unlisted"
    }
    assert problems(replace(ASKED, text="One.\n---\nTwo.")) == ""


def test_a_poll_goes_out_with_its_post(sqlite_engine: sa.Engine) -> None:
    with answering({POSTED: Answer(200, status("11", ASKED.text, NOON))}) as server:
        desk(sqlite_engine, server.address).publish(ASKED)
        (sent,) = server.bodies
    assert json.loads(sent)["poll"] == {
        "options": ["Elm St", "Oak Ln"], "expires_in": 604_800, "multiple": False, "hide_totals": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            {"options": [{"title": "Elm St", "votes_count": 30}, {"title": "Oak Ln", "votes_count": 12}],
             "voters_count": 42, "expired": False},
            PollCount((("Elm St", 30), ("Oak Ln", 12)), 42, False),
        ),
        (
            {"options": [{"title": "Elm St", "votes_count": None}], "voters_count": None, "expired": True},
            PollCount((("Elm St", 0),), None, True),
        ),
        (None, None),
    ],
)  # fmt: skip
def test_what_people_chose_is_read_back(sqlite_engine: sa.Engine, answer: object, found: PollCount | None) -> None:
    assert mastodon.NETWORK.polls is not None
    whole = {**status("11", ASKED.text, NOON), "poll": answer}
    with answering({"GET /api/v1/statuses/11": Answer(200, whole)}) as server:
        made = connection(sqlite_engine, server.address)
        reader = mastodon.NETWORK.polls(made)
        assert reader.count(f"11@{made.settings['home'].removeprefix('http://')}") == found
        assert reader.count("12@elsewhere.example") is None


def test_a_post_that_is_gone_has_no_poll(sqlite_engine: sa.Engine) -> None:
    assert mastodon.NETWORK.polls is not None
    with answering({}) as server:
        made = connection(sqlite_engine, server.address)
        host = made.settings["home"].removeprefix("http://")
        assert mastodon.NETWORK.polls(made).count(f"11@{host}") is None
