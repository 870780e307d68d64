"""Mastodon, and servers that speak its API: many servers, each with limits of its own.

What is published has no key of ours that a server must honour (Idempotency-Key is sent, and never relied on), so a lost
reply is looked up among our own posts by their words; absence counts as proven only after a while. Looked up 2026-11:
500 characters as a rule, links count 23, mentions without their server, 4 pictures, 300 requests in 5 minutes.

A post's id means something on one server only: remote ids are "<id>@<server>".

The library takes half a second to load: it is imported where a server is talked to, and by nobody else."""

import re
from collections.abc import Callable, Mapping
from threading import Event

from networks import polls
from networks.mastodon.words import LIMITS, limits_of
from networks.network import (
    AuthorId,
    Connection,
    Departure,
    Field,
    Listener,
    Network,
    Option,
    PageSignIn,
    Policy,
    PollReader,
    Publisher,
    ReachReader,
    SignedIn,
    SourceKind,
    Witness,
)

# An account's uri. Not its profile's address nor its name: from these nobody can tell a uri that has a number in it.
_AUTHOR = r"https?://[^/\s@]+(/[^@/\s][^/\s]*)+/?"
_NAMED = re.compile(r"https?://([^/\s@]+)/users/([^/\s@]+)/?")
_SERVER = Field("server", "Server", "Where the account lives.", example="mastodon.social")


def _forms(account: str) -> tuple[str, ...]:
    """An account by its uri, and by the address and the name that Mastodon makes of it, which are all that some servers
    tell (hearing)."""
    found = _NAMED.fullmatch(account)
    if found is None:
        return (account,)
    host, name = found[1].lower(), found[2]
    said = (account, f"https://{host}/users/{name}", f"https://{host}/@{name}", f"{name}@{host}")
    return tuple(dict.fromkeys(said))


def _listener(connection: Connection) -> Listener:
    from networks.mastodon.hearing import Ear

    return Ear(connection)


def _publisher(connection: Connection) -> Publisher:
    from networks.mastodon.sending import Desk

    return Desk(connection)


def _witness(connection: Connection) -> Witness:
    from networks.mastodon.hearing import Looker

    return Looker(connection)


def _polls(connection: Connection) -> PollReader:
    from networks.mastodon.hearing import Counter

    return Counter(connection)


def _reach(connection: Connection) -> ReachReader:
    from networks.mastodon.reach import Gauge

    return Gauge(connection)


def _doorbell(connection: Connection, ring: Callable[[], None], told_gone: Callable[[str], None], stop: Event) -> None:
    from networks.mastodon import hearing

    hearing.stay_on_the_line(connection, ring, told_gone, stop)


def _begin(given: Mapping[str, str], redirect_uri: str, state: str, allow_private: bool) -> Departure:
    from networks.mastodon import sign_in

    return sign_in.begin(given, redirect_uri, state, allow_private)


def _finish(kept: str, code: str, allow_private: bool) -> SignedIn:
    from networks.mastodon import sign_in

    return sign_in.finish(kept, code, allow_private)


def _who(connection: Connection) -> SignedIn:
    from networks.mastodon import sign_in

    return sign_in.who(connection)


NETWORK = Network(
    name="mastodon",
    label="Mastodon",
    policy=Policy(
        notes="Public and unlisted posts only. Each server has rules of its own: read them before you listen there."
    ),
    limits=LIMITS,
    limits_of=limits_of,
    listener=_listener,
    publisher=_publisher,
    witness=_witness,
    polls=_polls,
    reach=_reach,
    doorbell=_doorbell,
    sign_in=PageSignIn((_SERVER,), _begin, _finish),
    test=_who,
    author_id=AuthorId(_AUTHOR, "https://mastodon.social/users/riverton", _forms),
    kinds=(
        SourceKind("mentions", "Posts that mention us", every_seconds=10),
        SourceKind(
            "hashtag",
            "A hashtag",
            (
                Field("hashtag", "Hashtag", example="Riverton"),
                Field("server", "Server", "Empty: the account's own.", example="mastodon.social", required=False),
            ),
            account="optional",
            every_seconds=60,
        ),
    ),
    options=(
        Option(
            "visibility",
            "Who sees it",
            (("public", "Everyone, and in public lists"), ("unlisted", "Everyone, but not in public lists")),
        ),
        Option("content_warning", "Content warning", help="Shown first; readers open the post by a click."),
        *polls.OPTIONS,
    ),
    threads=True,
)
