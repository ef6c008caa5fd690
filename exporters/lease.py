"""Holding a claimed job: renews its lease in the background and tells the work to stop when it is lost."""

import os
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

from exporters.database import RecordError
from exporters.jobs import Job, JobCancelled, JobError, JobStore, LeaseLost

_NEVER = threading.Event()
_LONGEST_SILENCE = 0.5
"""Seconds between two heartbeats at most: a cancelled job is seen within a second."""


def name_owner(process_id: int | None = None) -> str:
    """What the records call a process of this machine, by default this one, as the owner of a lease."""
    return f"{socket.gethostname()}:{os.getpid() if process_id is None else process_id}"


class WorkerLeaves(JobError):  # noqa: N818
    """The worker stops and gives the job back; the work must stop and remove what it has written."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.job_id} is given back: its worker stops")


class HeldJob:
    """A claimed job while the block lasts. The work reports its rows and asks `check` whether to go on.

    When `leave` is set, the work is told to stop as if the job were lost.
    """

    def __init__(
        self, jobs: JobStore, job: Job, lease: timedelta, leave: threading.Event | None = None
    ) -> None:
        self.job = job
        self._jobs = jobs
        self._lease = lease
        self._rows_written = 0
        self._rows_expected: int | None = None
        self._lost: JobError | None = None
        self._leave = leave or _NEVER
        self._stop: Callable[[], object] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of {job.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if error is not None and self._lost is None:
            self._beat()  # the record of a job that fails tells how far it was

    def when_lost(self, stop: Callable[[], object] | None) -> None:
        """From now on call `stop`, in another thread, when the job is lost: it ends what cannot `check`."""
        self._stop = stop

    def expect(self, rows: int) -> None:
        """Tell how many rows the file will have; the next heartbeat records it."""
        self._rows_expected = rows
        self.check()

    def report(self, rows_written: int) -> None:
        """Record how many rows are written so far."""
        self._rows_written = rows_written
        self.check()

    def check(self) -> None:
        """Return when the job is still this worker's.

        Raises:
            JobCancelled, LeaseLost: it is not; stop and discard the work.
            WorkerLeaves: the worker is to stop; discard the work and give the job back.
        """
        if self._lost is None and self._leave.is_set():
            self._lost = WorkerLeaves(self.job)
        if self._lost is not None:
            raise self._lost

    def _renew(self) -> None:
        pause = min(_LONGEST_SILENCE, self._lease.total_seconds() / 3)
        while not self._ended.wait(pause):
            if self._lost is None:
                self._beat()
            if self._lost is not None or self._leave.is_set():
                # What is interrupted may begin anew behind the call, so it is repeated until the block ends.
                stop = self._stop
                if stop is not None:
                    stop()

    def _beat(self) -> None:
        try:
            self._jobs.heartbeat(self.job, self._lease, self._rows_written, self._rows_expected)
        except (JobCancelled, LeaseLost) as error:
            self._lost = error
        except RecordError:
            # The records are out of reach for now. The lease may end meanwhile: completing is guarded by it.
            return
