"""Publishing on X: pictures, threads, answers, deletion; and that no fault makes two of a post. The X is ours
(x_server), on a clock of its own; its questions are checked against X's OpenAPI."""

import io
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlmodel import select

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts, pictures
from networks.network import (
    Connection,
    HeldBack,
    NetworkError,
    OutcomeUnknown,
    Outgoing,
    Picture,
    Publisher,
    RateLimited,
    Receipt,
    Rejected,
    SignInExpired,
    Unavailable,
)
from networks.registry import NETWORKS
from networks.tables import Account, Spending
from networks.x.sending import SETTLED
from tests.networks.x_server import HANDLE, ME, Fault, XServer, account_on, an_x

KEY = "0193a7d2f0007c3ea8b0123456789abc"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
COFFEE = "Coffee with an officer at nine, riverton.gov/coffee & more"
CREATE, UPLOAD, METADATA = "POST /2/tweets", "POST /2/media/upload", "POST /2/media/metadata"
LISTED = f"GET /2/users/{ME}/tweets"
FULL = {"x-rate-limit-reset": str(int((NOON + timedelta(minutes=9)).timestamp())), "x-rate-limit-remaining": "0"}
DAY_FULL = {
    **FULL,
    "x-user-limit-24hour-remaining": "0",
    "x-user-limit-24hour-reset": str(int((NOON + timedelta(hours=7)).timestamp())),
}
HTML = {"content-type": "text/html"}


@pytest.fixture
def x() -> Iterator[XServer]:
    with an_x(NOON) as server, clock.at(NOON):
        yield server


@pytest.fixture
def connection(x: XServer, sqlite_engine: sa.Engine, keys: Keys, settings: Settings) -> Connection:
    return account_on(x, sqlite_engine, keys, settings)


@pytest.fixture
def desk(connection: Connection) -> Publisher:
    return publisher(connection)


def publisher(connection: Connection) -> Publisher:
    made = NETWORKS["x"].publisher
    assert made is not None
    return made(connection)


def outgoing(text: str = COFFEE, **more: object) -> Outgoing:
    return Outgoing(KEY, text, **{"begun_at": NOON, **more})  # type: ignore[arg-type]


def after(x: XServer, span: timedelta) -> AbstractContextManager[None]:
    """The same moment for us and for X, so much after noon."""
    x.now = NOON + span
    return clock.at(x.now)


def spent(connection: Connection, what: str) -> Decimal:
    with database.reading(connection.engine) as session:
        return session.exec(
            select(sa.func.coalesce(sa.func.sum(Spending.dollars), 0)).where(Spending.what == what)
        ).one()


def stopped(desk: Publisher, sent: Outgoing) -> tuple[type[NetworkError], list[str]]:
    """How a look-up ended that could not tell, and what it saw."""
    with pytest.raises(NetworkError) as raised:
        desk.find(sent)
    seen = raised.value.found if isinstance(raised.value, OutcomeUnknown) else ()
    return type(raised.value), [one.remote_id for one in seen]


def picture(alt: str = "A cup on a bench") -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(out, "PNG")
    return pictures.read(out.getvalue(), alt)


def test_a_post_goes_out_once_and_what_it_cost_is_noted(x: XServer, desk: Publisher, connection: Connection) -> None:
    receipt = desk.publish(outgoing())
    assert x.said() == [COFFEE]
    (number,) = x.posts
    assert receipt == Receipt(number, f"https://x.com/{HANDLE}/status/{number}", NOON)
    desk.publish(outgoing("Thank you all."))
    assert (spent(connection, "publish"), spent(connection, "read")) == (Decimal("0.215"), Decimal(0))


def test_pictures_go_first_with_their_descriptions(x: XServer, desk: Publisher) -> None:
    x.processing = 2
    desk.publish(outgoing(pictures=(picture(), picture("A full bench"))))
    assert [post.media for post in x.posts.values()] == [tuple(x.media)]
    assert [one["alt"] for one in x.media.values()] == ["A cup on a bench", "A full bench"]
    assert {Image.open(io.BytesIO(one["data"])).size for one in x.media.values()} == {(40, 30)}


def test_a_thread_answers_itself_and_an_answer_goes_to_who_mentioned_us(x: XServer, desk: Publisher) -> None:
    x.add_user("801", "ines")
    asked = x.write("@RivertonPD when is the coffee?", by="801")
    first = desk.publish(outgoing("At nine, on Elm Street.", reply_to=asked.id))
    desk.publish(outgoing("And it is free.", reply_to=first.remote_id))
    ours = [post for post in x.posts.values() if post.author == ME]
    assert [(post.raw, post.reply_to) for post in ours] == [
        ("@ines At nine, on Elm Street.", asked.id), ("And it is free.", first.remote_id),
    ]  # fmt: skip


