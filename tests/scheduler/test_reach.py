"""When reach is read: at a few ages, once each, through failures and restarts; what comes of it by network and kind."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import clock, database, holds
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from networks.network import Reach, ReachPage
from networks.tables import Account, PracticePost, Spending
from posts import disposal, reach
from posts.disposal import Kept
from posts.reach import AGES, Sum
from posts.tables import Post, ReachWatch, Target, TargetReach
from scheduler.jobs import reach as job
from tests.networks.meta_server import PAGE, a_meta
from tests.networks.meta_server import account_on as on_meta
from tests.networks.x_server import Fault, account_on, an_x

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def board(engine: sa.Engine, keys: Keys, person: Callable[..., Person], now: datetime) -> int:
    with database.writing(engine) as session:
        person(session, "Ada", Role.OFFICER)
        account = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=now)
        return account.id or 0


def published(
    engine: sa.Engine, account: int, remote_id: str, at: datetime, *, category: str = "general", part: int = 0,
    state: str = "published", take_down_asked_at: datetime | None = None,
) -> int:  # fmt: skip
    """A post of ours that is out there; its target's number."""
    with database.writing(engine) as session:
        post = Post(
            title="Coffee", author_id=1, message="Coffee", category=category, state="published", created_at=at,
            updated_at=at,
        )  # fmt: skip
        session.add(post)
        session.flush()
        target = Target(
            post_id=post.id or 0, account_id=account, part=part, due_at=at, next_try_at=at, key=f"key {post.id}",
            content_hash="h", text="Coffee", state=state, remote_id=remote_id, published_at=at,
            take_down_asked_at=take_down_asked_at,
        )  # fmt: skip
        session.add(target)
        session.flush()
        return target.id or 0


def on_board(engine: sa.Engine, account: int, at: datetime) -> str:
    with database.writing(engine) as session:
        row = PracticePost(key=f"k{at}", account_id=account, author="PD", text="Coffee", posted_at=at)
        session.add(row)
        session.flush()
        return str(row.id)


def answered(engine: sa.Engine, remote_id: str, at: datetime) -> None:
    with database.writing(engine) as session:
        row = PracticePost(key=f"r{at}", author="Nan", text="When?", reply_to=int(remote_id), posted_at=at)
        session.add(row)


def readings(engine: sa.Engine) -> list[tuple[int, int, int | None]]:
    """(target, age, answers) of all that was read."""
    with database.reading(engine) as session:
        rows = session.exec(select(TargetReach).order_by(TargetReach.target_id, TargetReach.age_hours))  # type: ignore[arg-type]
        return [(row.target_id, row.age_hours, row.replies) for row in rows]


