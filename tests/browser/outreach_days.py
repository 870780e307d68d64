"""Days of an outreach story: a clock that the tests turn, whatever thread asks it, and posts that go out when due."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from playwright.sync_api import Page

from config import clock, database
from config.secrets import Keys
from config.settings import Settings
from networks import accounts
from networks.tables import Account
from posts import claims, publishing


@dataclass
class Days:
    """The time of the story. The served desk runs in a thread of its own, so this stands in for `clock.now`."""

    engine: sa.Engine
    keys: Keys
    settings: Settings
    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def turn(self, text: str) -> None:
        """To a wall time of the department, such as 2026-12-01T18:00."""
        wall = datetime.fromisoformat(text)
        self.moment = clock.utc(wall.replace(tzinfo=self.settings.department.zone))

    def send_due(self) -> int:
        """What a publishing tick does, at once; how many calls were made."""
        taken = claims.claim(self.engine, self.keys, self.moment)
        for claim in taken:
            with database.reading(self.engine) as session:
                account = session.get_one(Account, claim.account_id)
            way = accounts.publisher(self.engine, account, self.keys, self.settings)
            publishing.run(self.engine, claim, way, self.now)
        return len(taken)


def hand_in(page: Page, day: str = "", hour: str = "") -> str:
    """Sends the draft that is open in Compose for approval, with a time; the address of its post."""
    if day:
        page.get_by_label("Day", exact=True).fill(day)
        page.locator("#hour").fill(hour)
    page.get_by_role("button", name="Send for approval").click()
    page.wait_for_url("**/posts/*said=submitted")
    return page.url.split("?")[0]


def approve(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Approve these words").click()
    page.wait_for_url("**said=approved*")


def board(page: Page) -> list[str]:
    """What stands on the practice board, newest first."""
    page.goto("/board")
    return page.locator(".board-post .said").all_inner_texts()
