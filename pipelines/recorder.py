"""Recording in Dagster how exports ended: each job is one run of `export_report`, whoever asked for it."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.api import create_execution_plan
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.remote_origin import RemoteJobOrigin
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import SENSOR_NAME_TAG

from exporters.database import open_database
from exporters.database.values import utc_now
from exporters.jobs import Job, JobNotFound, JobStore
from exporters.jobs.feed import End, JobFeed
from exporters.storage import open_store
from pipelines.export_events import run_config, run_tags, tell_end
from pipelines.export_names import EXPORT_RECORDS, EXPORT_REPORT, JOB_TAG, has_own_process
from pipelines.instance import recording
from settings import Settings

_PAGE = 10
"""Ends that are recorded in one turn: less than a second's work."""

_PAUSE_SECONDS = 0.02
"""Between two turns, so that others get theirs."""

_KEPT = timedelta(days=30)
"""How long Dagster shows an export."""

_FORGOTTEN_AT_ONCE = 100

UNFINISHED = [status for status in dg.DagsterRunStatus if status not in FINISHED_STATUSES]


@dataclass(frozen=True)
class Recorded:
    """What was recorded, and the cursor to go on from."""

    ends: int
    cursor: int


class Recorder:
    """Writes the ends of jobs to a Dagster instance; what is written already is not written again."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        export_report: dg.JobDefinition,
        origin: RemoteJobOrigin | None,
        locate: Callable[[str], str],
    ) -> None:
        self._instance = instance
        self._job = export_report
        self._origin = origin
        self._locate = locate
        self._plan: ExecutionPlan | None = None

    def record(self, ends: Sequence[End]) -> None:
        """Show each ended job as a run: the one that it was launched by, or else one with the job's own id.

        A run that is half written, as by a process that was killed, is completed.
        """
        young = [end for end in ends if datetime.now(UTC) - end.event.at < _KEPT]
        runs = self._find_runs(end.job.job_id for end in young)
        for end in young:
            run = runs.get(end.job.job_id)
            if run is None:
                self._write(self._create_run(end.job), end, set())
            elif not run.is_finished and not has_own_process(run):
                self._write(run, end, {_essence(entry) for entry in self._instance.all_logs(run.run_id)})

    def _write(self, run: dg.DagsterRun, end: End, written: set[tuple[object, ...]]) -> None:
        location = self._locate(end.job.file_key) if end.job.file_key else None
        for entry in tell_end(run.run_id, end, location):
            if _essence(entry) not in written:
                self._instance.handle_new_event(entry)
            elif entry.dagster_event:  # the run's status is written after the event: it may lack
                at = datetime.fromtimestamp(entry.timestamp, UTC)
                self._instance.run_storage.handle_run_event(run.run_id, entry.dagster_event, at)

    def end_orphans(self, jobs: JobStore) -> None:
        """End the runs that wait for a job which was forgotten with its workshop."""
        unfinished = dg.RunsFilter(job_name=EXPORT_REPORT, statuses=UNFINISHED)
        for run in self._instance.get_runs(unfinished):
            job_id = run.tags.get(JOB_TAG)
            if job_id is None or has_own_process(run):
                continue
            try:
                jobs.get(job_id)
            except JobNotFound:
                self._instance.report_run_canceled(run, f"Job {job_id} does not exist any more.")

    def forget_old(self) -> None:
        """Remove some of the runs that ended long ago; the job records tell of them longer."""
        old = dg.RunsFilter(
            job_name=EXPORT_REPORT,
            statuses=list(FINISHED_STATUSES),
            created_before=datetime.now(UTC) - _KEPT,
        )
        for run in self._instance.get_runs(old, limit=_FORGOTTEN_AT_ONCE):
            self._instance.delete_run(run.run_id)

    def _find_runs(self, job_ids: Iterable[str]) -> dict[str, dg.DagsterRun]:
        wanted = list(job_ids)
        if not wanted:
            return {}
        runs = self._instance.get_runs(dg.RunsFilter(tags={JOB_TAG: wanted}))
        return {run.tags[JOB_TAG]: run for run in runs}

    def _create_run(self, job: Job) -> dg.DagsterRun:
        config = run_config(job)
        if self._plan is None:  # the same for all: it does not depend on what is exported
            self._plan = create_execution_plan(self._job, config)
        return self._instance.create_run_for_job(
            self._job,
            self._plan,
            run_id=job.job_id,  # so that there can be no second one
            run_config=config,
            status=dg.DagsterRunStatus.STARTED,
            tags=run_tags(job) | {SENSOR_NAME_TAG: EXPORT_RECORDS},
            remote_job_origin=self._origin,
        )


def record_exports(
    settings: Settings,
    instance: dg.DagsterInstance,
    export_report: dg.JobDefinition,
    origin: RemoteJobOrigin | None,
    *,
    cursor: int,
    seconds: float,
) -> Recorded:
    """Record the ends of jobs behind the cursor, for about so many seconds at most.

    Raises:
        RecordError, StoreError: the job records or the store cannot be opened or read.
    """
    store = open_store(settings.exports.store_url, s3=settings.s3)
    recorder = Recorder(instance, export_report, origin, store.url_of)
    deadline, count, full = time.monotonic() + seconds, 0, True
    with closing(open_database(settings.exports.jobs_url)) as database:
        feed = JobFeed(database)
        while full and time.monotonic() < deadline:
            # Reading is part of the turn: what is forgotten meanwhile is not written afterwards.
            with recording(settings.data_folder):
                page = feed.read(cursor, _PAGE)
                recorder.record(page.ends)
            full = len(page.ends) == _PAGE
            count, cursor = count + len(page.ends), page.cursor
            time.sleep(_PAUSE_SECONDS)
        recorder.end_orphans(JobStore(database, utc_now))
    recorder.forget_old()
    return Recorded(count, cursor)


def _essence(entry: EventLogEntry) -> tuple[object, ...]:
    """What tells an entry of a run from the others; a run begins once, whenever that was."""
    kind = entry.dagster_event_type
    if kind is dg.DagsterEventType.RUN_START:
        return (kind,)
    return (kind, entry.timestamp, entry.user_message)
