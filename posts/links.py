"""Links that say where a visit came from: the campaign parameters that web statistics read. Pure."""

import re
import unicodedata
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SOURCE, MEDIUM = "liaison", "social"


class NotALink(ValueError):
    """Nothing a browser could open."""


def tracked(address: str, campaign: str) -> str:
    """The address with utm_source, utm_medium and, where there is a campaign, utm_campaign; other parameters and what
    it had of these stay. Raises NotALink."""
    given = address.strip()
    parts = urlsplit(given if "://" in given else f"https://{given}")
    if parts.scheme not in ("http", "https") or "." not in parts.netloc or re.search(r"[\s\"<>\\]", given):
        raise NotALink(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    there = {name for name, _ in query}
    added = {"utm_source": SOURCE, "utm_medium": MEDIUM, "utm_campaign": slug(campaign)}
    query += [(name, value) for name, value in added.items() if value and name not in there]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query), parts.fragment))


def slug(words: str) -> str:
    """ "You told us about Elm" as you-told-us-about-elm: letters of ASCII, figures, hyphens; 60 at most."""
    plain = unicodedata.normalize("NFKD", words.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")
