"""Jobs: the night, which loads and builds everything and publishes it, and one export on demand."""

import time
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from exporters.catalogue import RequestError
from exporters.database import RecordError
from exporters.exports import Exports, open_exports
from exporters.jobs import Job, Status
from exporters.storage import StoreError
from pipelines.export_events import export_metadata
from pipelines.export_names import EXPORT_OP, EXPORT_REPORT, JOB_TAG, OWN_PROCESS_TAG, export_key
from pipelines.project import Project
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NIGHT = "night"

REFUSALS = (RequestError, WarehouseError, RecordError, StoreError)
"""Why an export cannot be asked for."""

_PAUSE_SECONDS = 0.5


class ExportConfig(dg.Config):
    """What to export."""

    workshop_id: str = Field(description="The workshop whose rows the file holds.")
    report_type: str = Field(description="A report type of the catalogue, such as bookings.")
    format: str = Field(default="csv", description="csv, xlsx, pdf, html or parquet, with its options.")
    language: str = Field(default="", description="nb, sv, da, de or en; empty: the setting's.")
    filters: dict[str, str] = Field(
        default={}, description="Arguments of the report type, such as date_from: 2026-01-01."
    )


def build_night(project: Project) -> "UnresolvedAssetJobDefinition":
    """Load every source, build every model, run the checks, publish.

    Its steps run one after another in the run's own process: DuckDB has one writer, and a process per step
    would cost more than most steps.
    """
    return dg.define_asset_job(
        NIGHT,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        tags={"writes": "warehouse"},
        description=f"Load {', '.join(project.sources)}, build every model, run the checks, publish.",
    )


def build_export_report(project: Project) -> dg.JobDefinition:
    """Make one report file of the served generation: the same run as an export asked for elsewhere.

    Launched from Dagster, it is handed to a worker by `pipelines.launcher`, and `pipelines.recorder` tells
    how it ended; the op below is what runs where no worker does.
    """

    @dg.op(name=EXPORT_OP)
    def export(context: dg.OpExecutionContext, config: ExportConfig) -> None:
        with open_exports(project.settings.exports) as exports:
            job_id = context.run.tags.get(JOB_TAG)
            if job_id is None:
                try:
                    job_id = request_export(exports, config, context.run_id).job_id
                except REFUSALS as error:
                    raise dg.Failure(str(error), allow_retries=False) from error
                context.instance.add_run_tags(
                    context.run_id, {JOB_TAG: job_id, OWN_PROCESS_TAG: context.run_id}
                )
            context.log.info(f"Job {job_id} is recorded.")
            job = exports.run(job_id) or _wait(exports, job_id)
            location = exports.store.url_of(job.file_key) if job.file_key else None
        metadata = export_metadata(job, location)
        if job.status is not Status.COMPLETED:
            fault = f"{job.error_code}: {job.error_message}" if job.error_code else f"it is {job.status}"
            context.log_event(dg.AssetObservation(export_key(job.report_type), metadata=metadata))
            raise dg.Failure(f"job {job.job_id}: {fault}", metadata=metadata, allow_retries=False)
        context.log_event(dg.AssetMaterialization(export_key(job.report_type), metadata=metadata))
        context.add_output_metadata(metadata)

    @dg.job(
        name=EXPORT_REPORT,
        executor_def=dg.in_process_executor,
        description="Make one report file of one workshop from the served generation.",
    )
    def export_report() -> None:
        export()

    return export_report


def request_export(exports: Exports, config: ExportConfig, run_id: str) -> Job:
    """Record the job that a run asks for: the same one each time it asks.

    Raises: one of REFUSALS.
    """
    return exports.request_once(
        config.workshop_id,
        config.report_type,
        config.format,
        config.filters,
        language=config.language or None,
        idempotency_key=run_id,
    ).job


def _wait(exports: Exports, job_id: str) -> Job:
    """The job when the worker that was faster has ended it."""
    while (job := exports.jobs.get(job_id)).status in {Status.PENDING, Status.PROCESSING}:
        time.sleep(_PAUSE_SECONDS)
    return job
