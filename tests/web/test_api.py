from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from config import clock, database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import Person
from networks import accounts
from posts.tables import Target
from tests.web.browsing import Browser
from tests.web.test_left_out import said

Opens = Callable[..., Browser]


@pytest.fixture
def program(
    desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], at_eight: datetime
) -> Opens:
    """`program("Ada", [Role.OFFICER], [Action.READ_POSTS])`: a client with a token of that person and those scopes."""

    def open_one(
        name: str, roles: list[Role], scopes: list[Action], lifetime: timedelta = timedelta(days=1)
    ) -> Browser:
        with database.writing(sqlite_engine) as session:
            known = people.by_email(session, f"{name.lower()}@riverton.example") or person(session, name, *roles)
            who = people.known_id(known)
            token = sign_ins.new_token(session, who, "test", scopes, keys, clock.now(), lifetime)
        return Browser(desk_app, headers={"authorization": f"Bearer {token}"}, raise_server_exceptions=False)

    return open_one


@pytest.fixture
def account(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> int:
    with database.writing(sqlite_engine) as session:
        made = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight
        )
        return made.id or 0


def test_a_token_does_what_is_in_its_scopes_and_in_its_persons_roles_both(program: Opens) -> None:
    reads = program("Ada", [Role.OFFICER], [Action.READ_POSTS])
    assert reads.get("/api/v1/posts").status_code == 200
    assert reads.get("/api/v1/mentions").status_code == 403  # her role may, the token may not
    assert program("Ada", [], [Action.MANAGE]).get("/api/v1/sources").status_code == 403  # the other way round


def test_a_token_past_its_end_or_made_up_is_refused_as_a_problem(program: Opens, stranger: Browser) -> None:
    over = program("Ada", [Role.OFFICER], [Action.READ_POSTS], timedelta(seconds=-1)).get("/api/v1/posts")
    made_up = stranger.get("/api/v1/posts", headers={"authorization": "Bearer lia_nothing"})
    none = stranger.get("/api/v1/posts")
    for answered in (over, made_up, none):
        assert answered.status_code == 401
        assert answered.headers["content-type"] == "application/problem+json"
        assert answered.headers["www-authenticate"] == "Bearer"


def test_a_post_goes_its_whole_way_by_the_api(program: Opens, account: int) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.READ_POSTS, Action.WRITE_POSTS])
    luc = program("Luc", [Role.APPROVER], [Action.READ_POSTS, Action.APPROVE_POSTS])
    given = {"message": "Officers on Elm Street.", "accounts": [account], "day": "2026-11-24", "hour": "09:00"}
    made = ada.post("/api/v1/posts", json=given)
    assert made.status_code == 201
    post = made.json()
    assert (post["state"], post["due_at"]) == ("draft", "2026-11-24T14:00:00Z")
    assert ada.post(f"/api/v1/posts/{post['id']}/submit").json()["state"] == "in_review"
    assert (
        ada.post(f"/api/v1/posts/{post['id']}/approve", json={"content_hash": post["content_hash"]}).status_code == 403
    )
    approved = luc.post(f"/api/v1/posts/{post['id']}/approve", json={"content_hash": post["content_hash"]})
    assert approved.json()["state"] == "scheduled"
    assert [target["account_id"] for target in approved.json()["targets"]] == [account]
    assert [row["id"] for row in ada.get("/api/v1/posts").json()] == [post["id"]]


