"""The `reports worker` command: a worker in this process until a signal stops it."""

import logging
import os
import signal
import threading
from datetime import timedelta
from types import FrameType

from api.observing import prepare_worker
from exporters.worker import run_worker
from settings import Settings

_log = logging.getLogger(__name__)


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_until_stopped(settings: Settings, slots: int, grace: timedelta) -> None:
    """Run a worker until SIGTERM or Ctrl-C, which stop it gracefully, and a second one at once.

    Raises:
        SettingsError: traces are asked for, but their libraries are not installed.
        DatabaseUnavailable, StoreError: the records or the store cannot be opened.
    """
    prepare = prepare_worker(settings)
    stop, at_once = threading.Event(), threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            at_once.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    _log.info("worker with %d slots; Ctrl-C stops it when the jobs under way have ended", slots)
    run_worker(settings.exports, slots, stop, grace=grace, at_once=at_once, prepare=prepare)
    _log.info("worker stopped")
