"""Building raw tables and models in the build file: each step leaves it readable and can be run again.

A model is built whole, or follows what changed since it was built; both give the same table.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from warehouse.checks import CheckResult, Manner, check_built, check_columns
from warehouse.database import quote_name
from warehouse.entities import build_entity, count_rows
from warehouse.entity_changes import EntityChanges, MustBuildWholeError, Stage
from warehouse.errors import ModelError
from warehouse.inbox import Built, find_built, forget_built, has_changes, record_built
from warehouse.landing import Landing
from warehouse.load_report import forget_checks, replace_checks
from warehouse.mart_changes import can_follow, prepare_mart, write_mart
from warehouse.models import (
    EntityHeader,
    MartHeader,
    Model,
    TableHeader,
    dependents,
)
from warehouse.raw import RawTable, create_raw_view, raw_table
from warehouse.raw_refresh import refresh_raw
from warehouse.readers import find_readers, post_changes, watched_columns
from warehouse.restatements import forget_before, keep_before
from warehouse.sources import Source

_SAMPLE_ROWS = 5
_COMPARED_ROWS = 100_000
"""Rows up to which a table built whole is compared with what it was, to tell its readers what changed."""


@dataclass(frozen=True)
class Preview:
    """What a table holds, at a glance."""

    rows: int
    columns: tuple[str, ...]
    head: tuple[tuple[object, ...], ...]


class Build:
    """The build file, open for writing: one process at a time."""

    most_changed = 0.2
    """Share of a table's rows above which building it whole is faster than following changes."""

    def __init__(
        self,
        path: Path,
        connection: duckdb.DuckDBPyConnection,
        landing: Landing,
        sources: Mapping[str, Source],
        models: Mapping[str, Model],
    ) -> None:
        self.path = path
        self.connection = connection
        self.landing = landing
        self.sources = sources
        self.models = models
        self._raw = {
            raw_table(name, entity): RawTable(
                landing, name, entity, declared, source.tenant.id if source.tenant else None
            )
            for name, source in sources.items()
            for entity, declared in source.entities.items()
        }
        self._shown: set[str] = set()

    def create_raw(self, source: str, entity: str) -> int:
        """Make the raw table of a source entity show what is landed; returns the rows that the source has."""
        raw = self._raw[raw_table(source, entity)]
        stale = dependents(raw.name, self.models)
        forget_checks(self.connection, stale)
        following: list[str] = []
        others: list[str] = []
        for name in stale:
            if self.models[name].layer == "entities" and self._stages_raw(self.models[name], raw.name):
                stages = self._stages(self.models[name])
                (following if stages is not None else others).append(name)
        rows = refresh_raw(self.connection, raw, following, others, self.most_changed)
        create_raw_view(self.connection, raw)
        self._shown.add(raw.name)
        return rows

    def build_model(self, name: str) -> list[CheckResult]:
        """Build one model from what its query reads, run its checks and keep how they came out.

        What is built from it is out of date then, until it is built again.

        Raises:
            ModelError: the SQL fails, or the built columns are not the declared ones.
        """
        model = self.models[name]
        forget_checks(self.connection, dependents(name, self.models) | {name})
        manner: Manner = "whole"
        try:
            if model.layer == "staging":
                self._show(name)
            else:
                for staging in self._staging_of(model):
                    self._show(staging.name)
                manner = self._bring_up_to_date(model)
            check_columns(self.connection, model)
        except duckdb.Error as error:
            raise ModelError(f"{model.layer}/{name}.sql: {error}") from error
        results = check_built(self.connection, model, manner)
        replace_checks(self.connection, name, {result.check: result.broken_rows for result in results})
        return results

    def preview(self, name: str, columns: Sequence[str]) -> Preview:
        """Row count of a table or view of the build file, and the named columns of its first rows."""
        self._show(name)
        shown = ", ".join(quote_name(column) for column in columns)
        head = self.connection.execute(
            f"SELECT {shown} FROM {quote_name(name)} LIMIT {_SAMPLE_ROWS}"
        ).fetchall()
        return Preview(count_rows(self.connection, quote_name(name)), tuple(columns), tuple(head))

    def _show(self, name: str) -> None:
        """Create the view of a raw table or staging model, and those it reads, for this connection."""
        if name in self._shown:
            return
        if name in self._raw:
            create_raw_view(self.connection, self._raw[name])
        elif name in self.models and self.models[name].layer == "staging":
            for read in sorted(self.models[name].reads):
                self._show(read)
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {quote_name(name)} AS {self.models[name].sql}"
            )
        self._shown.add(name)

    def _staging_of(self, entity: Model) -> Sequence[Model]:
        return [
            model
            for model in self.models.values()
            if model.layer == "staging" and model.entity == entity.name and model.source in self.sources
        ]

    def _stages_raw(self, entity: Model, raw: str) -> bool:
        """Whether rows of the raw table become rows of the entity, not only through other entities."""
        stale = {model for model in dependents(raw, self.models) if self.models[model].layer == "staging"}
        return any(model.name in stale for model in self._staging_of(entity))

    def _stages(self, entity: Model) -> list[Stage] | None:
        """The staging models of an entity that can follow changes; None: it cannot."""
        if not isinstance(entity.header, EntityHeader) or not entity.header.follows:
            return None
        stages = []
        for model in self._staging_of(entity):
            if model.row_by_row is None or model.row_by_row not in self._raw:
                return None
            stages.append(Stage(model, self._raw[model.row_by_row]))
        return stages

    def _bring_up_to_date(self, model: Model) -> Manner:
        digest = self._digest(model)
        built = find_built(self.connection, model.name, digest)
        if built is not None and not has_changes(self.connection, model.name):
            return "unchanged"
        if built is not None and built.appended <= built.rows * self.most_changed:
            with suppress(MustBuildWholeError):
                self._follow(model, digest, built)
                return "followed"
        self._build_whole(model, digest)
        return "whole"

    def _follow(self, model: Model, digest: str, built: Built) -> None:
        """Bring the model up to date by the changes that wait for it.

        Raises:
            MustBuildWholeError: that cannot be done; nothing is written.
        """
        write = self._prepare(model)
        with self._transaction():
            written = write()
            if isinstance(model.header, MartHeader) and model.header.restated:
                keep_before(self.connection, model.name, model.header)
            post_changes(self.connection, model, self.models)
            record_built(self.connection, model.name, digest, built.rows, built.appended + written)

    def _prepare(self, model: Model) -> Callable[[], int]:
        """Work out what the changes come to; gives what writes it."""
        if model.layer == "entities":
            stages = self._stages(model)
            if stages is None:
                raise MustBuildWholeError
            watched = [
                column
                for reader in find_readers(model, self.models)
                for column in watched_columns(model, reader)
            ]
            changes = EntityChanges(self.connection, model, stages, watched)
            changes.prepare()
            return changes.write
        if not can_follow(model):
            raise MustBuildWholeError
        [(database,)] = self.connection.execute("SELECT current_database()").fetchall()
        prepare_mart(self.connection, model, database)
        return partial(write_mart, self.connection, model)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def _build_whole(self, model: Model, digest: str) -> None:
        header = model.header
        assert isinstance(header, TableHeader)  # noqa: S101
        restated = isinstance(header, MartHeader) and bool(header.restated)
        compared = self._keep_as_it_was(model, None if restated else _COMPARED_ROWS)
        with self._transaction():
            rows = self._write_whole(model, header)
            if compared:
                self.connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE after AS FROM {quote_name(model.name)}"
                )
                if isinstance(header, MartHeader) and header.restated:
                    keep_before(self.connection, model.name, header)
                post_changes(self.connection, model, self.models)
            else:
                forget_before(self.connection, model.name)
                forget_built(self.connection, [reader.name for reader in find_readers(model, self.models)])
            record_built(self.connection, model.name, digest, rows)

    def _write_whole(self, model: Model, header: TableHeader) -> int:
        if model.layer == "entities":
            return build_entity(self.connection, model, self._staging_of(model))
        order = ", ".join(header.sort)
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {quote_name(model.name)} AS {model.sql} ORDER BY {order}"
        )
        return count_rows(self.connection, quote_name(model.name))

    def _keep_as_it_was(self, model: Model, most_rows: int | None) -> bool:
        """Copy a table that is to be built whole to `before`, when it can be compared and is small."""
        described = self.connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $name"
            " AND schema_name = 'main' AND database_name = current_database()",
            {"name": model.name},
        ).fetchall()
        if dict(described) != {name: column.type for name, column in model.header.columns.items()}:
            return False
        if most_rows is not None and count_rows(self.connection, quote_name(model.name)) > most_rows:
            return False
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE before AS FROM {quote_name(model.name)}")
        return True

    def _digest(self, model: Model) -> str:
        """What decides how a model's table comes about, besides the rows."""
        parts = [model.sql, model.header.model_dump_json()]
        if model.layer == "entities":
            for position, (name, source) in enumerate(self.sources.items()):
                parts.append(
                    f"{position} {name} {source.time_zone} {source.currency} {source.service_time}"
                    f" {source.tenant}"
                )
            parts += [
                f"{other.name} {other.sql} {other.header.model_dump_json()}"
                for other in self.models.values()
                if other.layer == "staging"
            ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