def test_programs_move_take_back_comment_and_settle_what_nobody_could_tell(
    program: Opens, account: int, sqlite_engine: sa.Engine
) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.READ_POSTS, Action.WRITE_POSTS])
    luc = program("Luc", [Role.APPROVER], [Action.READ_POSTS, Action.APPROVE_POSTS])
    given = {"message": "Officers on Elm Street.", "accounts": [account], "day": "2026-11-24", "hour": "09:00"}
    post = ada.post("/api/v1/posts", json=given).json()
    path = f"/api/v1/posts/{post['id']}"
    ada.post(f"{path}/submit")
    assert luc.post(f"{path}/comments", json={"comment": "Which corner?"}).status_code == 201
    assert ada.post(f"{path}/withdraw").json()["state"] == "draft"
    ada.post(f"{path}/submit")
    luc.post(f"{path}/approve", json={"content_hash": post["content_hash"]})
    moved = ada.put(f"{path}/time", json={"wall_time": "2026-11-25T10:00"}).json()
    assert (moved["state"], moved["due_at"]) == ("scheduled", "2026-11-25T15:00:00Z")
    target = moved["targets"][0]["id"]
    decide = f"{path}/targets/{target}/decide"
    assert ada.post(decide, json={"decision": "it_is_there"}).status_code == 409
    assert ada.post(decide, json={"decision": "perhaps"}).status_code == 422
    with database.writing(sqlite_engine) as session:
        row = session.get_one(Target, target)
        row.state, row.found = "unknown", [{"remote_id": "7", "url": "https://x.example/7", "published_at": ""}]
        session.add(row)
    assert ada.get(path).json()["targets"][0]["found"][0]["url"] == "https://x.example/7"
    assert luc.post(decide, json={"decision": "it_is_there"}).status_code == 403
    assert ada.post(decide, json={"decision": "it_is_there"}).json()["state"] == "published"


def test_a_budget_is_set_by_administrators_and_read_by_all(program: Opens, account: int) -> None:
    sam = program("Sam", [Role.ADMINISTRATOR], [Action.READ_POSTS, Action.MANAGE])
    ada = program("Ada", [Role.OFFICER], [Action.READ_POSTS, Action.WRITE_POSTS])
    assert sam.put(f"/api/v1/accounts/{account}/budget", json={"dollars": "50.00"}).status_code == 200
    assert ada.get("/api/v1/accounts").json()[0]["monthly_budget"] == "50.00"
    assert ada.put(f"/api/v1/accounts/{account}/budget", json={"dollars": None}).status_code == 403
    assert sam.put(f"/api/v1/accounts/{account}/budget", json={"dollars": "-1"}).status_code == 422
    assert sam.put("/api/v1/accounts/999/budget", json={"dollars": "1"}).status_code == 404


def test_a_save_over_an_older_revision_is_a_conflict(program: Opens, account: int) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.READ_POSTS, Action.WRITE_POSTS])
    post = ada.post("/api/v1/posts", json={"message": "One.", "accounts": [account]}).json()
    given = {"message": "Two.", "accounts": [account], "revision": post["revision"]}
    assert ada.put(f"/api/v1/posts/{post['id']}", json=given).status_code == 200
    assert ada.put(f"/api/v1/posts/{post['id']}", json=given).status_code == 409


def test_a_body_that_cannot_be_taken_says_which_field(program: Opens) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.WRITE_POSTS])
    answered = ada.post("/api/v1/posts", json={"message": "x", "day": "tomorrow"})
    assert answered.status_code == 422
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["detail"].startswith("day: ")


def test_a_hold_without_a_reason_and_a_word_without_words_are_refused(program: Opens, account: int) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.READ_POSTS, Action.WRITE_POSTS, Action.PLACE_HOLD])
    luc = program("Luc", [Role.APPROVER], [Action.READ_POSTS, Action.APPROVE_POSTS])
    given = {"message": "Officers on Elm Street.", "accounts": [account]}
    path = f"/api/v1/posts/{ada.post('/api/v1/posts', json=given).json()['id']}"
    ada.post(f"{path}/submit")
    asked = [
        ada.put("/api/v1/hold", json={"reason": " "}),
        luc.post(f"{path}/ask-changes", json={"comment": " "}),
        luc.post(f"{path}/comments", json={"comment": "\n"}),
    ]
    assert [answer.status_code for answer in asked] == [422, 409, 409]
    assert (ada.get("/api/v1/hold").json()["on"], ada.get(path).json()["state"]) == (False, "in_review")


def test_the_hold_is_placed_read_and_lifted(program: Opens) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.READ_POSTS, Action.PLACE_HOLD])
    luc = program("Luc", [Role.APPROVER], [Action.LIFT_HOLD])
    assert ada.get("/api/v1/hold").json()["on"] is False
    assert ada.put("/api/v1/hold", json={"reason": "Crash on Route 9"}).json()["reason"] == "Crash on Route 9"
    assert ada.delete("/api/v1/hold").status_code == 403
    assert luc.delete("/api/v1/hold").json()["on"] is False


