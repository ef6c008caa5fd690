"""Publishing: the build file becomes the next generation, and readers are switched to it."""

import contextlib
import json
import secrets
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.build import Build
from warehouse.database import find_tables, quote_name, quote_text
from warehouse.durable_files import sync_file, write_atomically
from warehouse.errors import NoGenerationError, WarehouseError
from warehouse.figures_build import write_figures
from warehouse.generations import FIGURES_SUFFIX, GENERATIONS, POINTER, Generation, current_generation
from warehouse.guards import refuse_shrunk, refuse_unchecked
from warehouse.load_report import DESCRIPTIONS, forget_inactive, record_verdicts
from warehouse.models import published_models
from warehouse.restatements import record_restatements


def publish(build: Build, folder: Path, *, keep: int, grace: timedelta, max_loss: float = 0.5) -> Generation:
    """Make the build file the next generation and switch readers to it; the build is closed then.

    Its figures file is written beside it. Of the older ones the newest `keep` stay, and all younger than
    `grace`, for readers still on them.

    Raises:
        CheckFailedError: a check does not hold, a model is out of date, or an entity lost more than the share
            `max_loss` of a source's rows.
        WarehouseError: the file cannot be written; the served generation stays.
    """
    generations = folder / GENERATIONS
    generations.mkdir(parents=True, exist_ok=True)
    refuse_unchecked(build)
    refuse_shrunk(build, folder, max_loss)
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
    target = generations / f"{name}.duckdb"
    generation = Generation(name, now, _data_as_of(build), target)
    try:
        _complete(build, folder, generation)
        write_figures(build.connection, generation.figures_path)
        build.connection.close()
        sync_file(build.path)
        build.path.rename(target)
        sync_file(generations)
        _switch(folder, generation)
    except (OSError, duckdb.Error, pa.ArrowException) as error:
        raise WarehouseError(
            f"{target}: cannot be published, the served generation stays: {error}"
        ) from error
    finally:
        if not target.exists():
            generation.figures_path.unlink(missing_ok=True)
    _prune(generations, name, keep, grace)
    return generation


def _switch(folder: Path, generation: Generation) -> None:
    as_of = generation.data_as_of
    record = {
        "generation": generation.generation,
        "published_at": generation.published_at.isoformat(),
        "file": f"{GENERATIONS}/{generation.path.name}",
        "data_as_of": as_of.isoformat() if as_of else "",
    }
    write_atomically(folder / POINTER, json.dumps(record, indent=1))


def _complete(build: Build, folder: Path, generation: Generation) -> None:
    """Write what the published file holds beside the built tables, in one transaction."""
    connection = build.connection
    name, now = generation.generation, generation.published_at
    try:
        previous = current_generation(folder).generation
    except (NoGenerationError, WarehouseError):
        previous = None
    connection.execute("BEGIN")
    try:
        forget_inactive(connection, build.sources, build.models)
        record_verdicts(connection, build.landing, build.sources)
        record_restatements(connection, build.models, name, previous, now)
        _drop_unknown(connection, {*published_models(build.models), *DESCRIPTIONS})
        _write_generation_table(connection, name, now, generation.data_as_of)
        for table, header in published_models(build.models).items():
            columns = {column: declared.description for column, declared in header.columns.items()}
            _describe(connection, table, header.description, columns)
        for table, (description, declared) in DESCRIPTIONS.items():
            _describe(connection, table, description, {name: text for name, (_, text) in declared.items()})
        connection.execute("COMMIT")
    except duckdb.Error:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("CHECKPOINT")


def _drop_unknown(connection: duckdb.DuckDBPyConnection, known: Collection[str]) -> None:
    """Drop tables of models that are no longer part of the project."""
    for table in find_tables(connection, "main", "*"):
        if table not in known:
            connection.execute(f"DROP TABLE {quote_name(table)}")


def _describe(
    connection: duckdb.DuckDBPyConnection, name: str, description: str, columns: Mapping[str, str]
) -> None:
    this = "database_name = current_database() AND schema_name = 'main' AND table_name = $name"
    [(told,)] = connection.execute(
        f"SELECT comment FROM duckdb_tables() WHERE {this}", {"name": name}
    ).fetchall()
    if told != description:
        connection.execute(f"COMMENT ON TABLE {quote_name(name)} IS {quote_text(description)}")
    told_columns = dict(
        connection.execute(
            f"SELECT column_name, comment FROM duckdb_columns() WHERE {this}", {"name": name}
        ).fetchall()
    )
    for column, text in columns.items():
        if told_columns.get(column) != text:
            connection.execute(
                f"COMMENT ON COLUMN {quote_name(name)}.{quote_name(column)} IS {quote_text(text)}"
            )


def _write_generation_table(
    connection: duckdb.DuckDBPyConnection, name: str, now: datetime, as_of: datetime | None
) -> None:
    connection.execute(
        """
        CREATE OR REPLACE TABLE generation AS
        SELECT $name::VARCHAR AS generation, $now::TIMESTAMP AS published_at, $as_of::TIMESTAMP AS data_as_of
        """,
        {
            "name": name,
            "now": now.replace(tzinfo=None),
            "as_of": as_of.replace(tzinfo=None) if as_of else None,
        },
    )
    columns = {
        "generation": "Its name; sorts by time of publishing.",
        "published_at": "UTC instant of publishing.",
        "data_as_of": "UTC instant up to which every source is known to be read.",
    }
    _describe(connection, "generation", "The published state that this file holds; one row.", columns)


def _data_as_of(build: Build) -> datetime | None:
    verdicts = [
        build.landing.verdict(name, entity)
        for name, source in build.sources.items()
        for entity in source.entities
    ]
    instants = [verdict.data_as_of if verdict else None for verdict in verdicts]
    return min((at for at in instants if at), default=None) if all(instants) else None


def _prune(generations: Path, current: str, keep: int, grace: timedelta) -> None:
    files = sorted(generations.glob("[0-9]*.duckdb"), reverse=True)
    oldest = time.time() - grace.total_seconds()
    for path in files[keep:]:
        if path.stem != current and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    # The generation goes first: figures without one are of a pruned one, or of a publishing that was killed.
    for path in generations.glob(f"*{FIGURES_SUFFIX}"):
        if (
            not (generations / path.name.removesuffix(FIGURES_SUFFIX).lstrip("."))
            .with_suffix(".duckdb")
            .exists()
        ):
            path.unlink(missing_ok=True)
