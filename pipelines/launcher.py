"""How Dagster launches runs: an export is left to a warm worker, all else gets a process of its own."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent
from dagster._core.launcher import LaunchRunContext

from exporters.exports import Exports, open_exports
from exporters.jobs import IllegalTransition, Job, JobNotFound, Status, open_jobs
from pipelines.export_events import run_tags
from pipelines.export_names import EXPORT_OP, EXPORT_REPORT, JOB_TAG, OWN_PROCESS_TAG, has_own_process
from pipelines.instance import recording
from pipelines.jobs import REFUSALS, ExportConfig, request_export
from settings import Settings, SettingsError, load_settings

_PATIENCE_SECONDS = 3.0
"""An idle worker takes a new job sooner than that."""

_PAUSE_SECONDS = 0.1


class ExportLauncher(dg.DefaultRunLauncher):
    """Dagster's own launcher, but for `export_report`: its run records a job, which any worker takes.

    `pipelines.recorder` ends the run when the job has ended. Where no worker is there to take the job, the
    run gets a process as other runs do.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch the run; an export that cannot be made is failed with the reason."""
        run = context.dagster_run
        if run.job_name != EXPORT_REPORT:
            super().launch_run(context)
            return
        try:
            settings = load_settings()
            with open_exports(settings.exports) as exports:
                job = self._record(settings, exports, run)
                if _find_worker(exports, job):
                    self._begin(settings, run.run_id, job)
                    return
        except (*REFUSALS, SettingsError) as error:
            self._instance.report_run_failed(run, f"The export cannot be made: {error}")
            return
        self._instance.report_engine_event(
            f"No worker has taken job {job.job_id}: it is run in a process of its own, which takes seconds to"
            " begin. Start one with `reports worker`.",
            run,
        )
        self._instance.add_run_tags(run.run_id, {OWN_PROCESS_TAG: run.run_id})
        super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Cancel the export; its worker gives it up within a second. Other runs are ended as ever."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or JOB_TAG not in run.tags or has_own_process(run):
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        settings = load_settings()
        jobs = open_jobs(settings.exports.jobs_url)
        try:
            with recording(settings.data_folder):
                if not self._is_open(run_id):
                    return False
                jobs.cancel(run.tags[JOB_TAG], reason="terminated in Dagster")
                self._instance.report_run_canceling(run)
        except (IllegalTransition, JobNotFound):  # it has ended: the recorder tells how
            return False
        finally:
            jobs.close()
        return True

    def _record(self, settings: Settings, exports: Exports, run: dg.DagsterRun) -> Job:
        ops: Mapping[str, Any] = run.run_config["ops"]  # type: ignore[assignment]
        config = ExportConfig(**ops[EXPORT_OP]["config"])
        # In one turn: the recorder must not meet the job before it can find its run.
        with recording(settings.data_folder):
            job = request_export(exports, config, run.run_id)
            self._instance.add_run_tags(run.run_id, run_tags(job))
        return job

    def _begin(self, settings: Settings, run_id: str, job: Job) -> None:
        begun = DagsterEvent(
            dg.DagsterEventType.RUN_START.value, EXPORT_REPORT, message=f"Job {job.job_id} is a worker's."
        )
        with recording(settings.data_folder):  # the recorder may have been faster
            if self._is_open(run_id):
                self._instance.report_dagster_event(begun, run_id)

    def _is_open(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        return run is not None and not run.is_finished


def _find_worker(exports: Exports, job: Job) -> bool:
    """Whether a worker has taken the job, or will when it is done with others."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if exports.jobs.get(job.job_id).status is not Status.PENDING:
            return True
        time.sleep(_PAUSE_SECONDS)
    now = datetime.now(UTC)
    return any(
        other.lease_until is not None and other.lease_until > now
        for other in exports.jobs.list(status=Status.PROCESSING)
    )
