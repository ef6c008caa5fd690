"""Raw tables: the newest landed row of each key of a source entity, as the staging models read them.

A raw table is `raw_<source>__<entity>`, with the columns as landed and `_load`, `_file`, `_row` (the record's
number among the readable ones of its file). The table `sources` tells each source's zone and currency.
"""

from collections.abc import Mapping, Sequence

import duckdb

from warehouse.database import quote_name, quote_text
from warehouse.file_formats import watermark_day, watermark_instant
from warehouse.landing import Landing, LivePart
from warehouse.load_report import replace_report
from warehouse.sources import Source, SourceEntity


def raw_table(source: str, entity: str) -> str:
    """Name of the raw table of a source entity."""
    return f"raw_{source}__{entity}"


def create_sources(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> None:
    """Create `sources`, one row per active source, and `time_zones`, the names that instants convert with."""
    connection.execute(
        "CREATE OR REPLACE TABLE sources"
        " (source VARCHAR, time_zone VARCHAR, currency VARCHAR, service_time VARCHAR)"
    )
    for name, source in sources.items():
        connection.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?)",
            [name, source.time_zone, source.currency, source.service_time],
        )
    connection.execute("CREATE OR REPLACE TABLE time_zones AS SELECT name FROM pg_timezone_names()")


def create_raw(
    connection: duckdb.DuckDBPyConnection, landing: Landing, name: str, source: Source, entity: str
) -> int:
    """Create the raw table of a source entity from what is landed, and its row of the load report.

    An entity of which nothing was ever landed gets an empty table with its declared columns, so that the
    models stand. Returns the table's row count.
    """
    declared = source.entities[entity]
    parts = landing.live_parts(name, entity)
    table = quote_name(raw_table(name, entity))
    landed = _landed_rows(parts, declared, source.time_zone)
    connection.execute("BEGIN")
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {_newest_rows(landed, declared)}")
    loaded = _count(connection, table)
    replace_report(
        connection,
        source=name,
        entity=entity,
        stage="source",
        rows_in=None,
        loaded=loaded,
        duplicate=_count(connection, landed) - loaded,
        quarantine=_rejected_rows(landing, name, entity),
    )
    connection.execute("COMMIT")
    return loaded


def _landed_rows(parts: Sequence[LivePart], entity: SourceEntity, time_zone: str) -> str:
    if not parts:
        columns = ", ".join(f"NULL::VARCHAR AS {quote_name(column)}" for column in entity.columns)
        nothing = "NULL::BIGINT AS _load, NULL::VARCHAR AS _file, NULL::BIGINT AS _row"
        return f"(SELECT {columns}, {nothing} WHERE false)"
    by_days: dict[str, list[LivePart]] = {}
    for part in parts:
        by_days.setdefault(_kept_days(part, entity, time_zone), []).append(part)
    relations = [
        f"""SELECT landed.* EXCLUDE (filename, file_row_number),
                   origin.load AS _load, origin.file AS _file, file_row_number + 1 AS _row
            FROM read_parquet([{", ".join(quote_text(str(part.path)) for part in group)}],
                              union_by_name = true, filename = true, file_row_number = true) AS landed
            JOIN (VALUES {", ".join(_origin(part) for part in group)}) AS origin (path, load, file)
              ON landed.filename = origin.path
            {condition}"""
        for condition, group in by_days.items()
    ]
    return "(" + " UNION ALL BY NAME ".join(relations) + ")"


def _origin(part: LivePart) -> str:
    return f"({quote_text(str(part.path))}, {part.load}, {quote_text(part.file)})"


def _kept_days(part: LivePart, entity: SourceEntity, time_zone: str) -> str:
    if not part.replaced_days:
        return ""
    day = watermark_day(entity, time_zone)
    replaced = " OR ".join(
        f"{day} BETWEEN DATE '{days.first}' AND DATE '{days.last}'" for days in part.replaced_days
    )
    return f"WHERE NOT coalesce({replaced}, false)"


def _newest_rows(landed: str, entity: SourceEntity) -> str:
    key = ", ".join(quote_name(column) for column in entity.key)
    without_key = " OR ".join(f"{quote_name(column)} IS NULL" for column in entity.key)
    return f"""
        SELECT * FROM {landed}
        QUALIFY {without_key} OR row_number() OVER (
            PARTITION BY {key}
            ORDER BY {watermark_instant(entity)} DESC NULLS LAST, _load DESC, _file DESC, _row DESC
        ) = 1"""


def _rejected_rows(landing: Landing, source: str, entity: str) -> str:
    selects = [
        f"""SELECT NULL::VARCHAR AS key, reason, file, line AS row, content
            FROM read_parquet({quote_text(str(path))})
            WHERE file IN ({", ".join(quote_text(file) for file in files)})"""
        for path, files in landing.rejected_parts(source, entity)
    ]
    nothing = "SELECT NULL::VARCHAR AS key, '' AS reason, '' AS file, 0 AS row, '' AS content WHERE false"
    return " UNION ALL ".join(selects) or nothing


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0
