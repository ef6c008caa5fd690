"""Which landed rows of a source entity are present: the newest of each key that the source still has.

A landed row is known by its part's number and its own number in the part, from 1. The schema `pipeline` of
the build file keeps, per source entity, the parts whose rows are there (`parts`), the rows of them that are
not present after all (`absent`), and rows kept although the source has them no more (`kept`). All of it is
worked out anew from the landing each time; what it was before tells what has changed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb

from warehouse.database import quote_name, quote_text
from warehouse.file_formats import quote_pattern, watermark_instant
from warehouse.landing import Landing, Part
from warehouse.sources import SourceEntity

STATE = {
    "parts": {"part": "BIGINT", "rows": "BIGINT"},
    "absent": {"part": "BIGINT", "row": "BIGINT", "why": "VARCHAR"},
    "kept": {"part": "BIGINT", "row": "BIGINT", "since": "TIMESTAMP"},
}
"""The tables of the state, with the columns that tell of a part or a row; none is ever null."""


def create_state(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they are not there yet."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS pipeline")
    for table in STATE:
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS pipeline.{table}"
            f" (source VARCHAR, entity VARCHAR, {_declared(table)})"
        )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS pipeline.read_as"
        " (source VARCHAR, entity VARCHAR, watermark VARCHAR, shape VARCHAR)"
    )


def find_present(
    connection: duckdb.DuckDBPyConnection, landing: Landing, source: str, entity: str, declared: SourceEntity
) -> None:
    """Work out the state into the temporary tables `new_parts`, `new_absent` and `new_kept`."""
    parts = landing.live_parts(source, entity)
    for table in STATE:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{table} ({_declared(table)})")
    if not parts:
        return
    for part in parts:
        connection.execute("INSERT INTO new_parts VALUES (?, ?)", [part.number, part.rows])
    _create_tombstones(connection, landing, source, entity, declared)
    _find_unreadable(connection, parts, source, entity, declared)
    _find_deleted(connection, parts, declared)
    _find_older(connection, parts, declared)
    if declared.keep_vanished:
        _find_kept(connection, [*landing.replaced_parts(source, entity), *parts], declared)


def relation(parts: Sequence[Part]) -> str:
    """A query's FROM for all rows of the parts, with `_load`, `_file`, `_part` and `_row`."""
    origins = ", ".join(
        f"({place}, {part.load}, {quote_text(part.file)}, {part.number})" for place, part in enumerate(parts)
    )
    # Without hive_partitioning a folder named a=b would make, or replace, a column.
    return f"""(
        SELECT landed.*, origin.load::BIGINT AS _load, origin.file AS _file, origin.part::BIGINT AS _part,
               landed.file_row_number + 1 AS _row
        FROM read_parquet([{", ".join(quote_pattern(part.path) for part in parts)}], union_by_name = true,
                          hive_partitioning = false) AS landed
        JOIN (VALUES {origins}) AS origin (place, load, file, part) ON landed.file_index = origin.place)"""


def _declared(table: str) -> str:
    return ", ".join(f"{column} {type_}" for column, type_ in STATE[table].items())


def key_columns(declared: SourceEntity) -> str:
    """The key's columns for a query."""
    return ", ".join(quote_name(column) for column in declared.key)


def _create_tombstones(
    connection: duckdb.DuckDBPyConnection, landing: Landing, source: str, entity: str, declared: SourceEntity
) -> None:
    """The table `tombstones`: keys that a load says are gone, with its number and time; all as text."""
    columns = ", ".join(
        f"CAST({quote_name(column)} AS VARCHAR) AS {quote_name(column)}" for column in declared.key
    )
    selects = [
        f"SELECT {columns}, {load.number}::BIGINT AS _load,"
        f" TIMESTAMP {quote_text(_utc(load.landed_at))} AS since"
        f" FROM read_parquet({quote_pattern(load.deleted_path)}, hive_partitioning = false)"
        for load in landing.loads(source, entity)
        if load.deleted
    ]
    empty = ", ".join(f"NULL::VARCHAR AS {quote_name(column)}" for column in declared.key)
    selects.append(f"SELECT {empty}, NULL::BIGINT AS _load, NULL::TIMESTAMP AS since WHERE false")
    # Of several loads that say so the last one counts.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE tombstones AS SELECT {key_columns(declared)}, max(_load) AS _load,"
        f" max(since) AS since FROM ({' UNION ALL '.join(selects)}) GROUP BY {key_columns(declared)}"
    )


def _find_unreadable(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    source: str,
    entity: str,
    declared: SourceEntity,
) -> None:
    """Rows of which it cannot be told whether they are newer than another of their key.

    Parts never change, so those that were looked at before are not looked at again.
    """
    if declared.watermark is None:
        return
    same = (
        "source = $source AND entity = $entity AND EXISTS (FROM pipeline.read_as"
        " WHERE source = $source AND entity = $entity AND watermark = $watermark)"
    )
    which = {"source": source, "entity": entity, "watermark": watermark_text(declared)}
    known = {
        row[0]
        for row in connection.execute(f"SELECT part FROM pipeline.parts WHERE {same}", which).fetchall()
    }
    connection.execute(
        f"INSERT INTO new_absent SELECT part, row, why FROM pipeline.absent WHERE {same}"
        " AND why = 'unreadable' AND part IN (SELECT part FROM new_parts)",
        which,
    )
    unseen = [part for part in parts if part.number not in known]
    if unseen:
        connection.execute(
            f"INSERT INTO new_absent SELECT _part, _row, 'unreadable' FROM {relation(unseen)}"
            f" WHERE {_unreadable(declared)}"
        )


