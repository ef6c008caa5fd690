"""Watching jobs: which one this code works on, the log's line at its end, and who follows along."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from exporters.jobs import Job

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # a command without a log tells of its one job itself


class Follower(Protocol):
    """Who is told of one try of a job as it goes."""

    def step(self, name: str) -> None:
        """A step is done: `opened`, `counted`, `written` or `stored`."""

    def end(self, job: "Job | None", code: str | None) -> None:
        """The try is over: how the job stands, None where the process is broken off; and the error's code."""


class Following(Protocol):
    """Who follows all jobs of this process, such as what sends their traces."""

    def follow(self, job: "Job") -> Follower:
        """A job was claimed, and its try begins."""

    def close(self) -> None:
        """Pass on what is held back: the process ends."""


class JobWatch:
    """One try of a job."""

    def __init__(self, job: "Job", follower: Follower | None) -> None:
        self.job_id = job.job_id
        self._follower = follower
        self._begun = time.perf_counter()
        self._code: str | None = None
        self._is_over = False

    def step(self, name: str) -> None:
        """Tell that a step is done."""
        if self._follower is not None:
            self._follower.step(name)

    def fail(self, code: str) -> None:
        """Tell with which error the try has failed."""
        self._code = code

    def end(self, job: "Job") -> "Job":
        """Tell how the job stands after the try, and return it."""
        self._is_over = True
        code = job.error_code or self._code
        level = logging.WARNING if code else logging.INFO
        _log.log(
            level, "job %s after try %s: %s", job.job_id, job.attempt, job.status, extra=self._tell(job, code)
        )
        if self._follower is not None:
            self._follower.end(job, code)
        return job

    def close(self) -> None:
        """Let go of a try that was broken off."""
        if not self._is_over and self._follower is not None:
            self._follower.end(None, None)

    def _tell(self, job: "Job", code: str | None) -> dict[str, Any]:
        known = {
            "workshop": job.workshop_id,
            "type": job.report_type,
            "format": job.format,
            "status": job.status.value,
            "rows": job.rows_written,
            "bytes": job.size_bytes,
            "duration": round(time.perf_counter() - self._begun, 6),
            "wait": job.started_at and round((job.started_at - job.created_at).total_seconds(), 6),
            "code": code,
        }
        return {name: value for name, value in known.items() if value is not None}


_current: ContextVar[JobWatch | None] = ContextVar("current_job", default=None)
_following: list[Following] = []


def current_job() -> str | None:
    """Id of the job that this code works on."""
    watch = _current.get()
    return None if watch is None else watch.job_id


def step(name: str) -> None:
    """Tell that a step of the current job is done."""
    watch = _current.get()
    if watch is not None:
        watch.step(name)


def fail(code: str) -> None:
    """Tell with which error the current try has failed."""
    watch = _current.get()
    if watch is not None:
        watch.fail(code)


@contextmanager
def watched(job: "Job") -> Iterator[JobWatch]:
    """The block works on a claimed job."""
    watch = JobWatch(job, _following[0].follow(job) if _following else None)
    token = _current.set(watch)
    try:
        yield watch
    finally:
        watch.close()
        _current.reset(token)


def follow_jobs(following: Following) -> None:
    """From now on tell `following` of every job of this process."""
    _following[:] = [following]


def stop_following() -> None:
    """Have what follows pass on what it holds back: the process ends."""
    while _following:
        _following.pop().close()
