"""Errands: one hand looks while there is nothing, all work while there is much; old faults are told once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from exporters.database import DatabaseUnavailable
from exporters.errands import Errand, run_errands
from tests.worker_processes import wait_until


@contextmanager
def running(*errands: Errand) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run_errands, args=(list(errands), stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


class Work:
    """So many pieces, each of which takes a while."""

    def __init__(self, pieces: int = 0, seconds: float = 0.05) -> None:
        self.left = pieces
        self.looks = 0
        self.at_once = 0
        self.most_at_once = 0
        self._seconds = seconds
        self._lock = threading.Lock()

    def take(self) -> int:
        with self._lock:
            self.looks += 1
            if not self.left:
                return 0
            self.left -= 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self._seconds)
        with self._lock:
            self.at_once -= 1
        return 1


def test_idle_hands_look_in_turn() -> None:
    work, begun = Work(), time.monotonic()
    with running(Errand("idle", 0.2, work.take, hands=8)):
        time.sleep(1.1)
        wait_until(lambda: work.looks >= 8)
    assert work.looks <= 8 + 2 + (time.monotonic() - begun) / 0.2


def test_all_hands_work_while_there_is_much() -> None:
    work = Work()
    with running(Errand("much", 0.2, work.take, hands=4)):
        time.sleep(0.3)  # all have looked, and wait
        work.left = 10_000
        wait_until(lambda: work.most_at_once == 4)
        work.left = 0
    assert work.most_at_once == 4


def test_a_hand_that_hangs_does_not_keep_the_others_from_looking() -> None:
    ended = threading.Event()
    calls: list[int] = []

    def hang_first() -> int:
        calls.append(1)
        if len(calls) == 1:
            ended.wait(120)
        return 0

    with running(Errand("hanging", 0.05, hang_first, hands=2)):
        wait_until(lambda: len(calls) > 5, 60)
        ended.set()


def test_an_end_does_not_wait_for_the_next_look() -> None:
    begun = time.monotonic()
    with running(Errand("seldom", 600, lambda: 0, hands=3), Errand("alone", 600, lambda: 0)):
        time.sleep(0.2)
    assert time.monotonic() - begun < 60


def failing(*faults: Exception | None) -> Callable[[], int]:
    """Fails in this order, and goes on with the last."""
    left = list(faults)

    def run() -> int:
        fault = left.pop(0) if len(left) > 1 else left[0]
        if fault is not None:
            raise fault
        return 0

    return run


def test_a_fault_is_told_when_it_begins_and_an_unknown_one_with_its_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away, full = DatabaseUnavailable("it is away"), DatabaseUnavailable("it is full")
    run = failing(away, away, full, full, None, full, ValueError("x"), ValueError("x"))
    runs: list[int] = []

    def count() -> int:
        runs.append(1)
        return run()

    with running(Errand("failing", 0.02, count)):
        wait_until(lambda: len(runs) > 10)
    told = [(record.levelname, record.getMessage().partition(": ")[2]) for record in caplog.records]
    assert told == [
        ("WARNING", str(away)),
        ("WARNING", str(full)),
        ("WARNING", str(full)),
        ("ERROR", ""),
    ]
    assert caplog.records[-1].exc_info is not None


def test_hands_that_hang_hold_up_the_end_once_and_not_each() -> None:
    release = threading.Event()
    busy = threading.Semaphore(0)

    def hang() -> int:
        busy.release()
        release.wait(600)
        return 0

    stop = threading.Event()
    ending = threading.Thread(
        target=run_errands, args=([Errand(f"hang {n}", 0.01, hang) for n in range(40)], stop)
    )
    ending.start()
    for _ in range(40):
        assert busy.acquire(timeout=60)
    stop.set()
    ending.join(60)
    try:
        assert not ending.is_alive(), "forty that hang are not waited for one after another"
    finally:
        release.set()
        ending.join(30)
