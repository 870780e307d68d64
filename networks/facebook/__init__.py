"""A Facebook Page: posts with a link or pictures, answers as comments, posts that tag us and comments on ours.

facebook-sdk is imported inside functions: it costs time that only talking to the network needs."""

from networks import meta
from networks.facebook.words import LIMITS
from networks.network import AuthorId, Connection, Listener, Network, Publisher, ReachReader, SourceKind, Witness


def _listener(connection: Connection) -> Listener:
    from networks.facebook.hearing import Ear

    return Ear(connection)


def _publisher(connection: Connection) -> Publisher:
    from networks.facebook.sending import Desk

    return Desk(connection)


def _witness(connection: Connection) -> Witness:
    from networks.facebook.hearing import Looker

    return Looker(connection)


def _reach(connection: Connection) -> ReachReader:
    from networks.facebook.reach import Gauge

    return Gauge(connection)


NETWORK = Network(
    name="facebook",
    label="Facebook",
    policy=meta.POLICY,
    limits=LIMITS,
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    reach=_reach,
    sign_in=meta.sign_in("facebook"),
    test=meta.who("facebook"),
    author_id=AuthorId(r"[0-9]{1,30}", "10158923456789012"),
    kinds=(
        SourceKind("mentions", "Posts that tag us", every_seconds=120),
        SourceKind("comments", "Comments on our posts", every_seconds=120),
    ),
)