def test_who_did_not_mention_us_is_not_answered(x: XServer, desk: Publisher) -> None:
    x.add_user("801", "ines")
    said = x.write("A lamp is out on Elm Street.", by="801")
    limits = NETWORKS["x"].limits
    assert limits is not None
    sent = outgoing("We told the city.", reply_to=said.id, reply_addressed=False)
    assert [problem.message for problem in limits.problems(sent)] == ["X lets us answer only who mentioned us."]
    with pytest.raises(Rejected, match="not mentioned"):
        desk.publish(sent)
    assert x.said() == []


def test_a_hold_stops_it_before_the_next_call(x: XServer, desk: Publisher) -> None:
    calls = iter([None, None])

    def proceed() -> None:
        if next(calls, "held") == "held":
            raise HeldBack("a hold was placed")

    with pytest.raises(HeldBack):
        desk.publish(outgoing(pictures=(picture(), picture()), proceed=proceed))
    assert (len(x.media), x.said()) == (2, [])


def test_a_post_that_waited_for_a_new_token_too_long_is_not_sent(x: XServer, connection: Connection) -> None:
    x.access.clear()
    asked = iter([None, Unavailable("too late")])

    def proceed() -> None:
        if (late := next(asked)) is not None:
            raise late

    with pytest.raises(Unavailable, match="too late"):
        publisher(connection).publish(outgoing(proceed=proceed))
    assert (x.refreshed, x.asked.count(CREATE), x.said()) == (1, 1, [])


def test_what_x_says_of_its_rates_is_noted(
    x: XServer, desk: Publisher, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_rate_noted", {})
    desk.publish(outgoing())
    with database.reading(connection.engine) as session:
        account = session.exec(select(Account)).one()
    assert (account.rate_limit, account.rate_remaining) == (100, 99)
    assert account.rate_resets_at == NOON + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(0), OutcomeUnknown),
        (Fault(0, applied=True), OutcomeUnknown),
        (Fault(500, applied=True), OutcomeUnknown),
        (Fault(503), OutcomeUnknown),
        (Fault(408), OutcomeUnknown),
        (Fault(409, body={"detail": "conflict"}), OutcomeUnknown),
        (Fault(302, headers={"location": "https://elsewhere.example/"}), OutcomeUnknown),
        (Fault(201, applied=True, body="<html>", headers=HTML), OutcomeUnknown),
        (Fault(201, applied=True, body={"data": {"id": "soon"}}), OutcomeUnknown),
        (Fault(201, applied=True, body=["odd"]), OutcomeUnknown),
        (Fault(201, applied=True, body={"errors": [{"title": "odd"}]}), OutcomeUnknown),
        (Fault(402, body={"title": "CreditsDepleted", "detail": "no credits"}), Unavailable),
        (Fault(403, body="<html>Just a moment", headers=HTML), Unavailable),
        (Fault(403, body={"detail": "Your account is temporarily locked."}), SignInExpired),
        (Fault(403, body={"errors": [{"message": "Your account is suspended", "code": 64}]}), SignInExpired),
        (Fault(403, body={"detail": "You are not permitted to perform this action."}), Rejected),
        (Fault(400, body=[1, 2]), Rejected),
        (Fault(413, body="<html>too much", headers=HTML), Rejected),
        (Fault(429, headers=FULL), RateLimited),
    ],
)
def test_what_x_says_to_a_post_proves_no_more_than_it_does(
    x: XServer, desk: Publisher, fault: Fault, error: type[NetworkError]
) -> None:
    x.faults[CREATE] = [fault]
    with pytest.raises(error):
        desk.publish(outgoing())
    assert x.asked.count(CREATE) == 1


@pytest.mark.parametrize(
    "fault", [Fault(0), Fault(500), Fault(0, applied=True), Fault(200, body="<html>", headers=HTML)]
)
@pytest.mark.parametrize("call", [UPLOAD, METADATA])
def test_a_picture_that_went_wrong_posted_nothing(x: XServer, desk: Publisher, fault: Fault, call: str) -> None:
    x.faults[call] = [fault]
    with pytest.raises(Unavailable):
        desk.publish(outgoing(pictures=(picture(),)))
    assert x.said() == []
    desk.publish(outgoing(pictures=(picture(),)))
    assert x.said() == [COFFEE]


