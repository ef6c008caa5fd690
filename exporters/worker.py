"""The worker: keeps slots, each a warm process, at work on the jobs, and a dispatcher beside them.

A slot is a process of its own, so that a crash loses one try of one job and nothing else, and so that slots
do not wait for each other. This supervisor starts them, starts one anew that has died, and passes on the
wish to stop. It imports no more than it needs: what makes files is loaded by the slots.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection, wait

from exporters.options import ExportOptions
from exporters.worker_chores import Chores
from exporters.worker_members import Member, Prepare, dispatch, make_files
from exporters.worker_orders import LEAVE, READY, STOP

GRACE = timedelta(seconds=30)
"""How long jobs under way may go on when the worker is to stop."""

_GLANCE = 0.2
"""Seconds between two looks at whether the worker is to stop."""

_HAND_BACK_SECONDS = 15.0
"""Seconds that slots have to give their jobs back when the grace is over; then they are killed."""

_CHORES_END_SECONDS = 5.0
"""Seconds that a chore under way has when the worker ends: another worker does what is left."""

_CALLER_GLANCE = 1.0
"""Seconds between two looks at whether the caller still lives."""

_log = logging.getLogger(__name__)


def run_worker(
    options: ExportOptions,
    slots: int,
    stop: threading.Event,
    *,
    grace: timedelta = GRACE,
    at_once: threading.Event | None = None,
    prepare: Prepare | None = None,
) -> None:
    """Work until `stop` is set, and return when every slot has ended.

    No job is claimed then; those under way may end within `grace`, after which they are given back, free for
    another worker at once, at no cost of a try. When `at_once` is set, the slots are killed: their jobs are
    free, too, but the try counts. `prepare` is called at the start of each slot's process.

    Raises:
        DatabaseUnavailable, StoreError: the records or the store cannot be opened.
    """
    chores = Chores(options)
    work = partial(make_files, max(1, (os.cpu_count() or 1) // slots))
    team = [Member(options, f"slot {number}", work, prepare) for number in range(1, slots + 1)]
    if options.deliveries is not None:
        team.append(Member(options, "the dispatcher", dispatch, prepare))
    doing_chores = threading.Thread(target=chores.work, args=(stop,), name="chores", daemon=True)
    try:
        doing_chores.start()
        while not stop.is_set():
            for member in team:
                if (dead := member.bury()) is not None:
                    chores.free_leases_of(dead)
                member.keep_up()
            wait([member.sentinel for member in team if member.sentinel is not None], timeout=_GLANCE)
        _log.info("stopping: jobs under way have %s seconds", grace.total_seconds())
        _end(team, grace, at_once or threading.Event())
    finally:
        stop.set()
        for member in team:
            if (ended := member.kill()) is not None:
                chores.free_leases_of(ended)
        doing_chores.join(_CHORES_END_SECONDS)
        chores.close()


@contextmanager
def worker_beside(
    options: ExportOptions, slots: int, grace: timedelta = GRACE, prepare: Prepare | None = None
) -> Iterator[None]:
    """A worker in a process of its own while the block lasts; it stops gracefully at the end of the block.

    It is started anew where it dies. Where the calling process is killed, the worker stops by itself.
    `prepare` is called at the start of the worker's process and of each slot's.
    """
    worker = Member(options, "the worker", partial(_work_beside, slots, grace, prepare), prepare)
    ended = threading.Event()

    def keep_up() -> None:
        while not ended.is_set():
            worker.bury()
            worker.keep_up()
            wait([worker.sentinel] if worker.sentinel is not None else [], timeout=_GLANCE)

    worker.keep_up()
    keeping_up = threading.Thread(target=keep_up, name="worker", daemon=True)
    keeping_up.start()
    try:
        yield
    finally:
        ended.set()
        keeping_up.join()
        _end([worker], grace + timedelta(seconds=_HAND_BACK_SECONDS), threading.Event())
        worker.kill()


def _work_beside(
    slots: int, grace: timedelta, prepare: Prepare | None, options: ExportOptions, caller: Connection
) -> None:
    # Signals to the group are the caller's to hear; it closes the pipe when it ends, however it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop = threading.Event()
    parent = os.getppid()

    def listen() -> None:
        # The pipe alone does not tell: processes that the caller has forked keep it open beyond its end.
        while not caller.poll(_CALLER_GLANCE) and os.getppid() == parent:
            pass
        stop.set()

    threading.Thread(target=listen, name="caller", daemon=True).start()
    caller.send(READY)
    run_worker(options, slots, stop, grace=grace, prepare=prepare)


def _end(team: list[Member], grace: timedelta, at_once: threading.Event) -> None:
    for order, seconds in ((STOP, grace.total_seconds()), (LEAVE, _HAND_BACK_SECONDS)):
        deadline = time.monotonic() + seconds
        for member in team:
            member.tell(order)
        while any(member.is_alive for member in team):
            if at_once.is_set():
                return
            if time.monotonic() >= deadline:
                break
            time.sleep(0.05)
