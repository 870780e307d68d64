"""Small words for what a browser does in the tests of the pages."""

import re

from httpx2 import Response
from starlette.testclient import TestClient as Browser

__all__ = ["Browser", "Response", "form_token", "send"]


def form_token(page: str) -> str:
    """The token in a page's first form."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found is not None, page[:2000]
    return found.group(1)


def send(browser: Browser, path: str, *, page: str, **fields: object) -> Response:
    """Posts a form as a browser does: gets `page` for its token, then sends the fields with it to `path`."""
    token = form_token(browser.get(page).text)
    return browser.post(path, data={"csrf": token, **fields})
