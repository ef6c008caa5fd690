"""Jobs: the night, which loads and builds everything and publishes it, and one export on demand."""

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from exporters.catalogue import RequestError
from exporters.exports import open_exports
from exporters.jobs import Job, Status
from pipelines.project import Project
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NIGHT = "night"
EXPORT_REPORT = "export_report"


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
    """Make one report file of the served generation: the same run as an export asked for elsewhere."""

    @dg.op(name="export")
    def export(context: dg.OpExecutionContext, config: ExportConfig) -> None:
        with open_exports(project.settings.exports) as exports:
            try:
                requested = exports.request(
                    config.workshop_id,
                    config.report_type,
                    config.format,
                    config.filters,
                    language=config.language or None,
                )
            except (RequestError, WarehouseError) as error:
                raise dg.Failure(str(error), allow_retries=False) from error
            context.log.info(f"job {requested.job_id} is recorded")
            job = exports.run(requested.job_id) or exports.jobs.get(requested.job_id)
            location = exports.store.url_of(job.file_key) if job.file_key else ""
        context.add_output_metadata(_job_metadata(job, location))
        if job.status is not Status.COMPLETED:
            raise dg.Failure(
                f"job {job.job_id} is {job.status}: {job.error_message or 'another worker has it'}",
                metadata=_job_metadata(job, location),
                allow_retries=False,
            )

    @dg.job(
        name=EXPORT_REPORT,
        executor_def=dg.in_process_executor,
        description="Make one report file of one workshop from the served generation.",
    )
    def export_report() -> None:
        export()

    return export_report


def _job_metadata(job: Job, location: str) -> dict[str, str | int]:
    return {
        "job_id": job.job_id,
        "status": job.status.value,
        "generation": job.generation or "",
        "rows": job.rows_written,
        "size_bytes": job.size_bytes or 0,
        "sha256": job.sha256 or "",
        "file": location,
    }