def test_a_picture_that_x_cannot_read_is_refused(x: XServer, desk: Publisher) -> None:
    failed = {"data": {"id": "1", "processing_info": {"state": "failed"}}}
    x.faults[UPLOAD] = [Fault(200, body=failed)]
    with pytest.raises(Rejected, match="picture"):
        desk.publish(outgoing(pictures=(picture(),)))
    assert x.said() == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        (FULL, timedelta(minutes=9)),
        (DAY_FULL, timedelta(hours=7)),
        ({"x-rate-limit-reset": "soon"}, timedelta(minutes=15)),
        ({"x-rate-limit-reset": "0"}, timedelta(0)),
        ({"x-rate-limit-reset": "99999999999"}, timedelta(hours=25)),
    ],
)
def test_x_says_when_it_may_be_asked_again(
    x: XServer, desk: Publisher, headers: dict[str, str], wait: timedelta
) -> None:
    x.faults[CREATE] = [Fault(429, headers=headers)]
    with pytest.raises(RateLimited) as raised:
        desk.publish(outgoing())
    assert (raised.value.retry_at, x.said()) == (NOON + wait, [])


def test_a_copy_is_refused_in_words_that_say_what_to_do(x: XServer, desk: Publisher) -> None:
    x.write(COFFEE, at=NOON - timedelta(hours=1))  # by hand
    with pytest.raises(Rejected, match="Look at the account there"):
        desk.publish(outgoing())
    assert x.said() == [COFFEE]


@pytest.mark.parametrize("seconds", [0, 20, 60])
def test_a_post_whose_answer_was_lost_is_found_once_x_shows_it(
    x: XServer, desk: Publisher, connection: Connection, seconds: int
) -> None:
    x.delays, x.faults[CREATE] = [timedelta(seconds=seconds)], [Fault(0, applied=True)]
    sent = outgoing(pictures=(picture(),))
    with pytest.raises(OutcomeUnknown):
        desk.publish(sent)
    (number,) = x.posts
    if seconds:
        with after(x, timedelta(seconds=seconds - 1)):
            assert stopped(desk, sent) == (OutcomeUnknown, [])
    with after(x, timedelta(seconds=seconds)):
        assert desk.find(sent) == Receipt(number, f"https://x.com/{HANDLE}/status/{number}", NOON)
    assert (spent(connection, "publish"), spent(connection, "read")) == (Decimal("0.205"), Decimal("0.005"))


def test_absence_is_proven_only_once_x_had_its_time(x: XServer, desk: Publisher) -> None:
    with after(x, SETTLED - timedelta(seconds=1)):
        assert stopped(desk, outgoing()) == (OutcomeUnknown, [])
    with after(x, SETTLED):
        assert desk.find(outgoing()) is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(0),
        Fault(503),
        Fault(200, body="<html>", headers=HTML),
        Fault(200, body={"data": [{"id": "1"}]}),  # one that cannot be read
        Fault(200, body={"errors": [{"title": "Internal Error", "type": "x/internal-error"}]}),
        Fault(200, body={"data": [{"id": "1", "text": "Something else"}]}),  # not what was asked for
        Fault(403, body={"detail": "not now"}),
    ],
)
def test_a_list_that_is_not_whole_proves_nothing(x: XServer, desk: Publisher, fault: Fault) -> None:
    x.faults[LISTED] = [fault]
    with after(x, SETTLED):
        assert stopped(desk, outgoing()) == (OutcomeUnknown, [])
        assert desk.find(outgoing()) is None


def test_a_look_up_waits_as_long_as_x_asks(x: XServer, desk: Publisher) -> None:
    x.faults[LISTED] = [Fault(429, headers=FULL)]
    with pytest.raises(RateLimited):
        desk.find(outgoing())


def test_a_list_is_read_to_its_end_and_one_without_end_proves_nothing(x: XServer, desk: Publisher) -> None:
    x.page = 10
    ours = x.write(COFFEE)
    for number in range(35):
        x.write(f"Number {number}")
    found = desk.find(outgoing())
    assert (found and found.remote_id) == ours.id
    for number in range(35, 55):
        x.write(f"Number {number}")
    with after(x, SETTLED):
        assert stopped(desk, outgoing()) == (OutcomeUnknown, [])


