"""Publishing on X: pictures, threads, answers, deletion; and that no fault makes two of a post. The X is ours
(x_server), on a clock of its own; its questions are checked against X's OpenAPI."""

import io
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from PIL import Image

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
from networks.x.sending import PREPARING, SETTLED
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


def later(x: XServer, span: timedelta) -> "clock.at":  # type: ignore[valid-type]
    """The same moment for us and for X, so much after noon."""
    x.now = NOON + span
    return clock.at(x.now)


def spent(connection: Connection, what: str) -> Decimal:
    with database.reading(connection.engine) as session:
        rows = session.exec(sa.text("SELECT dollars FROM spending WHERE what = :what").bindparams(what=what)).all()
    return sum((Decimal(str(row[0])) for row in rows), Decimal(0))


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
