"""The process beside: it leaves signals to its parent, stops when told, and is ended and started again whatever becomes
of it."""

import os
import signal
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest

from config.settings import Settings
from scheduler.engine import beside
from scheduler.engine.beside import Beside, Stop

LONGEST = 120  # seconds; a machine may have much else to do


def sleeps(settings: Settings, say: Connection, stop: Stop) -> None:
    beside.begin(settings)
    say.send(os.getpid())
    while not stop.is_set():
        stop.wait(60)
    say.send("told")


def goes_on(settings: Settings, say: Connection, stop: Stop) -> None:
    beside.begin(settings)
    say.send(os.getpid())
    while True:
        stop.wait(60)


@pytest.fixture
def pipe() -> Iterator[tuple[Connection, Connection]]:
    hear, say = get_context("spawn").Pipe(duplex=False)
    yield hear, say
    hear.close()
    say.close()


def said(hear: Connection) -> object:
    assert hear.poll(LONGEST)
    return hear.recv()


def is_there(process: object) -> bool:
    try:
        os.kill(int(str(process)), 0)
    except ProcessLookupError:
        return False
    return True


def test_signals_are_left_to_the_parent_that_tells_it_to_stop(
    settings: Settings, pipe: tuple[Connection, Connection]
) -> None:
    hear, say = pipe
    reading = Beside("reading", sleeps, settings, say)
    process = said(hear)
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(int(str(process)), number)
    assert not hear.poll(0.5)
    assert is_there(process)
    reading.end(LONGEST)
    assert (said(hear), is_there(process)) == ("told", False)


def test_killed_while_it_sleeps_it_is_started_again_until_it_is_told_to_stop(
    settings: Settings, pipe: tuple[Connection, Connection]
) -> None:
    hear, say = pipe
    reading = Beside("reading", sleeps, settings, say)
    first = said(hear)
    reading.keep()
    assert not hear.poll(0.1)  # it was there
    os.kill(int(str(first)), signal.SIGKILL)
    while is_there(first):
        reading.keep()
    reading.keep()
    second = said(hear)
    assert second != first
    os.kill(int(str(second)), signal.SIGKILL)
    reading.end(LONGEST)
    reading.keep()
    assert not hear.poll(0.5)


def test_one_that_does_not_stop_is_killed(settings: Settings, pipe: tuple[Connection, Connection]) -> None:
    hear, say = pipe
    reading = Beside("reading", goes_on, settings, say)
    process = said(hear)
    reading.end(0.2)
    assert not is_there(process)
