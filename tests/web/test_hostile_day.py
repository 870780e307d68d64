"""A hostile day at the desk: somebody from outside, and somebody of ours, try to come in, to read what is not theirs,
to publish without approval, to find an author. docs/security.md lists what is tried."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, Person
from networks import accounts
from posts import claims, drafts
from posts.tables import Post, Target
from tests.web.browsing import Browser, send
from tests.web.test_left_out import said

Opens = Callable[..., Browser]
PASSWORD = "seven herons over the mill pond"


@pytest.fixture
def desk(
    sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime, person: Callable[..., Person]
) -> sa.Engine:
    """A desk with an account to publish on, a draft of Ada's, and what people said."""
    said(sqlite_engine, keys, settings, at_eight, [f"Speeding on Elm Street {n}, useless" for n in range(8)])
    with database.writing(sqlite_engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER, password=PASSWORD))
        made = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
        drafts.create(session, ada, "Cones on Elm Street.", [made.id or 0], at_eight)
    return sqlite_engine


def state_of(engine: sa.Engine, number: int = 1) -> str:
    with database.reading(engine) as session:
        return session.get_one(Post, number).state


# Coming in


MADE_UP = ("", "x", "' OR 1=1 --", "../../etc/passwd", "lia_" + "A" * 43, "A" * 43, "%00", "é")


def test_no_cookie_or_token_that_was_made_up_opens_anything(desk: sa.Engine, stranger: Browser) -> None:
    named = {
        "x-forwarded-user": b"ada@riverton.example",
        "x-forwarded-for": b"127.0.0.1",
        "x-original-url": b"/healthz",
    }
    tried: list[Any] = [named]
    for one in MADE_UP:
        tried += [{"cookie": f"{name}={one}".encode()} for name in ("liaison", "__Host-liaison")]
        tried += [{"authorization": f"{scheme} {one}".encode()} for scheme in ("Bearer", "Basic")]
    for headers in tried:
        for path in ("/mentions", "/api/v1/mentions"):
            answer = stranger.get(path, headers=headers)
            assert answer.status_code in (303, 401), (headers, path, answer.status_code)
            assert "Speeding" not in answer.text


def test_no_way_of_writing_an_address_leads_past_the_door(desk: sa.Engine, stranger: Browser) -> None:
    for path in (
        "//mentions", "/./mentions", "/healthz/../mentions", "/static/../mentions",
        "/static/%2e%2e/%2e%2e/config/people.py", "/static/..%2f..%2fconfig%2fpeople.py", "/MENTIONS", "/mentions/",
        "/mentions;a=b", "/mentions%00",
        "/mentions%2f1", "/api/v1/mentions/..%2fmentions", "/pictures/../../mentions.jpg", "/feeds/..%2fmentions.ics",
    ):  # fmt: skip
        answer = stranger.get(path)
        assert answer.status_code in (303, 401, 404, 405), (path, answer.status_code)
        assert "Speeding" not in answer.text and "argon2" not in answer.text


def test_a_sign_in_that_was_stolen_ends_with_its_owners_next_password(
    desk: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Opens
) -> None:
    owner, thief = browser_of("Ada"), browser_of("Ada")
    assert thief.get("/mentions").status_code == 200
    new = "nine kites above the old ferry"
    changed = send(owner, "/account/password", page="/account", old=PASSWORD, new=new)
    assert changed.status_code < 400, changed.text[:500]
    assert thief.get("/mentions").status_code == 303
    with database.writing(desk) as session:
        late = sign_ins.open_sign_in(session, 1, keys, at_eight - timedelta(days=2))
    thief.cookies.set("liaison", late)
    assert thief.get("/mentions").status_code == 303


def test_a_cookie_set_by_somebody_else_is_not_the_one_that_signs_in(desk: sa.Engine, stranger: Browser) -> None:
    stranger.cookies.set("liaison", "chosen-by-a-thief")
    send(stranger, "/sign-in", page="/sign-in", email="ada@riverton.example", password=PASSWORD)
    mine = [one.value for one in stranger.cookies.jar if one.name == "liaison"]
    assert mine and mine[-1] != "chosen-by-a-thief"


# Reading and doing what is not one's own


