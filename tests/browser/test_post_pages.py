"""The pages of our own posts in a real browser: they fit, they do not complain, and nothing written is lost."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Route, expect
from sqlmodel import Session, col, delete, select

from config import clock, database, holds
from config.permissions import Role
from config.secrets import Keys
from config.tables import Person, SignIn
from networks import accounts, practice
from posts import drafts
from posts.tables import Post, PostPicture
from tests.browser.conftest import SHOTS, overflow, tab_to
from tests.browser.outreach_days import Days
from tests.posts.test_pictures import photo

PAGES = (
    "/compose", "/compose/1", "/queue", "/approvals", "/posts/1", "/posts/2", "/hold", "/board", "/people", "/account",
)  # fmt: skip
WORDS = "You told us that drivers speed past Lincoln School. From Monday our officers are there every school day. "
ALL = (Role.OFFICER, Role.APPROVER, Role.ADMINISTRATOR)


@pytest.fixture
def account(sqlite_engine: sa.Engine, keys: Keys) -> int:
    with database.writing(sqlite_engine) as session:
        return add_account(session, keys, "Riverton Police")


def add_account(session: Session, keys: Keys, name: str) -> int:
    made = accounts.add(
        session, network="practice", name=name, handle="rivertonpd", secret=None, keys=keys, now=clock.now()
    )
    return made.id or 0


@pytest.fixture
def busy_desk(sqlite_engine: sa.Engine, keys: Keys, person: Callable[..., Person], account: int) -> None:
    """A post too long for its account, one that waits and came back once, a hold, and words on the board."""
    now = clock.now()
    with database.writing(sqlite_engine) as session:
        eve, luc = person(session, "Eve", Role.OFFICER), person(session, "Luc", Role.APPROVER)
        assert eve.id is not None
        assert luc.id is not None
        second = add_account(session, keys, "Riverton Police Recruiting")
        drafts.create(session, eve.id, WORDS * 6, [account, second], now, title="Elm Street")
        post = drafts.create(session, eve.id, WORDS, [account], now, title="Antidisestablishmentarianism" * 2)
        number = post.id or 0
        wall = (now + timedelta(hours=3)).replace(tzinfo=None, second=0, microsecond=0)
        drafts.schedule(session, number, eve.id, wall, "UTC", now)
        drafts.submit(session, number, eve.id, now)
        drafts.ask_changes(session, number, luc.id, "Say which school.", now)
        drafts.save(
            session,
            number,
            eve.id,
            post.revision,
            message=WORDS + "Lincoln.",
            title="Elm Street",
            category="safety",
            language="en",
            concern=None,
            wordings={account: None},
            now=now,
        )
        drafts.submit(session, number, eve.id, now)
        practice.post_as_resident(session, "Maria", "Third morning in a row. " + "x" * 200, now)
        holds.place(session, luc.id, "Serious crash on Route 9", now)


@pytest.mark.usefixtures("busy_desk")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_no_page_of_our_posts_scrolls_sideways_or_complains(
    quiet_page: Callable[..., Page], width: int, dark: bool
) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = quiet_page("Ada", *ALL, width=width, dark=dark)
    for path in PAGES:
        answered = page.goto(path)
        assert answered is not None
        assert answered.status == 200, path
        assert overflow(page) <= 0, path
        name = path.strip("/").replace("/", "-")
        page.screenshot(path=SHOTS / f"{name}-{width}{'-dark' if dark else ''}.png", full_page=True)


@pytest.mark.usefixtures("busy_desk")
def test_at_320_pixels_nothing_scrolls_sideways(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", *ALL, width=320)
    for path in PAGES:
        page.goto(path)
        assert overflow(page) <= 0, path


@pytest.mark.usefixtures("account")
def test_a_draft_saves_itself_and_the_address_gets_its_number(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine
) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    page.fill("#message", "Officers on Elm Street.")
    expect(page.locator("#saved")).to_contain_text("Draft saved at")
    expect(page).to_have_url(re.compile(r"/compose/1$"))
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Post.message)).one() == "Officers on Elm Street."


def test_what_cannot_save_itself_says_why_and_not_that_somebody_else_saved(
    quiet_page: Callable[..., Page], complaints: list[str], days: Days, person: Callable[..., Person]
) -> None:
    days.turn("2026-11-24T08:10")
    with database.writing(days.engine) as session:
        eve, luc = (person(session, name, role).id or 0 for name, role in (("Eve", ALL[0]), ("Luc", ALL[1])))
        post = drafts.create(session, eve, WORDS, [1], days.now())
        wall = (days.now() + timedelta(minutes=30)).replace(tzinfo=None)
        drafts.schedule(session, post.id or 0, eve, wall, "UTC", days.now())
        drafts.submit(session, post.id or 0, eve, days.now())
        drafts.approve(session, post.id or 0, luc, post.content_hash, days.now())
        holds.place(session, luc, "Serious crash on Route 9", days.now())
    days.turn("2026-11-24T08:45")
    page = quiet_page("Ada", Role.OFFICER, width=390)
    page.goto("/compose/1")
    page.fill("#message", "Officers on Oak Street.")
    why = "Not saved: That time has passed; choose a later one. It is kept in this browser."
    expect(page.locator("#saved")).to_contain_text(why)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "compose-refused-390.png", full_page=True)
    page.fill("#day", "")
    page.fill("#hour", "")
    expect(page.locator("#saved")).to_contain_text("Draft saved at")
    complaints[:] = [words for words in complaints if "422" not in words]


@pytest.mark.usefixtures("account")
def test_what_is_too_long_is_struck_through_while_one_writes(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    page.fill("#message", "x" * 500 + "too much")
    expect(page.locator(".prev .cut")).to_have_text("too much")
    expect(page.locator(".variant")).to_have_class(re.compile("variant--bad"))
    page.fill("#message", "Short.")
    expect(page.locator(".prev .cut")).to_have_count(0)


@pytest.mark.usefixtures("account")
def test_an_own_wording_shows_in_its_preview_and_the_message_does_not_change_it(
    quiet_page: Callable[..., Page],
) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    page.fill("#message", "For all.")
    page.locator(".reword summary").click()
    expect(page.locator(".reword textarea")).to_have_value("For all.")  # it opens with the message's words
    page.locator(".reword textarea").fill("For this one.")
    expect(page.locator(".prev .said")).to_have_text("For this one.")
    page.fill("#message", "For all the others.")
    expect(page.locator("#message-count")).to_contain_text("words: 4")
    expect(page.locator(".prev .said")).to_have_text("For this one.")


@pytest.mark.usefixtures("account")
def test_text_written_after_the_sign_in_ended_is_offered_back(
    quiet_page: Callable[..., Page], complaints: list[str], sqlite_engine: sa.Engine
) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    page.fill("#message", "Before.")
    expect(page).to_have_url(re.compile(r"/compose/1$"))
    with database.writing(sqlite_engine) as session:
        kept = [row.model_dump() for row in session.exec(select(SignIn))]
        session.exec(delete(SignIn).where(col(SignIn.person_id) > 0))
    page.fill("#message", "After the end.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("h1")).to_have_text("Your sign-in has ended")
    assert [line for line in complaints if "401" not in line] == []
    complaints.clear()
    with database.writing(sqlite_engine) as session:
        session.add_all([SignIn(**row) for row in kept])
    page.goto("/compose/1")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#message")).to_have_value("After the end.")
    expect(page.locator("#saved")).to_contain_text("Draft saved at")


@pytest.mark.usefixtures("account")
def test_a_button_pressed_while_a_save_is_under_way_waits_for_it_and_makes_no_second_post(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine
) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    slow: list[Route] = []
    page.route("**/compose/draft", lambda route: slow.append(route))
    with page.expect_request("**/compose/draft"):
        page.fill("#message", "Officers on Elm Street.")
    page.get_by_role("button", name="Send for approval").click(no_wait_after=True)
    page.wait_for_timeout(200)
    assert page.url.endswith("/compose")
    slow[0].continue_()
    page.wait_for_url(re.compile(r"/posts/1\?said=submitted$"))
    with database.reading(sqlite_engine) as session:
        assert [post.state for post in session.exec(select(Post))] == ["in_review"]


@pytest.mark.usefixtures("account")
def test_what_was_saved_by_its_button_is_not_offered_as_unsaved(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    page.fill("#message", "Officers on Elm Street.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/compose/1\?said=saved$"))
    expect(page.locator("#title")).to_have_value("Officers on Elm Street.")  # which the copy has not
    expect(page.locator("#kept")).to_be_hidden()
    page.goto("/compose/1")
    expect(page.locator("#kept")).to_be_hidden()


@pytest.mark.usefixtures("account")
def test_without_scripts_a_post_is_written_and_sent_all_the_same(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine
) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.route("**/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/compose")
    page.fill("#message", "Officers on Elm Street.")
    page.get_by_role("button", name="Send for approval").click()
    expect(page).to_have_url(re.compile(r"/posts/1\?said=submitted"))
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(Post.state)).one() == "in_review"


@pytest.mark.usefixtures("account")
def test_a_picture_is_added_when_it_is_chosen_and_nothing_written_is_lost(
    quiet_page: Callable[..., Page], sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    shot = tmp_path / "cups.jpg"
    shot.write_bytes(photo((1200, 800)))
    page = quiet_page("Ada", Role.OFFICER)
    page.goto("/compose")
    page.fill("#message", "Coffee at nine.\n---\nEverybody is welcome.")
    page.set_input_files("#picture", shot)
    page.wait_for_url(re.compile(r"/compose/1\?said=saved#pictures$"))
    expect(page.locator("#message")).to_have_value("Coffee at nine.\n---\nEverybody is welcome.")
    page.fill("#alt-1", "Cups on a table")
    preview = page.locator("[data-preview]")
    expect(preview.locator(".prev__thread > li")).to_have_count(2)
    expect(preview.get_by_alt_text("Cups on a table")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflow(page) <= 0
    page.screenshot(path=SHOTS / "compose-picture-390.png", full_page=True)
    page.get_by_role("button", name="Send for approval").click()
    page.wait_for_url(re.compile(r"/posts/1\?said=submitted$"))
    with database.reading(sqlite_engine) as session:
        assert session.exec(select(PostPicture.alt)).one() == "Cups on a table"


@pytest.mark.usefixtures("account")
def test_with_keys_alone_a_post_is_written_and_without_a_connection_it_stays(quiet_page: Callable[..., Page]) -> None:
    page = quiet_page("Ada", Role.OFFICER)
    page.route("**/live", lambda route: route.fulfill(status=204))  # else the browser complains of what it lost
    page.goto("/compose")
    tab_to(page, "#message")
    page.keyboard.type("Officers on Elm Street.")
    expect(page.locator("#saved")).to_contain_text("Draft saved at")
    tab_to(page, "[name=then][value=submit]")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is no connection.")).to_be_visible()
    expect(page.locator("#message")).to_have_value("Officers on Elm Street.")
    page.context.set_offline(False)
    expect(page.get_by_text("There is no connection.")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/posts/1\?said=submitted$"))
