"""Jobs: the night, which loads and builds everything and publishes it, and one export on demand."""

from typing import TYPE_CHECKING

import dagster as dg

from pipelines.project import Project

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NIGHT = "night"


def build_night(project: Project) -> "UnresolvedAssetJobDefinition":
    """Load every source, build every model, run the checks, publish.

    Its steps run one after another in the run's own process: DuckDB has one writer, and a process per step
    would cost more than most steps.
    """
    return dg.define_asset_job(
        NIGHT,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description=f"Load {', '.join(project.sources)}, build every model, run the checks, publish.",
    )
