"""Turning one input file (CSV, NDJSON, Parquet) into a landed Parquet part, setting unreadable records aside.

Rows are landed as they came: CSV and NDJSON values as text, Parquet values in their own types. Nothing is
converted here, so nothing can be lost in a conversion.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import duckdb

from warehouse.database import connect, quote_name, quote_text
from warehouse.errors import LandingError
from warehouse.landing import Days
from warehouse.sources import FileFormat, SourceEntity

_NO_CHARACTER = "'\\x01'"
"""A delimiter that a line of text never holds: the CSV reader then yields whole lines."""


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

    def __init__(self, entity: SourceEntity, time_zone: str, days: Days | None) -> None:
        if days is not None and entity.watermark is None:
            raise LandingError("has no watermark, so single days of it cannot be loaded again; load it whole")
        self._entity = entity
        self._connection = connect(None)
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
        readers: dict[FileFormat, Callable[[Path, str], str]] = {
            "csv": self._read_csv,
            "ndjson": self._read_ndjson,
            "parquet": self._read_parquet,
        }
        before = self._count_rejected()
        try:
            relation = readers[self._entity.format](path, file)
            self._connection.execute(
                f"COPY (SELECT * FROM {relation} {self._where}) TO {quote_text(str(part))}"
                " (FORMAT parquet, COMPRESSION zstd)"
            )
            self._set_faults_aside(file)
            landed = self._connection.execute(
                f"SELECT count(*) FROM read_parquet({quote_text(str(part))})"
            ).fetchone()
        except duckdb.Error as error:
            raise LandingError(f"{file}: cannot be landed: {error}") from error
        return (landed[0] if landed else 0), self._count_rejected() - before

    def write_rejected(self, path: Path) -> None:
        """Write the records set aside so far, when there are any."""
        if self._count_rejected():
            self._connection.execute(f"COPY rejected TO {quote_text(str(path))} (FORMAT parquet)")

    def close(self) -> None:
        """Free what the lander holds."""
        self._connection.close()

    def _count_rejected(self) -> int:
        row = self._connection.execute("SELECT count(*) FROM rejected").fetchone()
        return int(row[0]) if row else 0

    def _read_csv(self, path: Path, file: str) -> str:
        columns = _csv_header(path, file, self._entity.delimiter)
        newline = r"'\r\n'" if _has_windows_lines(path) else r"'\n'"
        self._require_columns(columns, file)
        delimiter = quote_text(self._entity.delimiter)
        return self._read_records(
            path,
            columns,
            f"header = true, delim = {delimiter}, quote = '\"', escape = '\"', new_line = {newline}",
        )

    def _read_records(self, path: Path, columns: list[str], dialect: str) -> str:
        """A relation of text records; reading it leaves the unreadable ones in the table `faults`."""
        types = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in columns)
        return (
            f"read_csv({quote_text(_literal(path))}, auto_detect = false, columns = {{{types}}}, {dialect},"
            " ignore_errors = true, store_rejects = true, rejects_table = 'faults',"
            " rejects_scan = 'fault_scans', rejects_limit = 0)"
        )

    def _set_faults_aside(self, file: str) -> None:
        if self._entity.format == "parquet":
            return
        self._connection.execute(
            """
            INSERT INTO rejected
            SELECT $file, line, 'unreadable record: ' || lower(any_value(CAST(error_type AS VARCHAR))),
                   any_value(csv_line)
            FROM faults GROUP BY line ORDER BY line
            """,
            {"file": file},
        )
        self._connection.execute("DROP TABLE faults; DROP TABLE fault_scans")

    def _read_ndjson(self, path: Path, file: str) -> str:
        lines = self._read_records(
            path, ["line"], f"header = false, delim = {_NO_CHARACTER}, quote = '', escape = ''"
        )
        self._connection.execute(
            f"CREATE OR REPLACE TABLE objects AS SELECT line, row_number() OVER () AS number FROM {lines}"
        )
        readable = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
        self._connection.execute(
            f"""
            INSERT INTO rejected
            SELECT $file, number, 'unreadable record: not a JSON object', line
            FROM objects WHERE trim(line) <> '' AND NOT {readable}
            """,
            {"file": file},
        )
        names = self._connection.execute(
            f"""
            SELECT name FROM (SELECT unnest(json_keys(line)) AS name, number FROM objects WHERE {readable})
            GROUP BY name ORDER BY min(number), name
            """
        ).fetchall()
        columns = [row[0] for row in names]
        self._require_columns(columns, file)
        values = ", ".join(
            f"json_extract_string(line, {quote_text(_json_path(name))}) AS {quote_name(name)}"
            for name in columns
        )
        return f"(SELECT {values} FROM objects WHERE {readable} ORDER BY number)"

    def _read_parquet(self, path: Path, file: str) -> str:
        relation = f"read_parquet({quote_text(_literal(path))})"
        described = self._connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        self._require_columns([row[0] for row in described], file)
        return relation

    def _require_columns(self, columns: list[str], file: str) -> None:
        missing = [name for name in self._entity.columns if name not in columns]
        if missing:
            raise LandingError(
                f"{file}: lacks the column {', '.join(missing)}; it has {', '.join(columns) or 'none'}"
            )


def _csv_header(path: Path, file: str, delimiter: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            columns = next(csv.reader(stream, delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise LandingError(f"{file}: its header line is not UTF-8 text: {error}") from error
    if "" in columns:
        raise LandingError(f"{file}: its header line has a column without a name")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise LandingError(f"{file}: its header line has the column {', '.join(twice)} twice")
    return columns


def _has_windows_lines(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.readline().endswith(b"\r\n")


def _json_path(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _literal(path: Path) -> str:
    """The path with the characters that DuckDB would take for a pattern made literal."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
