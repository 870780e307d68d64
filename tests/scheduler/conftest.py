"""A desk that was begun, with its secret key; a mail server for the tests of delivery."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from config import secrets
from config.settings import Settings
from tests.scheduler.postbox import Post, free_port


@pytest.fixture
def settings(settings: Settings) -> Settings:
    secrets.load(settings, begin=True)
    return settings


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts a server for a Post; its address without scheme."""
    running: list[Controller] = []

    def start(post: Post, port: int | None = None, **options: Any) -> str:
        controller = Controller(post, hostname="127.0.0.1", port=port or free_port(), **options)
        controller.start()
        running.append(controller)
        return f"127.0.0.1:{controller.port}"

    yield start
    for controller in running:
        controller.stop()
