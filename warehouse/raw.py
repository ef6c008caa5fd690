"""Raw tables: the newest landed row of each key of a source entity, as the staging models read them.

A raw table is `raw_<source>__<entity>`, with the columns as landed and `_load`, `_file`, `_row` (the record's
number among the readable ones of its file). Where an entity keeps vanished rows, `_vanished` is the UTC
instant since which its file has a row no more. The table `sources` tells each source's zone and currency.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC

import duckdb

from warehouse.database import quote_name, quote_text
from warehouse.file_formats import quote_pattern, watermark_instant
from warehouse.landing import Landing, Part
from warehouse.load_report import replace_report
from warehouse.sources import Source, SourceEntity


def raw_table(source: str, entity: str) -> str:
    """Name of the raw table of a source entity."""
    return f"raw_{source}__{entity}"


def create_sources(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> None:
    """Create `sources`, one row per active source, and `time_zones`, the names that instants convert with."""
    connection.execute(
        "CREATE OR REPLACE TABLE sources"
        " (source VARCHAR, position BIGINT, time_zone VARCHAR, currency VARCHAR, service_time VARCHAR)"
    )
    for position, (name, source) in enumerate(sources.items()):
        connection.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?, ?)",
            [name, position, source.time_zone, source.currency, source.service_time],
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
    replaced = landing.replaced_parts(name, entity) if declared.keep_vanished else []
    table = quote_name(raw_table(name, entity))
    landed = _landed_rows(parts, declared)
    every = _landed_rows([*replaced, *parts], declared)
    connection.execute("BEGIN")
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {_newest_rows(every, declared)}")
    loaded = _count(connection, table, "_vanished IS NULL" if declared.keep_vanished else "true")
    replace_report(
        connection,
        source=name,
        entity=entity,
        stage="source",
        rows_in=None,
        loaded=loaded,
        duplicate=_count(connection, landed, f"NOT {_unreadable_watermark(declared)}") - loaded,
        quarantine=_quarantined_rows(landing, name, entity, declared, landed),
    )
    connection.execute("COMMIT")
    return loaded


def _landed_rows(parts: Sequence[Part], entity: SourceEntity) -> str:
    if not parts:
        columns = ", ".join(f"NULL::VARCHAR AS {quote_name(column)}" for column in entity.columns)
        nothing = "NULL::BIGINT AS _load, NULL::VARCHAR AS _file, NULL::BIGINT AS _row"
        vanished = ", NULL::TIMESTAMP AS _vanished" if entity.keep_vanished else ""
        return f"(SELECT {columns}, {nothing}{vanished} WHERE false)"
    origins = ", ".join(_origin(part) for part in parts)
    vanished = ", origin.replaced_at AS _vanished" if entity.keep_vanished else ""
    # Without hive_partitioning a folder named a=b would make, or replace, a column.
    return f"""(
        SELECT landed.* EXCLUDE (filename, file_row_number),
               origin.load AS _load, origin.file AS _file, file_row_number + 1 AS _row{vanished}
        FROM read_parquet([{", ".join(quote_pattern(part.path) for part in parts)}], union_by_name = true,
                          filename = true, file_row_number = true, hive_partitioning = false) AS landed
        JOIN (VALUES {origins}) AS origin (path, load, file, replaced_at)
          ON landed.filename = origin.path)"""


def _origin(part: Part) -> str:
    instant = part.replaced_at.astimezone(UTC).replace(tzinfo=None) if part.replaced_at else None
    replaced_at = quote_text(instant.isoformat(" ")) if instant else "NULL"
    return f"({quote_text(str(part.path))}, {part.load}, {quote_text(part.file)}, {replaced_at}::TIMESTAMP)"


def _newest_rows(landed: str, entity: SourceEntity) -> str:
    # Of rows that are equally new the file's name decides, not when it was landed: a landing made anew from
    # the same files gives the same rows.
    key = ", ".join(quote_name(column) for column in entity.key)
    present = "_vanished DESC NULLS FIRST," if entity.keep_vanished else ""
    without_key = " OR ".join(f"{quote_name(column)} IS NULL" for column in entity.key)
    return f"""
        SELECT * FROM {landed}
        WHERE NOT {_unreadable_watermark(entity)}
        QUALIFY {without_key} OR row_number() OVER (
            PARTITION BY {key}
            ORDER BY {present} {watermark_instant(entity)} DESC NULLS LAST, _file DESC, _load DESC, _row DESC
        ) = 1"""


def _unreadable_watermark(entity: SourceEntity) -> str:
    """Rows of which it cannot be told whether they are newer than another of their key."""
    if entity.watermark is None:
        return "false"
    return f"({quote_name(entity.watermark)} IS NOT NULL AND {watermark_instant(entity)} IS NULL)"


def _quarantined_rows(landing: Landing, source: str, entity: str, declared: SourceEntity, landed: str) -> str:
    selects = [
        f"""SELECT NULL::VARCHAR AS key, reason, file, line AS row, content
            FROM read_parquet({quote_pattern(path)}, hive_partitioning = false)
            WHERE file IN ({", ".join(quote_text(file) for file in files)})"""
        for path, files in landing.rejected_parts(source, entity)
    ]
    key = ", ".join(f"{quote_text(column)}: landed.{quote_name(column)}" for column in declared.key)
    selects.append(
        f"""SELECT CAST(to_json({{{key}}}) AS VARCHAR) AS key, 'the watermark cannot be read' AS reason,
                   _file AS file, _row AS row, CAST(to_json(landed) AS VARCHAR) AS content
            FROM {landed} AS landed WHERE {_unreadable_watermark(declared)}"""
    )
    return " UNION ALL ".join(selects)


def _count(connection: duckdb.DuckDBPyConnection, relation: str, where: str = "true") -> int:
    row = connection.execute(f"SELECT count(*) FROM {relation} WHERE {where}").fetchone()
    return int(row[0]) if row else 0
