"""The worker: keeps slots, each a warm process, at work on the jobs, and a dispatcher beside them.

A slot is a process of its own, so that a crash loses one try of one job and nothing else, and so that slots
do not wait for each other. This supervisor starts them, starts a slot anew that has died, and passes on the
wish to stop. It imports no more than it needs: what makes files is loaded by the slots.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from exporters.database import RecordError
from exporters.database.values import utc_now
from exporters.expiry import Expiry
from exporters.jobs import open_jobs
from exporters.lease import name_owner
from exporters.old_records import remove_old_records
from exporters.options import ExportOptions
from exporters.storage import StoreError, open_store
from exporters.worker_orders import LEAVE, READY, STOP

Work = Callable[[ExportOptions, Connection], None]
Prepare = Callable[[], None]
"""What a process of the worker does first, such as to set up its log; it is sent there by pickling."""

GRACE = timedelta(seconds=30)
"""How long jobs under way may go on when the worker is to stop."""

_GLANCE = 0.2
"""Seconds between two looks at whether the worker is to stop."""

_HAND_BACK_SECONDS = 15.0
"""Seconds that slots have to give their jobs back when the grace is over; then they are killed."""

_LONGEST_PAUSE = 5.0
"""Seconds at most between two starts of a slot that dies each time before it is ready."""

_DUE_EVERY, _LEFTOVERS_EVERY, _OLD_EVERY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_CHORES_END_SECONDS = 5.0
"""Seconds that a chore under way has when the worker ends: another worker does what is left."""

_CALLER_GLANCE = 1.0
"""Seconds between two looks at whether the caller still lives."""

_CHORE_GLANCE = 5.0
"""Seconds between two looks at whether a chore is due."""

_spawning = multiprocessing.get_context("spawn")  # threads of the parent and a fork do not go together
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
    chores = _Chores(options)
    make_files = partial(_make_files, max(1, (os.cpu_count() or 1) // slots))
    team = [_Member(options, f"slot {number}", make_files, prepare) for number in range(1, slots + 1)]
    if options.deliveries is not None:
        team.append(_Member(options, "the dispatcher", _dispatch, prepare))
    doing_chores = threading.Thread(target=chores.work, args=(stop,), name="chores", daemon=True)
    try:
        doing_chores.start()
        while not stop.is_set():
            for member in team:
                if (dead := member.bury()) is not None:
                    chores.free_jobs_of(dead)
                member.keep_up()
            wait([member.sentinel for member in team if member.sentinel is not None], timeout=_GLANCE)
        _log.info("stopping: jobs under way have %s seconds", grace.total_seconds())
        _end(team, grace, at_once or threading.Event())
    finally:
        stop.set()
        for member in team:
            if (killed := member.kill()) is not None:
                chores.free_jobs_of(killed)
        doing_chores.join(_CHORES_END_SECONDS)
        chores.close()


@contextmanager
def worker_beside(
    options: ExportOptions, slots: int, grace: timedelta = GRACE, prepare: Prepare | None = None
) -> Iterator[None]:
    """A worker in a process of its own while the block lasts; it stops gracefully at the end of the block.

    Where the calling process is killed, the worker stops by itself. `prepare` is called at the start of the
    worker's process and of each slot's.
    """
    ours, theirs = _spawning.Pipe()
    process = _spawning.Process(
        target=_work_beside, args=(options, slots, grace, theirs, prepare), name="worker"
    )
    process.start()
    theirs.close()
    try:
        yield
    finally:
        ours.close()
        process.join(grace.total_seconds() + 2 * _HAND_BACK_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _work_beside(
    options: ExportOptions, slots: int, grace: timedelta, caller: Connection, prepare: Prepare | None
) -> None:
    if prepare is not None:
        prepare()
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
    run_worker(options, slots, stop, grace=grace, prepare=prepare)


def _end(team: list["_Member"], grace: timedelta, at_once: threading.Event) -> None:
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


# What the members import is not for the supervisor to load.
def _make_files(threads: int, options: ExportOptions, orders: Connection) -> None:
    # Read by polars when it is imported. With as many in each slot as there are cores, they get in each
    # other's way: a small file takes twice the time.
    os.putenv("POLARS_MAX_THREADS", str(threads))
    from exporters.worker_slot import serve_slot  # noqa: PLC0415

    serve_slot(options, orders)


def _dispatch(options: ExportOptions, orders: Connection) -> None:
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


@dataclass
class _Member:
    """A process of the worker as its supervisor sees it."""

    options: ExportOptions
    name: str
    work: Work
    prepare: Prepare | None
    _process: SpawnProcess | None = field(default=None, init=False)
    _orders: Connection | None = field(default=None, init=False)
    _was_ready: bool = field(default=False, init=False)
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
        """The process id of the slot, if its process has died; it is forgotten then."""
        self._was_ready = self._was_ready or self._hears_ready()
        process = self._process
        if process is None or process.is_alive():
            return None
        _log.error("%s ended with code %s; it is started anew", self.name, process.exitcode)
        # One that never gets to work is tried after longer and longer pauses.
        self._pause = 0.0 if self._was_ready else min(2 * self._pause + 1.0, _LONGEST_PAUSE)
        self._start_at = time.monotonic() + self._pause
        self._forget()
        return process.pid

    def keep_up(self) -> None:
        """Start its process where there is none."""
        if self._process is None and time.monotonic() >= self._start_at:
            self._orders, theirs = _spawning.Pipe()
            self._process = _spawning.Process(
                target=_serve, args=(self.work, self.options, theirs, self.prepare), name=self.name
            )
            self._process.start()
            theirs.close()

    def _hears_ready(self) -> bool:
        with suppress(EOFError, OSError):
            return self._orders is not None and self._orders.poll() and self._orders.recv() == READY
        return False

    def tell(self, order: str) -> None:
        """Send the slot an order; one that has ended needs none."""
        if self._orders is not None:
            with suppress(OSError):
                self._orders.send(order)

    def kill(self) -> int | None:
        """End its process at once; gives its id, unless it had ended by itself."""
        process = self._process
        if process is None:
            return None
        process.kill()
        process.join()
        self._forget()
        return process.pid if process.exitcode else None

    def _forget(self) -> None:
        if self._orders is not None:
            self._orders.close()
        self._process = self._orders = None
        self._was_ready = False


class _Chores:
    """What one of all workers does from time to time, so that it hangs on no other program."""

    def __init__(self, options: ExportOptions) -> None:
        self._jobs = open_jobs(options.jobs_url)
        self._record_retention = options.record_retention
        self._expiry = Expiry(self._jobs, open_store(options.store_url, s3=options.s3), options.retention)

    def work(self, stop: threading.Event) -> None:
        """Do the chores as they come, until `stop` is set."""
        while not stop.is_set():
            try:
                if self._jobs.take_chore("expire_due", _DUE_EVERY):
                    self._expiry.expire_due()
                if self._jobs.take_chore("remove_leftovers", _LEFTOVERS_EVERY):
                    self._expiry.remove_leftovers()
                if self._jobs.take_chore("remove_old_records", _OLD_EVERY):
                    remove_old_records(self._jobs.database, utc_now() - self._record_retention)
            except (RecordError, StoreError) as error:
                _log.warning("expiry: %s", error)
            except Exception:  # noqa: BLE001  the next turn is none the worse for it
                _log.exception("the chores go on after an unexpected error")
            stop.wait(_CHORE_GLANCE)

    def free_jobs_of(self, process_id: int) -> None:
        """Free what a dead slot held: another slot takes it without waiting for the lease to end."""
        try:
            self._jobs.free_owned(name_owner(process_id))
        except RecordError as error:
            _log.warning("%s; the jobs of a dead slot are free when their leases end", error)

    def close(self) -> None:
        """Close the records."""
        self._jobs.close()
