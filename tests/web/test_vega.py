"""Vega comes from us, once and for good."""

from collections.abc import Callable

from config.permissions import Role
from tests.web.browsing import Browser


def test_the_bundle_is_kept_for_good_by_its_version(browser_of: Callable[..., Browser]) -> None:
    ada = browser_of("Ada", Role.ANALYST)
    for accepted in ("gzip, br", "identity"):
        told = ada.get("/vega.js", headers={"Accept-Encoding": accepted})
        assert told.text == "export const embed = 1;"
        assert told.headers["content-type"].startswith("text/javascript")
        assert told.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert told.headers.get("content-encoding") == ("gzip" if "gzip" in accepted else None)