def test_an_officer_does_not_become_more_by_asking(desk: sa.Engine, browser_of: Opens) -> None:
    ada = browser_of("Ada")
    for path, fields in (
        ("/people", {"name": "Eve", "email": "eve@x.example", "roles": "administrator"}),
        ("/people/1/roles", {"roles": "administrator"}),
        ("/people/1/link", {}),
        ("/records/own-data", {}),
        ("/records/holds", {"kind": "post", "number": "1", "reason": "x"}),
    ):
        assert send(ada, path, page="/account", **fields).status_code == 403, path
    send(ada, "/account", page="/account", name="Ada", roles="administrator", is_admin="1", role="administrator")
    with database.reading(desk) as session:
        assert people.roles_of(session, 1) == {Role.OFFICER}


def test_another_persons_token_view_and_sign_in_are_out_of_reach(
    desk: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Opens
) -> None:
    with database.writing(desk) as session:
        day = timedelta(days=1)
        token = sign_ins.new_token(session, 1, "mine", [Action.READ_POSTS], keys, at_eight, day)
    bo = browser_of("Bo", Role.OFFICER)
    assert send(bo, "/account/tokens/1/revoke", page="/account").status_code in (303, 404)
    with database.reading(desk) as session:
        assert sign_ins.token_holder(session, token, keys, at_eight) is not None


# Publishing without approval


def test_nothing_goes_out_that_nobody_else_approved(
    desk: sa.Engine, keys: Keys, at_eight: datetime, browser_of: Opens
) -> None:
    ada = browser_of("Ada")
    with database.reading(desk) as session:
        hashed = drafts.read(session, 1).content_hash
    send(ada, "/posts/1/approve", page="/posts/1", content_hash=hashed)
    send(ada, "/compose/1", page="/compose/1", message="x", state="approved", approved="1", do="approve")
    send(ada, "/posts/1/targets/1/decide", page="/posts/1", decision="published", state="published")
    for path in ("approve", "submit", "publish"):
        ada.post(f"/api/v1/posts/1/{path}", json={"content_hash": hashed, "state": "approved"})
    assert state_of(desk) in ("draft", "in_review")
    assert claims.claim(desk, keys, at_eight + timedelta(days=400)) == []
    with database.reading(desk) as session:
        assert session.exec(select(Target).where(Target.state == "published")).all() == []


def test_an_approver_who_wrote_the_words_or_was_shown_others_does_not_approve_them(
    desk: sa.Engine, browser_of: Opens
) -> None:
    both = browser_of("Both", Role.OFFICER, Role.APPROVER)
    send(both, "/compose", page="/compose", message="Mine alone.", accounts="1", do="submit")
    with database.reading(desk) as session:
        mine = session.exec(select(Post.id).order_by(Post.id.desc())).first() or 0  # type: ignore[union-attr]
        hashed = drafts.read(session, mine).content_hash
    send(both, f"/posts/{mine}/approve", page=f"/posts/{mine}", content_hash=hashed)
    assert state_of(desk, mine) not in ("approved", "scheduled", "published")
    with database.writing(desk) as session:
        drafts.submit(session, 1, 1, session.get_one(Post, 1).updated_at)
    send(both, "/posts/1/approve", page="/posts/1", content_hash="0" * 64)
    assert state_of(desk) == "in_review"


# Finding an author


def test_no_page_answers_who_wrote(desk: sa.Engine, keys: Keys, browser_of: Opens) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    name = "archive\nSpeeding on Elm Street 3, useless-3"
    hashes = {keys.hash("author", name).hex(), keys.hash("mention", name).hex()}
    plain = ada.get("/api/v1/mentions").json()
    for asked in (
        {"author": "Speeding on Elm Street 3, useless-3"}, {"q": "author:jo"}, {"text": "useless 3"}, {"key": "x"},
        {"sort": "author"}, {"group_by": "author"}, {"author_age": "new"}, {"thread": next(iter(hashes))},
        {"fields": "author,sealed_reference"}, {"include": "author"},
    ):  # fmt: skip
        answer = ada.get("/api/v1/mentions", params=asked)
        assert answer.status_code == 422 or answer.json() == plain, asked
    for path in ("/mentions", "/mentions/1", "/api/v1/mentions/1"):
        text = ada.get(path).text
        assert not [one for one in hashes if one in text]
        assert "useless-3" not in text  # the post's own name, sealed
    with database.reading(desk) as session:
        seen = session.exec(select(AuditEntry).where(AuditEntry.action == "mention.list")).all()
    assert len(seen) > 5  # each try is in the log
