"""Instagram, professional accounts: pictures with a caption out, comments answered, tags and comments in.

facebook-sdk is imported inside functions: it costs time that only talking to the network needs."""

from networks import meta
from networks.instagram.words import LIMITS
from networks.network import AuthorId, Connection, Listener, Network, Publisher, ReachReader, SourceKind, Witness


def _listener(connection: Connection) -> Listener:
    from networks.instagram.hearing import Ear

    return Ear(connection)


def _publisher(connection: Connection) -> Publisher:
    from networks.instagram.sending import Desk

    return Desk(connection)


def _witness(connection: Connection) -> Witness:
    from networks.facebook.hearing import Looker
    from networks.instagram.hearing import Ear

    return Looker(connection, Ear)


def _reach(connection: Connection) -> ReachReader:
    from networks.instagram.reach import Gauge

    return Gauge(connection)


NETWORK = Network(
    name="instagram",
    label="Instagram",
    policy=meta.POLICY,
    limits=LIMITS,
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    reach=_reach,
    sign_in=meta.sign_in("instagram"),
    test=meta.who("instagram"),
    # A number where Meta tells it, of who comments; the name of who tags.
    author_id=AuthorId(r"[a-z0-9._]{1,30}", "17841405793187218"),
    kinds=(
        SourceKind("mentions", "Pictures that tag us", every_seconds=120),
        SourceKind("comments", "Comments on our pictures", every_seconds=120),
    ),
    fetches_pictures=True,
)
