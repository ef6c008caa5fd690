"""The Dagster definitions: assembles what the other modules build."""

import dagster as dg

from pipelines.assets import build_assets
from pipelines.due_definitions import build_due_definitions
from pipelines.export_assets import build_export_assets
from pipelines.jobs import build_export_report, build_night
from pipelines.project import Project, load_project
from pipelines.schedules import build_nightly
from pipelines.sensors import build_export_records, build_new_files
from settings import load_settings


def build_definitions(project: Project) -> dg.Definitions:
    """Everything that Dagster shows and runs for a project."""
    night, export_report = build_night(project), build_export_report(project)
    return dg.Definitions(
        assets=[*build_assets(project), *build_export_assets()],
        jobs=[night, export_report],
        schedules=[build_nightly(project.settings, night)],
        sensors=[
            build_new_files(project, night),
            build_export_records(project, export_report),
            build_due_definitions(project),
        ],
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the project that the settings describe."""
    return build_definitions(load_project(load_settings()))
