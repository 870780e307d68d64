"""The servers are what the tests of our connectors take them for."""

import httpx
import pytest

from tests.live.bluesky_network import Network
from tests.live.fault_proxy import Faults, Kind
from tests.live.mastodon_server import Server
from tests.live.waiting import wait_until

pytestmark = pytest.mark.live


def _put(post: str, rkey: str) -> dict[str, object]:
    record = {"$type": "app.bsky.feed.post", "text": post, "createdAt": "2026-11-24T13:10:00.000Z"}
    return {"collection": "app.bsky.feed.post", "rkey": rkey, "record": record}


def test_a_mention_reaches_the_notifications_of_who_is_mentioned(bluesky: Network) -> None:
    department, resident = bluesky.create("riverton"), bluesky.create("ines")
    uri = bluesky.mention(resident, department, f"Hej hej 👋🏽 @{department.handle}, the lamp on Elm Street is out")
    told = wait_until(lambda: bluesky.notifications(department), "the notification")
    assert [(one["uri"], one["reason"], one["author"]["did"]) for one in told] == [(uri, "mention", resident.did)]


def test_the_appview_finds_a_post_by_its_words_and_loses_it_when_it_is_deleted(bluesky: Network) -> None:
    resident = bluesky.create("omar")
    uri = bluesky.post(resident, "A heron stands on the zebrafinch crossing", langs=["en"])
    found = wait_until(lambda: bluesky.search("zebrafinch"), "searchPosts to find the post")
    assert [one["uri"] for one in found] == [uri]
    bluesky.delete(resident, uri)
    assert bluesky.gone(uri)
    assert bluesky.feed(resident.did) == []


def test_a_revoked_app_password_keeps_its_access_but_refuses_to_refresh_or_to_sign_in(bluesky: Network) -> None:
    department = bluesky.create("riverton")
    name, password = bluesky.app_password(department)
    signed_in = {"identifier": department.handle, "password": password}
    session = bluesky.call("com.atproto.server.createSession", json=signed_in)
    bluesky.revoke(department, name)
    kept = bluesky.call("com.atproto.server.getSession", token=session["accessJwt"])
    assert kept["did"] == department.did
    with pytest.raises(httpx.HTTPStatusError) as refused:
        bluesky.call("com.atproto.server.refreshSession", token=session["refreshJwt"], post=True)
    assert (refused.value.response.status_code, refused.value.response.json()["error"]) == (400, "ExpiredToken")
    with pytest.raises(httpx.HTTPStatusError) as turned_away:
        bluesky.call("com.atproto.server.createSession", json=signed_in)
    assert turned_away.value.response.status_code == 401


def test_putting_a_record_twice_under_one_key_leaves_one_and_the_same(bluesky: Network) -> None:
    department = bluesky.create("riverton")
    body = {"repo": department.did, **_put("Road closed at Elm Street", "3mabcdefgh22k")}
    first = bluesky.call("com.atproto.repo.putRecord", by=department, json=body)
    second = bluesky.call("com.atproto.repo.putRecord", by=department, json=body)
    assert (first["uri"], first["cid"]) == (second["uri"], second["cid"])
    assert [one["cid"] for one in bluesky.feed(department.did)] == [first["cid"]]


def test_a_lost_reply_is_applied_once_and_gives_no_answer(bluesky: Network, faults: Faults) -> None:
    department = bluesky.create("riverton")
    proxy = faults.before(bluesky.pds)
    proxy.next("lost-reply", "com.atproto.repo.putRecord")
    body = {"repo": department.did, **_put("The market opens at nine", "3mabcdefgh22l")}
    headers = {"authorization": f"Bearer {department.access_jwt}"}
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{proxy.url}/xrpc/com.atproto.repo.putRecord", json=body, headers=headers)
    assert [one["value"]["text"] for one in bluesky.feed(department.did)] == ["The market opens at nine"]
    assert [(one.fault, one.status) for one in proxy.seen("putRecord")] == [("lost-reply", 200)]


@pytest.mark.parametrize(
    ("kind", "status", "reached"),
    [("429", 429, False), ("html-502", 502, False), ("500-after", 500, True), ("rates", 200, True)],
)
def test_a_fault_is_met_once_and_is_applied_or_not_as_it_says(
    mastodon: Server, faults: Faults, kind: Kind, status: int, reached: bool
) -> None:
    author = mastodon.create("author")
    proxy = faults.before(mastodon.url)
    proxy.next(kind, "POST /api/v1/statuses", remaining=12)
    headers = {"authorization": f"Bearer {author.token}"}
    met = httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "first"}, headers=headers)
    then = httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "second"}, headers=headers)
    assert (met.status_code, then.status_code) == (status, 200)
    there = ["second", "first"] if reached else ["second"]
    assert [one["text"] for one in mastodon.statuses(author)] == there
    assert [one.fault for one in proxy.asked("POST")] == [kind, ""]
    assert [one.reached for one in proxy.asked("POST")] == [reached, True]
    if kind in ("429", "rates"):
        left = "0" if kind == "429" else "12"
        assert (met.headers["ratelimit-remaining"], met.headers["x-ratelimit-remaining"]) == (left, left)
    if kind == "429":
        assert met.headers["retry-after"] == "1"