def test_a_post_is_read_at_each_age_once_and_then_no_more(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    remote_id = on_board(engine, board, now)
    target = published(engine, board, remote_id, now)
    read = []
    for hours in range(0, 40 * 24, 6):
        moment = now + hours * HOUR
        answered(engine, remote_id, moment)
        read.append(job.read(engine, settings, keys, moment))
        assert job.read(engine, settings, keys, moment) == 0
    assert sum(read) == len(AGES)
    assert readings(engine) == [(target, 1, 2), (target, 24, 5), (target, 168, 29), (target, 672, 113)]


def test_before_its_first_hour_and_long_after_nobody_is_asked(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    remote_id = on_board(engine, board, now)
    published(engine, board, remote_id, now - 59 * timedelta(minutes=1))
    published(engine, board, "99", now - 36 * DAY)
    assert job.read(engine, settings, keys, now) == 0


def test_after_days_switched_off_the_age_that_it_has_is_read_and_those_missed_are_not_made_up(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    target = published(engine, board, on_board(engine, board, now), now)
    assert job.read(engine, settings, keys, now + 9 * DAY) == 1
    assert readings(engine) == [(target, 168, 0)]


def test_only_what_is_out_and_stays_is_asked_for(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    there = on_board(engine, board, now)
    published(engine, board, there, now - DAY, state="removed")
    published(engine, board, there, now - DAY, state="unknown")
    published(engine, board, there, now - DAY, part=1)
    published(engine, board, there, now - DAY, take_down_asked_at=now)
    assert job.read(engine, settings, keys, now) == 0
    published(engine, board, there, now - DAY)
    with database.writing(engine) as session:
        accounts.disconnect(session, board, now)
    assert job.read(engine, settings, keys, now) == 0


def test_a_post_that_is_gone_is_not_asked_for_again_and_counts_nothing(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    target = published(engine, board, "99", now)
    assert job.read(engine, settings, keys, now + HOUR) == 1
    assert job.read(engine, settings, keys, now + DAY) == 0
    assert readings(engine) == [(target, 1, None)]
    with database.reading(engine) as session:
        (one,) = reach.sums(session, now, now + DAY).networks
    assert one == Sum("practice", 1, 0, {"views": None, "likes": None, "reposts": None, "replies": None})


def test_a_hold_stops_no_reading(engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime) -> None:
    published(engine, board, on_board(engine, board, now), now)
    with database.writing(engine) as session:
        holds.place(session, 1, "Crash on Route 9", now)
    assert job.read(engine, settings, keys, now + HOUR) == 1


def test_one_network_s_failure_stands_on_its_account_stops_no_other_and_loses_nothing(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with an_x(now) as x, clock.at(now):
        away = account_on(x, engine, keys, settings).account_id or 0
        post = x.write("Coffee at nine.")
        post.counts = {"impression": 40, "like": 3}
        theirs = published(engine, away, post.id, now)
        ours = published(engine, board, on_board(engine, board, now), now)
        x.faults["GET /2/tweets"] = [Fault(503, body={"title": "Service Unavailable"})] * 2
        moment = x.now = now + HOUR
        with clock.at(moment):
            assert job.read(engine, private, keys, moment) == 1
            assert readings(engine) == [(ours, 1, 0)]
            assert job.read(engine, private, keys, moment) == 0  # not before its time
            assert len(x.faults["GET /2/tweets"]) == 1
        with database.reading(engine) as session:
            watch = reach.watches(session)[away]
            assert (watch.failures, watch.failing_since, watch.last_ok_at) == (1, moment, None)
            assert "503" in (watch.last_error or "")
            assert (session.get_one(Account, away).state, reach.watches(session)[board].failures) == ("connected", 0)
        with clock.at(moment + reach.EVERY):
            job.read(engine, private, keys, moment + reach.EVERY)
        with database.reading(engine) as session:
            assert reach.watches(session)[away].next_at == moment + 3 * reach.EVERY
        moment = x.now = moment + 3 * reach.EVERY
        with clock.at(moment):
            assert job.read(engine, private, keys, moment) == 1
        with database.reading(engine) as session:
            kept, watch = session.get_one(TargetReach, (theirs, 1)), reach.watches(session)[away]
        assert (kept.views, kept.likes, kept.read_at) == (40, 3, moment)
        assert (watch.failures, watch.failing_since, watch.last_error) == (0, None, None)


def test_when_the_month_s_money_is_used_up_it_goes_on_next_month(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with an_x(now) as x, clock.at(now):
        away = account_on(x, engine, keys, settings).account_id or 0
        post = x.write("Coffee at nine.")
        published(engine, away, post.id, now - HOUR)
        with database.writing(engine) as session:
            accounts.set_budget(session, away, Decimal(1), None, now)
            session.add(Spending(account_id=away, month=f"{now:%Y-%m}", what="read", dollars=Decimal(1)))
        assert job.read(engine, private, keys, now) == 0
        assert x.asked == []
        with database.reading(engine) as session:
            next_at = reach.watches(session)[away].next_at
        assert (next_at.month, next_at.day) == (now.month % 12 + 1, 1)
        x.now = next_at
        with clock.at(next_at):
            assert job.read(engine, private, keys, next_at) == 1


def test_a_sign_in_that_ended_is_marked_and_its_posts_are_read_once_it_is_back(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with a_meta(now) as meta, clock.at(now):
        page = on_meta(meta, "facebook", engine, keys, settings).account_id or 0
        post = meta.add("post", "Coffee at nine.", PAGE)
        target = published(engine, page, post.id, now - HOUR)
        del meta.tokens["page-token"]
        assert job.read(engine, private, keys, now) == 0
        with database.reading(engine) as session:
            assert session.get_one(Account, page).state == "signed_out"
        meta.tokens["page-token"] = PAGE
        with database.writing(engine) as session:
            account = session.get_one(Account, page)
            account.state = "connected"
            session.add(account)
        later = now + reach.EVERY
        assert job.read(engine, private, keys, later) == 1
        assert readings(engine) == [(target, 1, 0)]


def test_an_error_of_our_own_is_seen_and_stops_no_other(
    engine: sa.Engine, settings: Settings, keys: Keys, board: int, now: datetime
) -> None:
    with database.writing(engine) as session:
        account = accounts.add(session, network="mastodon", name="PD", handle="", secret="{", keys=keys, now=now)
        broken = account.id or 0
    published(engine, broken, "1@town.example", now - HOUR)
    published(engine, board, on_board(engine, board, now), now - HOUR)
    assert job.read(engine, settings, keys, now) == 1
    with database.reading(engine) as session:
        assert "an error inside Liaison (JSONDecodeError)" in (reach.watches(session)[broken].last_error or "")


def test_what_a_network_did_not_come_to_is_asked_for_next_time(engine: sa.Engine, board: int, now: datetime) -> None:
    for number in range(reach.AT_ONCE + 3):
        published(engine, board, str(number + 1), now - HOUR - number * timedelta(minutes=1))
    with database.writing(engine) as session:
        first = reach.due(session, now)
        assert [one.remote_id for one in first] == [str(number + 1) for number in range(reach.AT_ONCE)]
        told = ReachPage({"1": Reach(views=3_000_000_000, likes=-1), "2": None}, "views need a yes")
        assert reach.note(session, board, first, told, now) == 2
        left = [one.remote_id for one in reach.due(session, now)]
    assert left[:2] == ["3", "4"]
    with database.reading(engine) as session:
        row, watch = session.get_one(TargetReach, (1, 1)), session.get_one(ReachWatch, board)
    assert (row.views, row.likes) == (reach.MOST, None)
    assert (watch.last_error, watch.failures) == ("views need a yes", 0)


def told(
    engine: sa.Engine, target: int, age: int, now: datetime, *, replies: int, views: int | None = None,
    likes: int | None = None, reposts: int | None = None,
) -> None:  # fmt: skip
    row = TargetReach(
        target_id=target, age_hours=age, read_at=now, views=views, likes=likes, reposts=reposts, replies=replies
    )
    with database.writing(engine) as session:
        session.add(row)


def test_the_last_that_was_told_is_summed_by_network_and_kind_with_how_many_posts_it_is_of(
    engine: sa.Engine, keys: Keys, board: int, now: datetime
) -> None:
    with database.writing(engine) as session:
        away = accounts.add(session, network="x", name="PD", handle="", secret="{}", keys=keys, now=now).id or 0
    one = published(engine, away, "1", now, category="event")
    two = published(engine, away, "2", now, category="safety")
    published(engine, away, "3", now, category="safety")
    here = published(engine, board, "1", now, category="event")
    published(engine, away, "4", now - DAY, category="recruiting")
    told(engine, one, 1, now, views=100, likes=1, reposts=0, replies=0)
    told(engine, one, 24, now, views=900, likes=5, reposts=2, replies=3)
    told(engine, two, 1, now, views=0, likes=0, reposts=0, replies=1)
    told(engine, here, 1, now, replies=4)
    with database.reading(engine) as session:
        found = reach.sums(session, now, now + HOUR)
    assert found.networks == (
        Sum("practice", 1, 1, {"views": None, "likes": None, "reposts": None, "replies": (4, 1)}),
        Sum("x", 3, 2, {"views": (900, 2), "likes": (5, 2), "reposts": (2, 2), "replies": (4, 2)}),
    )
    assert [(one.name, one.posts, one.counts["views"], one.counts["replies"]) for one in found.kinds] == [
        ("safety", 2, (0, 1), (1, 1)),
        ("event", 2, (900, 1), (7, 2)),
    ]


def test_what_was_told_goes_with_its_post(engine: sa.Engine, board: int, now: datetime) -> None:
    target = published(engine, board, "1", now - 400 * DAY)
    told(engine, target, 1, now, replies=4)
    with database.writing(engine) as session:
        assert disposal.dispose(session, now - 300 * DAY, Kept(), 10) == 1
    assert readings(engine) == []
