"""Takes the pictures of docs/for-officers from the desk of the sample town.

    liaison demo                      (in another terminal; it prints a sign-in link for each person)
    python docs/pictures/take.py OFFICER SUPERVISOR ADMINISTRATOR [NAME ...]
The first three are their sign-in links; NAMEs take only these. The pictures are of the town that does not exist;
nothing real is in them. They are kept in few colours, so that they stay small."""

import io
import sys
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
HERE = Path(__file__).parent
COLOURS = 128
OFFICER, SUPERVISOR, ADMINISTRATOR = range(3)
PAGES = {  # file name: path, width, whether the whole page, who looks
    "today": ("/", 1280, True, OFFICER),
    "mentions": ("/mentions?concern=traffic_safety", 1280, False, OFFICER),
    "calendar": ("/calendar", 1280, False, OFFICER),
    "compose": ("/compose/6", 1280, False, OFFICER),
    "concern": ("/concerns/traffic_safety", 1280, False, OFFICER),
    "today-phone": ("/", 390, False, OFFICER),
    "event": ("/outreach/events/2", 1280, True, OFFICER),
    "heard": ("/outreach/events/1", 1280, True, OFFICER),
    "action": ("/outreach/actions/1", 1280, False, OFFICER),
    "urgent": ("/outreach/urgent/new?template=avoid_area", 390, False, OFFICER),
    "partners": ("/outreach/partners", 1280, False, OFFICER),
    "question": ("/outreach/questions/1", 1280, False, OFFICER),
    "stories": ("/outreach/stories", 1280, False, OFFICER),
    "mix": ("/outreach/mix", 1280, False, OFFICER),
    "resources": ("/outreach/resources", 1280, False, OFFICER),
    "days": ("/outreach/days", 1280, False, OFFICER),
    "glossary": ("/outreach/glossary", 1280, False, OFFICER),
    "alerts": ("/alerts", 1280, False, OFFICER),
    "approvals": ("/approvals", 1280, False, SUPERVISOR),
    "hold": ("/hold", 390, False, OFFICER),
    "board": ("/board", 1280, False, OFFICER),
    "posts": ("/posts", 1280, False, OFFICER),
    "accounts": ("/accounts", 1280, False, ADMINISTRATOR),
    "reports": ("/reports/weekly", 1280, False, OFFICER),
    "records": ("/records", 1280, False, ADMINISTRATOR),
    "status": ("/status", 1280, False, ADMINISTRATOR),
}


def main(links: list[str], names: list[str]) -> None:
    """One picture a page, in the light theme."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        signed_in = [_sign_in(browser, link) for link in links]
        for name in names or PAGES:
            path, width, whole, who = PAGES[name]
            page = signed_in[who]
            page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
            page.goto(path)
            page.wait_for_load_state("networkidle")
            with Image.open(io.BytesIO(page.screenshot(full_page=whole))) as taken:
                few = taken.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
                few.save(HERE / f"{name}.png", optimize=True)
        browser.close()


def _sign_in(browser: Browser, link: str) -> Page:
    parts = urlsplit(link)
    base = f"{parts.scheme}://{parts.netloc}"
    context = browser.new_context(base_url=base, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(120_000)  # ms; a busy machine is no failure
    context.route("**/live", lambda route: route.abort())  # a stream of live counts is never idle
    page = context.new_page()
    page.goto(link)
    page.locator("main form button").first.click()
    page.wait_for_load_state()
    return page


if __name__ == "__main__":
    main(sys.argv[1:4], sys.argv[4:])