@pytest.mark.parametrize("old_names", [False, True])
def test_an_answer_is_found_by_its_words_and_by_what_it_answers(
    x: XServer, desk: Publisher, *, old_names: bool
) -> None:
    x.old_names = old_names
    x.add_user("801", "ines")
    x.add_user("802", "omar")
    thanks = "Thank you, we passed it on."
    ines, omar = (x.write("@RivertonPD a lamp is out", by=by) for by in ("801", "802"))
    to_ines, to_omar = x.write(thanks, reply_to=ines.id), x.write(thanks, reply_to=omar.id)
    for reply_to, expected in ((ines.id, to_ines.id), (omar.id, to_omar.id)):
        found = desk.find(outgoing(thanks, reply_to=reply_to))
        assert (found and found.remote_id) == expected
    with after(x, SETTLED):
        assert desk.find(outgoing(thanks)) is None
        assert desk.find(outgoing(thanks, reply_to="99")) is None
    loose = x.write(thanks)  # what was answered may be gone
    assert stopped(desk, outgoing(thanks, reply_to="99")) == (OutcomeUnknown, [loose.id])


def test_posts_in_the_same_words_are_told_apart_by_what_we_know_or_shown_to_a_person(
    x: XServer, desk: Publisher
) -> None:
    by_hand, other = x.write(COFFEE), x.write(COFFEE)
    assert stopped(desk, outgoing()) == (OutcomeUnknown, [other.id, by_hand.id])
    found = desk.find(outgoing(others=frozenset({by_hand.id})))
    assert (found and found.remote_id) == other.id
    with after(x, SETTLED):
        assert desk.find(outgoing(others=frozenset({by_hand.id, other.id}))) is None


def test_a_post_whose_address_x_changed_is_shown_to_a_person(x: XServer, desk: Publisher) -> None:
    near = x.write("Roads: https://riverton.gov/roads?from=x")
    assert stopped(desk, outgoing("Roads: https://riverton.gov/roads")) == (OutcomeUnknown, [near.id])


def test_what_was_said_long_before_is_not_it(x: XServer, desk: Publisher) -> None:
    x.write(COFFEE, at=NOON - timedelta(hours=1))
    with after(x, SETTLED):
        assert desk.find(outgoing()) is None


def test_a_post_of_ours_is_deleted_and_one_that_is_gone_is_fine(
    x: XServer, desk: Publisher, connection: Connection
) -> None:
    kept, removed = desk.publish(outgoing("Stays.")), desk.publish(outgoing("Goes."))
    desk.remove(removed.remote_id)
    desk.remove(removed.remote_id)
    assert list(x.posts) == [kept.remote_id]
    assert spent(connection, "publish") == Decimal("0.04")
    x.add_user("801", "ines")
    with pytest.raises(Rejected):
        desk.remove(x.write("mine", by="801").id)
    x.faults[f"DELETE /2/tweets/{kept.remote_id}"] = [Fault(0, applied=True)]
    with pytest.raises(OutcomeUnknown):
        desk.remove(kept.remote_id)
    desk.remove(kept.remote_id)


@pytest.mark.parametrize("seed", range(12))
def test_no_run_of_faults_makes_two_of_a_post_or_loses_one(x: XServer, desk: Publisher, seed: int) -> None:
    """Sent and looked up as posts.publishing does, until it is settled, with any fault at any call."""
    chance = random.Random(seed)
    faults = [
        Fault(0), Fault(0, applied=True), Fault(500, applied=True), Fault(503), Fault(429, headers=FULL),
        Fault(201, applied=True, body="<html>", headers=HTML), Fault(402),
    ]  # fmt: skip
    texts = [f"Post {number}, riverton.gov/{number} & “more” 👮🏽‍♀️" for number in range(4)]
    at = timedelta(0)
    for text in texts:
        begun, unknown, receipt = NOON + at, False, None
        for _ in range(200):
            call = LISTED if unknown else chance.choice([CREATE, UPLOAD, METADATA])
            x.faults = {call: [chance.choice(faults)]} if chance.random() < 0.6 else {}
            x.delays = [timedelta(seconds=chance.uniform(0, 60))]
            with after(x, at):
                sent = Outgoing(KEY, text, begun_at=begun, pictures=(picture(),))
                try:
                    receipt = desk.find(sent) if unknown else desk.publish(sent)
                    unknown = False
                except OutcomeUnknown:
                    unknown = True
                except (RateLimited, Unavailable):
                    pass
            if receipt is not None:
                break
            at += timedelta(seconds=chance.choice([1, 15, 60, 300]))
            if not unknown:
                begun = NOON + at
        assert receipt is not None
        assert x.posts[receipt.remote_id].written == text
        at += timedelta(seconds=1)
    assert x.said() == texts
