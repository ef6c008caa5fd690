"""Errands: what is looked after again and again, each at its own interval, until told to stop."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from exporters.database import RecordError
from exporters.storage import StoreError
from warehouse.errors import WarehouseError

_END_SECONDS = 5.0
"""Seconds that all who are at work have together to end; what is not done then is done again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Errand:
    """Something that is to be looked after at an interval."""

    name: str
    every: float
    """Seconds between two looks; none passes where the last look found something."""
    run: Callable[[], int]
    """Does a part of what is due and returns how much; any number of processes may call it at once."""
    hands: int = 1
    """Threads that do it together while there is much; while there is nothing, they look in turn, so that
    `every` is between two looks of all."""


def run_errands(errands: list[Errand], stop: threading.Event) -> None:
    """Run each errand when it is due, until `stop` is set; one that fails is run again later."""
    watches = [_Watch(stop) for _ in errands]
    threads = [
        threading.Thread(target=_repeat, args=(errand, watch, stop), name=errand.name, daemon=True)
        for errand, watch in zip(errands, watches, strict=True)
        for _ in range(errand.hands)
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for watch in watches:
        watch.wake()
    end = time.monotonic() + _END_SECONDS
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


class News:
    """Tells what is worth a line of the log: what stays away for a night is told once."""

    def __init__(self) -> None:
        self._fault: str | None = None

    def is_new(self, fault: str | None) -> bool:
        """Whether the last look had another fault, or none."""
        before, self._fault = self._fault, fault
        return fault != before


class _Watch:
    """Where the idle hands of an errand wait: one for the time of the next look, the others for that one."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._turn = threading.Lock()
        self._called = threading.Event()
        self.news = News()

    def wait(self, seconds: float) -> None:
        """Return when it is the caller's turn to look."""
        with self._turn:
            if not self._stop.is_set():
                self._called.wait(seconds)
                self._called.clear()

    def wake(self) -> None:
        """Let the one whose turn comes next look at once."""
        self._called.set()


def _repeat(errand: Errand, watch: _Watch, stop: threading.Event) -> None:
    while not stop.is_set():
        found = 0
        try:
            found = errand.run()
        except (RecordError, StoreError, WarehouseError) as error:
            if watch.news.is_new(str(error)):
                _log.warning("%s: %s", errand.name, error)
        except Exception as error:  # noqa: BLE001  the next look is none the worse for it
            if watch.news.is_new(repr(error)):
                _log.exception("%s goes on after an unexpected error", errand.name)
        else:
            watch.news.is_new(None)
        if found:
            watch.wake()  # where there was something, there may be more
        else:
            watch.wait(errand.every)
