"""Generations: the published states of the warehouse, and reading the one that is served.

`<folder>/generations/<id>.duckdb` is written once and never changed; `<folder>/current.json` names the one
that is served and is replaced atomically. A reader finishes on the generation it began with.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from warehouse.database import DatabaseOptions, connect
from warehouse.errors import ModelError, NoGenerationError, WarehouseError

POINTER = "current.json"
GENERATIONS = "generations"
_OPEN_ATTEMPTS = 5


@dataclass(frozen=True)
class Generation:
    """One published state of the warehouse."""

    generation: str
    """Sorts by time of publishing."""
    published_at: datetime
    data_as_of: datetime | None
    """When the source read longest ago was read without a fault; None: one never was."""
    path: Path


class Snapshot:
    """A published generation, open for reading. Not for use by several threads at once."""

    def __init__(self, generation: Generation, connection: duckdb.DuckDBPyConnection) -> None:
        self.generation = generation
        self._connection = connection
        self._readers: list[pa.RecordBatchReader] = []

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query with `$name` parameters bound."""
        try:
            return self._connection.execute(sql, dict(parameters or {})).fetchall()
        except duckdb.Error as error:
            raise self._query_error(error) from error

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None, batch_rows: int = 2_048
    ) -> pa.RecordBatchReader:
        """The rows of a query as a stream of Arrow record batches; memory does not grow with the rows."""
        try:
            reader = self._connection.sql(sql, params=dict(parameters or {})).to_arrow_reader(batch_rows)
        except duckdb.Error as error:
            raise self._query_error(error) from error
        self._readers.append(reader)
        return reader

    def interrupt(self) -> None:
        """End the query that runs now, if one does, by an error; may be called from any thread."""
        with suppress(duckdb.ConnectionException):  # closed meanwhile: nothing runs any more
            self._connection.interrupt()

    def close(self) -> None:
        """Close the generation, readers first: DuckDB hangs when a connection closes under an open one."""
        for reader in self._readers:
            reader.close()
        self._connection.close()

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
        raise NoGenerationError(
            f"{folder}: nothing is published here yet; run the nightly pipeline first"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"{pointer}: cannot be read ({error!r}); the nightly pipeline writes it anew"
        ) from error


@contextmanager
def open_snapshot(folder: Path, options: DatabaseOptions | None = None) -> Iterator[Snapshot]:
    """Open the served generation; the snapshot stays on it until the block ends.

    Raises:
        NoGenerationError: nothing has been published in `folder`.
        WarehouseError: the generation's file cannot be opened.
    """
    connection, generation = _open_current(folder, options)
    with closing(Snapshot(generation, connection)) as snapshot:
        yield snapshot


def _open_current(
    folder: Path, options: DatabaseOptions | None
) -> tuple[duckdb.DuckDBPyConnection, Generation]:
    # A generation pruned between reading the pointer and opening its file has a newer one after it.
    for attempt in range(_OPEN_ATTEMPTS):
        generation = current_generation(folder)
        try:
            return connect(generation.path, read_only=True, options=options), generation
        except WarehouseError:
            if generation.path.exists() or attempt == _OPEN_ATTEMPTS - 1:
                raise
            time.sleep(0.05)
    raise AssertionError("unreachable")