def test_a_text_is_checked_against_a_network(program: Opens) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.WRITE_POSTS])
    told = ada.post("/api/v1/limits", json={"network": "practice", "text": "x" * 510}).json()
    assert (told["length"], told["limit"], told["remaining"], told["valid"]) == (510, 500, -10, False)
    assert ada.post("/api/v1/limits", json={"network": "telegraph", "text": "x"}).status_code == 404


def test_figures_and_alerts_of_an_empty_desk_are_empty(program: Opens) -> None:
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    assert ana.get("/api/v1/alerts").json() == []
    figures = ana.get("/api/v1/figures").json()
    assert (figures["posts"], figures["authors"], figures["concerns"]) == (0, 0, [])
    assert [figure["last_7_days"] for figure in figures["figures"]] == [None, None, None]


def test_an_empty_inbox_is_a_last_page_and_a_made_up_cursor_is_refused(program: Opens) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.READ_MENTIONS])
    assert ada.get("/api/v1/mentions").json() == {"mentions": [], "counts": {}, "next": None}
    assert ada.get("/api/v1/mentions", params={"before": "here"}).status_code == 422
    assert ada.get("/api/v1/mentions", params={"since": "2026-11-24T08:00:00"}).status_code == 422  # no zone


def test_what_is_done_with_mentions_on_pages_a_program_does_too(
    program: Opens, sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime
) -> None:
    said(sqlite_engine, keys, settings, at_eight, ["Speeding on Elm Street, useless"])
    ada, one = program("Ada", [Role.OFFICER], [Action.READ_MENTIONS, Action.TRIAGE]), "/api/v1/mentions/1"
    later, years = at_eight + timedelta(days=1), at_eight + timedelta(days=4000)
    for method, path, body, status, state in (
        ("POST", "/assign", {"to": 99}, 422, "new"),
        ("POST", "/assign", None, 204, "assigned"),
        ("POST", "/snooze", None, 422, "assigned"),
        ("POST", "/snooze", {"until": years.isoformat()}, 422, "assigned"),
        ("POST", "/snooze", {"until": later.isoformat()}, 204, "snoozed"),
        ("POST", "/done", None, 204, "done"),
        ("POST", "/done", None, 409, "done"),
        ("POST", "/reopen", None, 204, "new"),
        ("POST", "/burn", None, 422, "new"),
        ("PUT", "/tags/,%20", None, 422, "new"),
        ("PUT", "/tags/Bridge%20St", None, 204, "new"),
        ("DELETE", "/tags/bridge%20st", None, 204, "new"),
        ("PUT", "/labels", {"concerns": ["weather"]}, 422, "new"),
        ("PUT", "/labels", {"trust": "trust", "concerns": []}, 204, "new"),
    ):
        answer = ada.request(method, one + path, json=body)
        assert (answer.status_code, ada.get(one).json()["state"]) == (status, state), (method, path, answer.text)
    found = ada.get(one).json()
    assert (found["trust"], found["concerns"], found["corrected"]) == ("trust", [], True)
    gone = "/api/v1/mentions/9"
    answers = ada.put(f"{gone}/labels", json={"trust": "trust"}), ada.post(f"{gone}/done")
    assert [answer.status_code for answer in answers] == [404, 404]


def test_a_partner_gets_the_week_by_a_program_s_word(program: Opens) -> None:
    ada = program("Ada", [Role.OFFICER], [Action.TRIAGE, Action.READ_POSTS])
    made = {"name": "Lincoln School", "kind": "school", "email": "office@lincoln.example"}
    assert ada.post("/api/v1/partners", json=made).status_code == 201
    digest = "/api/v1/partners/1/digest"
    told = [ada.put(digest, json={"consent": words}).status_code for words in ("by phone", " ")]
    assert [*told, ada.delete(digest).status_code, ada.delete(digest).status_code] == [204, 409, 204, 204]


def test_openapi_describes_every_path_of_the_api(program: Opens, desk_app: FastAPI) -> None:
    told = program("Ada", [Role.OFFICER], [Action.OWN_ACCOUNT]).get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.")
    assert "/api/v1/posts/{post_id}/approve" in told["paths"]
    assert {path[:8] for path in told["paths"]} == {"/api/v1/"}
