"""Assets: one per source entity, one per model with the lineage of its SQL, the published generation last."""

import warnings
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from exporters.storage import StoreError
from pipelines.erasures import finish_erasures
from pipelines.project import Project
from pipelines.sources.loaders import open_loader
from warehouse.build import Preview
from warehouse.checks import CheckResult
from warehouse.errors import WarehouseError
from warehouse.generations import current_generation
from warehouse.landing import Days, Verdict
from warehouse.models import Model, dependencies
from warehouse.publishing import publish
from warehouse.raw import raw_table
from warehouse.retention import prune_landing
from warehouse.sources import FileEntity, RestEntity, SourceEntity, TableEntity

# The backfill policy is marked beta; without it a backfill of a year would be 365 runs.
warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*backfill_policy.*")

WRITER_POOL = "warehouse_writer"
"""DuckDB has one writing process: every step that writes holds the single slot of this pool."""

SOURCE_READ = "source_read"
FRESH = "fresh"

_WARN_SHARE = 0.9
"""Share of the time until a source is stale after which Dagster warns."""


def source_key(source: str, entity: str) -> dg.AssetKey:
    """Key of a source entity's asset."""
    return dg.AssetKey([source, entity])


def build_assets(project: Project) -> list[dg.AssetsDefinition]:
    """Every asset of the project."""
    sources = [
        _source_asset(project, name, entity)
        for name, source in project.sources.items()
        for entity in source.entities
    ]
    models = [_model_asset(project, model) for model in project.models.values()]
    return [*sources, *models, _generation_asset(project)]


def _source_asset(project: Project, name: str, entity: str) -> dg.AssetsDefinition:
    source = project.sources[name]
    declared = source.entities[entity]
    # Single days are told apart by the watermark; an entity without one is always read whole. The assets of a
    # job must have the same days, so one zone decides which have begun; a row's day is its source's.
    days = dg.DailyPartitionsDefinition(
        start_date=project.settings.backfill_start, timezone=project.settings.nightly_time_zone, end_offset=1
    )
    key, stale_after = source_key(name, entity), project.settings.stale_after

    @dg.asset(
        key=key,
        group_name=f"source_{name}",
        description=f"{entity} of the source {name}: {_origin(declared)} in {source.place}.",
        kinds={declared.format if isinstance(declared, FileEntity) else source.type},
        pool=WRITER_POOL,
        partitions_def=days if declared.watermark else None,
        backfill_policy=dg.BackfillPolicy.single_run() if declared.watermark else None,
        # Counts from the asset's last run; whether that read anything, the checks tell.
        freshness_policy=dg.FreshnessPolicy.time_window(stale_after, stale_after * _WARN_SHARE),
        check_specs=_source_checks(key, stale_after),
    )
    def load(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        # The build file's lock is held while landing too: the landing has one writer as well.
        with project.open_build() as build:
            verdict = _load(project, name, entity, _days(context) if declared.watermark else None)
            build.create_raw(name, entity)
            known = [*declared.key, *([declared.watermark] if declared.watermark else [])]
            preview = build.preview(raw_table(name, entity), list(dict.fromkeys(known)))
        context.log.info(f"{name}.{entity}: {verdict.status}: {verdict.detail}")
        return dg.MaterializeResult(
            metadata=_preview_metadata(preview)
            | {
                "status": verdict.status,
                "detail": verdict.detail,
                "data_as_of": _tell_instant(verdict.data_as_of),
                "new_columns": ", ".join(verdict.new_columns) or "none",
            },
            check_results=_check_source(verdict, stale_after),
        )

    return load


def _source_checks(key: dg.AssetKey, stale_after: timedelta) -> list[dg.AssetCheckSpec]:
    hours = stale_after.total_seconds() / 3600
    return [
        dg.AssetCheckSpec(
            SOURCE_READ,
            asset=key,
            description="The last load read the source whole; a failed one keeps the data it had.",
        ),
        dg.AssetCheckSpec(
            FRESH, asset=key, description=f"The source was read without a fault in the last {hours:g} hours."
        ),
    ]


def _check_source(verdict: Verdict, stale_after: timedelta) -> list[dg.AssetCheckResult]:
    as_of = verdict.data_as_of
    return [
        dg.AssetCheckResult(
            check_name=SOURCE_READ,
            passed=verdict.status != "failed",
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"detail": verdict.detail},
        ),
        dg.AssetCheckResult(
            check_name=FRESH,
            passed=as_of is not None and datetime.now(UTC) - as_of < stale_after,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"data_as_of": _tell_instant(as_of)},
        ),
    ]


