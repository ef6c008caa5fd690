"""A slot of a worker: a process of its own that makes one file at a time, warm from its first one on."""

import io
import logging
import os
import signal
import threading
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import pyarrow as pa

from exporters.database import RecordError
from exporters.errands import News
from exporters.exports import Exports, open_exports
from exporters.formats import FORMATS, Format
from exporters.formats.table import Chart, Column, Table
from exporters.jobs.watching import Watch
from exporters.observation import stop_following
from exporters.options import ExportOptions
from exporters.worker_orders import LEAVE, READY, STOP
from warehouse.errors import WarehouseError

_FAULT_PAUSE = 1.0
"""Seconds until the next claim after the records failed."""

_log = logging.getLogger(__name__)


def serve_slot(options: ExportOptions, orders: Connection) -> None:
    """Claim and run jobs until the supervisor says to stop, or is gone."""
    # A signal to the whole group is the supervisor's to hear: it tells its slots.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    slot = _Slot(orders)
    threading.Thread(target=slot.listen, name="orders", daemon=True).start()
    with open_exports(options) as exports:
        with suppress(WarehouseError), exports.snapshots.open():  # the next are quick to open
            pass
        watch = exports.jobs.watch()
        try:
            slot.work(exports, watch)
        finally:
            watch.close()
    stop_following()
    logging.shutdown()
    # Not by the long way: libraries complain of what the thread that listens keeps them from tidying up.
    os._exit(0)


def warm_up(format_: Format) -> None:
    """Write a small file: what is slow the first time only is over then."""
    table = Table(
        title="Warm-up",
        columns=(Column("name", "Name", "text"),),
        details=(),
        created_at=datetime.now(UTC),
        charts=(Chart("Chart", "bars", ("a", "b"), (1, 2), "Value", "integer"),),
    )
    rows = pa.RecordBatch.from_pylist([{"name": "a"}])
    format_.write(table, iter([rows]), io.BytesIO())


class _Slot:
    def __init__(self, orders: Connection) -> None:
        self._orders = orders
        self._stop = threading.Event()
        self._leave = threading.Event()
        self._is_ready = False

    def listen(self) -> None:
        """Do what the supervisor says; when it is gone, finish the job under way and end."""
        try:
            while (order := self._orders.recv()) != LEAVE:
                if order == STOP:
                    self._stop.set()
        except (EOFError, OSError):
            self._stop.set()
            return
        self._stop.set()
        self._leave.set()

    def work(self, exports: Exports, watch: Watch) -> None:
        """Claim and run jobs until told to stop."""
        news = News()
        cold = list(FORMATS.values())  # jobs do not wait for it: the first ones warm the slot themselves
        while not self._stop.is_set():
            try:
                if exports.try_once(leave=self._leave) is not None:
                    self._tell_ready()
                elif cold:
                    warm_up(cold.pop())
                else:
                    self._tell_ready()
                    watch.wait(self._stop)
            except RecordError as error:
                if news.is_new(str(error)):
                    _log.warning("%s", error)
                self._stop.wait(_FAULT_PAUSE)
            except Exception:  # noqa: BLE001  the next job is none the worse for it
                _log.exception("a slot goes on after an unexpected error")
                self._stop.wait(_FAULT_PAUSE)
            else:
                news.is_new(None)

    def _tell_ready(self) -> None:
        if not self._is_ready:
            self._is_ready = True
            with suppress(OSError):  # the supervisor is gone, which the listener hears
                self._orders.send(READY)
