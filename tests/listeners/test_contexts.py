"""Words that led to an action: whom they could lead to is taken out, and what their author wants goes with them."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from config import database, legal_holds
from config.legal_holds import Kind
from config.settings import Settings
from listeners import contexts, data_requests, mentions
from listeners.tables import Mention
from networks.registry import NETWORKS
from scheduler.jobs import expiry, own_data
from tests.sentiment.street import Said, hear, score

DAY = timedelta(days=1)
ACTION = 7


def said(session: Session, now: datetime, *texts: str, network: str = "bluesky") -> list[int]:
    posts = [Said(now, f"author {n}", text, network=network) for n, text in enumerate(texts)]
    ids = hear(session, posts)
    score(session, ids, posts)
    return ids


def kept(engine: sa.Engine) -> list[str]:
    with database.reading(engine) as session:
        return [one.words for one in contexts.of_action(session, ACTION)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask @jane.bsky.social or @…", "ask @… or @…"),
        ("ask jane.bsky.social", "ask […]"),
        ("see https://x.com/jane/status/12 now", "see […] now"),
        ("see www.example.org/me", "see […]"),
        ("see facebook.com/jane.doe, he said", "see […] he said"),
        ("did:plc:abcdefghijklmnop wrote", "[…] wrote"),
        ("write to jane@example.org", "write to @…"),
        ("3.5 cars a minute, 50/50 odds. No. Never.", "3.5 cars a minute, 50/50 odds. No. Never."),
    ],
)
def test_what_leads_to_its_author_is_taken_out(text: str, left: str) -> None:
    assert contexts.stripped(text) == left


def test_only_networks_that_let_words_stay_are_asked(sqlite_engine: sa.Engine, now: datetime) -> None:
    assert {name for name in NETWORKS if not contexts.may_stay(name)} == {"x", "facebook", "instagram"}
    with database.writing(sqlite_engine) as session:
        on_x, elsewhere = said(session, now, "a", network="x"), said(session, now, "b", "c", "d", "e")
        assert contexts.keep(session, ACTION, [*on_x, *elsewhere, *elsewhere, 999], now) == contexts.MOST
    assert kept(sqlite_engine) == ["b", "c", "d"]


def test_what_its_author_wants_gone_is_gone_from_the_action(engine: sa.Engine, now: datetime) -> None:
    with database.writing(engine) as session:
        deleted, hidden, reworded = said(session, now, "a", "b", "c")
        contexts.keep(session, ACTION, [deleted, hidden, reworded], now)
        mentions.remove(session, [deleted])
        mentions.hide(session, [hidden])
        mentions.reword(session, {reworded: "what I meant: www.me.example"}, now)
    assert kept(engine) == ["what I meant: […]"]


def test_a_person_s_own_data_takes_it_along_even_where_a_hold_keeps_the_post(
    sqlite_engine: sa.Engine, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        ids = said(session, now, "mine", "theirs")
        contexts.keep(session, ACTION, ids, now)
        author = session.get_one(Mention, ids[0]).author
        legal_holds.place(session, Kind.PERIOD, "Request 26-9", None, now, period=(now - DAY, now + DAY))
        own_data.erase(session, author, now)
        assert data_requests.of_account(session, author, sa.false()) == ids[:1]
    assert kept(sqlite_engine) == ["theirs"]


def test_when_the_days_of_a_post_are_over_its_words_stay_and_nothing_leads_to_it(
    engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    switched = settings.model_copy(update={"context_days": 60})
    with database.writing(engine) as session:
        ids = said(session, now, "a")
        contexts.keep(session, ACTION, ids, now)
    expiry.expire(engine, switched, now + DAY * 31)
    with database.reading(engine) as session:
        (one,) = contexts.of_action(session, ACTION)
        assert (one.words, one.mention_id, session.get(Mention, ids[0])) == ("a", None, None)
    expiry.expire(engine, switched, now + DAY * 59)
    assert kept(engine) == ["a"]
    expiry.expire(engine, switched, now + DAY * 60)
    assert kept(engine) == []


def test_switched_off_nothing_of_it_is_left_at_the_next_purge(
    sqlite_engine: sa.Engine, settings: Settings, now: datetime
) -> None:
    with database.writing(sqlite_engine) as session:
        contexts.keep(session, ACTION, said(session, now, "a"), now)
    assert expiry.expire(sqlite_engine, settings, now)["contexts"] == 1
    assert kept(sqlite_engine) == []
