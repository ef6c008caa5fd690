"""Generations: the published states of the warehouse, and reading the one that is served.

`<folder>/generations/<id>.duckdb` and the figures file beside it are written once and never changed;
`<folder>/current.json` names the one that is served and is replaced atomically. A reader finishes on the
generation it began with.
"""

import json
import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from warehouse.database import DatabaseOptions, connect
from warehouse.errors import ModelError, NoGenerationError, WarehouseError
from warehouse.figures_file import Figures, hold_figures

POINTER = "current.json"
GENERATIONS = "generations"
FIGURES_SUFFIX = ".figures.arrow"
_OPEN_ATTEMPTS = 5
_MOST_QUERIES = 256
"""Of a generation, that are remembered with what DuckDB said of them."""

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Generation:
    """One published state of the warehouse."""

    generation: str
    """Sorts by time of publishing."""
    published_at: datetime
    data_as_of: datetime | None
    """When the source read longest ago was read without a fault; None: one never was."""
    path: Path

    @property
    def figures_path(self) -> Path:
        """The figures file, published with it."""
        return self.path.with_suffix(FIGURES_SUFFIX)


class Snapshot:
    """A published generation, open for reading. Not for use by several threads at once."""

    def __init__(
        self,
        generation: Generation,
        connection: duckdb.DuckDBPyConnection,
        open_figures: Callable[[], Figures],
    ) -> None:
        self.generation = generation
        self._connection = connection
        self._open_figures = open_figures
        self._readers: list[pa.RecordBatchReader] = []
        self._described: dict[Hashable, Mapping[str, str]] = {}
        self._parsed: dict[str, Any] = {}

    @property
    def figures(self) -> Figures:
        """The generation's figures, opened once.

        Raises:
            WarehouseError: it was published without them, or they cannot be read.
        """
        return self._open_figures()

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query with `$name` parameters bound."""
        try:
            return self._connection.execute(self._parse(sql), dict(parameters or {})).fetchall()
        except duckdb.Error as error:
            raise self._query_error(error) from error

    def types(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """DuckDB's names of the types of a query's columns.

        They are asked for once: a generation does not change, and of the parameters only the types count.
        """
        asked = (sql, *((name, type(value)) for name, value in parameters.items()))
        found = self._described.get(asked)
        if found is None:
            found = {row[0]: str(row[1]) for row in self.rows(f"DESCRIBE {sql}", parameters)}
            if len(self._described) < _MOST_QUERIES:
                self._described[asked] = found
        return found

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None, batch_rows: int = 2_048
    ) -> pa.RecordBatchReader:
        """The rows of a query as a stream of Arrow record batches; memory does not grow with the rows."""
        try:
            query = self._connection.sql(self._parse(sql), params=dict(parameters or {}))
            reader = query.to_arrow_reader(batch_rows)
        except duckdb.Error as error:
            raise self._query_error(error) from error
        self._readers.append(reader)
        return reader

    def fork(self) -> "Snapshot":
        """The same generation for another thread, at the cost of a cursor; closed before this one is."""
        other = Snapshot(self.generation, self._connection.cursor(), self._open_figures)
        other._described, other._parsed = self._described, self._parsed
        return other

    def interrupt(self) -> None:
        """End the query that runs now, if one does, by an error; may be called from any thread."""
        with suppress(duckdb.ConnectionException):  # closed meanwhile: nothing runs any more
            self._connection.interrupt()

    def close(self) -> None:
        """Close the generation, readers first: DuckDB hangs when a connection closes under an open one."""
        for reader in self._readers:
            reader.close()
        self._connection.close()

    def _parse(self, sql: str) -> Any:
        """The query as DuckDB takes it: parsed once, which is a seventh of the time of one with few rows."""
        found = self._parsed.get(sql)
        if found is None:
            statements = self._connection.extract_statements(sql)
            # Some, such as PIVOT, become several statements, which are only run together as a text.
            found = statements[0] if len(statements) == 1 else sql
            if len(self._parsed) < _MOST_QUERIES:
                self._parsed[sql] = found
        return found

    def _query_error(self, error: duckdb.Error) -> WarehouseError:
        text = f"{self.generation.path.name}: {str(error).splitlines()[0]}"
        if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
            return ModelError(f"{text}; if the models have changed since it was published, run the night")
        return WarehouseError(text)


def current_generation(folder: Path) -> Generation:
    """The generation that is served now.

    Raises:
        NoGenerationError: nothing has been published in `folder`.
        WarehouseError: the pointer to the generation is unreadable.
    """
    pointer = folder / POINTER
    try:
        record = json.loads(pointer.read_text(encoding="utf-8"))
        as_of = datetime.fromisoformat(record["data_as_of"]) if record["data_as_of"] else None
        published_at = datetime.fromisoformat(record["published_at"])
        return Generation(record["generation"], published_at, as_of, folder / record["file"])
    except FileNotFoundError:
        raise _nothing_published(folder) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"{pointer}: cannot be read ({error!r}); the nightly pipeline writes it anew"
        ) from error


def pointer_stamp(folder: Path) -> tuple[int, ...]:
    """What differs once another generation is served; costs a look at the pointer, which is not read.

    Raises:
        NoGenerationError: nothing has been published in `folder`.
        WarehouseError: the folder cannot be looked into.
    """
    try:
        stat = os.stat(f"{folder}/{POINTER}")  # in a third of the time that a Path takes
    except FileNotFoundError:
        raise _nothing_published(folder) from None
    except OSError as error:
        raise WarehouseError(f"{folder}: cannot be looked into ({error.strerror})") from error
    return (stat.st_mtime_ns, stat.st_ino, stat.st_size)


def _nothing_published(folder: Path) -> NoGenerationError:
    return NoGenerationError(f"{folder}: nothing is published here yet; run the nightly pipeline first")


@contextmanager
def open_snapshot(folder: Path, options: DatabaseOptions | None = None) -> Iterator[Snapshot]:
    """Open the served generation; the snapshot stays on it until the block ends.

    Raises:
        NoGenerationError: nothing has been published in `folder`.
        WarehouseError: the generation's file cannot be opened.
    """
    with closing(open_served(folder, lambda served: open_generation(served, options))) as snapshot:
        yield snapshot


def open_generation(generation: Generation, options: DatabaseOptions | None) -> Snapshot:
    """Open the files of a generation for reading.

    Raises:
        WarehouseError: it cannot be opened.
    """
    # Pruning removes the database first: where that is still there, the figures were too.
    figures = hold_figures(generation)
    return Snapshot(generation, connect(generation.path, read_only=True, options=options), figures)


def open_served(folder: Path, open_one: Callable[[Generation], Opened]) -> Opened:
    """Open what belongs to the served generation; when that is pruned meanwhile, what belongs to the next.

    Raises:
        NoGenerationError: nothing has been published in `folder`.
        WarehouseError: it cannot be opened.
    """
    generation = current_generation(folder)
    for _ in range(_OPEN_ATTEMPTS):
        try:
            return open_one(generation)
        except WarehouseError:
            tried, generation = generation, current_generation(folder)
            if generation == tried:
                raise
    return open_one(generation)
