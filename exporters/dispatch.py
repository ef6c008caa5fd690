"""The dispatcher: does what is due beside the making of files, one errand after another, until stopped."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from exporters.database import RecordError
from exporters.exports import Exports, open_exports
from exporters.options import ExportOptions
from exporters.storage import StoreError
from exporters.worker_orders import READY
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


def serve_dispatch(options: ExportOptions, orders: Connection) -> None:
    """Run the errands of an installation until the supervisor says to stop, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_listen, args=(orders, stop), name="orders", daemon=True).start()
    with open_exports(options) as exports:
        orders.send(READY)
        run_errands(_list_errands(exports, options), stop)
    logging.shutdown()
    # What an errand waits for, such as a server that does not answer, is not waited for: it is tried again.
    os._exit(0)


def _listen(orders: Connection, stop: threading.Event) -> None:
    with suppress(EOFError, OSError):
        orders.recv()  # either order says to end
    stop.set()


def _list_errands(exports: Exports, options: ExportOptions) -> list[Errand]:  # noqa: ARG001
    return []
