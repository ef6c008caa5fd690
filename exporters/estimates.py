"""Estimates: when a file will be there, learnt from the files that were made before."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from exporters.jobs.history import JobHistory, Line, Run

_FRESH_SECONDS = 3.0
"""What was learnt is used so long before the records are read again."""

_NEIGHBOURS = 15
"""Runs, those nearest in rows, whose median is the estimate."""

_BASE_ROWS = 10_000
"""Rows whose making takes as long as what every file costs, however small."""

_UNKNOWN_SECONDS, _UNKNOWN_ROWS_PER_SECOND = 1.0, 50_000
"""How long a file takes of which nothing is known: so long, and with so many rows a second."""

_LEAST_LEFT = 0.1
"""Share of its time that a job which takes longer than estimated is taken to need still."""


class Estimates:
    """How long until a file is there. Safe to share between threads."""

    def __init__(self, history: JobHistory, clock: Callable[[], float] = time.monotonic) -> None:
        self._history = history
        self._clock = clock
        self._learnt: dict[tuple[str, ...], tuple[float, tuple[Run, ...]]] = {}

    def time_to_file(
        self, workshop_id: str, report_type: str, format_key: str, rows: int | None
    ) -> timedelta:
        """From now to the file of a job that is asked for now: its wait, and its run.

        Raises:
            DatabaseUnavailable: the records cannot be read.
        """
        line = self._history.line(workshop_id, rows)
        wait = self._wait(line)
        return timedelta(seconds=wait + self.run_seconds(report_type, format_key, rows))

    def run_seconds(self, report_type: str, format_key: str, rows: float | None) -> float:
        """How long a worker takes for the file.

        The median of the runs nearest in rows, each scaled to these rows. The runs are those of the type in
        the format with its options; where there are none, of the type in the plain format, of the type in the
        format with other options, of other types in the format; then a constant.
        """
        plain = format_key.partition(";")[0]
        for runs in (
            lambda: self._runs(report_type, format_key),
            lambda: self._runs(report_type, plain),
            lambda: [run for run in self._in_format(plain) if run.report_type == report_type],
            lambda: self._in_format(plain),
        ):
            known = runs()
            if known:
                return _scale(known, rows)
        return _UNKNOWN_SECONDS + (rows or 0) / _UNKNOWN_ROWS_PER_SECOND

    def _wait(self, line: Line) -> float:
        """Until the jobs before have been begun and a slot is free."""
        busy = []
        for held in line.held:
            whole = self.run_seconds(held.report_type, held.format, held.rows)
            busy.append(max(whole - (line.at - held.started_at).total_seconds(), whole * _LEAST_LEFT))
        looked_at = sum(each.jobs for each in line.waiting)
        work = sum(
            each.jobs * self.run_seconds(each.report_type, each.format, each.rows) for each in line.waiting
        )
        if looked_at:
            work *= line.length / looked_at
        return _fill(busy, max(1, len(busy), _most_at_once(self._recent())), work)

    def _runs(self, report_type: str, format_key: str) -> tuple[Run, ...]:
        return self._fresh((report_type, format_key), lambda: self._history.runs(report_type, format_key))

    def _recent(self) -> tuple[Run, ...]:
        return self._fresh((), self._history.recent_runs)

    def _in_format(self, plain: str) -> list[Run]:
        return [run for run in self._recent() if run.format.partition(";")[0] == plain]

    def _fresh(self, key: tuple[str, ...], read: Callable[[], tuple[Run, ...]]) -> tuple[Run, ...]:
        now = self._clock()
        until, runs = self._learnt.get(key, (now, ()))
        if until <= now:
            runs = read()
            self._learnt[key] = (now + _FRESH_SECONDS, runs)
        return runs


def _scale(runs: Sequence[Run], rows: float | None) -> float:
    """The median time of the runs nearest in rows, as if they had these rows."""
    if rows is None:
        return median(run.seconds for run in runs[:_NEIGHBOURS])
    size = rows + _BASE_ROWS
    near = sorted(runs, key=lambda run: abs(math.log(size / (run.rows + _BASE_ROWS))))[:_NEIGHBOURS]
    return median(run.seconds * size / (run.rows + _BASE_ROWS) for run in near)


def _most_at_once(runs: Iterable[Run]) -> int:
    """How many of the runs went on at the same time at most: slots that worked."""
    steps: list[tuple[datetime, int]] = []
    for run in runs:
        steps += [(run.started_at, 1), (run.finished_at, -1)]
    most = present = 0
    for _, step in sorted(steps):
        present += step
        most = max(most, present)
    return most


def _fill(busy: Sequence[float], slots: int, work: float) -> float:
    """When the next job begins on slots that are busy for some seconds each and have the work to share."""
    free_at = sorted([*busy, *[0.0] * (slots - len(busy))])
    for used, (earlier, later) in enumerate(zip(free_at, [*free_at[1:], math.inf], strict=True), start=1):
        room = used * (later - earlier)
        if work <= room:
            return earlier + work / used
        work -= room
    raise AssertionError("unreachable")
