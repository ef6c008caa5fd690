"""Sensors: the night begins when a source of files has new ones, and the ends of exports are recorded."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from pydantic import BaseModel, ValidationError

from exporters.storage import StoreError
from pipelines.export_names import EXPORT_RECORDS, EXPORT_REPORT
from pipelines.jobs import NIGHT
from pipelines.project import Project
from pipelines.recorder import record_exports
from pipelines.sources.files import open_folder
from warehouse.errors import LandingError
from warehouse.sources import FileSource

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

NEW_FILES = "new_files"
_TICK_SECONDS = 60
_RECORD_EVERY_SECONDS, _RECORD_FOR_SECONDS = 1, 15
"""Dagster looks every five seconds, and gives up a tick that takes a minute."""
_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


class _Cursor(BaseModel):
    """What the sensor knows from earlier ticks; listings as digests, by the name of their source."""

    seen: dict[str, str] = {}
    """Listings at the last tick."""
    taken: dict[str, str] = {}
    """Listings for which a night was last begun."""
    run_key: str = ""
    """Key of that night."""


def build_new_files(project: Project, night: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """The night, whenever the files of a source are others than when it was last begun.

    It runs from the start: a night takes in what is new only, so one too many changes nothing, and a tick
    reads the listings alone.
    """
    sources = {name: source for name, source in project.sources.items() if isinstance(source, FileSource)}

    @dg.sensor(
        name=NEW_FILES,
        job=night,
        minimum_interval_seconds=_TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Begins the night when a source has other files than before, and none is still changing.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if _is_under_way(context.instance):
            return dg.SensorResult(skip_reason="a night is queued or runs; looking again when it has ended")
        listings: dict[str, str] = {}
        faults = []
        for name, source in sources.items():
            try:
                listings[name] = _list_files(project, source)
            except (LandingError, StoreError, OSError) as error:
                faults.append(f"{name} cannot be listed: {error}")
        return _decide(_read_cursor(context.cursor), listings, faults)

    return new_files


def build_export_records(project: Project, export_report: dg.JobDefinition) -> dg.SensorDefinition:
    """Shows how exports ended, whoever asked for them and whichever worker made them."""

    @dg.sensor(
        name=EXPORT_RECORDS,
        minimum_interval_seconds=_RECORD_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records each ended export as a run of export_report, with its rows, bytes and file.",
    )
    def export_records(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor = context.cursor or ""
        recorded = record_exports(
            project.settings,
            context.instance,
            export_report,
            _find_origin(context),
            cursor=int(cursor) if cursor.isdecimal() else 0,
            seconds=_RECORD_FOR_SECONDS,
        )
        said = f"{recorded.ends} exports were recorded" if recorded.ends else "no export has ended since"
        return dg.SensorResult(skip_reason=said, cursor=str(recorded.cursor))

    return export_records


def _find_origin(context: dg.SensorEvaluationContext) -> RemoteJobOrigin | None:
    """Where Dagster finds the job of a run that it did not launch; None outside of its services."""
    if context.code_location_origin is None or context.repository_name is None:
        return None
    repository = RemoteRepositoryOrigin(context.code_location_origin, context.repository_name)
    return RemoteJobOrigin(repository, EXPORT_REPORT)


def _decide(before: _Cursor, listings: Mapping[str, str], faults: list[str]) -> dg.SensorResult:
    """Begin the night when listings are others than those taken, and were the same a tick ago."""
    new = {name: listing for name, listing in listings.items() if listing != before.taken.get(name, "")}
    changing = [name for name, listing in new.items() if listing != before.seen.get(name)]
    if new and not changing:
        # The key of the night before goes in: files that come back as they once were are new all the same.
        known = json.dumps([before.run_key, listings], sort_keys=True)
        run_key = hashlib.sha256(known.encode()).hexdigest()
        cursor = _Cursor(seen=dict(listings), taken=before.taken | new, run_key=run_key)
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=run_key)], cursor=cursor.model_dump_json())
    reasons = [f"the files of {', '.join(changing)} may still be changing"] if changing else []
    cursor = before.model_copy(update={"seen": dict(listings)})
    return dg.SensorResult(
        skip_reason="; ".join([*faults, *reasons]) or "no new files", cursor=cursor.model_dump_json()
    )


def _list_files(project: Project, source: FileSource) -> str:
    """Digest of the listing of all files that the source's entities declare; empty when there are none."""
    folder = open_folder(source, project.settings.source_folder, project.settings.s3)
    files = {pattern: dict(folder.listing(pattern)) for pattern in _patterns(source)}
    if not any(files.values()):
        return ""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _patterns(source: FileSource) -> set[str]:
    return {entity.files for entity in source.entities.values()}


def _is_under_way(instance: dg.DagsterInstance) -> bool:
    runs = dg.RunsFilter(job_name=NIGHT, statuses=list(_UNDER_WAY))
    return bool(instance.get_runs(runs, limit=1))


def _read_cursor(text: str | None) -> _Cursor:
    try:
        return _Cursor.model_validate_json(text or "{}")
    except ValidationError:  # written by hand, in Dagster's UI
        return _Cursor()
