"""Canonical entities: staged rows of every source made one table, unfit rows set aside, duplicates counted.

An entity's query reads `typed_<entity>`: the union of the staging models that deliver it, each column
converted to its declared type, with `misfit` telling the first value that could not be. The query adds
derived columns and `reason`, null for a good row. Rules of the data stand there, once for all sources.
"""

from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR

import duckdb

from warehouse.database import quote_name, quote_text
from warehouse.errors import ModelError
from warehouse.load_report import replace_report
from warehouse.models import ColumnHeader, EntityHeader, Model

_TEXT_SHOWN = 60
"""Characters of an unfit value that its reason quotes; the quarantine holds the whole row."""


def create_typed(connection: duckdb.DuckDBPyConnection, entity: Model, staging: Sequence[Model]) -> None:
    """Create the view `typed_<entity>` over the staging models that deliver it.

    Raises:
        ModelError: no staging model delivers a required column.
    """
    header = entity_header(entity)
    union = " UNION ALL BY NAME ".join(
        f"SELECT *, {quote_text(model.source)} AS source FROM {quote_name(model.name)}" for model in staging
    )
    staged = _staged_types(connection, union) if staging else {}
    delivered = {name: column for name, column in header.columns.items() if not column.derived}
    typed, misfits = [], []
    for name, column in delivered.items():
        if name not in staged:
            if column.required and staging:
                raise ModelError(f"{entity.name}: no staging model of it delivers the column {name!r}")
            typed.append(f"NULL::{column.type} AS {quote_name(name)}")
            continue
        typed.append(f"{_convert(name, column, staged[name])} AS {quote_name(name)}")
        misfits += _misfits(name, column, staged[name])
    if "_reason" in staged:
        misfits.insert(0, "WHEN staged._reason IS NOT NULL THEN staged._reason")
    misfit = f"CASE {' '.join(misfits)} END" if misfits else "NULL::VARCHAR"
    file, row = (
        f"staged.{column}" if column in staged else f"NULL::{type_}"
        for column, type_ in (("_file", "VARCHAR"), ("_row", "BIGINT"))
    )
    source, origin = ("staged.source", f"FROM ({union}) AS staged") if staging else ("''", "WHERE false")
    content = "staged" if staging else "NULL"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote_name('typed_' + entity.name)} AS"
        f" SELECT {source} AS source, {', '.join(typed)}, {misfit} AS misfit, {file} AS _file, {row} AS _row,"
        f" {content} AS _staged {origin}"
    )


def build_entity(connection: duckdb.DuckDBPyConnection, entity: Model, staging: Sequence[Model]) -> int:
    """Build the entity's table, its quarantined rows and its rows of the load report; returns its row count.

    Rows that break a rule and duplicates are looked for only where the counts say that there are some.
    """
    header = entity_header(entity)
    create_typed(connection, entity, staging)
    table, columns = quote_name(entity.name), ", ".join(quote_name(column) for column in header.columns)
    good = f"SELECT {columns} FROM ({entity.sql}) WHERE coalesce(misfit, reason) IS NULL"
    order = ", ".join(header.sort)
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {good} ORDER BY {order}")
    fit = _rows_by_source(connection, table)
    key = ", ".join(header.key)
    if connection.execute(f"SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1 LIMIT 1").fetchall():
        newest = ", ".join(f"{column} DESC NULLS LAST" for column in (*header.newest, "_file", "_row"))
        connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS {good}"
            f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {newest}) = 1 ORDER BY {order}"
        )
    loaded = _rows_by_source(connection, table)
    for model in staging:
        rows_in = count_rows(connection, quote_name(model.name))
        unfit = f"""
            SELECT {key_json(header)} AS key, coalesce(misfit, reason) AS reason, _file AS file, _row AS row,
                   to_json(_staged) AS content
            FROM ({entity.sql})
            WHERE source = {quote_text(model.source)} AND coalesce(misfit, reason) IS NOT NULL"""
        replace_report(
            connection,
            source=model.source,
            entity=entity.name,
            stage="entity",
            rows_in=rows_in,
            loaded=loaded.get(model.source, 0),
            duplicate=fit.get(model.source, 0) - loaded.get(model.source, 0),
            quarantine=unfit if rows_in != fit.get(model.source, 0) else f"{unfit} AND false",
        )
    return sum(loaded.values())


def key_json(header: EntityHeader) -> str:
    """SQL for a row's key as quarantine writes it: JSON without the source."""
    key = ", ".join(f"{quote_text(column)}: {column}" for column in header.key if column != "source")
    return f"CAST(to_json({{{key}}}) AS VARCHAR)"


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Row count of a table, view or bracketed query."""
    [(count,)] = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


def _rows_by_source(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    return dict(connection.execute(f"SELECT source, count(*) FROM {table} GROUP BY source").fetchall())


def entity_header(entity: Model) -> EntityHeader:
    """The entity's header."""
    if not isinstance(entity.header, EntityHeader):
        raise ModelError(f"{entity.name}: is not an entity")
    return entity.header


def _staged_types(connection: duckdb.DuckDBPyConnection, union: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {union}").fetchall()}


def _convert(name: str, column: ColumnHeader, staged_type: str) -> str:
    value = f"staged.{quote_name(name)}"
    if staged_type == column.type:
        return value
    if column.type == "TIMESTAMP":
        instant = f"TRY_CAST({value} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
        return f"CASE WHEN year({instant}) BETWEEN {MINYEAR} AND {MAXYEAR} THEN {instant} END"
    return f"TRY_CAST({value} AS {column.type})"


def _misfits(name: str, column: ColumnHeader, staged_type: str) -> list[str]:
    """WHEN branches that tell why a row's value does not fit its column."""
    value, typed = f"staged.{quote_name(name)}", _convert(name, column, staged_type)
    shown = f"'{name} ''' || left(CAST({value} AS VARCHAR), {_TEXT_SHOWN}) || ''' "
    branches = []
    if column.required:
        branches.append(f"WHEN {value} IS NULL THEN '{name} is missing'")
    if typed != value:
        branches.append(f"WHEN {value} IS NOT NULL AND ({typed}) IS NULL THEN {shown}is not {column.type}'")
    if typed != value and column.type.startswith("DECIMAL"):
        branches.append(
            f"WHEN TRY_CAST({value} AS DECIMAL(38, 10)) <> ({typed}) THEN {shown}has too many decimals'"
        )
    return branches
