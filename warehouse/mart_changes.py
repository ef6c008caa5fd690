"""Building marts: whole, or only the slices that changed rows count in, which gives the same."""

from collections.abc import Mapping

import duckdb

from warehouse.database import quote_name
from warehouse.entities import count_rows
from warehouse.errors import ModelError
from warehouse.inbox import has_keys, inbox_of
from warehouse.models import MartHeader, Model


def can_follow(mart: Model) -> bool:
    """Whether the mart says which of its rows a changed row touches."""
    return isinstance(mart.header, MartHeader) and mart.header.of is not None


def prepare_mart(connection: duckdb.DuckDBPyConnection, mart: Model, database: str) -> None:
    """Build the slices anew that waiting changes touch, in temporary tables; nothing else is written.

    `before` are the touched rows as they were, `after` as they are.
    """
    header = _header(mart)
    of, table = header.of or "", quote_name(mart.name)
    stored = f"{quote_name(database)}.main.{quote_name(of)}"
    _find_slices(connection, mart.name, header, stored)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE before AS SELECT stored.* FROM {table} AS stored"
        f" SEMI JOIN slices ON {_same(header, 'stored')}"
    )
    # The query reads the changed slices only: a temporary table is found before one of the build file.
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote_name(of)} AS SELECT stored.* FROM {stored} AS stored"
        f" SEMI JOIN slices ON {_same(header, 'stored')}"
    )
    try:
        columns = ", ".join(quote_name(column) for column in header.columns)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE after AS SELECT {columns} FROM ({mart.sql})"
            f" ORDER BY {', '.join(header.sort)}"
        )
    finally:
        connection.execute(f"DROP VIEW temp.{quote_name(of)}")


def write_mart(connection: duckdb.DuckDBPyConnection, mart: Model) -> int:
    """Put the prepared slices in the place of what the mart had; returns the rows written."""
    table = quote_name(mart.name)
    connection.execute(f"DELETE FROM {table} USING slices WHERE {_same(_header(mart), table)}")
    connection.execute(f"INSERT INTO {table} FROM after")
    return count_rows(connection, "after")


def _header(mart: Model) -> MartHeader:
    if not isinstance(mart.header, MartHeader):
        raise ModelError(f"{mart.name}: is not a mart")
    return mart.header


def _find_slices(connection: duckdb.DuckDBPyConnection, name: str, header: MartHeader, stored: str) -> None:
    slice_ = ", ".join(header.slice)
    selects = [f"SELECT {slice_} FROM {stored} LIMIT 0"]
    if header.of and has_keys(connection, header.of, name):
        selects.append(f"SELECT {slice_} FROM {inbox_of(header.of, name)}")
    lookups: Mapping[str, list[str]] = header.lookups
    for table, columns in lookups.items():
        if has_keys(connection, table, name):
            selects.append(
                f"SELECT {slice_} FROM {stored} SEMI JOIN {inbox_of(table, name)}"
                f" USING ({', '.join(columns)})"
            )
    query = " UNION ALL ".join(f"({select})" for select in selects)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE slices AS SELECT DISTINCT {slice_} FROM ({query})")


def _same(header: MartHeader, table: str) -> str:
    """A slice's values are never null: they are required columns."""
    return " AND ".join(f"{table}.{column} = slices.{column}" for column in header.slice)
