"""A network of our own for tests of publishing: it keeps posts in memory, loses replies, refuses and limits on demand.

It is ours, not a real network; it stands in for one where a test needs a reply lost at an exact moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from networks.network import OutcomeUnknown, Outgoing, Receipt

NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)


@dataclass
class Square:
    """`preparing` runs before it asks whether to go on, `before` before a post is applied, `after` when it has been:
    each may raise what a network would."""

    posts: list[Outgoing] = field(default_factory=list)
    preparing: Callable[[], None] = lambda: None
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    can_look_up: bool = True
    removed: list[str] = field(default_factory=list)

    def publish(self, outgoing: Outgoing) -> Receipt:
        """Applies the post each time it is asked to: only the caller can see to it that it is asked once."""
        self.preparing()
        outgoing.proceed()
        self.before()
        self.posts.append(outgoing)
        self.after()
        return Receipt(str(len(self.posts)), f"https://square.example/{len(self.posts)}", NOON)

    def find(self, outgoing: Outgoing) -> Receipt | None:
        if not self.can_look_up:
            raise OutcomeUnknown("this network cannot tell")
        for number, post in enumerate(self.posts, 1):
            if post.key == outgoing.key:
                return Receipt(str(number), f"https://square.example/{number}", NOON)
        return None

    def remove(self, remote_id: str) -> None:
        """Takes it away before or after what the test makes happen; taking it twice does no harm."""
        self.before()
        self.removed.append(remote_id)
        self.after()


@dataclass
class Blind:
    """A network that answers every look-up with the same error."""

    error: Exception

    def publish(self, outgoing: Outgoing) -> Receipt:
        raise self.error

    def find(self, outgoing: Outgoing) -> Receipt | None:
        raise self.error

    def remove(self, remote_id: str) -> None:
        raise self.error


class Remembering(Square):
    """Makes something first that is not public, and keeps it, as Instagram's container."""

    def __init__(self, making: Callable[[], object]) -> None:
        super().__init__()
        self._making = making

    def publish(self, outgoing: Outgoing) -> Receipt:
        self._making()
        assert outgoing.memory is not None
        outgoing.memory.keep("container 1")
        return super().publish(outgoing)


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
