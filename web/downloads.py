"""Files that take long to make: the page that asked is told when one is there, so that its bar ends.

A browser shows nothing of an answer that is a file but the file; a cookie of the name that was sent along is all that
the page can see of it (static/js/long.js)."""

from typing import Annotated

from fastapi import Query, Response

from web.desk import Desk

COOKIE = "liaison-there"
LIVES = 60  # seconds; it is looked at three times a second
There = Annotated[str, Query(max_length=20, pattern=r"^[a-z0-9]*$")]


def there(response: Response, name: str, found: Desk) -> Response:
    """The file, with a cookie of that name; as it is where no page waits."""
    if name:
        response.set_cookie(COOKIE, name, max_age=LIVES, secure=found.https, httponly=False, samesite="strict")
    return response
