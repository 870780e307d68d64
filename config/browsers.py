"""What a browser says of itself, in plain words: "Firefox", "Windows". Only the common ones; else empty."""

_BROWSERS = (  # in this order: most call themselves by others' names too
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def plain(said: str) -> tuple[str, str]:
    """The browser's and the system's name, from a User-Agent header; either may be empty."""
    return _first(_BROWSERS, said), _first(_SYSTEMS, said)


def _first(known: tuple[tuple[str, str], ...], said: str) -> str:
    return next((name for mark, name in known if mark in said), "")
