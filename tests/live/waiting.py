"""Waiting for a server to come round: looks again until there is something, and says what did not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotThere(AssertionError):
    """What was waited for did not come; a test that meets it fails."""


def wait_until(look: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """The first answer of `look` that is neither None nor False nor empty. Raises NotThere after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise NotThere(f"Waited {seconds:g} s for {what}")
        time.sleep(0.05)
