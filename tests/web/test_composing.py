"""What Compose offers beside the message: templates, links, how it reads, other languages, whom to ask."""

from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlmodel import select

from config import database
from config.permissions import Role
from config.secrets import Keys
from config.settings import Settings
from listeners.tables import Source
from networks import accounts
from networks.network import Page, RemoteMention
from posts.tables import Post, Snippet
from tests.listeners.said import admit
from tests.web.browsing import Browser, form_token, send


@pytest.fixture
def account(sqlite_engine: sa.Engine, keys: Keys, at_eight: datetime) -> int:
    with database.writing(sqlite_engine) as session:
        made = accounts.add(
            session, network="practice", name="Riverton PD", handle="", secret=None, keys=keys, now=at_eight
        )
        return made.id or 0


@pytest.fixture
def ada(browser_of: Callable[..., Browser], account: int) -> Browser:
    return browser_of("Ada", Role.OFFICER)


def write(ada: Browser, account: int, then: str, page: str = "/compose", **fields: object) -> str:
    given: dict[str, object] = {"title": "Elm Street", "message": "Officers on Elm Street.", "accounts": account}
    return str(send(ada, page, page=page, then=then, **(given | fields)).headers.get("location", ""))


def posts(engine: sa.Engine) -> list[Post]:
    with database.reading(engine) as session:
        return list(session.exec(select(Post).order_by(Post.id)))  # type: ignore[arg-type]


def test_a_link_is_put_at_the_end_with_its_campaign(ada: Browser, sqlite_engine: sa.Engine, account: int) -> None:
    assert write(ada, account, "link", link="rivertonpd.example/elm") == "/compose/1?said=link-added#message"
    assert posts(sqlite_engine)[0].message == (
        "Officers on Elm Street.\n"
        "https://rivertonpd.example/elm?utm_source=liaison&utm_medium=social&utm_campaign=elm-street"
    )


def test_a_text_of_one_word_is_counted_in_good_english(ada: Browser) -> None:
    page = ada.get("/compose?text=Elm").text
    assert ">Characters: 3, words: 1</span>" in page
    assert 'data-words="Characters: {characters}, words: {words}"' in page


def test_what_is_no_link_is_told_and_the_text_is_kept(ada: Browser, account: int) -> None:
    page = send(
        ada, "/compose", page="/compose", message="My words.", accounts=account, then="link", link="javascript:alert(1)"
    )
    assert page.status_code == 422
    assert "That is no link" in page.text
    assert "My words." in page.text


def test_how_it_reads_is_told_while_one_writes(ada: Browser) -> None:
    message = "You told us drivers speed past the school. From Monday our officers are there each day. Come and see."
    answer = ada.post(
        "/compose/check", json={"message": message}, headers={"X-CSRF-Token": form_token(ada.get("/compose").text)}
    )
    assert answer.json()["reads"].endswith("easy for most people.")


def test_a_post_gets_a_sister_in_another_language_with_both_side_by_side(
    ada: Browser, sqlite_engine: sa.Engine, account: int
) -> None:
    assert write(ada, account, "translate-es", category="event") == "/compose/2"
    original, sister = posts(sqlite_engine)
    assert (sister.language, sister.translation_of, sister.message, sister.category) == ("es", original.id, "", "event")
    page = ada.get("/compose/2").text
    assert "The same in the other language" in page
    assert "Officers on Elm Street." in page
    assert write(ada, account, "translate-es", "/compose/1", revision=original.revision) == "/compose/2"
    assert len(posts(sqlite_engine)) == 2


def test_what_instagram_does_not_let_us_answer_is_told_while_one_writes_and_to_who_approves(
    ada: Browser, sqlite_engine: sa.Engine, keys: Keys, settings: Settings, at_eight: datetime
) -> None:
    picture = RemoteMention("17", "Look, @rivertonpd", at_eight, "a", addressed=True)
    with database.writing(sqlite_engine) as session:
        instagram = accounts.add(
            session, network="instagram", name="Pictures", handle="", secret=None, keys=keys, now=at_eight
        )
        source = Source(network="instagram", name="instagram")
        session.add(source)
        session.flush()
        admit(session, source, Page([picture], None), keys, settings, at_eight)
    told = "Instagram lets us answer comments only"
    assert told in ada.get("/compose?reply_to=1&text=Thanks").text
    write(ada, instagram.id or 0, "save", "/compose", reply_to="1")
    assert told in ada.get("/posts/1").text


def test_an_approver_who_is_asked_by_name_sees_it_first(
    ada: Browser, browser_of: Callable[..., Browser], account: int
) -> None:
    luc, mina = browser_of("Luc", Role.APPROVER), browser_of("Mina", Role.APPROVER)
    for title, asked in (("First", []), ("Second", [2])):
        write(ada, account, "submit", title=title, message=f"{title} words.", asked=asked)
    page = luc.get("/approvals").text
    assert page.index("Second") < page.index("First")
    assert page.count("asks you") == 1
    assert "asks you" not in mina.get("/approvals").text


def test_a_template_begins_a_post_and_a_sentence_waits_beside_it(ada: Browser, sqlite_engine: sa.Engine) -> None:
    for kind, name, text in (
        ("template", "Road closed", "Elm Street is closed. Please take Route 9."),
        ("snippet", "Reach us", "Not an emergency? Call 555 0100."),
    ):
        send(ada, "/snippets", page="/snippets", kind=kind, name=name, text=text, category="safety")
    form = ada.get("/compose?template=1").text
    assert "Elm Street is closed." in form
    assert '<option value="safety" selected>' in form
    assert "Not an emergency? Call 555 0100." in ada.get("/compose").text
    send(ada, "/snippets/1", page="/snippets", kind="template", name="Road closed", text="Take Route 9.")
    assert "Take Route 9." in ada.get("/compose?template=1").text
    send(ada, "/snippets/1/remove", page="/snippets")
    with database.reading(sqlite_engine) as session:
        assert [one.name for one in session.exec(select(Snippet))] == ["Reach us"]


def test_words_without_a_name_are_not_kept(ada: Browser) -> None:
    answer = send(ada, "/snippets", page="/snippets", kind="snippet", name="", text="Words.")
    assert answer.status_code == 422
    assert "It needs a name and a text." in answer.text
    assert "Words." in answer.text


def test_the_second_of_two_editors_sees_what_differs(
    ada: Browser, browser_of: Callable[..., Browser], account: int
) -> None:
    write(ada, account, "save")
    eve = browser_of("Eve", Role.OFFICER)
    write(eve, account, "save", "/compose/1", message="Officers on Elm Avenue.", revision=1)
    told = send(
        ada, "/compose/1", page="/compose/1", message="Officers on Elm Road.", revision=1, accounts=account, then="save"
    )
    assert told.status_code == 409
    assert "<del>Avenue</del><ins>Road</ins>" in told.text
