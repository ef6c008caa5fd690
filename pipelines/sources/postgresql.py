"""Sources that are PostgreSQL databases: a table is landed whole, then its changes and its vanished keys."""

import hashlib
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from datetime import time as clock
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.postgresql_tables import (
    WATERMARK_TYPES,
    Database,
    LostConnectionError,
    Snapshot,
    Table,
)
from pipelines.sources.secrets import load_secrets
from warehouse.database import DatabaseOptions, quote_name
from warehouse.errors import LandingError, WarehouseError
from warehouse.landing import RESERVED_COLUMNS, Days, LandedFile, Landing, Verdict, VerdictStatus
from warehouse.live_keys import DUE, LiveKeys
from warehouse.sources import DatabaseSource, TableEntity

_GROUP_ROWS, _GROUP_BYTES = 100_000, 64 * 1024**2
_PAUSE = 2.0
"""Seconds before a load whose connection was lost is tried once more."""


@dataclass(frozen=True)
class _Reading:
    """What was read of a table, in a scratch folder; to be landed in one load."""

    rows: int
    part: Path
    changes: bool
    watermark: str | None = None
    deleted: int = 0
    vanished: Path | None = None


@dataclass(frozen=True)
class TableLoader:
    """One entity of a database source, and the landing it goes to."""

    landing: Landing
    name: str
    """Name of the source."""
    source: DatabaseSource
    entity: str
    secrets: Path | None
    """File of secrets: it has the database's `url`."""
    database: DatabaseOptions = field(default_factory=DatabaseOptions)
    """Limits of comparing with what is landed."""

    @property
    def declared(self) -> TableEntity:
        """The entity's declaration."""
        return self.source.entities[self.entity]

    def load(self, days: Days | None = None) -> Verdict:
        """Land what changed, or with `days` the rows of those days again.

        A fault lands nothing: what was landed before stays, and the verdict, which is kept in the landing,
        says what is wrong. A lost connection is tried once more.
        """
        try:
            try:
                status, detail = self._load(days)
            except LostConnectionError:
                time.sleep(_PAUSE)
                status, detail = self._load(days)
        except (WarehouseError, OSError, pa.ArrowException) as error:
            status, detail = "failed", f"{self.declared.table}: {error}"
        return self.landing.record_verdict(self.name, self.entity, status, detail, days)

    def _load(self, days: Days | None) -> tuple[VerdictStatus, str]:
        url = load_secrets(self.secrets, self.name).get("url")
        if not isinstance(url, str):
            raise LandingError(f'{self.secrets}: the table [{self.name}] has no url = "postgresql://…"')
        with (
            TemporaryDirectory(dir=self.landing.unfinished(self.name, self.entity)) as scratch,
            Database(url).open_snapshot() as snapshot,
        ):
            table = _select_columns(snapshot.find_table(self.declared.table), self.declared)
            reader = _Reader(self, snapshot, table, Path(scratch))
            reading = reader.read_days(days) if days else reader.read()
            return self._land(reading, table, days)

    def _land(self, reading: _Reading, table: Table, days: Days | None) -> tuple[VerdictStatus, str]:
        with reading.part.open("rb") as stream:
            fingerprint = hashlib.file_digest(stream, "sha256").hexdigest()
        if reading.changes:
            unchanged = not reading.rows and not reading.deleted
        else:
            unchanged = self._landed_last(table.name) == fingerprint
        if unchanged and days is None:
            return "unchanged", f"{table.name}: no change"
        with self.landing.write_load(self.name, self.entity, days, changes=reading.changes) as load:
            if reading.rows or not reading.changes:
                part = load.part_path()
                reading.part.replace(part)
                columns = tuple(table.schema.names)
                load.files.append(LandedFile(table.name, fingerprint, part.name, reading.rows, 0, columns))
            if reading.vanished is not None and reading.deleted:
                reading.vanished.replace(load.deleted_path)
                load.deleted = reading.deleted
            if reading.watermark is not None:
                load.watermark = f"{self.declared.watermark} {reading.watermark}"
        how = "changed" if reading.changes else "read whole"
        gone = f", {reading.deleted} keys gone" if reading.deleted else ""
        return "loaded", f"{table.name}: {reading.rows} rows {how}{gone}"

    def _landed_last(self, table: str) -> str | None:
        """Fingerprint of the table if nothing came after its last whole load."""
        loads = self.landing.loads(self.name, self.entity)
        last = next((load for load in reversed(loads) if load.files or load.deleted), None)
        if last is None or last.changes:
            return None
        return next((landed.fingerprint for landed in last.files if landed.file == table), None)

    def landed_schema(self, table: str) -> pa.Schema | None:
        """Columns of the table when it was last landed whole; None: never."""
        for load in reversed(self.landing.loads(self.name, self.entity)):
            for landed in load.files:
                if landed.file == table and not load.changes:
                    return pq.read_schema(load.folder / landed.part)
        return None

    def live_keys(self) -> LiveKeys:
        """The entity's landing, asked for its keys."""
        options = replace(self.database, spill_folder=self.landing.root / ".spill")
        return LiveKeys(self.landing, self.name, self.entity, self.declared, options)


