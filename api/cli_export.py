"""Running an export in this process for somebody at a terminal: progress and Ctrl-C."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli_errors import ExitCode, Failure
from exporters.catalogue import Filters, find_report
from exporters.exports import Exports
from exporters.jobs import IllegalTransition, Job, Status
from exporters.run import Progress as Report

_POLL_SECONDS = 0.5
_Result = TypeVar("_Result")


def choose_files(exports: Exports, types: str, formats: str, filters: Filters) -> list[tuple[str, str]]:
    """The report type and the format of each file asked for, of several given as `a,b`.

    Raises:
        RequestError: one of the files cannot be made so; none should be then.
    """
    chosen = [(type_, format_) for type_ in types.split(",") for format_ in formats.split(",")]
    for type_, format_ in chosen:
        report, _ = find_report(exports.catalogue, type_, format_)
        report.parse_filters(filters)
    return chosen


def run_requested(exports: Exports, made: Sequence[Job]) -> list[Job]:
    """Run jobs that were just recorded, to their ends; Ctrl-C cancels them.

    Raises:
        Failure: a job failed, was cancelled, or Ctrl-C was pressed.
    """

    def run(job: Job, report: Report | None) -> Job:
        # Any worker may take the job before this one does; then its end is waited for.
        while True:
            exports.run(job.job_id, report)
            now = exports.jobs.get(job.job_id)
            if now.status not in {Status.PENDING, Status.PROCESSING}:
                return now
            time.sleep(_POLL_SECONDS)

    def work(report: Report) -> list[Job]:
        if len(made) == 1:
            return [run(made[0], report)]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as slots:
            return list(slots.map(lambda job: run(job, None), made))

    def cancel() -> None:
        for job in made:
            with suppress(IllegalTransition):  # it ended before
                exports.jobs.cancel(job.job_id)

    try:
        return [check_completed(job) for job in _run_aside(work, cancel)]
    except KeyboardInterrupt:
        now = exports.jobs.get(made[-1].job_id)
        raise Failure(
            ExitCode.INTERRUPTED,
            "INTERRUPTED",
            f"interrupted: job {now.job_id} is {now.status}",
            {"job_id": now.job_id, "status": now.status},
        ) from None


def run_pending(exports: Exports, job_id: str | None) -> Job | None:
    """Run the named job, or the oldest free one, to its end; Ctrl-C waits for that end. None: none is free.

    Raises:
        Failure: the job failed, or the named one is not free.
        JobNotFound: there is no such job.
    """
    named = exports.jobs.get(job_id) if job_id is not None else None
    job = _run_aside(
        lambda report: exports.run(named.job_id if named else None, report),
        # The job is somebody else's wish: it is not for this terminal to cancel it.
        lambda: Console(stderr=True).print("finishing the job; `reports cancel` ends it"),
    )
    if job is not None:
        return check_completed(exports.jobs.get(job.job_id))
    if named is not None:
        now = exports.jobs.get(named.job_id)
        raise Failure(
            ExitCode.CONFLICT,
            "ILLEGAL_TRANSITION",
            f"job {now.job_id} is {now.status} and cannot be run: only a pending job that nobody has can",
            {"job_id": now.job_id, "status": now.status},
        )
    return None


def check_completed(job: Job) -> Job:
    """The job, if it is completed.

    Raises:
        Failure: it is not.
    """
    if job.status is Status.COMPLETED:
        return job
    reason = f": {job.error_message}" if job.error_message else ""
    raise Failure(
        ExitCode.FAILED,
        job.error_code or f"EXPORT_{job.status.upper()}",
        f"job {job.job_id} is {job.status}{reason}",
        {"job_id": job.job_id, "status": job.status},
    )


def _run_aside(work: Callable[[Report], _Result], interrupted: Callable[[], None]) -> _Result:
    """Do `work` in a thread, so that Ctrl-C breaks the wait for it and never a step of it."""
    with _progress_bar() as report, ThreadPoolExecutor(max_workers=1) as worker:
        # Python's own handling again: that of polars ends a query in the thread, too, and restarts this wait.
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT) or signal.default_int_handler)
        future = worker.submit(work, report)
        try:
            return future.result()
        except KeyboardInterrupt:
            interrupted()
            wait([future])
            raise


@contextmanager
def _progress_bar() -> Iterator[Report]:
    """Shows rows written of rows expected, where stderr is a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda written, expected: bar.update(task, completed=written, total=expected)
