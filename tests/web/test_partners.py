"""Partners: a directory whose contacts are sealed, share kits over a real mail server with feedback that arrives as
heard, and drafts that are read before they go out."""

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import select

from config import clock, database, people, sign_ins
from config.permissions import Action, Role
from config.secrets import Keys
from config.settings import Settings
from config.tables import OutboxMessage
from listeners import places
from networks import accounts, pictures
from posts import drafts, partners
from posts import pictures as kept
from posts.tables import Heard, Partner, Post
from scheduler import delivery
from tests.posts.test_pictures import photo
from tests.scheduler.postbox import Post as MailServer
from tests.scheduler.postbox import free_port, using
from tests.web.browsing import Browser, send
from tests.web.mistakes import named

GIVEN = {
    "name": "Elm Street <b>School</b>", "kind": "school", "languages": ["es"], "notes": "Mornings.",
    "contact": "Rosa Diaz", "email": "rosa@school.example", "phone": "555 0100",
}  # fmt: skip
PAGE = "/outreach/partners"
WORDS = "Officers walk the school way on Monday."


@pytest.fixture
def ada(at_eight: datetime, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys) -> Browser:
    browser = browser_of("Ada", Role.OFFICER)
    with database.writing(sqlite_engine) as session:
        made = accounts.add(session, network="practice", name="PD", handle="", secret=None, keys=keys, now=at_eight)
        post = drafts.create(session, 1, WORDS, [made.id or 0], at_eight, title="School way")
        kept.add(session, post.id or 0, 1, pictures.read(photo((600, 400)), "An officer and two children"), at_eight)
        drafts.submit(session, post.id or 0, 1, at_eight)
    return browser


@pytest.fixture
def mail() -> Iterator[tuple[MailServer, str]]:
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield server, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def approve(engine: sa.Engine, browser_of: Callable[..., Browser]) -> None:
    browser_of("Luc", Role.APPROVER)
    with database.writing(engine) as session:
        luc = people.by_email(session, "luc@riverton.example")
        assert luc is not None
        drafts.approve(session, 1, luc.id or 0, session.get_one(Post, 1).content_hash, clock.now())


def token(engine: sa.Engine, keys: Keys, what: str) -> str:
    """The end of an address of the first partner, for the first post as it is now."""
    with database.reading(engine) as session:
        return partners.token(keys, what, 1, session.get_one(Post, 1), date(2026, 11, 24))


def own_path(text: str) -> str:
    """The path of the partner's own address in a mail."""
    found = re.search(r"http\S+/partner/\S+", text)
    assert found is not None, text
    return urlsplit(found.group()).path


