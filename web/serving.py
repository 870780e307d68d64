"""Serves the desk with uvicorn on a socket that is bound before anything else starts."""

import errno
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from config.secrets import Keys
from config.settings import Settings
from web import app

DRAIN_SECONDS = 5  # open requests get this long; the rest of the ten seconds is the engine's
# How often the young, the middle-aged and all objects are looked through for cycles. By Python's own 700, 10, 10 every
# fifteenth page waited 50 to 150 ms for the last, since what is frozen no longer puts it off.
COLLECT_AFTER = (5_000, 20, 20)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket. OSError with plain words when the port is taken, before any work has begun."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named as TCP: otherwise asyncio leaves Nagle's algorithm on, and answers wait 40 ms for the browser to acknowledge
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                words = f"port {port} is in use by another program; stop it, or give --port with another number"
                raise OSError(error.errno, words) from error
            raise
        yield bound


def serve(engine: sa.Engine, settings: Settings, keys: Keys, bound: socket.socket) -> None:
    """Serves until SIGTERM or Ctrl-C, lets open requests end, then leaves by SystemExit so that callers clean up."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # uvicorn gives the signal back to this handler when it has drained
    server = server_of(app.create(engine, settings, keys))
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again: that held a page up for a quarter of a second
    gc.set_threshold(*COLLECT_AFTER)
    server.run(sockets=[bound])


def server_of(desk: FastAPI) -> uvicorn.Server:
    """A server of the desk. Its streams of live counts end as soon as it begins to stop."""
    server = uvicorn.Server(
        uvicorn.Config(
            desk,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
            proxy_headers=False,
        )
    )
    desk.state.watch.serving = lambda: not server.should_exit
    return server


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
