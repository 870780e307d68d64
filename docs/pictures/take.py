"""Takes the pictures of docs/for-officers from the desk of the sample town.

    liaison demo                      (in another terminal; it prints a sign-in link for each person)
    python docs/pictures/take.py LINK [NAME ...]
LINK is the officer's sign-in link; NAMEs take only these. The pictures are of the town that
does not exist; nothing real is in them."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
HERE = Path(__file__).parent
PAGES = {  # file name: path, width, whether the whole page
    "today": ("/", 1280, True),
    "mentions": ("/mentions?concern=traffic_safety", 1280, False),
    "calendar": ("/calendar", 1280, False),
    "compose": ("/compose", 1280, False),
    "concern": ("/concerns/traffic_safety", 1280, False),
    "today-phone": ("/", 390, False),
    "event": ("/outreach/events/2", 1280, True),
    "heard": ("/outreach/events/1", 1280, True),
    "action": ("/outreach/actions/1", 1280, False),
    "urgent": ("/outreach/urgent/new?template=avoid_area", 390, False),
    "partners": ("/outreach/partners", 1280, False),
    "question": ("/outreach/questions/1", 1280, False),
    "stories": ("/outreach/stories", 1280, False),
    "mix": ("/outreach/mix", 1280, False),
    "resources": ("/outreach/resources", 1280, False),
    "days": ("/outreach/days", 1280, False),
    "glossary": ("/outreach/glossary", 1280, False),
}


def main(link: str, names: list[str]) -> None:
    """One picture a page, in the light theme."""
    parts = urlsplit(link)
    base = f"{parts.scheme}://{parts.netloc}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=base, color_scheme="light", reduced_motion="reduce")
        context.set_default_timeout(120_000)  # ms; a busy machine is no failure
        context.route("**/live", lambda route: route.abort())  # a stream of live counts is never idle
        page = context.new_page()
        page.goto(link)
        page.locator("main form button").first.click()
        for name in names or PAGES:
            path, width, whole = PAGES[name]
            page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=HERE / f"{name}.png", full_page=whole)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