@dataclass(frozen=True)
class _Reader:
    """Reads a table in one snapshot."""

    loader: TableLoader
    snapshot: Snapshot
    table: Table
    scratch: Path

    @property
    def _declared(self) -> TableEntity:
        return self.loader.declared

    def read(self) -> _Reading:
        """Read what changed, or all where what changed cannot be told."""
        if self._declared.watermark is None:
            return self._read_whole(None)
        known = self.loader.landing.watermark(self.loader.name, self.loader.entity) or ""
        of, _, at = known.rpartition(" ")
        # How far another column was read tells nothing of this one.
        before = at if of == self._declared.watermark else None
        # No later than now: a row dated in the future must not hide those that change until then.
        newest = f"SELECT least(max({quote_name(self._declared.watermark)}), now()) AS newest"
        [(mark, since, receded)] = self.snapshot.rows(
            "SELECT to_jsonb(newest) #>> '{}', ($1::timestamptz - make_interval(mins => $2::int))::text,"
            f" newest < $1::timestamptz FROM ({newest} FROM {self.table.sql}) AS watermark",
            before,
            self._declared.overlap,
        )
        if before is None or mark is None or receded or not self._continues():
            return self._read_whole(mark)
        return self._read_changes(since, mark) or self._read_whole(mark)

    def read_days(self, days: Days) -> _Reading:
        """Read the rows whose watermark lies on those local days of the source."""
        if self._declared.watermark is None:
            raise LandingError("has no watermark, so single days of it cannot be loaded again; load it whole")
        landed = self.loader.landed_schema(self.table.name)
        if landed is not None and not landed.equals(self.table.schema):
            raise LandingError("its columns have changed since it was read whole; load it without days first")
        zone = ZoneInfo(self.loader.source.time_zone)
        bounds = [
            self.snapshot.bind(name, datetime.combine(day, clock(), zone).isoformat())
            for name, day in (("first", days.first), ("end", days.last + timedelta(days=1)))
        ]
        watermark = quote_name(self._declared.watermark)
        where = f"{watermark} >= {bounds[0]}::timestamptz AND {watermark} < {bounds[1]}::timestamptz"
        part = self.scratch / "rows.parquet"
        return _Reading(self._write_rows(f"WHERE {where}", part), part, changes=True)

    def _continues(self) -> bool:
        """Whether changes can be told apart: the columns are those landed, and each row has a key."""
        landed = self.loader.landed_schema(self.table.name)
        if landed is None or not landed.equals(self.table.schema):
            return False
        maybe_null = [name for name in self._declared.key if not self.table.column(name).required]
        if not maybe_null:
            return True
        without = " OR ".join(f"{quote_name(name)} IS NULL" for name in maybe_null)
        [(keyless,)] = self.snapshot.rows(f"SELECT EXISTS (SELECT FROM {self.table.sql} WHERE {without})")
        return not keyless

    def _read_whole(self, mark: str | None) -> _Reading:
        part = self.scratch / "whole.parquet"
        # In the order of keys, equal content makes equal files.
        key = ", ".join(f"{self.table.sql}.{quote_name(name)}" for name in self._declared.key)
        return _Reading(self._write_rows(f"ORDER BY {key}", part), part, changes=False, watermark=mark)

    def _read_changes(self, since: str, mark: str) -> _Reading | None:
        """What changed; None: a row shows that the watermark does not tell everything."""
        watermark = quote_name(self._declared.watermark or "")
        due = f"{watermark} >= {self.snapshot.bind('since', since)}::timestamptz OR {watermark} IS NULL"
        live = self.loader.live_keys()
        deleted, vanished = 0, self.scratch / "deleted.parquet"
        if self._declared.find_deleted:
            keys = self.scratch / "keys.parquet"
            columns = [self.table.column(name) for name in self._declared.key]
            schema = pa.schema([*(column.field for column in columns), pa.field(DUE, pa.bool_())])
            values = ", ".join(f"{column.expression} AS {quote_name(column.name)}" for column in columns)
            query = f"SELECT {values}, {due} AS {DUE} FROM {self.table.sql}"
            self._write(query, schema, keys)
            compared = live.compare_keys(keys, vanished)
            if compared.unknown:
                return None
            deleted = compared.vanished
        rows, part = self.scratch / "rows.parquet", self.scratch / "new.parquet"
        self._write_rows(f"WHERE {due}", rows)
        found = live.copy_new_rows(rows, since, part)
        if found.receding:
            return None
        return _Reading(found.new, part, True, mark, deleted, vanished)

    def _write_rows(self, clauses: str, path: Path) -> int:
        values = (f"{column.expression} AS {quote_name(column.name)}" for column in self.table.columns)
        query = f"SELECT {', '.join(values)} FROM {self.table.sql} {clauses}"
        return self._write(query, self.table.schema, path)

    def _write(self, query: str, schema: pa.Schema, path: Path) -> int:
        with closing(self.snapshot.read(query, schema)) as batches:
            return _write_parquet(batches, schema, path)


