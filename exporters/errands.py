"""Errands: what is looked after again and again, each at its own interval, until told to stop."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from exporters.database import RecordError
from exporters.storage import StoreError
from warehouse.errors import WarehouseError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Errand:
    """Something that is to be looked after at an interval."""

    name: str
    every: float
    """Seconds between two looks; none passes where the last look found something."""
    run: Callable[[], int]
    """Does a part of what is due and returns how much; any number of processes may call it at once."""


def run_errands(errands: list[Errand], stop: threading.Event) -> None:
    """Run each errand when it is due, until `stop` is set; one that fails is run again later."""
    threads = [
        threading.Thread(target=_repeat, args=(errand, stop), name=errand.name, daemon=True)
        for errand in errands
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(5.0)


def _repeat(errand: Errand, stop: threading.Event) -> None:
    while not stop.is_set():
        found = 0
        try:
            found = errand.run()
        except (RecordError, StoreError, WarehouseError) as error:
            _log.warning("%s: %s", errand.name, error)
        except Exception:  # noqa: BLE001  the next look is none the worse for it
            _log.exception("%s goes on after an unexpected error", errand.name)
        if not found:
            stop.wait(errand.every)
