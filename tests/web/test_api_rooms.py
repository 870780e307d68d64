"""What pages do, a program does too, by the same rules: a resource a test."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from config import database
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import AuditEntry, OutboxMessage
from tests.web.browsing import Browser
from tests.web.test_api import account, program
from tests.web.test_left_out import said
from web.api.v1 import description

__all__ = ["account", "program"]  # fixtures
Opens = Callable[..., Browser]
GIVEN = {"concern": "traffic_safety", "said": "Cars speed.", "wanted": "A sign.", "unit": "Traffic unit"}


@pytest.fixture
def officer(program: Opens) -> Browser:
    rights = [Action.READ_FIGURES, Action.READ_MENTIONS, Action.TRIAGE, Action.READ_POSTS, Action.WRITE_POSTS]
    return program("Ada", [Role.OFFICER], rights)


def deeds(engine: sa.Engine) -> list[str]:
    with database.reading(engine) as session:
        return list(session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))))


def test_an_action_goes_its_whole_way(program: Opens, officer: Browser, account: int, sqlite_engine: sa.Engine) -> None:
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    asked = GIVEN | {"unit_mail": "traffic@riverton.example", "due_on": "2026-12-08"}
    assert officer.post("/api/v1/actions", json=asked | {"concern": "protest_public_order"}).status_code == 409
    assert officer.post("/api/v1/actions", json=asked | {"alert": 9}).status_code == 404
    assert officer.post("/api/v1/actions", json=asked | {"place": 9}).status_code == 409
    made = officer.post("/api/v1/actions", json=asked)
    assert (made.status_code, made.json()["state"], made.json()["unit_mail"]) == (201, "open", asked["unit_mail"])
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(OutboxMessage)).one().recipient == asked["unit_mail"]
    one = "/api/v1/actions/1"
    assert officer.put(f"{one}/day", json={"due_on": "2026-11-01"}).status_code == 409
    assert officer.put(f"{one}/day", json={"due_on": "2026-12-15"}).json()["due_on"] == "2026-12-15"
    assert officer.post(f"{one}/tell").status_code == 409
    assert officer.post(f"{one}/close", json={"done": True, "outcome": " "}).status_code == 409
    assert officer.post(f"{one}/close", json={"done": True, "outcome": "It stands."}).json()["state"] == "done"
    assert officer.post(f"{one}/tell").json() == officer.post(f"{one}/tell").json() == {"post_id": 1}
    told = ana.get(one).json()
    assert (told["unit_mail"], told["outcome"], told["context"]) == (None, "It stands.", [])
    assert officer.post(f"{one}/reopen").json()["state"] == "open"
    assert ana.get("/api/v1/actions").json()["actions"][0]["post_id"] == 1
    assert ana.get("/api/v1/actions/2").status_code == 404


def test_closed_actions_come_by_pages(officer: Browser) -> None:
    for number in (1, 2, 3):
        officer.post("/api/v1/actions", json=GIVEN | {"due_on": "2026-12-08"})
        officer.post(f"/api/v1/actions/{number}/close", json={"done": False, "outcome": "No money."})
    asked: dict[str, str | int] = {"state": "closed", "limit": 2}
    first = officer.get("/api/v1/actions", params=asked).json()
    second = officer.get("/api/v1/actions", params=asked | {"before": first["next"]}).json()
    assert [[one["id"] for one in page["actions"]] for page in (first, second)] == [[3, 2], [1]]
    assert second["next"] is None
    assert officer.get("/api/v1/actions", params=asked | {"before": "2026-12-08,x"}).status_code == 422


def test_words_stay_with_an_action_only_by_who_may_read_them_and_that_is_a_look(
    program: Opens, officer: Browser, sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime
) -> None:
    settings.context_days = 90
    said(sqlite_engine, keys, settings, at_eight, ["Speeding on Elm Street @neighbour"])
    asked = GIVEN | {"due_on": "2026-12-08", "context": [1]}
    blind = program("Ada", [Role.OFFICER], [Action.TRIAGE, Action.READ_FIGURES])
    assert blind.post("/api/v1/actions", json=asked).status_code == 403
    kept = officer.post("/api/v1/actions", json=asked).json()["context"]
    assert [one["words"] for one in kept] == ["Speeding on Elm Street @…"]
    assert deeds(sqlite_engine)[-3:] == ["action.hand_over", "action.keep_context", "mention.list"]
    assert officer.delete("/api/v1/actions/1/context/1").status_code == 204
    assert officer.get("/api/v1/actions/1").json()["context"] == []


def test_what_was_heard_is_counted_and_its_words_are_for_who_reads_mentions(program: Opens, officer: Browser) -> None:
    ana = program("Ana", [Role.ANALYST], [Action.READ_FIGURES])
    given = {"concern": "traffic_safety", "people": 4, "words": "Cars race, call 555 123 4567."}
    assert officer.post("/api/v1/heard/notes", json=given).json()["words"] == "Cars race, call …."
    assert officer.post("/api/v1/heard/notes", json=given | {"heard_on": "2026-11-20"}).status_code == 201
    for wrong in ({"concern": "weather"}, {"heard_on": "2027-01-01"}, {"event": 9}):
        assert officer.post("/api/v1/heard/notes", json=given | wrong).status_code == 409
    assert ana.get("/api/v1/heard").json()["counts"] == [
        {"concern": "traffic_safety", "people": 8, "mistrust": 0, "trust": 0, "notes": 2}
    ]
    assert ana.get("/api/v1/heard/notes").status_code == 403
    first = officer.get("/api/v1/heard/notes", params={"limit": 1}).json()
    second = officer.get("/api/v1/heard/notes", params={"limit": 1, "before": first["next"]}).json()
    assert [page["notes"][0]["id"] for page in (first, second)] == [1, 2]
    assert officer.delete("/api/v1/heard/notes/1").status_code == 204
    assert ana.get("/api/v1/heard").json()["counts"][0]["people"] == 4


def test_snippets_are_kept_changed_and_removed(program: Opens, officer: Browser) -> None:
    path, given = "/api/v1/snippets", {"kind": "template", "name": "Coffee", "text": "Coffee with officers"}
    assert officer.post(path, json=given).status_code == 201
    assert officer.post(path, json=given | {"text": " "}).status_code == 409
    assert officer.put(f"{path}/1", json=given | {"language": "es"}).json()["language"] == "es"
    assert officer.put(f"{path}/2", json=given).status_code == 409
    assert program("Luc", [Role.APPROVER], list(Action)).get(path).status_code == 403
    assert [officer.delete(f"{path}/1").status_code for _ in range(2)] == [204, 204]
    assert officer.get(path).json() == []


def test_views_are_ones_own(program: Opens, officer: Browser) -> None:
    luc = program("Luc", [Role.APPROVER], [Action.READ_MENTIONS])
    given = {"name": "New", "query": "state=new"}
    assert officer.post("/api/v1/views", json=given).status_code == 201
    assert officer.post("/api/v1/views", json=given | {"query": "/etc"}).status_code == 422
    assert luc.get("/api/v1/views").json() == []
    assert luc.delete("/api/v1/views/1").status_code == 204
    assert officer.get("/api/v1/views").json() == [{"id": 1, **given}]
    assert officer.delete("/api/v1/views/1").status_code == 204
    assert officer.get("/api/v1/views").json() == []


def test_a_partner_is_changed_and_retired_and_whom_to_write_to_never_comes_out(officer: Browser) -> None:
    given = {"name": "Elm School", "kind": "school"}
    officer.post("/api/v1/partners", json=given | {"email": "office@elm.example", "phone": "555"})
    officer.put("/api/v1/partners/1/digest", json={"consent": "by phone"})
    one = "/api/v1/partners/1"
    changed = officer.put(one, json=given | {"name": "Elm Street School", "phone": "556", "notes": "Ask for Rosa."})
    told = changed.json()
    assert (told["name"], told["notes"], told["digest"], told["active"]) == (
        "Elm Street School", "Ask for Rosa.", True, True,
    )  # fmt: skip
    assert "elm.example" not in changed.text
    assert officer.put("/api/v1/partners/1/digest", json={"consent": "by phone"}).status_code == 204  # it kept its mail
    assert officer.put(one, json=given | {"email": "nowhere"}).status_code == 409
    officer.post(f"{one}/contacts/met")
    assert [row["how"] for row in officer.get(one).json()["together"]] == ["met"]
    assert [len(officer.get("/api/v1/partners", params={"silent": on}).json()) for on in (False, True)] == [1, 0]
    assert officer.post(f"{one}/retire").status_code == 204
    told = officer.get(one).json()
    assert (told["active"], told["digest"], officer.get("/api/v1/partners").json()) == (False, False, [])
    assert [officer.get("/api/v1/partners/2").status_code, officer.post("/api/v1/partners/2/retire").status_code] == [
        404, 404,
    ]  # fmt: skip


@pytest.fixture
def administrator(program: Opens) -> Browser:
    return program("Sam", [Role.ADMINISTRATOR], list(Action))


def test_a_source_is_added_switched_and_looked_at(administrator: Browser, officer: Browser) -> None:
    given = {"network": "feed", "kind": "feed", "name": "Gazette", "settings": {"url": "https://gazette.example/rss"}}
    for wrong, status in (
        ({"network": "telegraph"}, 404),
        ({"kind": "dreams"}, 422),
        ({"name": " "}, 422),
        ({"settings": {}}, 422),
        ({"settings": {"url": "gazette"}}, 422),
        ({"settings": {"url": "https://gazette.example/rss", "way": "x"}}, 422),
        ({"network": "mastodon", "kind": "mentions", "settings": {}, "account": 9}, 422),
    ):
        assert administrator.post("/api/v1/sources", json=given | wrong).status_code == status, wrong
    assert administrator.post("/api/v1/sources", json=given).json() == {"id": 1}
    assert administrator.post("/api/v1/sources", json=given).status_code == 422
    acts = [administrator.post(f"/api/v1/sources/1/{act}").status_code for act in ("off", "look", "on", "look", "burn")]
    assert acts == [204, 404, 204, 204, 422]
    assert administrator.post("/api/v1/sources/2/test").status_code == 404
    assert "gazette.example" not in administrator.get("/api/v1/sources").text


def test_a_source_is_asked_what_it_would_bring(administrator: Browser) -> None:
    given = {"network": "feed", "kind": "feed", "name": "Inside", "settings": {"url": "http://127.0.0.1:9/rss"}}
    assert administrator.post("/api/v1/sources", json=given).status_code == 201
    assert administrator.post("/api/v1/sources/1/test").status_code == 502  # no address of the public's


def test_watch_rules_are_tried_in_fives_added_and_switched(
    administrator: Browser, sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime
) -> None:
    said(sqlite_engine, keys, settings, at_eight, [f"Sirens again, number {number}" for number in range(6)])
    path = "/api/v1/watch-rules"
    tried = [administrator.post(f"{path}/try", json={"query": words}).json() for words in ("sirens", '"number 1"')]
    assert tried == [{"at_least": 5, "of": 6, "newest": []}, {"at_least": 0, "of": 6, "newest": []}]
    assert deeds(sqlite_engine)[-1] == "rule.try"
    wrong = administrator.post(path, json={"query": "sirens AND ("})
    assert (wrong.status_code, wrong.json()["detail"].startswith("At letter ")) == (422, True)
    made = administrator.post(path, json={"name": "Sirens", "query": "sirens"})
    assert made.json() == {"id": 1, "name": "Sirens", "query": "sirens", "enabled": True}
    assert administrator.post(path, json={"name": "Sirens", "query": "sirens"}).status_code == 409
    assert administrator.post(f"{path}/1/off").json()["enabled"] is False
    assert administrator.post(f"{path}/2/off").status_code == 404
    assert [rule["enabled"] for rule in administrator.get(path).json()] == [False]


def test_places_are_added_and_get_what_they_lack(administrator: Browser, officer: Browser) -> None:
    path = "/api/v1/places"
    given = [{"name": "Mill", "kind": "neighbourhood"}, {"name": "Elm Street", "within": "Mill"}]
    assert administrator.put(path, json=given).json() == {"new": 2, "changed": 0, "same": 0, "refused": []}
    assert officer.put(path, json=given).status_code == 403
    told = administrator.put(path, json=[{"name": "elm street", "other_names": ["Elm"], "within": "Nowhere"}]).json()
    assert (told["new"], told["changed"], len(told["refused"])) == (0, 1, 1)
    elm, mill = officer.get(path).json()
    assert (elm["name"], elm["other_names"], elm["within_id"], mill["kind"]) == (
        "Elm Street", ["Elm"], mill["id"], "neighbourhood",
    )  # fmt: skip


def test_legal_holds_are_placed_seen_by_auditors_and_lifted(program: Opens, administrator: Browser) -> None:
    uma = program("Uma", [Role.AUDITOR], list(Action))
    path = "/api/v1/legal-holds"
    period = {"kind": "period", "first_day": "2026-11-01", "last_day": "2026-11-02", "reason": "Request 7"}
    made = administrator.post(path, json=period).json()
    assert (made["starts_at"], made["ends_at"]) == ("2026-11-01T04:00:00Z", "2026-11-03T05:00:00Z")
    for wrong in (
        {"kind": "post", "number": 9},
        {"kind": "period"},
        {"first_day": "2026-11-09"},
        {"last_day": "9999-12-31"},
    ):
        given = ({"reason": "x"} if "kind" in wrong else period) | wrong
        assert administrator.post(path, json=given).status_code == 422, wrong
    assert uma.post(path, json=period).status_code == 403
    assert [one["lifted_at"] for one in uma.get(path).json()] == [None]
    assert [administrator.post(f"{path}/1/lift", json={"why": "Over."}).status_code for _ in range(2)] == [200, 404]


def test_a_request_for_own_data_is_met_and_nothing_is_said_of_what_there_was(
    program: Opens, administrator: Browser
) -> None:
    uma = program("Uma", [Role.AUDITOR], list(Action))
    path = "/api/v1/own-data"
    assert administrator.post(path).json() == {"id": 1}
    assert uma.get(path).json()[0]["word"].startswith("own-")
    given = {"network": "bluesky", "account": "did:plc:z72i7hdynmk6r22z27h6tvur", "proof": "At the counter."}
    handle = administrator.post(f"{path}/1/checked", json=given | {"account": "jo.bsky.social"})
    assert (handle.status_code, "did:plc:" in handle.json()["detail"]) == (422, True)
    assert administrator.post(f"{path}/1/checked", json=given | {"network": "telegraph"}).status_code == 404
    met = administrator.post(f"{path}/1/checked", json=given)
    assert (met.status_code, met.text) == (204, "")
    assert administrator.post(f"{path}/1/withdraw").status_code == 404
    administrator.post(path)
    assert administrator.post(f"{path}/2/withdraw").status_code == 204
    assert [(one["ended_how"], one["word"]) for one in uma.get(path).json()] == [("withdrawn", ""), ("checked", "")]


def test_the_audit_log_comes_by_pages_to_auditors_and_each_look_is_in_it(
    program: Opens, administrator: Browser, sqlite_engine: sa.Engine
) -> None:
    uma = program("Uma", [Role.AUDITOR], list(Action))
    assert administrator.get("/api/v1/audit-log").status_code == 403
    for _ in range(2):
        administrator.post("/api/v1/own-data")
    asked: dict[str, str | int] = {"action": "own_data.open", "limit": 1}
    first = uma.get("/api/v1/audit-log", params=asked).json()
    second = uma.get("/api/v1/audit-log", params=asked | {"before": first["next"]}).json()
    assert [page["entries"][0]["subject"] for page in (first, second)] == ["data_request:2", "data_request:1"]
    assert (second["next"], deeds(sqlite_engine)[-2:]) == (None, ["log.read", "log.read"])


def test_a_channel_is_added_tested_and_switched_and_neither_address_nor_secret_comes_out(
    administrator: Browser,
) -> None:
    path, secret = "/api/v1/channels", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    given = {"name": "Dispatch", "address": "https://hooks.riverton.example/key-123", "secret": secret}
    for wrong in (
        {"name": " "},
        {"address": "ftp://x"},
        {"secret": None},
        {"secret": "whsec_short"},
        {"secret": secret[6:]},
        {"kind": "chat"},
    ):
        assert administrator.post(path, json=given | wrong).status_code == 422, wrong
    made = administrator.post(path, json=given | {"concerns": ["traffic_safety", "weather"]})
    told = made.json()
    assert (told["host"], told["concerns"], told["active"]) == (
        "https://hooks.riverton.example/…", ["traffic_safety"], True,
    )  # fmt: skip
    assert "key-123" not in made.text
    assert secret not in made.text
    assert [administrator.post(f"{path}/{number}/test").status_code for number in (1, 2)] == [202, 404]
    log = administrator.get(f"{path}/log", params={"state": "waiting"}).json()
    assert [(one["recipient"], one["state"]) for one in log["deliveries"]] == [("Dispatch", "waiting")]
    assert administrator.post(f"{path}/log/1/again").status_code == 409
    assert administrator.put(f"{path}/1/active", json={"active": False}).json()["active"] is False


def test_what_one_gets_by_mail_is_read_and_kept(program: Opens) -> None:
    uma = program("Uma", [Role.AUDITOR], [Action.OWN_ACCOUNT])
    path = "/api/v1/deliveries"
    kept = uma.get(path).json()
    assert (kept["daily_at"], kept["alerts"]) == (7, None)
    new = kept | {"daily_at": None, "weekly_on": 4, "quiet_from": "22:00:00", "quiet_until": "06:30:00"}
    assert uma.put(path, json=new | {"concerns": ["weather", "traffic_safety"], "places": [9]}).status_code == 200
    assert uma.get(path).json() == new | {"concerns": ["traffic_safety"]}
    assert uma.put(path, json=new | {"quiet_until": None}).status_code == 422


def test_people_are_invited_by_mail_and_nothing_that_lets_somebody_in_comes_out(
    administrator: Browser, program: Opens, sqlite_engine: sa.Engine
) -> None:
    path, given = "/api/v1/people", {"name": "Ana", "email": "ana@riverton.example", "roles": ["officer"]}
    manages = program("Sam", [Role.ADMINISTRATOR], [Action.MANAGE])
    assert manages.get(path).status_code == 403  # who sets up sources lets nobody in by the way
    made = administrator.post(path, json=given)
    assert (made.status_code, made.json()["roles"], made.json()["invited_until"] is not None) == (
        201,
        ["officer"],
        True,
    )
    with database.reading(sqlite_engine) as session:
        mail = session.exec(select(OutboxMessage)).one()
    assert (mail.recipient, mail.kind, "sign-in/link" in made.text) == ("ana@riverton.example", "invitation", False)
    for wrong, status in (
        ({}, 409),
        ({"roles": []}, 422),
        ({"time_zone": "Mars"}, 422),
        ({"time_zone": "localtime"}, 422),
        ({"email": "x"}, 409),
    ):
        assert administrator.post(path, json=given | wrong).status_code == status, wrong
    number = made.json()["id"]
    again = administrator.post(f"{path}/{number}/invitation")
    assert (again.status_code, again.text) == (204, "")
    assert administrator.post(f"{path}/99/invitation").status_code == 404


def test_roles_change_ways_in_close_and_an_administrator_is_always_left(administrator: Browser, program: Opens) -> None:
    program("Ada", [Role.OFFICER], [Action.READ_POSTS])
    sam, ada = administrator.get("/api/v1/people").json()
    if sam["name"] != "Sam":
        sam, ada = ada, sam
    own, other = f"/api/v1/people/{sam['id']}", f"/api/v1/people/{ada['id']}"
    assert administrator.put(f"{own}/roles", json={"roles": ["officer"]}).status_code == 409
    assert administrator.put(f"{own}/active", json={"active": False}).status_code == 409
    assert administrator.put(f"{other}/roles", json={"roles": ["approver", "officer"]}).json()["roles"] == [
        "approver", "officer",
    ]  # fmt: skip
    new = {"name": "Ada L.", "email": "ada.l@riverton.example"}
    renamed = administrator.put(f"{other}/name", json=new).json()
    assert {name: renamed[name] for name in new} == new
    assert administrator.put(f"{other}/name", json=new | {"email": sam["email"]}).status_code == 409
    assert administrator.post(f"{other}/sign-ins/end").status_code == 204
    token = ada["tokens"][0]["id"]
    assert [administrator.delete(f"{one}/tokens/{token}").status_code for one in (own, other, other)] == [404, 204, 204]
    closed = administrator.put(f"{other}/active", json={"active": False}).json()
    assert (closed["active"], closed["tokens"]) == (False, [])


def test_posts_are_found_by_words_and_state_page_by_page_and_as_a_file(officer: Browser, account: int) -> None:
    for words in ("Coffee on Elm", "Road closed", "Coffee at noon"):
        officer.post("/api/v1/posts", json={"message": words, "accounts": [account]})
    path = "/api/v1/posts/all"
    asked: dict[str, str | int] = {"words": "coffee", "state": "draft", "limit": 1}
    first = officer.get(path, params=asked).json()
    second = officer.get(path, params=asked | {"before": first["next"]}).json()
    assert [(page["posts"][0]["message"], page["posts"][0]["networks"]) for page in (first, second)] == [
        ("Coffee at noon", ["practice"]), ("Coffee on Elm", ["practice"]),
    ]  # fmt: skip
    assert second["next"] is None
    assert officer.get(path, params={"before": "yesterday"}).status_code == 422
    assert officer.get(path, params={"first": "0001-01-01", "last": "9999-12-31"}).status_code == 200
    assert len(officer.get("/posts.csv", params={"words": "road"}).text.splitlines()) == 2


def test_an_urgent_word_is_mended_before_it_is_approved_and_asked_about_again(
    program: Opens, officer: Browser, account: int
) -> None:
    given = {"template": "road_closed", "blanks": {"where": "Route 9", "why": "flooding"}, "rest": "keep"}
    thread = officer.post("/api/v1/urgent", json=given).json()
    path, revision = f"/api/v1/urgent/{thread['id']}", thread["posts"][0]["revision"]
    assert officer.put(f"{path}/words", json={"message": "Use Mill Road.", "revision": revision}).status_code == 204
    assert officer.put(f"{path}/words", json={"message": "No.", "revision": revision}).status_code == 409
    assert officer.post(f"{path}/ask").status_code == 204
    (word,) = officer.get("/api/v1/urgent").json()[0]["posts"]
    assert (word["message"], word["state"]) == ("Use Mill Road.", "in_review")
    luc = program("Luc", [Role.APPROVER], list(Action))
    assert luc.post(f"{path}/approve", json={"content_hash": word["content_hash"]}).status_code == 200
    assert [officer.post(f"{path}/ask").status_code, luc.post(f"{path}/ask").status_code] == [409, 403]


def test_whatever_takes_json_has_an_example() -> None:
    found = description()
    for path, methods in found["paths"].items():
        for method, told in methods.items():
            taken = told.get("requestBody", {}).get("content", {}).get("application/json")
            if taken is not None:
                schema = taken["schema"] | found["components"]["schemas"].get(_name(taken["schema"]), {})
                one = schema.get("items", {})
                examples = schema.get("examples") or found["components"]["schemas"].get(_name(one), {}).get("examples")
                assert examples, (method, path)


def _name(schema: dict[str, Any]) -> str:
    options = schema.get("anyOf", [schema])
    return str(options[0].get("$ref", "")).rsplit("/", 1)[-1]
