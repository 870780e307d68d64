"""The same text from several accounts, and posts that come close to each other."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import database
from config.translations import translate
from networks import registry
from posts import drafts, likeness
from posts.tables import Post, Target
from posts.workflow import WrongState
from tests.posts.conftest import Desk


@pytest.fixture
def strict(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The practice board, as a network that forbids the same text from several accounts."""
    forbids = replace(registry.NETWORKS["practice"], no_copies=True)
    monkeypatch.setattr(registry, "NETWORKS", {**registry.NETWORKS, "practice": forbids})
    return desk


def test_the_same_words_from_two_accounts_of_one_post_are_refused_where_that_is_forbidden(strict: Desk) -> None:
    with pytest.raises(WrongState, match="forbids the same text from several accounts"):
        strict.handed_in()


def test_a_post_that_says_what_another_account_says_is_refused(strict: Desk) -> None:
    with database.writing(strict.engine) as session:
        for account, words in zip(strict.accounts, ("Road closed on Elm!", "road closed, on elm"), strict=True):
            number = drafts.create(session, strict.officer, words, [account], strict.now).id or 0
            if account == strict.accounts[0]:
                drafts.submit(session, number, strict.officer, strict.now)
            else:
                with pytest.raises(WrongState, match="in “Road closed on Elm!”"):
                    drafts.submit(session, number, strict.officer, strict.now)


def test_an_edit_in_review_is_no_way_around_it(strict: Desk) -> None:
    with database.writing(strict.engine) as session:
        first = drafts.create(session, strict.officer, "Coffee at nine.", [strict.accounts[0]], strict.now).id or 0
        other = drafts.create(session, strict.officer, "Bike marking today.", [strict.accounts[1]], strict.now)
        drafts.submit(session, first, strict.officer, strict.now)
        drafts.submit(session, other.id or 0, strict.officer, strict.now)
        drafts.save(
            session, other.id or 0, strict.officer, other.revision, message="Coffee at nine.", title="",
            category="general", language="en", concern=None, wordings={strict.accounts[1]: None}, now=strict.now,
        )  # fmt: skip
        with pytest.raises(WrongState, match="forbids"):
            drafts.approve(session, other.id or 0, strict.approver, other.content_hash, strict.now)


def test_elsewhere_nothing_is_refused_and_the_author_is_told(desk: Desk) -> None:
    desk.approved()
    with database.writing(desk.engine) as session:
        same = drafts.create(session, desk.officer, "Coffee, with officers at NINE", desk.accounts[:1], desk.now)
        near = drafts.create(session, desk.officer, "A lost dog.", desk.accounts[:1], desk.now)
        wall = (desk.now + timedelta(minutes=90)).replace(tzinfo=None)
        drafts.schedule(session, near.id or 0, desk.officer, wall, "UTC", desk.now)
        told = [likeness.warnings(session, likeness.said_by(session, post), desk.now) for post in (same, near)]
        alone = likeness.warnings(session, likeness.said_by(session, same), desk.now + timedelta(days=31))
    title = "“Coffee with officers at nine.”"
    assert told == [
        [f"Riverton PD: {title} says nearly the same."],
        [f"Riverton PD: {title} goes out within the same hour."],
    ]
    assert alone == []


def test_what_was_sent_went_out_on_the_accounts_where_it_is(desk: Desk) -> None:
    out = desk.approved(after=timedelta(minutes=1))
    sent, _late = desk.targets(out)
    with database.writing(desk.engine) as session:
        session.get_one(Post, out).state = "partly_published"
        session.get_one(Target, sent.id).published_at = desk.now
        near = drafts.create(session, desk.officer, "A lost dog.", desk.accounts, desk.now)
        wall = (desk.now + timedelta(minutes=30)).replace(tzinfo=None)
        drafts.schedule(session, near.id or 0, desk.officer, wall, "UTC", desk.now)
        told = likeness.warnings(session, likeness.said_by(session, near), desk.now)
    assert told == [
        "Riverton PD: “Coffee with officers at nine.” went out within the same hour.",
        "Riverton PD en español: “Coffee with officers at nine.” goes out within the same hour.",
    ]


def test_why_it_cannot_be_handed_in_is_told_in_the_reader_s_language(strict: Desk) -> None:
    number = strict.writing("x" * 600)
    with database.writing(strict.engine) as session, pytest.raises(WrongState) as refused:
        drafts.submit(session, number, strict.officer, strict.now)
    (why,) = refused.value.args
    told = why.told(translate("es").gettext)
    assert "forbids the same text from several accounts: Riverton PD says" in why
    assert "Tablero de práctica prohíbe el mismo texto desde varias cuentas: Riverton PD dice" in told
    assert "Riverton PD: Al texto le sobran 100 caracteres" in told


@given(st.text(alphabet="abcdefgh ", min_size=12, max_size=60).filter(str.strip))
def test_case_marks_and_links_make_no_difference(words: str) -> None:
    assert likeness.alike(words, f"  {words.upper()}!! https://town.example/{len(words)}")


def test_posts_without_words_are_not_alike() -> None:
    assert not likeness.alike("https://town.example/a", "https://town.example/a")
    assert not likeness.alike("Coffee at nine on Elm St.", "Bike marking in the park on Sunday.")
