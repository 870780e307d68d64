"""The records export, taken from its page and opened from the disk: one post's whole story without us."""

import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from config import database, people
from config.permissions import Role
from config.tables import Person
from posts import drafts
from tests.browser.outreach_days import Days

HOUR = timedelta(hours=1)


def published(days: Days, person: Callable[..., Person]) -> None:
    """A post that was sent back, changed, approved and published on the practice board."""
    now = days.now()
    with database.writing(days.engine) as session:
        ada = people.known_id(person(session, "Ada", Role.OFFICER))
        bo = people.known_id(person(session, "Bo", Role.APPROVER))
        post = drafts.create(session, ada, "Cones on Elm Street.", [1], now, title="Cones")
        number = post.id or 0
        drafts.schedule(session, number, ada, (now + HOUR).replace(tzinfo=None), "UTC", now)
        drafts.submit(session, number, ada, now)
        drafts.ask_changes(session, number, bo, "Say from when.", now)
        drafts.save(
            session, number, ada, post.revision, message="Cones on Elm Street from Monday.", title="Cones",
            category="general", language="en", concern=None, wordings={1: None}, now=now,
        )  # fmt: skip
        drafts.submit(session, number, ada, now)
        drafts.approve(session, number, bo, drafts.read(session, number).content_hash, now)
    days.moment += HOUR
    assert days.send_due() == 1


def test_an_export_opened_from_the_disk_tells_one_posts_whole_story(
    context_of: Callable[..., BrowserContext],
    days: Days,
    person: Callable[..., Person],
    tmp_path: Path,
) -> None:
    published(days, person)
    page: Page = context_of("Sam", Role.ADMINISTRATOR).new_page()
    page.goto("/records")
    page.get_by_label("Or one post: its number").fill("1")
    with page.expect_download() as taken:
        page.get_by_role("button", name="This post").click()
    taken.value.save_as(tmp_path / "post.zip")
    zipfile.ZipFile(tmp_path / "post.zip").extractall(tmp_path / "export")
    page.goto(next((tmp_path / "export").rglob("index.html")).as_uri())
    page.get_by_role("link", name="1: Cones").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1: Cones")
    story = page.get_by_role("table").last
    for words in ("Ada", "Bo", "changes_asked", "Say from when.", "approved", "published"):
        expect(story).to_contain_text(words)
    expect(page.get_by_role("table").first).to_contain_text("Riverton PD (practice)")
    expect(page.get_by_text("Cones on Elm Street from Monday.").first).to_be_visible()
