"""Bluesky, by the AT Protocol: an account's PDS keeps its records, an AppView indexes everybody's.

Publishing is exact: a record's key is a TID made from the target's key, so writing it twice makes one post, and looking
it up tells for sure. Looked up 2026-11: 300 graphemes and 3,000 bytes, 4 images of 1 MB, 30 sessions in 5 minutes and
300 a day (so one is kept and renewed), about 3,000 requests in 5 minutes.

The library takes a second and 70 MB to load: it is imported where the network is talked to, and by nobody else."""

from collections.abc import Callable, Iterator, Mapping
from threading import Event

from networks.bluesky.words import LIMITS
from networks.network import (
    AuthorId,
    Burst,
    Connection,
    Field,
    Listener,
    Network,
    PasswordSignIn,
    Policy,
    Publisher,
    ReachReader,
    SignedIn,
    SourceKind,
    Witness,
)

_SERVICE = Field(
    "service", "Server", "Leave it, unless the account lives elsewhere.", default="https://bsky.social", required=False
)
_FIELDS = (
    Field("handle", "Handle", example="rivertonpd.bsky.social"),
    Field(
        "app_password",
        "App password",
        "Made at bsky.app under Settings, Privacy and security, App passwords. Never the main password: an app "
        "password can be taken back alone.",
        secret=True,
    ),
    _SERVICE,
)


def _listener(connection: Connection) -> Listener:
    from networks.bluesky.hearing import Ear

    return Ear(connection)


def _publisher(connection: Connection) -> Publisher:
    from networks.bluesky.sending import Desk

    return Desk(connection)


def _witness(connection: Connection) -> Witness:
    from networks.bluesky.hearing import Looker

    return Looker(connection)


def _reach(connection: Connection) -> ReachReader:
    from networks.bluesky.reach import Gauge

    return Gauge(connection)


def _stream(
    connection: Connection, cursor: str | None, wanted: Callable[[str, str | None], bool], stop: Event
) -> Iterator[Burst]:
    from networks.jetstream import line

    return line.stream(connection, cursor, wanted, stop)


def _sign_in(given: Mapping[str, str], allow_private: bool) -> SignedIn:
    from networks.bluesky import session

    return session.sign_in(given, allow_private)


def _who(connection: Connection) -> SignedIn:
    from networks.bluesky import session

    return session.who(connection)


NETWORK = Network(
    name="bluesky",
    label="Bluesky",
    policy=Policy(
        notes="Public posts. Of all of Bluesky only what a watch rule matches is kept; without a rule, nothing is."
    ),
    limits=LIMITS,
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    reach=_reach,
    sign_in=PasswordSignIn(_FIELDS, _sign_in),
    test=_who,
    author_id=AuthorId(r"did:(plc:[a-z2-7]{24}|web:[a-z0-9.:%-]+)", "did:plc:z72i7hdynmk6r22z27h6tvur"),
    kinds=(
        SourceKind("mentions", "Posts that mention, quote or answer us", every_seconds=10),
        SourceKind(
            "search",
            "Posts with certain words",
            (Field("query", "Words", "As in Bluesky's search.", example='"Riverton police"'),),
            every_seconds=60,
        ),
        SourceKind(
            "everything",
            "All of Bluesky, by our watch rules",
            (
                Field(
                    "servers",
                    "Servers",
                    "Leave it for Bluesky's own. Only what a watch rule matches is kept; without a rule, nothing is.",
                    required=False,
                ),
            ),
            account="none",
            every_seconds=10,
            streamed=True,
        ),
    ),
    stream=_stream,
    threads=True,
)