def _write_parquet(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> int:
    """Write the batches with bounded memory; returns the number of rows."""
    rows = 0
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            held.append(batch)
            rows += batch.num_rows
            if sum(b.num_rows for b in held) >= _GROUP_ROWS or sum(b.nbytes for b in held) >= _GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(held, schema))
                held = []
        if held:
            writer.write_table(pa.Table.from_batches(held, schema))
    return rows


def _select_columns(table: Table, declared: TableEntity) -> Table:
    """The table with the columns to land: the declared ones and what else the user may read.

    Raises:
        LandingError: a declared column is missing, or one cannot be landed under its name.
    """
    there = {column.name: column for column in table.columns}
    missing = [name for name in declared.columns if name not in there]
    if missing:
        raise LandingError(f"lacks the column {', '.join(missing)}; it has {', '.join(there)}")
    refused = [name for name in declared.columns if not there[name].readable]
    if refused:
        raise LandingError(f"the user may not read the column {', '.join(refused)}: grant SELECT on it")
    chosen = tuple(column for column in table.columns if column.readable)
    names = [column.name.lower() for column in chosen]
    reserved = [column.name for column in chosen if column.name.lower() in RESERVED_COLUMNS]
    twice = [column.name for column in chosen if names.count(column.name.lower()) > 1]
    if reserved:
        raise LandingError(f"the column {', '.join(reserved)} has a name that the landing uses; read a view")
    if twice:
        raise LandingError(f"the columns {', '.join(twice)} differ in case alone; read a view")
    if declared.watermark and there[declared.watermark].type not in WATERMARK_TYPES:
        raise LandingError(
            f"the watermark {declared.watermark} is no timestamp or date: declare another column, or none"
        )
    return replace(table, columns=chosen)
