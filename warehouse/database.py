"""Opening DuckDB: the one place that connects, with the session settings that the SQL models rely on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.errors import WarehouseBusyError, WarehouseError

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT])(i?)B", re.IGNORECASE)
_SMALLEST, _LARGEST = 64 * 1000**2, 1000**5


@dataclass(frozen=True)
class DatabaseOptions:
    """Limits of one DuckDB connection."""

    memory_limit: str = "4GB"
    """As `check_size` takes it."""
    threads: int | None = None
    """None: as many as the machine has cores."""
    spill_folder: Path | None = None
    """Where larger-than-memory work goes; None: beside the database file."""


def connect(
    path: Path | None, *, read_only: bool = False, options: DatabaseOptions | None = None
) -> duckdb.DuckDBPyConnection:
    """Open the database file at `path`, or one in memory when it is None.

    Sessions run in UTC, so that a text without a zone is an instant in UTC.

    Raises:
        WarehouseBusyError: another process holds the file for writing.
        WarehouseError: the file is missing, unreadable or not a DuckDB file, or an option cannot be taken.
    """
    options = options or DatabaseOptions()
    try:
        connection = duckdb.connect(str(path) if path else ":memory:", read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise WarehouseBusyError(
                f"{path}: another process is writing to this file; wait for it to end and try again"
            ) from error
        raise WarehouseError(f"{path}: cannot be opened: {error}") from error
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: cannot be opened: {error}") from error
    try:
        _apply(options, connection)
        if not read_only:
            spill = options.spill_folder or (path.with_suffix(".spill") if path else None)
            if spill is not None:
                connection.execute(f"SET temp_directory = {quote_text(str(spill))}")
    except (duckdb.Error, ValueError) as error:
        connection.close()
        reason = str(error).partition("\n")[0]
        raise WarehouseError(f"{path}: cannot be opened with these options: {reason}") from error
    return connection


def check_size(size: str) -> str:
    """The size, if DuckDB can work within it: a number and a unit, from 64MB to 1000TB.

    Raises:
        ValueError: it is not.
    """
    match = _SIZE.fullmatch(size)
    if match:
        base = 1024 if match[3] else 1000
        bytes_ = float(match[1]) * base ** ("KMGT".index(match[2].upper()) + 1)
        if _SMALLEST <= bytes_ <= _LARGEST:
            return size
    raise ValueError("the memory limit must be a size such as 4GB or 512MB, from 64MB to 1000TB")


def insert_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    parameters: Mapping[str, object] | None = None,
) -> int:
    """Insert the rows of a query, and nothing at all when there are none; returns how many they are.

    Where one transaction inserts into a table more than once, this is the way: DuckDB 2.0.0 loses rows of a
    large insert that follows one of no rows, or a CREATE TABLE AS of none, in the same transaction.
    """
    rows = _collect(connection, query, parameters)
    if rows:
        connection.execute(f"INSERT INTO {table} FROM incoming")
    return rows


def add_rows(connection: duckdb.DuckDBPyConnection, schema: str, name: str, query: str) -> None:
    """Insert the rows of a query as `insert_rows` does; the table is created when it is not there."""
    if _collect(connection, query, None):
        table = f"{quote_name(schema)}.{quote_name(name)}"
        if find_tables(connection, schema, name):
            connection.execute(f"INSERT INTO {table} FROM incoming")
        else:
            connection.execute(f"CREATE TABLE {table} AS FROM incoming")


def find_tables(connection: duckdb.DuckDBPyConnection, schema: str, pattern: str) -> list[str]:
    """Names of the tables of a schema that match a pattern, in which `*` stands for any text."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = $schema AND table_name GLOB $pattern ORDER BY table_name",
        {"schema": schema, "pattern": pattern},
    ).fetchall()
    return [name for (name,) in rows]


def _collect(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | None
) -> int:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS {query}", dict(parameters or {}))
    [(rows,)] = connection.execute("SELECT count(*) FROM incoming").fetchall()
    return int(rows)


def quote_name(name: str) -> str:
    """An identifier for SQL. Names come from declared models and settings, never from data."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """A text literal, for the statements that take no bound parameter (DDL, COMMENT, table functions)."""
    return "'" + value.replace("'", "''") + "'"


def _apply(options: DatabaseOptions, connection: duckdb.DuckDBPyConnection) -> None:
    # Global, so that it holds for the cursors of the connection too.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute(f"SET memory_limit = {quote_text(check_size(options.memory_limit))}")
    if options.threads is not None:
        connection.execute(f"SET threads = {int(options.threads)}")