def _find_deleted(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], declared: SourceEntity
) -> None:
    if not _has_rows(connection, "tombstones"):
        return
    connection.execute(
        f"INSERT INTO new_absent SELECT landed._part, landed._row, 'deleted' FROM {relation(parts)} AS landed"
        f" JOIN tombstones ON {_same_key(declared, 'landed', 'tombstones')}"
        " AND landed._load < tombstones._load"
        " ANTI JOIN new_absent ON new_absent.part = landed._part AND new_absent.row = landed._row"
    )


def _find_older(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], declared: SourceEntity) -> None:
    """Rows that give way to a newer one of their key.

    Of rows that are equally new the input's name decides, not when it was landed: a landing made anew from
    the same files gives the same rows.
    """
    key = key_columns(declared)
    given = " AND ".join(f"{quote_name(column)} IS NOT NULL" for column in declared.key)
    readable = f"{relation(parts)} AS landed"
    if _has_rows(connection, "new_absent"):
        readable += " ANTI JOIN new_absent ON new_absent.part = landed._part AND new_absent.row = landed._row"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shared_keys AS SELECT {key} FROM {readable} WHERE {given}"
        f" GROUP BY {key} HAVING count(*) > 1"
    )
    if not _has_rows(connection, "shared_keys"):
        return
    connection.execute(
        f"""
        INSERT INTO new_absent
        SELECT part, row, 'older' FROM (
            SELECT landed._part AS part, landed._row AS row, row_number() OVER (
                PARTITION BY {", ".join(f"landed.{quote_name(column)}" for column in declared.key)}
                ORDER BY {watermark_instant(declared)} DESC NULLS LAST, _file DESC, _load DESC, _row DESC
            ) AS place
            FROM {readable}
            SEMI JOIN shared_keys ON {_same_key(declared, "landed", "shared_keys", cast=False)}
        ) WHERE place > 1
        """
    )


def _find_kept(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], declared: SourceEntity) -> None:
    """Of keys with no present row the row that vanished last, with the instant since which it is gone."""
    replaced = [part for part in parts if part.replaced_at is not None]
    instants = ", ".join(
        f"({part.number}, TIMESTAMP {quote_text(_utc(part.replaced_at))})" for part in replaced
    )
    instants = instants or "(NULL::BIGINT, NULL::TIMESTAMP)"
    key = ", ".join(f"landed.{quote_name(column)}" for column in declared.key)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE present_keys AS
        SELECT {key} FROM {relation([part for part in parts if part.replaced_at is None])} AS landed
        ANTI JOIN new_absent ON new_absent.part = landed._part AND new_absent.row = landed._row
        """
    )
    connection.execute(
        f"""
        INSERT INTO new_kept
        SELECT part, row, since FROM (
            SELECT landed._part AS part, landed._row AS row,
                   least(replaced.since, tombstones.since) AS since,
                   row_number() OVER (
                       PARTITION BY {key} ORDER BY least(replaced.since, tombstones.since) DESC,
                       {watermark_instant(declared)} DESC NULLS LAST, _file DESC, landed._load DESC, _row DESC
                   ) AS place
            FROM {relation(parts)} AS landed
            LEFT JOIN (VALUES {instants}) AS replaced (part, since) ON replaced.part = landed._part
            LEFT JOIN tombstones ON {_same_key(declared, "landed", "tombstones")}
                 AND landed._load < tombstones._load
            ANTI JOIN present_keys ON {_same_key(declared, "landed", "present_keys", cast=False)}
            WHERE NOT {_unreadable(declared)} AND least(replaced.since, tombstones.since) IS NOT NULL
              AND {" AND ".join(f"landed.{quote_name(column)} IS NOT NULL" for column in declared.key)}
        ) WHERE place = 1
        """
    )


def watermark_text(declared: SourceEntity) -> str:
    """How the watermark is declared: what was found unreadable holds for this declaration only."""
    return f"{declared.watermark} {declared.watermark_format}"


def _unreadable(declared: SourceEntity) -> str:
    if declared.watermark is None:
        return "false"
    column = quote_name(declared.watermark)
    # An instant by its type is one: writing ten million as text to read them again would take seconds.
    typed = f"typeof({column}) LIKE 'TIMESTAMP%' OR typeof({column}) = 'DATE'"
    return f"({column} IS NOT NULL AND NOT ({typed}) AND {watermark_instant(declared)} IS NULL)"


def _same_key(declared: SourceEntity, left: str, right: str, cast: bool = True) -> str:
    """A join condition on the key; `cast` where the right side holds text."""
    return " AND ".join(
        f"CAST({left}.{quote_name(column)} AS VARCHAR) = {right}.{quote_name(column)}"
        if cast
        else f"{left}.{quote_name(column)} = {right}.{quote_name(column)}"
        for column in declared.key
    )


def _has_rows(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())


def _utc(instant: datetime | None) -> str:
    if instant is None:
        raise ValueError("there is no instant")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
