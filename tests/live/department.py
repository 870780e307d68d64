"""A department on real networks: accounts signed in as a person would, posts written and approved by two people."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa
from sqlmodel import select

from config import clock, database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts, bluesky, mastodon, pictures
from networks.network import PageSignIn, PasswordSignIn
from networks.tables import Account
from posts import drafts
from posts import pictures as kept
from posts.tables import Target
from tests.live import bluesky_network, mastodon_server

OFFICER, APPROVER = "Ana Ortega", "Lucas Moreau"


@dataclass(frozen=True)
class Department:
    """A store with an officer and an approver; `settings` let it talk to loopback."""

    engine: sa.Engine
    keys: Keys
    settings: Settings
    officer: int
    approver: int

    def approved(self, text: str, account: int, picture: tuple[bytes, str] | None = None, after: float = 0) -> int:
        """A post for one account, due `after` seconds from now, approved by the second person; its number."""
        now = clock.now()
        with database.writing(self.engine) as session:
            number = drafts.create(session, self.officer, text, [account], now).id or 0
            if picture is not None:
                kept.add(session, number, self.officer, pictures.read(*picture), now)
            wall = (now + timedelta(seconds=after)).replace(tzinfo=None)
            drafts.schedule(session, number, self.officer, wall, "UTC", now)
            drafts.submit(session, number, self.officer, now)
        with database.writing(self.engine) as session:
            drafts.approve(session, number, self.approver, drafts.read(session, number).content_hash, now)
        return number

    def targets(self, number: int) -> list[Target]:
        with database.reading(self.engine) as session:
            return list(session.exec(select(Target).where(Target.post_id == number).order_by(Target.part)))  # type: ignore[arg-type]

    def account(self, number: int) -> Account:
        with database.reading(self.engine) as session:
            return session.get_one(Account, number)


def made(engine: sa.Engine, keys: Keys, settings: Settings, person: Callable[..., Person]) -> Department:
    """A department in a store of its own."""
    private = settings.model_copy(update={"fetch_private_addresses": True})
    with database.writing(engine) as session:
        officer, approver = person(session, OFFICER, Role.OFFICER), person(session, APPROVER, Role.APPROVER)
        return Department(engine, keys, private, officer.id or 0, approver.id or 0)


def on_bluesky(
    department: Department, network: bluesky_network.Network, who: bluesky_network.Person, service: str | None = None
) -> tuple[int, str]:
    """Signs in with an app password of its own, at the PDS or at a proxy before it; (account, app password's name)."""
    name, password = network.app_password(who)
    sign_in = bluesky.NETWORK.sign_in
    assert isinstance(sign_in, PasswordSignIn)
    given = {
        "handle": who.handle,
        "app_password": password,
        "service": service or network.pds,
        "directory": network.plc,
    }
    signed = sign_in.connect(given, True)
    with database.writing(department.engine) as session:
        return accounts.connect(session, "bluesky", signed, department.keys, clock.now()).id or 0, name


def on_mastodon(
    department: Department, server: mastodon_server.Server, who: mastodon_server.Account, address: str | None = None
) -> int:
    """Signs in over the server's own page, as a person does; at the server or at a proxy before it."""
    sign_in = mastodon.NETWORK.sign_in
    assert isinstance(sign_in, PageSignIn)
    departure = sign_in.begin({"server": address or server.url}, "http://127.0.0.1:9/accounts/callback", "state", True)
    back = parse_qs(urlsplit(server.authorize(departure.url, who)).query)
    assert back["state"] == ["state"]
    signed = sign_in.finish(departure.kept, back["code"][0], True)
    if address is not None:  # the server names itself by its own address, and the proxy must not be passed by
        signed = replace(signed, settings={**signed.settings, "home": address})
    with database.writing(department.engine) as session:
        return accounts.connect(session, "mastodon", signed, department.keys, clock.now()).id or 0


# A token of the protocol's form, of long ago, that no server takes.
EXPIRED = (
    "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9.eyJzY29wZSI6ImNvbS5hdHByb3RvLmFwcFBhc3MiLCJleHAiOjE2MDAwMDAwMDB9."
    "c2lnbmF0dXJl"
)


def aged(session: str) -> str:
    """A kept session of Bluesky's whose access token is not taken any more, as after two hours: it must be renewed."""
    return json.dumps({**json.loads(session), "access": EXPIRED})
