"""Building the models in the build file, step by step: each step leaves it readable and can be run again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database import DatabaseOptions, connect, quote_name
from warehouse.entities import build_entity
from warehouse.errors import ModelError, WarehouseBusyError, WarehouseError
from warehouse.landing import Landing
from warehouse.load_report import create_reports, forget_checks, replace_checks
from warehouse.models import CheckHeader, Model, StagingHeader, dependents
from warehouse.raw import create_raw, create_sources, raw_table
from warehouse.sources import Source

_SAMPLE_ROWS = 5
_WAIT_SECONDS = 30
"""How long a step waits for another process's step to end."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check of one model."""

    check: CheckHeader
    broken_rows: int
    sample: tuple[str, ...]
    """A few of the rows that break it."""

    @property
    def passed(self) -> bool:
        """Whether no row breaks the check."""
        return self.broken_rows == 0


@dataclass(frozen=True)
class Preview:
    """What a table holds, at a glance."""

    rows: int
    columns: tuple[str, ...]
    head: tuple[tuple[object, ...], ...]


class Build:
    """The build file, open for writing: one process at a time."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        landing: Landing,
        sources: Mapping[str, Source],
        models: Mapping[str, Model],
    ) -> None:
        self.connection = connection
        self.landing = landing
        self.sources = sources
        self.models = models

    def create_raw(self, source: str, entity: str) -> int:
        """Refresh the raw table of a source entity from the landing; returns its row count."""
        forget_checks(self.connection, dependents(raw_table(source, entity), self.models))
        return create_raw(self.connection, self.landing, source, self.sources[source], entity)

    def build_model(self, name: str) -> list[CheckResult]:
        """Build one model from what its query reads, run its checks and keep how they came out.

        What is built from it is out of date then, until it is built again.

        Raises:
            ModelError: the SQL fails, or the built columns are not the declared ones.
        """
        model = self.models[name]
        forget_checks(self.connection, dependents(name, self.models) | {name})
        try:
            if model.layer == "entities":
                build_entity(self.connection, model, self._staging_of(model))
            else:
                self._create(model)
            self._compare_columns(model)
        except duckdb.Error as error:
            raise ModelError(f"{model.layer}/{name}.sql: {error}") from error
        results = [self._run_check(name, check) for check in model.checks]
        replace_checks(self.connection, name, {result.check: result.broken_rows for result in results})
        return results

    def preview(self, name: str, columns: Sequence[str]) -> Preview:
        """Row count of a table or view of the build file, and the named columns of its first rows."""
        count = self.connection.execute(f"SELECT count(*) FROM {quote_name(name)}").fetchone()
        shown = ", ".join(quote_name(column) for column in columns)
        head = self.connection.execute(
            f"SELECT {shown} FROM {quote_name(name)} LIMIT {_SAMPLE_ROWS}"
        ).fetchall()
        return Preview(int(count[0]) if count else 0, tuple(columns), tuple(head))

    def _staging_of(self, entity: Model) -> Sequence[Model]:
        return [
            model
            for model in self.models.values()
            if model.layer == "staging" and model.entity == entity.name and model.source in self.sources
        ]

    def _create(self, model: Model) -> None:
        name = quote_name(model.name)
        if isinstance(model.header, StagingHeader):
            self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS {model.sql}")
        else:
            order = ", ".join(model.header.sort)
            self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS {model.sql} ORDER BY {order}")

    def _compare_columns(self, model: Model) -> None:
        rows = self.connection.execute(f"DESCRIBE {quote_name(model.name)}").fetchall()
        built = {row[0]: row[1] for row in rows}
        declared = {name: column.type for name, column in model.header.columns.items()}
        if built != declared:
            faults = [
                f"{column}: declared {declared.get(column, 'nothing')}, built {built.get(column, 'nothing')}"
                for column in sorted(built.keys() | declared.keys())
                if built.get(column) != declared.get(column)
            ]
            raise ModelError(
                f"{model.layer}/{model.name}.sql: built columns differ from the header: {'; '.join(faults)}"
            )

    def _run_check(self, name: str, check: CheckHeader) -> CheckResult:
        try:
            count = self.connection.execute(f"SELECT count(*) FROM ({check.sql})").fetchone()
            broken = int(count[0]) if count else 0
            rows = self.connection.execute(f"{check.sql} LIMIT {_SAMPLE_ROWS}").fetchall() if broken else []
        except duckdb.Error as error:
            raise ModelError(f"{name}: the check {check.name} cannot run: {error}") from error
        return CheckResult(check, broken, tuple(str(row) for row in rows))


@contextmanager
def open_build(
    path: Path,
    landing: Landing,
    sources: Mapping[str, Source],
    models: Mapping[str, Model],
    options: DatabaseOptions,
) -> Iterator[Build]:
    """Open the build file for writing; while another process has it, wait for a while.

    Raises:
        WarehouseBusyError: another process has been writing all the while.
        WarehouseError: the file cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect_in_turn(path, options)
    try:
        create_sources(connection, sources)
        create_reports(connection)
        yield Build(connection, landing, sources, models)
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: {error}") from error
    finally:
        connection.close()


def _connect_in_turn(path: Path, options: DatabaseOptions) -> duckdb.DuckDBPyConnection:
    end = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return connect(path, options=options)
        except WarehouseBusyError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
