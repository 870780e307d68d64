"""A Facebook Page: posts with a link or pictures, answers as comments, posts that tag us and comments on ours.

facebook-sdk is imported inside functions: it costs time that only talking to the network needs."""

from collections.abc import Mapping

from networks.facebook.words import LIMITS
from networks.network import (
    Connection,
    Departure,
    Field,
    Listener,
    Network,
    PageSignIn,
    Policy,
    Publisher,
    SignedIn,
    SourceKind,
    Witness,
)

_FIELDS = (
    Field("app_id", "App ID", "Of the department's app at developers.facebook.com."),
    Field("app_secret", "App secret", secret=True),
    Field("page", "Page", "Its name or number, if you manage several.", required=False),
    Field("service", "Address of the API", "Leave it as it is.", default="https://graph.facebook.com", required=False),
)


def _listener(connection: Connection) -> Listener:
    from networks.facebook.hearing import Ear

    return Ear(connection)


def _publisher(connection: Connection) -> Publisher:
    from networks.facebook.sending import Desk

    return Desk(connection)


def _witness(connection: Connection) -> Witness:
    from networks.facebook.hearing import Looker

    return Looker(connection)


def _begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
    from networks import graph_sign_in

    del allow_private
    return graph_sign_in.begin("facebook", given, redirect_uri, state)


def _finish(kept: str, code: str, allow_private: bool) -> SignedIn:
    from networks import graph_sign_in

    return graph_sign_in.finish("facebook", kept, code, allow_private)


def _who(connection: Connection) -> SignedIn:
    from networks import graph_sign_in

    return graph_sign_in.who("facebook", connection)


NETWORK = Network(
    name="facebook",
    label="Facebook",
    policy=Policy(deletion_hours=24, corrections_may_train=False, notes="No surveillance; deletions are followed."),
    limits=LIMITS,
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    sign_in=PageSignIn(_FIELDS, _begin, _finish),
    test=_who,
    kinds=(
        SourceKind("mentions", "Posts that tag us", every_seconds=120),
        SourceKind("comments", "Comments on our posts", every_seconds=120),
    ),
)
