"""Schedules: when the night begins."""

from typing import TYPE_CHECKING

import dagster as dg

from settings import Settings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def build_nightly(settings: Settings, night: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """The night, every night at the set local time."""
    hour, minute = settings.nightly_at.split(":")

    @dg.schedule(
        name="nightly",
        job=night,
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=settings.nightly_time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Loads what is new and publishes the next generation.",
    )
    def nightly() -> dg.RunRequest:
        # A run without days reads everything that is new; single days are for backfills.
        return dg.RunRequest()

    return nightly
