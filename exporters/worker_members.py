"""The processes of a worker as their supervisor sees them: started, kept up, told and ended."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from exporters.options import ExportOptions
from exporters.worker_orders import READY

Work = Callable[[ExportOptions, Connection], None]
Prepare = Callable[[], None]
"""What a process of the worker does first, such as to set up its log; it is sent there by pickling."""

_SETTLED_SECONDS = 5.0
"""A process that has been at work for so long is started anew at once when it dies."""

_LONGEST_PAUSE = 10.0
"""Seconds at most between two starts of one that dies each time before that: a start takes a second or two of
a core."""

_spawning = multiprocessing.get_context("spawn")  # threads of the parent and a fork do not go together
_log = logging.getLogger(__name__)


@dataclass
class Member:
    """A process of the worker, kept up by whoever calls `bury` and `keep_up` again and again."""

    options: ExportOptions
    name: str
    work: Work
    prepare: Prepare | None
    _process: SpawnProcess | None = field(default=None, init=False)
    _orders: Connection | None = field(default=None, init=False)
    _ready_at: float | None = field(default=None, init=False)
    _start_at: float = field(default=0.0, init=False)
    _pause: float = field(default=0.0, init=False)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def sentinel(self) -> int | None:
        """What becomes ready when its process ends."""
        return self._process.sentinel if self._process is not None else None

    def bury(self) -> int | None:
        """The process id of the member, if its process has died; it is forgotten then."""
        if self._ready_at is None and self._hears_ready():
            self._ready_at = time.monotonic()
        process = self._process
        if process is None or process.is_alive():
            return None
        self._put_off(f"ended with code {process.exitcode}")
        self._forget()
        return process.pid

    def keep_up(self) -> None:
        """Start its process where there is none, unless it is to pause."""
        if self._process is not None or time.monotonic() < self._start_at:
            return
        self._orders, theirs = _spawning.Pipe()
        self._process = _spawning.Process(
            target=_serve, args=(self.work, self.options, theirs, self.prepare), name=self.name
        )
        try:
            self._process.start()
        except OSError as error:  # the machine has no room for another process now
            self._put_off(f"cannot be started: {error}")
            self._forget()
        finally:
            theirs.close()

    def tell(self, order: str) -> None:
        """Send it an order; one that has ended needs none."""
        if self._orders is not None:
            with suppress(OSError):
                self._orders.send(order)

    def kill(self) -> int | None:
        """End its process at once, unless it has ended; gives its id, if there was one."""
        process = self._process
        if process is None:
            return None
        process.kill()
        process.join()
        self._forget()
        return process.pid

    def _put_off(self, fault: str) -> None:
        """Plan its next start: after longer and longer pauses, if it dies again and again."""
        now = time.monotonic()
        has_settled = self._ready_at is not None and now - self._ready_at >= _SETTLED_SECONDS
        self._pause = 0.0 if has_settled else min(2 * self._pause + 1.0, _LONGEST_PAUSE)
        self._start_at = now + self._pause
        _log.error("%s %s; it is started anew in %d seconds", self.name, fault, self._pause)

    def _hears_ready(self) -> bool:
        with suppress(EOFError, OSError):
            return self._orders is not None and self._orders.poll() and self._orders.recv() == READY
        return False

    def _forget(self) -> None:
        if self._orders is not None:
            self._orders.close()
        self._process = self._orders = None
        self._ready_at = None


# What the members import is not for the supervisor to load.
def make_files(threads: int, options: ExportOptions, orders: Connection) -> None:
    """The work of a slot."""
    # Read by polars when it is imported. With as many in each slot as there are cores, they get in each
    # other's way: a small file takes twice the time.
    os.putenv("POLARS_MAX_THREADS", str(threads))
    from exporters.worker_slot import serve_slot  # noqa: PLC0415

    serve_slot(options, orders)


def dispatch(options: ExportOptions, orders: Connection) -> None:
    """The work of the dispatcher."""
    from exporters.dispatch import serve_dispatch  # noqa: PLC0415

    serve_dispatch(options, orders)


def _serve(work: Work, options: ExportOptions, orders: Connection, prepare: Prepare | None) -> None:
    if prepare is not None:
        prepare()
    try:
        work(options, orders)
    except Exception:  # noqa: BLE001  the log tells it, where the process would print it
        _log.exception("a process of the worker ends by an error")
        raise SystemExit(1) from None