def test_the_directory_finds_and_seals(
    ada: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    assert send(ada, PAGE, page=f"{PAGE}/new", **GIVEN).headers["location"] == f"{PAGE}/1?said=planned"
    assert send(ada, PAGE, page=f"{PAGE}/new", **{**GIVEN, "email": "rosa"}).status_code == 422
    page = ada.get(f"{PAGE}/1").text
    assert ("rosa@school.example" in page, "<b>School</b>" in page) == (True, False)
    assert "rosa@" not in browser_of("Luc", Role.APPROVER).get(f"{PAGE}/1").text
    with database.reading(sqlite_engine) as session:
        partner = session.get_one(Partner, 1)
        assert b"rosa" not in (partner.reach or b"")
        assert partners.reach(partner, keys).phone == "555 0100"
    for question, there in (("", True), ("?language=es&kind=school", True), ("?language=en", False)):
        assert ("Elm Street" in ada.get(f"{PAGE}{question}").text) is there
    later = clock.now() + timedelta(days=61)
    with clock.at(later):
        assert "has not heard from us" in browser_of("Ada").get(PAGE).text
        again = browser_of("Ada")
        send(again, f"{PAGE}/1/contact", page=f"{PAGE}/1", how="met")
        assert "has not heard from us" not in again.get(PAGE).text
        send(again, f"{PAGE}/1/retire", page=f"{PAGE}/1")
        assert "Elm Street" not in again.get(PAGE).text
    with database.reading(sqlite_engine) as session:
        assert session.get_one(Partner, 1).reach is None


def test_a_refused_form_keeps_the_place(ada: Browser, sqlite_engine: sa.Engine) -> None:
    with database.writing(sqlite_engine) as session:
        elm = places.add(session, "Elm Street", [])
        number = str(elm.id)
    send(ada, PAGE, page=f"{PAGE}/new", place=number, **GIVEN)
    refused = send(ada, f"{PAGE}/1", page=f"{PAGE}/1/edit", place=number, **{**GIVEN, "email": "rosa"})
    assert (refused.status_code, f'<option value="{number}" selected>' in refused.text) == (422, True)


def test_a_share_kit_is_received_and_what_comes_back_is_heard(
    ada: Browser,
    stranger: Browser,
    browser_of: Callable[..., Browser],
    sqlite_engine: sa.Engine,
    settings: Settings,
    mail: tuple[MailServer, str],
) -> None:
    send(ada, PAGE, page=f"{PAGE}/new", **GIVEN)
    approve(sqlite_engine, browser_of)
    form = "/outreach/kits/new?post=1"
    assert WORDS in ada.get(form).text
    assert send(ada, "/outreach/kits", page=form, post="1", link="https://a.example").status_code == 422
    sent = send(ada, "/outreach/kits", page=form, post="1", to="1", link="https://town.example/way", note="Thank you!")
    assert sent.headers["location"] == "/posts/1?said=kit-sent"
    assert delivery.deliver_due(sqlite_engine, using(settings, mail[1]), clock.now()).sent == 1
    (taken,) = mail[0].to("rosa@school.example")
    received = email.message_from_bytes(bytes(taken), policy=email.policy.default)
    assert isinstance(received, EmailMessage)
    plain, picture = received.iter_parts()
    text = plain.get_content()
    for words in (WORDS, "Thank you!", "https://town.example/way", "An officer and two children"):
        assert words in text
    assert received["Reply-To"] == "ada@riverton.example"
    assert picture.get_content()[:3] == b"\xff\xd8\xff"
    path = own_path(text)
    assert "Elm Street &lt;b&gt;School" in stranger.get(path).text
    said = {"concern": "traffic_safety", "trust": "mistrust", "people": "7", "language": "es"}
    answer = stranger.post(path, data={**said, "words": "Too fast. Call 555 010 0199."})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    with database.reading(sqlite_engine) as session:
        (row,) = session.exec(select(Heard))
        assert (row.channel, row.people, row.partner_id, row.written_by) == ("partner", 7, 1, None)
        assert row.words == "Too fast. Call …."
    assert "7 people told us something" in ada.get("/outreach/heard").text
    assert "what 7 people said" in ada.get(f"{PAGE}/1").text


def test_a_draft_is_read_by_a_partner_who_decides_nothing(
    ada: Browser, stranger: Browser, browser_of: Callable[..., Browser], sqlite_engine: sa.Engine, keys: Keys
) -> None:
    send(ada, PAGE, page=f"{PAGE}/new", **GIVEN)
    sent = send(ada, "/outreach/kits", page="/outreach/kits/new?post=1", post="1", to="1")
    assert sent.headers["location"] == "/posts/1?said=review-asked"
    path = f"/partner/{token(sqlite_engine, keys, 'review')}"
    assert WORDS in stranger.get(path).text
    assert named(stranger.post(path, data={"words": " "})).field == "o-words"
    assert "beside the draft" in stranger.post(path, data={"words": "Say <i>which</i> school."}).text
    page = ada.get("/posts/1").text
    assert ("Say &lt;i&gt;which&lt;/i&gt; school." in page, "Waits for approval" in page) == (True, True)
    with database.writing(sqlite_engine) as session:
        drafts.cancel(session, 1, 1, clock.now())
    assert "decided already" in stranger.get(path).text
    assert stranger.post(path, data={"words": "Late."}).status_code == 422


def test_an_address_is_signed_and_takes_no_more_in_a_day_than_people_write(
    ada: Browser, stranger: Browser, sqlite_engine: sa.Engine, keys: Keys
) -> None:
    send(ada, PAGE, page=f"{PAGE}/new", **GIVEN)
    ours = token(sqlite_engine, keys, "kit")
    replaced = [ours.replace(*pair) for pair in (("kit", "review"), ("-1-1-", "-1-2-"), ("-2027", "-2028"))]
    for forged in (*replaced, "kit-1-1-", "kit-x-1-0", "kit"):
        assert forged != ours and stranger.get(f"/partner/{forged}").status_code == 404
    said = {"concern": "traffic_safety", "words": "x"}
    assert named(stranger.post(f"/partner/{ours}", data={"words": "x"})).field == "o-concern"
    assert named(stranger.post(f"/partner/{ours}", data=said | {"people": "0"})).field == "o-people"
    stranger.post(f"/partner/{ours}", data={**said, "website": "https://spam.example"})
    answers = [stranger.post(f"/partner/{ours}", data=said).status_code for _ in range(partners.MOST_A_DAY + 2)]
    assert answers == [200] * partners.MOST_A_DAY + [422, 422]
    with database.writing(sqlite_engine) as session:
        assert len(session.exec(select(Heard)).all()) == partners.MOST_A_DAY
        partners.retire(session, 1, 1, clock.now())
    assert stranger.get(f"/partner/{ours}").status_code == 404


def test_a_draft_stays_what_was_sent_and_an_address_has_a_last_day(
    ada: Browser, stranger: Browser, sqlite_engine: sa.Engine, keys: Keys
) -> None:
    send(ada, PAGE, page=f"{PAGE}/new", **GIVEN)
    kit, review = (f"/partner/{token(sqlite_engine, keys, what)}" for what in ("kit", "review"))
    with database.writing(sqlite_engine) as session:
        post = session.get_one(Post, 1)
        drafts.save(
            session, 1, 1, post.revision, message="Not for partners yet.", title="Secret", category="general",
            language="en", concern=None, wordings={1: None}, now=clock.now(),
        )  # fmt: skip
    shown = stranger.get(review).text
    assert (WORDS in shown, "Not for partners" in shown, "Secret" in shown) == (True, False, False)
    stranger.post(review, data={"words": "Say which school."})
    assert "about an earlier wording" in ada.get("/posts/1").text
    for path, days in ((review, 30), (kit, 90)):
        with clock.at(clock.now() + timedelta(days=days)):
            assert stranger.get(path).status_code == 200
        with clock.at(clock.now() + timedelta(days=days + 1)):
            said = {"concern": "traffic_safety", "words": "x"}
            assert [stranger.get(path).status_code, stranger.post(path, data=said).status_code] == [404, 404]
            assert "its time may be over" in stranger.get(path).text


def test_mail_with_a_partners_own_address_waits_sealed(ada: Browser, sqlite_engine: sa.Engine, keys: Keys) -> None:
    send(ada, PAGE, page=f"{PAGE}/new", **GIVEN)
    send(ada, "/outreach/kits", page="/outreach/kits/new?post=1", post="1", to="1")
    with database.reading(sqlite_engine) as session:
        mail = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "partner")).one()
    assert (mail.sealed, b"/partner/" in mail.message) == (True, False)
    assert "/partner/review-1-1-" in keys.open(mail.message)


