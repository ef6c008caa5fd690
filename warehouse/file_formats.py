"""Turning one input file (CSV, NDJSON, Parquet) into a landed Parquet part, setting unreadable records aside.

Rows are landed as they came: CSV and NDJSON values as text, Parquet values in their own types. Nothing is
converted here, so nothing can be lost in a conversion.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.database import DatabaseOptions, connect, quote_name, quote_text
from warehouse.errors import LandingError
from warehouse.landing import RESERVED_COLUMNS, Days
from warehouse.sources import FileEntity, FileFormat, SourceEntity
from warehouse.text_records import CsvRecords, NdjsonRecords, RejectedRecord


def watermark_instant(entity: SourceEntity) -> str:
    """SQL for a row's watermark as something that orders rows in time; null when it cannot be read."""
    if entity.watermark is None:
        return "NULL::TIMESTAMPTZ"
    column = f"CAST({quote_name(entity.watermark)} AS VARCHAR)"
    if entity.watermark_format:
        return f"try_strptime({column}, {quote_text(entity.watermark_format)})"
    return f"TRY_CAST({column} AS TIMESTAMPTZ)"


def watermark_day(entity: SourceEntity, time_zone: str) -> str:
    """SQL for the local day of a row's watermark."""
    instant = watermark_instant(entity)
    if entity.watermark is not None and entity.watermark_format is None:
        instant = f"({instant} AT TIME ZONE {quote_text(time_zone)})"
    return f"CAST({instant} AS DATE)"


class FileLander:
    """Lands the files of one load of one entity."""

    def __init__(
        self,
        entity: FileEntity,
        time_zone: str,
        days: Days | None,
        options: DatabaseOptions | None = None,
    ) -> None:
        if days is not None and entity.watermark is None:
            raise LandingError("has no watermark, so single days of it cannot be loaded again; load it whole")
        self._entity = entity
        self._connection = connect(None, options=options)
        self._connection.execute(
            "CREATE TABLE rejected (file VARCHAR, line BIGINT, reason VARCHAR, content VARCHAR)"
        )
        self._where = ""
        if days is not None:
            day = watermark_day(entity, time_zone)
            self._where = f"WHERE {day} BETWEEN DATE '{days.first}' AND DATE '{days.last}'"

    def land(self, path: Path, file: str, part: Path) -> tuple[int, int]:
        """Write the rows of the local file at `path`, known as `file`, to `part`.

        Returns the number of rows landed and of records set aside.

        Raises:
            LandingError: the file is empty, lacks a column, is not of its format, or cannot be written.
        """
        if path.stat().st_size == 0:
            raise LandingError(f"{file}: is empty; an export without rows still has its header line")
        landers: dict[FileFormat, Callable[[Path, str, Path], None]] = {
            "csv": self._land_csv,
            "ndjson": self._land_ndjson,
            "parquet": self._land_parquet,
        }
        before = self._count("rejected")
        try:
            landers[self._entity.format](path, file, part)
            landed = self._count(f"read_parquet({quote_pattern(part)})")
        except duckdb.Error as error:
            raise LandingError(f"{file}: cannot be landed: {error}") from error
        return landed, self._count("rejected") - before

    def write_rejected(self, path: Path) -> None:
        """Write the records set aside so far, when there are any."""
        if self._count("rejected"):
            self._connection.execute(f"COPY rejected TO {quote_text(str(path))} (FORMAT parquet)")

    def close(self) -> None:
        """Free what the lander holds."""
        self._connection.close()

    def _count(self, relation: str) -> int:
        [(count,)] = self._connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
        return int(count)

    def _land_csv(self, path: Path, file: str, part: Path) -> None:
        records = CsvRecords(path, file, self._entity.delimiter)
        self._require_columns(records.columns, file)
        self._connection.register("records", records.reader())
        self._write("records", part)
        self._set_aside(file, records.rejected)

    def _land_ndjson(self, path: Path, file: str, part: Path) -> None:
        records = NdjsonRecords(path)
        self._connection.register("records", records.reader())
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE lines AS"
            " SELECT *, CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END AS readable"
            " FROM records"
        )
        names = self._connection.execute(
            """
            SELECT name FROM (SELECT unnest(json_keys(line)) AS name, number FROM lines WHERE readable)
            GROUP BY name ORDER BY min(number), name
            """
        ).fetchall()
        columns = [row[0] for row in names]
        self._require_columns(columns, file)
        values = ", ".join(
            f"json_extract_string(line, {quote_text(_json_path(name))}) AS {quote_name(name)}"
            for name in columns
        )
        self._write(f"(SELECT {values} FROM lines WHERE readable ORDER BY number)", part)
        unreadable = self._connection.execute(
            "SELECT number, 'unreadable record: not a JSON object', line FROM lines WHERE NOT readable"
        ).fetchall()
        self._set_aside(file, sorted([*records.rejected, *(RejectedRecord(*row) for row in unreadable)]))

    def _land_parquet(self, path: Path, file: str, part: Path) -> None:
        relation = f"read_parquet({quote_pattern(path)}, hive_partitioning = false)"
        described = self._connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        self._require_columns([row[0] for row in described], file)
        # A column without a type is empty; models expect it to have one.
        typed = ", ".join(
            f"{quote_name(row[0])}::VARCHAR AS {quote_name(row[0])}"
            for row in described
            if row[1] == '"NULL"'
        )
        self._write(f"(SELECT * REPLACE ({typed}) FROM {relation})" if typed else relation, part)

    def _write(self, relation: str, part: Path) -> None:
        self._connection.execute(
            f"COPY (SELECT * FROM {relation} {self._where}) TO {quote_text(str(part))}"
            " (FORMAT parquet, COMPRESSION zstd)"
        )

    def _set_aside(self, file: str, rejected: Sequence[RejectedRecord]) -> None:
        lines, reasons, contents = zip(*rejected, strict=True) if rejected else ((), (), ())
        found = pa.table(
            {
                "line": pa.array(lines, pa.int64()),
                "reason": pa.array(reasons, pa.large_string()),
                "content": pa.array(contents, pa.large_string()),
            }
        )
        self._connection.register("found", found)
        self._connection.execute(
            "INSERT INTO rejected SELECT $file, line, reason, content FROM found", {"file": file}
        )

    def _require_columns(self, columns: list[str], file: str) -> None:
        if "" in columns:
            raise LandingError(f"{file}: has a column without a name")
        names = [name.lower() for name in columns]
        twice = sorted({name for name in columns if names.count(name.lower()) > 1})
        if twice:
            raise LandingError(
                f"{file}: has the column {', '.join(twice)} twice; upper and lower case make no difference"
            )
        reserved = [name for name in columns if name.lower() in RESERVED_COLUMNS]
        if reserved:
            raise LandingError(
                f"{file}: the column {', '.join(reserved)} has a name that the landing uses itself"
            )
        missing = [name for name in self._entity.columns if name not in columns]
        if missing:
            raise LandingError(
                f"{file}: lacks the column {', '.join(missing)}; it has {', '.join(columns) or 'none'}"
            )


def _json_path(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def quote_pattern(path: Path) -> str:
    """A path as SQL text for a function that takes patterns: letters that would be one are made literal."""
    return quote_text("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))
