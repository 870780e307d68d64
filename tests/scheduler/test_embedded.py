from collections import Counter
from functools import partial
from threading import Event
from time import monotonic, sleep

from scheduler.engine import embedded, rota


def test_networks_that_do_not_answer_hold_up_neither_publishing_nor_other_ticks() -> None:
    answer, ticked = Event(), Counter[str]()

    def waits(name: str) -> None:
        ticked[name] += 1
        answer.wait(20)

    names = [one.name for one in rota.WAITS if one.name != "publish"] + ["doorbells", "streams", "heavy"]
    more = [f"{name} again" for name in names]  # even were there twice as many
    slow = [(name, 0.05, partial(waits, name)) for name in (*names, *more)]
    metronome = embedded._metronome([*slow, ("publish", 0.3, lambda: ticked.update(["publish"]))])
    metronome.start()
    try:
        end = monotonic() + 10
        while ticked["publish"] < 3 and monotonic() < end:
            sleep(0.05)
    finally:
        answer.set()
        metronome.shutdown()
    assert ticked["publish"] >= 3
    assert len(names) - 1 + embedded.LISTENING <= embedded.THREADS


def test_sources_that_are_slow_hold_up_no_others_that_are_due_after_them() -> None:
    answer, ticked = Event(), Counter[str]()

    def slow_at_first(name: str) -> None:
        ticked[name] += 1
        if ticked[name] == 1:
            answer.wait(20)

    metronome = embedded._metronome([(name, 0.05, partial(slow_at_first, name)) for name in ("listen", "deletions")])
    metronome.start()
    try:
        end = monotonic() + 10
        while ticked["listen"] < 3 and monotonic() < end:
            sleep(0.05)
        assert (ticked["listen"] >= 3, ticked["deletions"]) == (True, 1)
    finally:
        answer.set()
        metronome.shutdown()


def test_the_rota_has_a_tick_that_publishes_and_one_that_listens() -> None:
    assert {embedded.PUBLISH, embedded.LISTEN} <= {one.name for one in rota.WAITS}
