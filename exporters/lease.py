"""Holding a claimed job: renews its lease in the background and tells the work to stop when it is lost."""

import threading
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

from exporters.database import RecordError
from exporters.jobs import Job, JobCancelled, JobError, JobStore, LeaseLost

_LONGEST_SILENCE = 0.5
"""Seconds between two heartbeats at most: a cancelled job is seen within a second."""


class HeldJob:
    """A claimed job while the block lasts. The work reports its rows and asks `check` whether to go on."""

    def __init__(self, jobs: JobStore, job: Job, lease: timedelta) -> None:
        self.job = job
        self._jobs = jobs
        self._lease = lease
        self._rows_written = 0
        self._rows_expected: int | None = None
        self._lost: JobError | None = None
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

    def when_lost(self, stop: Callable[[], object] | None) -> None:
        """From now on call `stop`, in another thread, when the job is lost: it ends what cannot `check`."""
        self._stop = stop

    def expect(self, rows: int) -> None:
        """Record how many rows the file will have."""
        self._rows_expected = rows
        self._beat()
        self.check()

    def report(self, rows_written: int) -> None:
        """Record how many rows are written so far."""
        self._rows_written = rows_written
        self.check()

    def check(self) -> None:
        """Return when the job is still this worker's.

        Raises:
            JobCancelled, LeaseLost: it is not; stop and discard the work.
        """
        if self._lost is not None:
            raise self._lost

    def _renew(self) -> None:
        pause = min(_LONGEST_SILENCE, self._lease.total_seconds() / 3)
        while not self._ended.wait(pause):
            self._beat()
            if self._lost is not None:
                self._call_stop(self._stop)
                return

    def _call_stop(self, stop: Callable[[], object] | None) -> None:
        # What is interrupted may begin anew behind the call, so it is repeated until the block ends.
        while stop is not None:
            stop()
            if self._ended.wait(_LONGEST_SILENCE):
                return
            stop = self._stop

    def _beat(self) -> None:
        try:
            self._jobs.heartbeat(self.job, self._lease, self._rows_written, self._rows_expected)
        except (JobCancelled, LeaseLost) as error:
            self._lost = error
        except RecordError:
            # The records are out of reach for now. The lease may end meanwhile: completing is guarded by it.
            return
