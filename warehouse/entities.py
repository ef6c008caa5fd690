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
    header = _header(entity)
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
        f"CREATE OR REPLACE VIEW {quote_name('typed_' + entity.name)} AS"
        f" SELECT {source} AS source, {', '.join(typed)}, {misfit} AS misfit, {file} AS _file, {row} AS _row,"
        f" {content} AS _staged {origin}"
    )


def build_entity(connection: duckdb.DuckDBPyConnection, entity: Model, staging: Sequence[Model]) -> None:
    """Build the entity's table, its quarantined rows and its rows of the load report, in one transaction."""
    header = _header(entity)
    key = ", ".join(header.key)
    newest = ", ".join(f"{column} DESC NULLS LAST" for column in (*header.newest, "_file", "_row"))
    connection.execute("BEGIN")
    create_typed(connection, entity, staging)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT * EXCLUDE (_staged, misfit, reason), coalesce(misfit, reason) AS reason,
               CASE WHEN coalesce(misfit, reason) IS NOT NULL THEN to_json(_staged) END AS content
        FROM ({entity.sql})
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE {quote_name(entity.name)} AS
        SELECT {", ".join(quote_name(column) for column in header.columns)} FROM judged
        WHERE reason IS NULL
        QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {newest}) = 1
        ORDER BY {", ".join(header.sort)}
        """
    )
    for model in staging:
        _report(connection, entity, model)
    connection.execute("DROP TABLE judged")
    connection.execute("COMMIT")


def _report(connection: duckdb.DuckDBPyConnection, entity: Model, staging: Model) -> None:
    counts = connection.execute(
        f"""
        SELECT (SELECT count(*) FROM {quote_name(staging.name)}),
               (SELECT count(*) FROM {quote_name(entity.name)} WHERE source = $source),
               (SELECT count(*) FROM judged WHERE source = $source AND reason IS NULL)
        """,
        {"source": staging.source},
    ).fetchone()
    rows_in, loaded, fit = counts or (0, 0, 0)
    key = ", ".join(f"{quote_text(column)}: {column}" for column in _header(entity).key if column != "source")
    replace_report(
        connection,
        source=staging.source,
        entity=entity.name,
        stage="entity",
        rows_in=rows_in,
        loaded=loaded,
        duplicate=fit - loaded,
        quarantine=f"""
            SELECT to_json({{{key}}}) AS key, reason, _file AS file, _row AS row, content FROM judged
            WHERE source = {quote_text(staging.source)} AND reason IS NOT NULL""",
    )


def _header(entity: Model) -> EntityHeader:
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