def test_a_reset_is_a_reset_and_reaches_nobody(mastodon: Server, faults: Faults) -> None:
    proxy = faults.before(mastodon.url)
    proxy.next("reset", "/api/v2/instance")
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        httpx.get(f"{proxy.url}/api/v2/instance")
    assert proxy.seen() == []


def test_a_slow_reply_is_applied_before_it_is_given(mastodon: Server, faults: Faults) -> None:
    author = mastodon.create("author")
    proxy = faults.before(mastodon.url)
    proxy.next("slow-reply", "POST /api/v1/statuses", seconds=60)
    headers = {"authorization": f"Bearer {author.token}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "slow"}, headers=headers, timeout=1)
    assert [one.status for one in proxy.applied("POST /api/v1/statuses")] == [200]
    assert [one["text"] for one in mastodon.statuses(author)] == ["slow"]


def test_a_late_request_is_applied_after_its_client_was_let_go(mastodon: Server, faults: Faults) -> None:
    author = mastodon.create("author")
    proxy = faults.before(mastodon.url)
    proxy.next("late", "POST /api/v1/statuses", seconds=3)
    headers = {"authorization": f"Bearer {author.token}"}
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "late"}, headers=headers)
    assert mastodon.statuses(author) == []
    proxy.applied("POST /api/v1/statuses")
    assert [one["text"] for one in mastodon.statuses(author)] == ["late"]


def test_a_slow_request_reaches_nobody_once_its_client_has_gone(mastodon: Server, faults: Faults) -> None:
    author = mastodon.create("author")
    proxy = faults.before(mastodon.url)
    proxy.next("slow", "POST /api/v1/statuses", seconds=1)
    headers = {"authorization": f"Bearer {author.token}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "slow"}, headers=headers, timeout=0.3)
    later = httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "patient"}, headers=headers)
    assert later.status_code == 200
    proxy.next("slow", "POST /api/v1/statuses", seconds=1)
    httpx.post(f"{proxy.url}/api/v1/statuses", json={"status": "after a while"}, headers=headers).raise_for_status()
    assert [one["text"] for one in mastodon.statuses(author)] == ["after a while", "patient"]
    assert [one.reached for one in proxy.asked("POST")] == [False, True, True]


def test_a_session_opened_through_the_proxy_leads_back_to_the_proxy(bluesky: Network, faults: Faults) -> None:
    department = bluesky.create("riverton")
    proxy = faults.before(bluesky.pds)
    signed_in = {"identifier": department.handle, "password": department.password}
    session = httpx.post(f"{proxy.url}/xrpc/com.atproto.server.createSession", json=signed_in).json()
    assert [one["serviceEndpoint"] for one in session["didDoc"]["service"]] == [proxy.url]


def test_the_mastodon_server_tells_of_a_mention(mastodon: Server) -> None:
    department, resident = mastodon.create("riverton"), mastodon.create("ines")
    status = mastodon.post(resident.token, f"@{department.username} the lamp on Elm Street is out")
    assert [(one["status"]["id"], one["account"]["id"]) for one in mastodon.mentions(department.token)] == [
        (status["id"], resident.id)
    ]
    mastodon.delete(resident.token, status["id"])
    assert mastodon.status(status["id"]) is None
    assert mastodon.statuses(resident) == []


def test_the_mastodon_server_answers_a_second_idempotency_key_with_the_first_status(mastodon: Server) -> None:
    author = mastodon.create("author")
    headers = {"authorization": f"Bearer {author.token}", "idempotency-key": "target-17"}
    answers = [
        httpx.post(f"{mastodon.url}/api/v1/statuses", json={"status": "once"}, headers=headers).json() for _ in range(2)
    ]
    assert answers[0]["id"] == answers[1]["id"]
    assert [one["text"] for one in mastodon.statuses(author)] == ["once"]


def test_the_mastodon_servers_sign_in_gives_a_token_and_takes_it_back(mastodon: Server) -> None:
    account = mastodon.create("riverton")
    back = "http://127.0.0.1:9/back"
    wanted = {"client_name": "Liaison", "redirect_uris": back, "scopes": "read"}
    app = mastodon.call("POST", "/api/v1/apps", json=wanted)
    asked = {"client_id": app["client_id"], "redirect_uri": back, "response_type": "code", "state": "s1"}
    sent_back = httpx.URL(mastodon.authorize(str(httpx.URL(f"{mastodon.url}/oauth/authorize", params=asked)), account))
    assert sent_back.params["state"] == "s1"
    form = {"grant_type": "authorization_code", "code": sent_back.params["code"], "redirect_uri": back}
    token = mastodon.call("POST", "/oauth/token", json={**form, "client_id": app["client_id"]})["access_token"]
    assert mastodon.call("GET", "/api/v1/accounts/verify_credentials", token=token)["id"] == account.id
    mastodon.revoke(token)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        mastodon.call("GET", "/api/v1/accounts/verify_credentials", token=token)
    assert refused.value.response.status_code == 401
