"""The `reports worker` command: a worker in this process until a signal stops it."""

import os
import signal
import threading
from datetime import timedelta
from types import FrameType

from rich.console import Console

from exporters.options import ExportOptions
from exporters.worker import run_worker


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_until_stopped(options: ExportOptions, slots: int, grace: timedelta) -> None:
    """Run a worker until SIGTERM or Ctrl-C, which stop it gracefully, and a second one at once.

    Raises:
        DatabaseUnavailable, StoreError: the records or the store cannot be opened.
    """
    stop, at_once = threading.Event(), threading.Event()
    console = Console(stderr=True, highlight=False)

    def hear(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            at_once.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    console.print(f"worker with {slots} slots; Ctrl-C stops it when the jobs under way have ended")
    run_worker(options, slots, stop, grace=grace, at_once=at_once)
    console.print("worker stopped")
