"""What waits, in words."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from sentiment.waiting import ActionDue, AlertWaits, ApprovalsWait, MailStands, MoreDue, Waiting, how_many, in_words

ZONE = ZoneInfo("America/New_York")
TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("days", "rest"),
    [
        (0, ". Traffic: due today"),
        (2, ". Traffic: due on Thursday 26 November"),
        (-1, ". Traffic: late since Monday 23 November"),
    ],
)
def test_an_action_says_of_whom_it_was_asked_and_until_when(days: int, rest: str) -> None:
    due = ActionDue("A speed sign.", "Traffic", TODAY + timedelta(days=days), "/outreach/actions/1")
    said = in_words(due, ZONE, TODAY, "en")
    assert (said.link, said.rest, said.path) == ("A speed sign", rest, "/outreach/actions/1")


def test_no_line_that_goes_on_after_a_full_stop_has_two() -> None:
    waits: list[Waiting] = [ActionDue("Look at it.. ", "Traffic", TODAY, "/"), AlertWaits("Speeding.", "/alerts/1")]
    lines = [in_words(one, ZONE, TODAY, language) for one in waits for language in ("en", "es")]
    assert [line.link + line.rest for line in lines if ".." in line.link + line.rest] == []
    assert in_words(ActionDue("...", "Traffic", TODAY, "/"), ZONE, TODAY, "en").link == "..."


def test_a_long_one_is_cut_at_a_word_and_the_rest_is_counted() -> None:
    said = in_words(ActionDue("sign " * 50, "Traffic", TODAY, "/"), ZONE, TODAY, "en")
    assert (len(said.link) <= 92, said.link.endswith("sign …")) == (True, True)
    assert in_words(MoreDue(2, "/outreach/actions"), ZONE, TODAY, "es").link == "2 acciones más vencen"


def test_messages_that_stand_are_counted_and_lead_to_why() -> None:
    said = in_words(MailStands(7, "/channels/log"), ZONE, TODAY, "en")
    assert said.link + said.rest == "7 messages have not gone out for more than an hour; each waits and says why"
    assert said.path == "/channels/log"


def test_messages_that_stand_are_one_thing_to_mend_and_posts_to_approve_are_each_one() -> None:
    assert how_many([MailStands(7, "/channels/log"), ApprovalsWait(2, "/approvals")]) == 3
