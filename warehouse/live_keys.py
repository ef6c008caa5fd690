"""What of an entity is live in its landing, by key: compared with what its source holds.

A key is live when the newest of its rows and tombstones, by number of load, is a row.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from warehouse.database import DatabaseOptions, connect, quote_name, quote_text
from warehouse.errors import LandingError
from warehouse.file_formats import quote_pattern, watermark_instant
from warehouse.landing import Landing
from warehouse.present import relation
from warehouse.sources import SourceEntity

DUE = "_due"
"""Column beside the keys of a source: whether the row is being read anyway."""


@dataclass(frozen=True)
class KeyComparison:
    """How the keys in a source differ from the live ones in its landing."""

    vanished: int
    """Live in the landing and no more in the source."""
    unknown: int
    """In the source, not live in the landing, and not being read anyway."""


@dataclass(frozen=True)
class RowComparison:
    """How rows of a source differ from the live ones in its landing."""

    new: int
    """Not live in the landing as they are."""
    receding: int
    """Older by their watermark than what is landed of their key."""


@dataclass(frozen=True)
class LiveKeys:
    """The landing of one entity of which something is landed."""

    landing: Landing
    source: str
    entity: str
    declared: SourceEntity
    options: DatabaseOptions = field(default_factory=DatabaseOptions)

    def compare_keys(self, present: Path, vanished: Path) -> KeyComparison:
        """Compare with the Parquet file `present`: all keys of the source, none null, and `DUE`.

        The keys that vanished are written to `vanished`.

        Raises:
            LandingError: they cannot be compared within the limits.
        """
        key = _names(self.declared.key)
        keys = f"read_parquet({quote_pattern(present)})"
        with self._connect() as connection:
            connection.execute(f"CREATE TEMP TABLE live AS {self._live_keys()}")
            gone = f"SELECT {key} FROM live ANTI JOIN {keys} AS present USING ({key})"
            count = _copy(connection, gone, vanished)
            [(unknown,)] = connection.execute(
                f"SELECT count(*) FROM (FROM {keys} WHERE NOT {DUE}) ANTI JOIN live USING ({key})"
            ).fetchall()
        return KeyComparison(count, unknown)

    def copy_new_rows(self, rows: Path, since: str, part: Path) -> RowComparison:
        """Write to `part` the rows of the Parquet file `rows` that are not live in the landing as they are.

        `rows` has the columns as landed, and the rows whose watermark is `since` or later, or null.

        Raises:
            LandingError: they cannot be compared within the limits.
        """
        key, watermark = self.declared.key, quote_name(self.declared.watermark or "")
        new = f"read_parquet({quote_pattern(rows)})"
        landed = relation(self.landing.live_parts(self.source, self.entity))
        newest = f"{watermark_instant(self.declared)} DESC NULLS LAST, _file DESC, _load DESC, _row DESC"
        with self._connect() as connection:
            columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {new}").fetchall()]
            connection.execute(f"CREATE TEMP TABLE tombstones AS {self._tombstones()}")
            connection.execute(
                f"CREATE TEMP TABLE versions AS SELECT {_names(key)}, {watermark}, _load, _file, _row, _part"
                f" FROM {landed} SEMI JOIN {new} AS new USING ({_names(key)})"
            )
            connection.execute(
                f"CREATE TEMP TABLE live AS SELECT _part, _row FROM versions LEFT JOIN tombstones"
                f" USING ({_names(key)}) WHERE _load >= coalesce(_buried, 0)"
                f" QUALIFY row_number() OVER (PARTITION BY {_names(key)} ORDER BY {newest}) = 1"
            )
            [(receding,)] = connection.execute(
                f"SELECT count(*) FROM {new} AS new"
                f" JOIN (SELECT {_names(key)}, max({watermark}) AS _newest FROM versions GROUP BY ALL)"
                f" USING ({_names(key)}) WHERE coalesce(new.{watermark} < _newest, _newest IS NOT NULL)"
            ).fetchall()
            # An equal row has an equal watermark, so older rows need not be read.
            recent = f"{watermark} >= {quote_text(since)}::TIMESTAMPTZ OR {watermark} IS NULL"
            same = " AND ".join(
                f"new.{name} IS NOT DISTINCT FROM old.{name}" for name in map(quote_name, columns)
            )
            count = _copy(
                connection,
                f"SELECT new.* FROM {new} AS new ANTI JOIN"
                f" (FROM (FROM {landed} WHERE {recent}) SEMI JOIN live USING (_part, _row)) AS old ON {same}",
                part,
            )
        return RowComparison(count, receding)

    def _live_keys(self) -> str:
        key = _names(self.declared.key)
        given = " AND ".join(f"{quote_name(column)} IS NOT NULL" for column in self.declared.key)
        landed = relation(self.landing.live_parts(self.source, self.entity))
        return f"""
            SELECT {key} FROM (SELECT {key}, max(_load) AS _load FROM {landed} WHERE {given} GROUP BY ALL)
            LEFT JOIN ({self._tombstones()}) USING ({key}) WHERE _load >= coalesce(_buried, 0)"""

    def _tombstones(self) -> str:
        """The keys that were ever told to be gone, with the newest load that says so."""
        key = _names(self.declared.key)
        parts = self.landing.live_parts(self.source, self.entity)
        selects = [
            f"SELECT {key}, {load.number} AS _load"
            f" FROM read_parquet({quote_pattern(load.deleted_path)}, hive_partitioning = false)"
            for load in self.landing.loads(self.source, self.entity)
            if load.deleted
        ] or [f"SELECT {key}, 0 AS _load FROM {relation(parts)} LIMIT 0"]
        return f"SELECT {key}, max(_load) AS _buried FROM ({' UNION ALL '.join(selects)}) GROUP BY ALL"

    @contextmanager
    def _connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = connect(None, options=self.options)
        try:
            yield connection
        except duckdb.Error as error:
            raise LandingError(f"cannot be compared with what is landed: {error}") from error
        finally:
            connection.close()


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the rows of a query as Parquet; returns how many."""
    target = f"{quote_text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    [(count,)] = connection.execute(f"COPY ({query}) TO {target}").fetchall()
    return int(count)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(quote_name(column) for column in columns)