def _tell_instant(instant: datetime | None) -> str:
    return instant.isoformat() if instant else "never"


def _origin(declared: SourceEntity) -> str:
    match declared:
        case FileEntity():
            return declared.files
        case RestEntity():
            return declared.resource
        case TableEntity():
            return declared.table
    raise AssertionError(declared)


def _load(project: Project, name: str, entity: str, days: Days | None) -> Verdict:
    """Load the entity; the verdict tells its new columns, whatever kind of source it is of."""
    try:
        loader = open_loader(project, name, entity)
    except (StoreError, WarehouseError) as error:
        project.landing.record_verdict(name, entity, "failed", str(error))
    else:
        loader.load(days)
    return project.landing.note_new_columns(name, entity, project.sources[name].entities[entity].columns)


def _days(context: dg.AssetExecutionContext) -> Days | None:
    """The days that a backfill asks for; None in a nightly run."""
    if context.has_partition_key or context.has_partition_key_range:
        days = [date.fromisoformat(key) for key in context.partition_keys]
        return Days(min(days), max(days))
    return None


def _model_asset(project: Project, model: Model) -> dg.AssetsDefinition:
    deps: list[dg.AssetKey] = [dg.AssetKey(name) for name in sorted(dependencies(model, project.models))]
    for name, source in project.sources.items():
        deps += [source_key(name, e) for e in source.entities if raw_table(name, e) in model.reads]

    @dg.asset(
        name=model.name,
        group_name=model.layer,
        deps=deps,
        description=model.header.description,
        kinds={"sql", "duckdb"},
        pool=WRITER_POOL,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                [
                    dg.TableColumn(name, column.type, column.description)
                    for name, column in model.header.columns.items()
                ]
            )
        },
        check_specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=model.name,
                description=check.description,
                blocking=check.severity == "error",
            )
            for check in model.checks
        ],
    )
    def build_model() -> dg.MaterializeResult:  # type: ignore[type-arg]
        with project.open_build() as build:
            results = build.build_model(model.name)
            preview = build.preview(model.name, model.shown_columns)
        return dg.MaterializeResult(
            metadata=_preview_metadata(preview), check_results=[_check_result(result) for result in results]
        )

    return build_model


def _generation_asset(project: Project) -> dg.AssetsDefinition:
    @dg.asset(
        name="generation",
        group_name="published",
        deps=[dg.AssetKey(name) for name, model in project.models.items() if model.layer != "staging"],
        description="The published generation: what figures, exports and analysts read.",
        kinds={"duckdb"},
        pool=WRITER_POOL,
    )
    def publish_generation() -> dg.MaterializeResult:  # type: ignore[type-arg]
        settings = project.settings
        with project.open_build() as build:
            generation = publish(
                build,
                project.warehouse_folder,
                keep=settings.keep_generations,
                grace=settings.generation_grace,
                max_loss=settings.max_loss_percent / 100,
            )
            # Still in the turn of the build file: nobody lands meanwhile.
            pruned = prune_landing(
                project.landing, project.sources, project.warehouse_folder, settings.landing_retention
            )
        if finish_erasures(project):
            generation = current_generation(project.warehouse_folder)
        return dg.MaterializeResult(
            metadata={
                "generation": generation.generation,
                "data_as_of": _tell_instant(generation.data_as_of),
                "file": dg.MetadataValue.path(generation.path),
                "size_bytes": generation.path.stat().st_size,
                "landing_bytes_pruned": pruned.size_bytes,
            }
        )

    return publish_generation


def _preview_metadata(preview: Preview) -> dict[str, dg.MetadataValue]:
    lines = [preview.columns, ["---"] * len(preview.columns), *preview.head]
    table = "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)
    return {"dagster/row_count": dg.MetadataValue.int(preview.rows), "preview": dg.MetadataValue.md(table)}


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def _check_result(result: CheckResult) -> dg.AssetCheckResult:
    error = result.check.severity == "error"
    return dg.AssetCheckResult(
        check_name=result.check.name,
        passed=result.passed,
        severity=dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN,
        metadata={"broken_rows": result.broken_rows, "sample": "\n".join(result.sample)},
    )
