"""Asks the API whatever its own description allows (schemathesis), in each role; what should not have come back."""

import warnings
from collections.abc import Callable
from typing import Any

import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from config import clock, database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from listeners import sources
from listeners.tables import Mention
from networks import accounts
from web.api import v1

MARK = "kept-secret"  # stands in everything that the API must never give
DROPPED = {"cookie", "authorization", "host", "content-length", "connection"}


def secrets_into(engine: sa.Engine, keys: Keys) -> None:
    """Rows with what must not come out: a mention's address, a source's key, an account's token, a password's hash."""
    moment = clock.now()
    with database.writing(engine) as session:
        source = sources.add(
            session, network="archive", name="Town", settings={"token": MARK}, every_seconds=0, now=moment
        )
        accounts.add(session, network="practice", name="Us", handle="", secret=MARK, keys=keys, now=moment)
        for number in (1, 2):
            session.add(
                Mention(
                    key=b"k%d" % number, network="x", source_id=source.id or 0, author=MARK.encode() + b"%d" % number,
                    sealed_reference=MARK.encode(), text=f"Speeding again {number}", scored_at=moment,
                    posted_at=moment, received_at=moment, expires_at=moment,
                )
            )  # fmt: skip


def tokens(engine: sa.Engine, keys: Keys, person: Callable[..., Any]) -> dict[str, str]:
    """A token with every scope for a person of each role and of all roles; one of nobody's."""
    found = {"nobody": "lia_made-up"}
    with database.writing(engine) as session:
        people_of = {"everybody": tuple(Role)} | {role.value: (role,) for role in Role}
        for name, roles in people_of.items():
            one = person(session, f"The {name}", *roles)
            one.password_hash = MARK
            found[name] = sign_ins.new_token(
                session, people.known_id(one), "all", list(Action), keys, clock.now(), sign_ins.LIFETIME
            )
    return found


def wrong(browser: Any, by_role: dict[str, str], examples: int, start: int) -> list[str]:
    """Every answer that is a failure of ours, or that gives away what it must not. `examples` for each address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        described: Any = schemathesis.openapi.from_dict(v1.description())
        operations = [found.ok() for found in described.get_all_operations()]
    told: list[str] = []
    for operation in operations:

        @seed(start)
        @settings(
            max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(), role=st.sampled_from(sorted(by_role)))
        def ask(case: Any, role: str) -> None:
            sent = case.as_transport_kwargs(base_url="http://testserver")
            headers = {name: value for name, value in sent.pop("headers").items() if name.lower() not in DROPPED}
            sent.pop("cookies", None)
            if isinstance(sent.get("data"), bytes):  # JSON that is no object
                sent["content"] = sent.pop("data")
            answer = browser.request(headers=headers | {"authorization": f"Bearer {by_role[role]}"}, **sent)
            if answer.status_code >= 500:
                told.append(f"{role}: {sent} answered {answer.status_code}: {answer.text[:500]}")
            if MARK in answer.text and MARK not in repr(sent):
                told.append(f"{role}: {sent} gave away: {answer.text[:500]}")
            if role == "nobody" and 200 <= answer.status_code < 400:
                told.append(f"nobody: {sent} answered {answer.status_code}")

        ask()
    return told
