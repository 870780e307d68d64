"""Writes of the API that are sent again are done once; a department's own colour and crest; the page of the API."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlmodel import func, select

from config import clock, database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import READABLE, Department, Settings, contrast
from config.tables import KeptReply, Person
from posts.tables import Post
from scheduler.jobs import expiry
from tests.web.browsing import Browser
from web import app as web_app
from web import look


@pytest.fixture
def robot(desk_app: object, sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person]) -> Browser:
    """A program with a token of an officer's."""
    with database.writing(sqlite_engine) as session:
        ada = person(session, "Ada", Role.OFFICER)
        scopes = [Action.WRITE_POSTS, Action.READ_POSTS, Action.TRIAGE]
        token = sign_ins.new_token(session, ada.id or 0, "robot", scopes, keys, clock.now(), timedelta(days=1))
    return Browser(desk_app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)  # type: ignore[arg-type]


def posts(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).select_from(Post)).one()


def test_the_same_write_sent_again_is_done_once_and_answered_alike(robot: Browser, sqlite_engine: sa.Engine) -> None:
    key = {"Idempotency-Key": "one"}
    first = robot.post("/api/v1/posts", json={"message": "Coffee."}, headers=key)
    again = robot.post("/api/v1/posts", json={"message": "Coffee."}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert "content-security-policy" in again.headers
    assert posts(sqlite_engine) == 1


def test_a_key_is_for_one_request_only(robot: Browser, sqlite_engine: sa.Engine) -> None:
    robot.post("/api/v1/posts", json={"message": "Coffee."}, headers={"Idempotency-Key": "one"})
    other = robot.post("/api/v1/posts", json={"message": "Tea."}, headers={"Idempotency-Key": "one"})
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    robot.post("/api/v1/posts", json={"message": "Tea."}, headers={"Idempotency-Key": "two"})
    robot.post("/api/v1/posts", json={"message": "Tea."})
    assert posts(sqlite_engine) == 3


def test_a_key_is_for_one_query_only(robot: Browser) -> None:
    asked, key = "/api/v1/alerts/sensitivity?level=", {"Idempotency-Key": "one"}
    assert robot.put(f"{asked}fewer", headers=key).status_code == 204
    assert robot.put(f"{asked}more", headers=key).status_code == 422
    again = robot.put(f"{asked}fewer", headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")


def test_what_is_not_allowed_is_not_kept(robot: Browser, sqlite_engine: sa.Engine) -> None:
    answer = robot.put("/api/v1/hold", json={"reason": "x"}, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 403
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(func.count()).select_from(KeptReply)).one() == 0


def test_a_first_request_that_is_still_at_work_is_told(robot: Browser, sqlite_engine: sa.Engine) -> None:
    robot.post("/api/v1/posts", json={"message": "Coffee."}, headers={"Idempotency-Key": "one"})
    with database.writing(sqlite_engine) as session:
        kept = session.exec(select(KeptReply)).one()
        kept.status = None
        session.add(kept)
    assert (
        robot.post("/api/v1/posts", json={"message": "Coffee."}, headers={"Idempotency-Key": "one"}).status_code == 409
    )


def test_a_day_later_the_key_is_forgotten(robot: Browser, sqlite_engine: sa.Engine) -> None:
    robot.post("/api/v1/posts", json={"message": "Coffee."}, headers={"Idempotency-Key": "one"})
    with database.writing(sqlite_engine) as session:
        kept = session.exec(select(KeptReply)).one()
        kept.at = clock.now() - timedelta(hours=25)
        session.add(kept)
    robot.post("/api/v1/posts", json={"message": "Coffee."}, headers={"Idempotency-Key": "one"})
    assert posts(sqlite_engine) == 2


def test_a_key_of_unreasonable_length_is_refused(robot: Browser) -> None:
    assert robot.post("/api/v1/posts", json={}, headers={"Idempotency-Key": "x" * 256}).status_code == 400


def test_the_api_has_a_page_with_every_address(browser_of: Callable[..., Browser]) -> None:
    page = browser_of("Ada", Role.OFFICER).get("/api/docs").text
    for path in ("GET /api/v1/mentions", "POST /api/v1/posts/{post_id}/approve", "PUT /api/v1/hold"):
        assert f"<code>{path}</code>" in page


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_a_colour_that_is_taken_can_be_read_in_both_themes(red: int, green: int, blue: int) -> None:
    accent = f"#{red:02x}{green:02x}{blue:02x}"
    try:
        Department(accent=accent)
    except ValidationError:
        assert contrast(accent, "#e9ebe4") < READABLE
        return
    lighter = look.sheet(accent).split("light-dark(")[1].split(", ")[1].split(")")[0]
    assert contrast(lighter, look.DARK_GROUND) >= READABLE


def test_the_crest_and_colour_stand_on_the_pages(
    sqlite_engine: sa.Engine, settings: Settings, keys: Keys, tmp_path: Path
) -> None:
    crest = tmp_path / "crest.svg"
    crest.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    own = settings.model_copy(update={"department": Department(accent="#123a6b", crest=crest)})
    with Browser(web_app.create(sqlite_engine, own, keys)) as browser:
        assert 'src="/crest"' in browser.get("/sign-in").text
        assert "#123a6b" in browser.get("/look.css").text
        shown = browser.get("/crest")
    assert shown.headers["content-type"].startswith("image/svg+xml")
    assert "unsafe" not in shown.headers["content-security-policy"]


def test_a_crest_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "crest.html").write_text("<script></script>", encoding="utf-8")
    with pytest.raises(ValidationError, match="no SVG or PNG"):
        Department(crest=tmp_path / "crest.html")


def test_a_person_reads_in_their_language(browser_of: Callable[..., Browser], sqlite_engine: sa.Engine) -> None:
    ada = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        known = session.exec(select(Person)).one()
        known.language = "es"
        session.add(known)
    page = ada.get("/mentions").text
    assert '<html lang="es">' in page
    assert "Todavía no ha llegado ninguna mención." in page
    assert "Tráfico y seguridad vial" in page


def kept(engine: sa.Engine) -> int:
    with database.reading(engine) as session:
        return session.exec(select(func.count()).select_from(KeptReply)).one()


@pytest.mark.parametrize("proof", [{"Authorization": "Bearer x"}, {"Cookie": "liaison=x"}, {}])
def test_nothing_is_kept_nor_written_for_a_stranger(
    stranger: Browser, sqlite_engine: sa.Engine, proof: dict[str, str]
) -> None:
    """Not even for a moment: the one writer of the store is for the desk."""
    written = []
    sa.event.listen(sqlite_engine, "before_cursor_execute", lambda *asked: written.append(asked[2]))
    headers = {"Idempotency-Key": "one", **proof}
    answer = stranger.post("/api/v1/posts", json={"message": "x" * 2000}, headers=headers)
    assert answer.status_code in (401, 403)
    assert [one for one in written if one.startswith(("INSERT", "DELETE", "UPDATE"))] == []
    assert kept(sqlite_engine) == 0


def test_an_answer_is_not_read_again_by_a_token_that_was_revoked(robot: Browser, sqlite_engine: sa.Engine) -> None:
    send = {"json": {"message": "Coffee."}, "headers": {"Idempotency-Key": "one"}}
    assert robot.post("/api/v1/posts", **send).status_code == 201  # type: ignore[arg-type]
    with database.writing(sqlite_engine) as session:
        sign_ins.revoke_tokens(session, 1, clock.now())
    assert robot.post("/api/v1/posts", **send).status_code == 401  # type: ignore[arg-type]


def test_an_answer_is_not_read_again_by_who_has_other_rights_now(robot: Browser, sqlite_engine: sa.Engine) -> None:
    send = {"json": {"message": "Coffee."}, "headers": {"Idempotency-Key": "one"}}
    assert robot.post("/api/v1/posts", **send).status_code == 201  # type: ignore[arg-type]
    with database.writing(sqlite_engine) as session:
        people.set_roles(session, session.get_one(Person, 1), [Role.ANALYST])
    assert robot.post("/api/v1/posts", **send).status_code == 422  # type: ignore[arg-type]
    assert posts(sqlite_engine) == 1


def test_kept_answers_go_with_the_hourly_purge(robot: Browser, sqlite_engine: sa.Engine, settings: Settings) -> None:
    """What people said stands in some of them."""
    robot.post("/api/v1/posts", json={"message": "Coffee."}, headers={"Idempotency-Key": "one"})
    now = clock.now()
    assert expiry.expire(sqlite_engine, settings, now + timedelta(hours=23))["replies"] == 0
    assert expiry.expire(sqlite_engine, settings, now + timedelta(hours=25))["replies"] == 1
    assert kept(sqlite_engine) == 0