def test_the_week_by_mail_needs_consent_kept_sealed_and_is_stopped_by_the_address_in_it(
    sqlite_engine: sa.Engine, ada: Browser, stranger: Browser, keys: Keys
) -> None:
    send(ada, PAGE, page=f"{PAGE}/new", **GIVEN)
    assert send(ada, f"{PAGE}/1/digest", page=f"{PAGE}/1", consent=" ").status_code == 422
    send(ada, f"{PAGE}/1/digest", page=f"{PAGE}/1", consent="by <b>phone")
    assert "agreed: by &lt;b&gt;phone" in ada.get(f"{PAGE}/1").text
    with database.reading(sqlite_engine) as session:
        assert b"phone" not in (session.get_one(Partner, 1).digest_consent or b"")
    path = f"/partner/stop/{partners.stop_token(keys, 1)}"
    assert "Stop the week" in stranger.get(path).text
    assert "agreed:" in ada.get(f"{PAGE}/1").text  # a look at the address ends nothing
    assert "You get it no more" in stranger.post(path).text
    assert "agreed:" not in ada.get(f"{PAGE}/1").text
    assert stranger.post("/partner/stop/1-00").status_code == 404


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["words", "concern", "trust", "people", "language", "website", "csrf", "other"]),
        st.text(max_size=40),
    ),
    what=st.sampled_from(["kit", "review"]),
)
def test_whatever_is_sent_to_it_is_answered(
    ada: Browser, stranger: Browser, keys: Keys, sqlite_engine: sa.Engine, fields: dict[str, str], what: str
) -> None:
    with database.writing(sqlite_engine) as session:
        if session.get(Partner, 1) is None:
            partners.keep(session, partners.Given("School", "school"), keys, 1, clock.now())
    answer = stranger.post(f"/partner/{token(sqlite_engine, keys, what)}", data=fields)
    assert answer.status_code in (200, 422)


def test_the_api_adds_lists_and_sends(
    ada: Browser, desk_app: FastAPI, sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime
) -> None:
    scopes = (Action.WRITE_POSTS, Action.READ_POSTS, Action.TRIAGE)
    with database.writing(sqlite_engine) as session:
        token = sign_ins.new_token(session, 1, "test", scopes, keys, at_eight, timedelta(days=1))
    api = Browser(desk_app, headers={"authorization": f"Bearer {token}"}, raise_server_exceptions=False)
    body = {"name": "School", "kind": "school", "languages": ["es"], "email": "rosa@school.example"}
    assert api.post("/api/v1/partners", json=body).status_code == 201
    assert api.post("/api/v1/partners", json={**body, "email": "rosa"}).status_code == 409
    assert api.post("/api/v1/partners/1/contacts/met").status_code == 204
    (listed,) = api.get("/api/v1/partners?language=es").json()
    assert (listed["name"], listed["last_contact"] is not None, "email" in listed) == ("School", True, False)
    assert api.post("/api/v1/partners/kits", json={"post": 1, "partners": [1]}).json() == {"what": "review"}
