"""A post's story, from what was kept of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from config.tables import AuditEntry
from posts.queue import PostDetail
from posts.tables import Attempt, Post, PostVersion, Review
from web import story

EIGHT = datetime(2026, 11, 24, 8, tzinfo=UTC)
NAMES = {1: "Ada", 2: "Luc"}


def saved(minute: float, revision: int, person: int = 1) -> PostVersion:
    at = EIGHT + timedelta(minutes=minute)
    return PostVersion(post_id=1, revision=revision, saved_by=person, saved_at=at, content_hash="", content={})


def moved(minute: float, action: str, person: int = 1, change: tuple[str, str] = ("", "")) -> AuditEntry:
    at = EIGHT + timedelta(minutes=minute)
    there = {"from": change[0], "to": change[1]}
    return AuditEntry(at=at, person_id=person, action=f"post.{action}", subject="post:1", detail=there)


def told(
    versions: Sequence[PostVersion], moves: Sequence[AuditEntry], reviews: Sequence[Review] = ()
) -> list[tuple[str, str]]:
    post = Post(title="", author_id=1, message="", created_at=EIGHT, updated_at=EIGHT)
    detail = PostDetail(post, [], versions, list(reviews), [], [], moves)
    return [(event.words, event.who) for event in story.told(detail, NAMES, lambda words: words)]


def test_a_save_that_sent_it_is_told_as_that_and_saves_before_it_once() -> None:
    versions = [saved(0, 1), saved(1, 2), saved(2, 3), saved(9, 4)]
    assert told(versions, [moved(9.1, "submit")]) == [("Written", "Ada"), ("Sent for approval", "Ada")]


def test_a_save_of_somebody_else_or_long_before_stays() -> None:
    sent = moved(9.1, "submit")
    assert told([saved(9, 2, person=2)], [sent]) == [("Saved", "Luc"), ("Sent for approval", "Ada")]
    assert told([saved(2, 2)], [sent]) == [("Saved", "Ada"), ("Sent for approval", "Ada")]


def test_a_time_that_changes_is_told_once_the_post_is_approved_and_of_a_draft_not() -> None:
    schedule = [
        moved(1, "schedule", change=("draft", "draft")),
        moved(2, "schedule", change=("approved", "scheduled")),
        moved(3, "schedule", person=2, change=("scheduled", "scheduled")),
        moved(4, "unschedule", change=("scheduled", "approved")),
        moved(5, "withdraw", change=("approved", "draft")),
    ]
    assert told([], schedule) == [
        ("Given its time", "Ada"),
        ("Moved to another time", "Luc"),
        ("Its time was taken away", "Ada"),
        ("Taken back from approval", "Ada"),
    ]


def test_what_happened_in_one_moment_is_told_as_a_post_goes() -> None:
    approved = Review(post_id=1, content_hash="", decision="approved", person_id=2, at=EIGHT)
    timed = moved(0, "schedule", person=2, change=("approved", "scheduled"))
    assert told([saved(0, 1)], [timed, moved(0, "submit")], [approved]) == [
        ("Written", "Ada"),
        ("Sent for approval", "Ada"),
        ("Approved", "Luc"),
        ("Given its time", "Luc"),
    ]


def test_what_is_on_the_network_twice_is_told_with_the_address_of_the_second() -> None:
    post = Post(title="", author_id=1, message="", created_at=EIGHT, updated_at=EIGHT)
    second = [
        Attempt(target_id=1, number=1, started_at=EIGHT, outcome="second_receipt", detail=detail)
        for detail in ("https://square.example/8", "8", "javascript:alert(1)")
    ]
    found = story.told(PostDetail(post, [], [], [], [], second), NAMES, lambda words: words)
    assert [(event.ours, event.text, event.href) for event in found] == [
        (False, "https://square.example/8", "https://square.example/8"),
        (False, "8", ""),
        (False, "javascript:alert(1)", ""),
    ]
    assert "twice" in found[0].words
