"""Publishing: the built tables copied into a new generation, and readers switched to it."""

import contextlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.build import Build
from warehouse.database import quote_name, quote_text
from warehouse.durable_files import sync_file, write_atomically
from warehouse.errors import WarehouseError
from warehouse.generations import GENERATIONS, POINTER, Generation
from warehouse.guards import refuse_shrunk, refuse_unchecked
from warehouse.load_report import DESCRIPTIONS, forget_inactive, record_verdicts
from warehouse.models import published_models


def publish(build: Build, folder: Path, *, keep: int, grace: timedelta, max_loss: float = 0.5) -> Generation:
    """Publish the built tables as a new generation and switch readers to it.

    Of the older ones the newest `keep` stay, and all younger than `grace`, for readers still on them.

    Raises:
        CheckFailedError: a check does not hold, a model is out of date, or an entity lost more than the share
            `max_loss` of a source's rows.
        WarehouseError: the file cannot be written; the served generation stays.
    """
    generations = folder / GENERATIONS
    generations.mkdir(parents=True, exist_ok=True)
    for abandoned in generations.glob(".publishing-*"):
        abandoned.unlink()
    refuse_unchecked(build)
    refuse_shrunk(build, folder, max_loss)
    forget_inactive(build.connection, build.sources, build.models)
    record_verdicts(build.connection, build.landing, build.sources)
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
    beside = generations / f".publishing-{name}.duckdb"
    target = generations / f"{name}.duckdb"
    as_of = _data_as_of(build)
    try:
        _write_generation(build, beside, name, now, as_of)
        sync_file(beside)
        beside.rename(target)
        sync_file(generations)
        record = {"generation": name, "published_at": now.isoformat(), "file": f"{GENERATIONS}/{target.name}"}
        record["data_as_of"] = as_of.isoformat() if as_of else ""
        write_atomically(folder / POINTER, json.dumps(record, indent=1))
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(
            f"{target}: cannot be published, the served generation stays: {error}"
        ) from error
    finally:
        for left in generations.glob(f".publishing-{name}*"):
            left.unlink()
    _prune(generations, name, keep, grace)
    return Generation(name, now, as_of, target)


def _write_generation(build: Build, path: Path, name: str, now: datetime, as_of: datetime | None) -> None:
    connection = build.connection
    connection.execute(f"ATTACH {quote_text(str(path))} AS published")
    try:
        connection.execute("BEGIN")
        for table, header in published_models(build.models).items():
            columns = {column: declared.description for column, declared in header.columns.items()}
            _copy_table(connection, table, header.description, columns, header.sort)
        for table, (description, declared) in DESCRIPTIONS.items():
            _copy_table(
                connection, table, description, {column: text for column, (_, text) in declared.items()}
            )
        _write_generation_table(connection, name, now, as_of)
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT published")
    finally:
        with contextlib.suppress(duckdb.TransactionException):
            connection.execute("ROLLBACK")
        connection.execute("DETACH published")


def _copy_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    description: str,
    columns: Mapping[str, str],
    sort: Sequence[str] = (),
) -> None:
    order = f" ORDER BY {', '.join(sort)}" if sort else ""
    target = f"published.{quote_name(name)}"
    connection.execute(f"CREATE TABLE {target} AS SELECT * FROM {quote_name(name)}{order}")
    connection.execute(f"COMMENT ON TABLE {target} IS {quote_text(description)}")
    for column, text in columns.items():
        connection.execute(f"COMMENT ON COLUMN {target}.{quote_name(column)} IS {quote_text(text)}")


def _write_generation_table(
    connection: duckdb.DuckDBPyConnection, name: str, now: datetime, as_of: datetime | None
) -> None:
    connection.execute(
        """
        CREATE TABLE published.generation AS
        SELECT $name::VARCHAR AS generation, $now::TIMESTAMP AS published_at, $as_of::TIMESTAMP AS data_as_of
        """,
        {
            "name": name,
            "now": now.replace(tzinfo=None),
            "as_of": as_of.replace(tzinfo=None) if as_of else None,
        },
    )
    comments = {
        "TABLE published.generation": "The published state that this file holds; one row.",
        "COLUMN published.generation.generation": "Its name; sorts by time of publishing.",
        "COLUMN published.generation.published_at": "UTC instant of publishing.",
        "COLUMN published.generation.data_as_of": "UTC instant up to which every source is known to be read.",
    }
    for target, text in comments.items():
        connection.execute(f"COMMENT ON {target} IS {quote_text(text)}")


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
