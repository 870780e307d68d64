"""Reading how posts of ours fare, some in one question, until the network asks to wait: what was told by then stays."""

from collections.abc import Callable, Sequence

from networks.network import OwnPost, RateLimited, Reach, ReachPage, Unavailable


def gauged(ours: Sequence[OwnPost], at_once: int, ask: Callable[[Sequence[OwnPost]], ReachPage]) -> ReachPage:
    """What `ask` tells of `at_once` posts at a time. Raises NetworkError when nothing was told."""
    found: dict[str, Reach | None] = {}
    refused = ""
    for start in range(0, len(ours), at_once):
        try:
            page = ask(ours[start : start + at_once])
        except (RateLimited, Unavailable):
            if not found:
                raise
            break
        found |= page.reach
        refused = refused or page.refused
    return ReachPage(found, refused)


def together(*counts: int | None) -> int | None:
    """Their sum; none where none of them is given. Pure."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
