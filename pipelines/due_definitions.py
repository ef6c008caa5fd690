"""The sensor of report definitions: fires those that are due, also where no worker looks after them."""

import time

import dagster as dg

from exporters.definitions.firing import open_firing
from exporters.definitions.store import DefinitionStore
from exporters.exports import open_exports
from pipelines.project import Project

DUE_DEFINITIONS = "due_definitions"
_LOOK_SECONDS = 30
_FOR_SECONDS = 15
"""Dagster gives up a tick that takes a minute; what is left is for the next one."""


def build_due_definitions(project: Project) -> dg.SensorDefinition:
    """Fires report definitions, beside the workers, which do the same: each fire is recorded once."""

    @dg.sensor(
        name=DUE_DEFINITIONS,
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Fires report definitions that are due: records their exports, and orders their mails.",
    )
    def due_definitions(_context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = _fire(project)
        said = f"report definitions: {found} steps were done" if found else "no report definition is due"
        return dg.SensorResult(skip_reason=said)

    return due_definitions


def _fire(project: Project) -> int:
    options = project.settings.exports
    deadline = time.monotonic() + _FOR_SECONDS
    done = 0
    with open_exports(options) as exports:
        firing = open_firing(exports, DefinitionStore(exports.jobs.database), options)
        while found := firing.fire_due() + firing.follow_ended():
            done += found
            if time.monotonic() > deadline:
                break
    return done
