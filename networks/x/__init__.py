"""X: mentions and searches in, posts, answers and threads out. Reading and publishing cost money there.

X honours no key of ours, so a lost reply is looked up among our own posts by their words; absence counts as proven only
after a while. Its refresh tokens serve once. Looked up 2026-11: 280 by weight, 4 pictures of 5 MB, 100 posts in 15
minutes; deletions are to be followed within 24 hours, answers go only to who mentioned us, the same text may not come
from several accounts, and nothing that was collected there may train a model.

The library takes a while to load: it is imported where X is talked to, and by nobody else."""

from collections.abc import Mapping

from networks.network import (
    AuthorId,
    Connection,
    Departure,
    Field,
    Listener,
    Network,
    PageSignIn,
    Policy,
    Publisher,
    ReachReader,
    SignedIn,
    SourceKind,
    Witness,
)
from networks.x.words import LIMITS, LONGEST_SEARCH

_FIELDS = (
    Field("client_id", "Client ID", "Of the department's own app, with OAuth 2.0 (docs: X).", required=False),
    Field("client_secret", "Client secret", "None for a public client.", secret=True, required=False),
    Field(
        "keys",
        "Or four keys",
        "Only where the app knows OAuth 1.0a alone: API key, API key secret, access token, access token secret, with "
        "spaces between them.",
        secret=True,
        required=False,
    ),
    Field("service", "Server", "Leave it.", default="https://api.x.com", required=False),
)


def _listener(connection: Connection) -> Listener:
    from networks.x.hearing import Ear, Rounds

    return Rounds(connection) if connection.settings.get("kind") == "rules" else Ear(connection)


def _publisher(connection: Connection) -> Publisher:
    from networks.x.sending import Desk

    return Desk(connection)


def _witness(connection: Connection) -> Witness:
    from networks.x.hearing import Looker

    return Looker(connection)


def _reach(connection: Connection) -> ReachReader:
    from networks.x.reach import Gauge

    return Gauge(connection)


def _begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
    from networks.x import sign_in

    return sign_in.begin(given, redirect_uri, state, allow_private)


def _finish(kept: str, code: str, allow_private: bool) -> SignedIn:
    from networks.x import sign_in

    return sign_in.finish(kept, code, allow_private)


def _who(connection: Connection) -> SignedIn:
    from networks.x import sign_in

    return sign_in.who(connection)


NETWORK = Network(
    name="x",
    label="X",
    policy=Policy(
        deletion_hours=24,
        recheck_hours=20,
        corrections_may_train=False,
        may_not=(
            "train models",
            "monitor protests or gatherings",
            "follow a person",
            "keep what was deleted",
            "answer who did not mention us",
        ),
        notes="Public posts, by X's paid API. A government user needs an agreed plan: ask X first.",
    ),
    limits=LIMITS,
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    reach=_reach,
    sign_in=PageSignIn(_FIELDS, _begin, _finish),
    test=_who,
    author_id=AuthorId(r"[0-9]{1,30}", "2244994945"),
    kinds=(
        SourceKind("mentions", "Posts that mention us", every_seconds=60),
        SourceKind("rules", "Posts that match the watch rules", every_seconds=300, by_rules=LONGEST_SEARCH),
        SourceKind(
            "search",
            "Posts with certain words",
            (
                Field(
                    "query",
                    "Words",
                    f"As in X's search, at most {LONGEST_SEARCH} characters.",
                    example='"Riverton police"',
                ),
            ),
            every_seconds=300,
        ),
    ),
    threads=True,
    no_copies=True,
    charges=True,
)
