"""Whose landed rows are: which rows of a source an erasure is about, as SQL over its parts.

A row names its workshop itself, or goes with a row of another entity (docs/retention.md). The keys of rows
that were found are kept as digests, so that those that go with them are still told when the rows are gone.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from warehouse.database import quote_name, quote_text
from warehouse.durable_files import sync_file
from warehouse.erasures import Erasure
from warehouse.file_formats import quote_pattern
from warehouse.landing import Landing
from warehouse.present import relation
from warehouse.sources import BelongsTo, Source, SourceEntity

_SEPARATOR = "chr(31)"


class Ownership:
    """The rows of one source that an erasure is about."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        landing: Landing,
        name: str,
        source: Source,
        *,
        erasure: Erasure,
        keys: Path,
    ) -> None:
        self.connection = connection
        self._landing = landing
        self._name = name
        self._source = source
        self._erasure = erasure
        self._keys = keys
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE erased (entity VARCHAR, columns VARCHAR, digest VARCHAR)"
        )
        if keys.exists():
            connection.execute(f"INSERT INTO erased FROM read_parquet({quote_pattern(keys)})")

    def declared(self, entity: str) -> SourceEntity:
        """The entity's declaration."""
        return self._source.entities[entity]

    def rows_of(self, entity: str, path: Path) -> list[int]:
        """Numbers, from 0, of the rows of a part that the erasure is about and that are not erased yet."""
        self._find(entity, path)
        return [number for (number,) in self.connection.execute("SELECT number FROM found").fetchall()]

    def note_keys(self, entity: str, path: Path) -> bool:
        """Keep the keys of the part's rows that the erasure is about; returns whether some are new."""
        self._find(entity, path)
        before = self._count_keys()
        for columns in self._kept_columns(entity):
            which = f"{quote_text(entity)}, {quote_text(','.join(columns))}"
            self.connection.execute(
                f"INSERT INTO erased SELECT DISTINCT {which}, digest"
                f" FROM (SELECT {_digest(columns)} AS digest FROM {_rows(path)} AS landed"
                " WHERE landed.file_row_number IN (SELECT number FROM found))"
                f" WHERE digest NOT IN ({self._digests(entity, columns)})"
            )
        return self._count_keys() > before

    def write_keys(self) -> None:
        """Make the kept keys survive the process."""
        beside = self._keys.with_suffix(".writing")
        self.connection.execute(
            f"COPY erased TO {quote_text(str(beside))} (FORMAT parquet, COMPRESSION zstd)"
        )
        sync_file(beside)
        beside.replace(self._keys)
        sync_file(self._keys.parent)

    def left_deleted(self, entity: str, path: Path) -> str:
        """A query for the vanished keys in the file at `path` that are not of erased rows."""
        key = self._source.entities[entity].key
        return (
            f"SELECT * FROM read_parquet({quote_pattern(path)}, hive_partitioning = false) AS landed"
            f" WHERE {_digest(key)} NOT IN ({self._digests(entity, key)})"
        )

    def _find(self, entity: str, path: Path) -> None:
        """The table `found`: numbers of the rows, and by which value they go with another row."""
        declared = self._source.entities[entity]
        link = declared.belongs_to
        there = {row[0] for row in self.connection.execute(f"DESCRIBE FROM {_rows(path)}").fetchall()}
        tests = self._workshop_tests(declared)
        if self._erasure.kind == "customer":
            tests = self._customer_tests(entity, [column for column in declared.personal if column in there])
        value = f"CAST(landed.{quote_name(link.column)} AS VARCHAR)" if link else "NULL::VARCHAR"
        self.connection.execute("CREATE OR REPLACE TEMP TABLE found (number BIGINT, value VARCHAR)")
        if tests:
            self.connection.execute(
                f"INSERT INTO found SELECT landed.file_row_number, {value} FROM {_rows(path)} AS landed"
                f" WHERE {' AND '.join(f'coalesce({test}, false)' for test in tests)}"
            )
        if link and not self._names(declared) and self._has_found():
            self._spare_others(declared)

    def _workshop_tests(self, declared: SourceEntity) -> list[str]:
        if self._names(declared):
            return [self._names_workshop(declared)]
        return [self._goes_with_erased(declared)] if declared.belongs_to else []

    def _names(self, declared: SourceEntity) -> bool:
        """Whether each row tells by itself whose it is."""
        return bool(declared.workshop or (self._source.tenant and not declared.shared))

    def _customer_tests(self, entity: str, personal: Sequence[str]) -> list[str]:
        declared = self._source.entities[entity]
        if not personal:
            return []
        tests = ["(" + " OR ".join(f"landed.{quote_name(column)} IS NOT NULL" for column in personal) + ")"]
        if self._names(declared):
            tests.append(self._names_workshop(declared))
        if not declared.customer:
            return [*tests, self._goes_with_erased(declared)]
        name = f"CAST(landed.{quote_name(declared.customer)} AS VARCHAR)"
        known = f"{_digest(declared.key)} IN ({self._digests(entity, declared.key)})"
        named = f"{name} = {quote_text(self._erasure.customer_id or '')}"
        return [*tests, f"({named} OR ({name} IS NULL AND {known}))"]

    def _names_workshop(self, declared: SourceEntity) -> str:
        if self._source.tenant:
            return f"{quote_text(self._source.tenant.id)} = {quote_text(self._erasure.workshop_id)}"
        parts = (f"CAST(landed.{quote_name(column)} AS VARCHAR)" for column in declared.workshop)
        joined = " || ' / ' || ".join(parts)
        return f"{joined} = {quote_text(self._erasure.workshop_id)}"

    def _goes_with_erased(self, declared: SourceEntity) -> str:
        link, other = self._link(declared)
        digest = f"sha256(CAST(landed.{quote_name(link.column)} AS VARCHAR))"
        return f"{digest} IN ({self._digests(link.entity, [link.refers_to or other.key[0]])})"

    def _spare_others(self, declared: SourceEntity) -> None:
        """Take out of `found` what goes with live rows that are not the workshop's.

        A workshop's row goes with its rows only; a customer's may go with those of several workshops.
        """
        link, other = self._link(declared)
        parts = self._landing.live_parts(self._name, link.entity)
        if not parts:
            return
        ours = f"{_digest(other.key)} IN ({self._digests(link.entity, other.key)})"
        if self._erasure.kind == "customer":
            if declared.customer is None or not other.workshop:
                return
            ours = self._names_workshop(other)
        value = f"CAST(landed.{quote_name(link.refers_to or other.key[0])} AS VARCHAR)"
        every = "bool_and" if self._erasure.kind == "workshop" else "bool_or"
        self.connection.execute(
            f"DELETE FROM found WHERE value IN (SELECT {value} FROM {relation(parts)} AS landed"
            f" WHERE {value} IN (SELECT value FROM found)"
            f" GROUP BY ALL HAVING NOT {every}(coalesce({ours}, false)))"
        )

    def _link(self, declared: SourceEntity) -> tuple[BelongsTo, SourceEntity]:
        assert declared.belongs_to is not None  # noqa: S101
        return declared.belongs_to, self._source.entities[declared.belongs_to.entity]

    def _has_found(self) -> bool:
        return bool(self.connection.execute("SELECT 1 FROM found LIMIT 1").fetchall())

    def _kept_columns(self, entity: str) -> list[list[str]]:
        """Columns whose values are kept: the key, and what other entities refer to."""
        declared = self._source.entities[entity]
        links = (other.belongs_to for other in self._source.entities.values())
        referred = [
            [link.refers_to or declared.key[0]]
            for link in links
            if link is not None and link.entity == entity
        ]
        return [list(columns) for columns in dict.fromkeys(map(tuple, [declared.key, *referred]))]

    def _digests(self, entity: str, columns: Sequence[str]) -> str:
        return (
            f"SELECT digest FROM erased WHERE entity = {quote_text(entity)}"
            f" AND columns = {quote_text(','.join(columns))}"
        )

    def _count_keys(self) -> int:
        [(count,)] = self.connection.execute("SELECT count(*) FROM erased").fetchall()
        return int(count)


def _rows(path: Path) -> str:
    return f"read_parquet({quote_pattern(path)}, hive_partitioning = false)"


def _digest(columns: Sequence[str]) -> str:
    values = ", ".join(f"CAST(landed.{quote_name(column)} AS VARCHAR)" for column in columns)
    return f"sha256(concat_ws({_SEPARATOR}, {values}))"
