"""Refreshing a raw table: which landed rows are present now, what changed since, and the account of it."""

import json
from collections.abc import Mapping, Sequence

import duckdb

from warehouse.database import insert_rows, quote_name, quote_text
from warehouse.file_formats import quote_pattern
from warehouse.inbox import forget_built, is_built
from warehouse.load_report import replace_report
from warehouse.present import STATE, find_present, relation, watermark_text
from warehouse.raw import RawTable, every_part, present_rows

_MOST_CHANGED = 0.2
"""Share of an entity's rows above which building it whole is faster than following the changes."""


def refresh_raw(
    connection: duckdb.DuckDBPyConnection,
    raw: RawTable,
    following: Sequence[str],
    others: Sequence[str],
    most_changed: float = _MOST_CHANGED,
) -> int:
    """Make the raw table show what is landed now, and account for it in the load report.

    What changed is posted to the entities `following`; when there is something, `others` must be built whole.
    Returns the number of rows that the source has.
    """
    which = {"source": raw.source, "entity": raw.entity}
    find_present(connection, raw.landing, raw.source, raw.entity, raw.declared)
    readers = [*following, *others]
    built = any(is_built(connection, model) for model in readers)
    if built and _lacks_parts(connection, raw, which):
        forget_built(connection, readers)
        built = False
    if built:
        _find_changes(connection, raw, which)
    connection.execute("BEGIN")
    if built:
        [(changed,)] = connection.execute("SELECT count(*) FROM changed").fetchall()
        [(present,)] = connection.execute("SELECT coalesce(sum(rows), 0) FROM new_parts").fetchall()
        if changed > present * most_changed:
            forget_built(connection, readers)
        elif changed:
            forget_built(connection, others)
            for model in following:
                if is_built(connection, model):
                    connection.execute(
                        "INSERT INTO pipeline.raw_changes"
                        " SELECT $model, $raw, part, row, since, change FROM changed",
                        {"model": model, "raw": raw.name},
                    )
    for table in STATE:
        _write_state(connection, table, which)
    if _note_shape(connection, raw, which):
        forget_built(connection, readers)
    loaded = _report(connection, raw)
    connection.execute("COMMIT")
    return loaded


def _lacks_parts(connection: duckdb.DuckDBPyConnection, raw: RawTable, which: Mapping[str, str]) -> bool:
    """Whether landed parts that were built from are gone: what was in them cannot be told any more."""
    rows = connection.execute(
        "SELECT part FROM pipeline.parts WHERE source = $source AND entity = $entity", which
    ).fetchall()
    return bool({number for (number,) in rows} - {part.number for part in every_part(raw)})


def _note_shape(connection: duckdb.DuckDBPyConnection, raw: RawTable, which: Mapping[str, str]) -> bool:
    """Keep by which types the rows are read; returns whether they are others than those built with.

    The columns' types are those of all parts together: a new part may change how the old ones read.
    """
    described = connection.execute(f"DESCRIBE {present_rows(connection, raw)}").fetchall()
    shape = json.dumps(sorted(row[:2] for row in described))
    where = "WHERE source = $source AND entity = $entity"
    before = connection.execute(f"SELECT shape FROM pipeline.read_as {where}", which).fetchall()
    connection.execute(f"DELETE FROM pipeline.read_as {where}", which)
    connection.execute(
        "INSERT INTO pipeline.read_as VALUES ($source, $entity, $watermark, $shape)",
        {**which, "watermark": watermark_text(raw.declared), "shape": shape},
    )
    return before != [(shape,)]


def _write_state(connection: duckdb.DuckDBPyConnection, table: str, which: Mapping[str, str]) -> None:
    """Make the kept state that of `new_<table>`; only what differs is written."""
    columns = ", ".join(STATE[table])
    kept = f"SELECT {columns} FROM pipeline.{table} WHERE source = $source AND entity = $entity"
    same = " AND ".join(f"kept.{column} = gone.{column}" for column in STATE[table])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE gone AS {kept} EXCEPT SELECT {columns} FROM new_{table}", which
    )
    connection.execute(
        f"DELETE FROM pipeline.{table} AS kept USING gone"
        f" WHERE kept.source = $source AND kept.entity = $entity AND {same}",
        which,
    )
    insert_rows(
        connection,
        f"pipeline.{table}",
        "SELECT $source AS source, $entity AS entity, *"
        f" FROM (SELECT {columns} FROM new_{table} EXCEPT {kept})",
        which,
    )


def _find_changes(connection: duckdb.DuckDBPyConnection, raw: RawTable, which: Mapping[str, str]) -> None:
    """The rows that came (1) and went (-1) since the state that is kept, into the table `changed`."""
    where = "WHERE source = $source AND entity = $entity"
    for table in STATE:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE old_{table} AS FROM pipeline.{table} {where}", which
        )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE changed AS
        {_difference("new", "old", 1)} UNION ALL {_difference("old", "new", -1)}
        """
    )
    if connection.execute("SELECT 1 FROM old_parts ANTI JOIN new_parts USING (part) LIMIT 1").fetchall():
        _cancel_equal(connection, raw)


def _difference(one: str, other: str, change: int) -> str:
    """Rows that are present in one state and not in the other."""
    return f"""
        SELECT part, row, NULL::TIMESTAMP AS since, {change}::TINYINT AS change FROM (
            SELECT part, unnest(range(1, rows + 1)) AS row FROM {one}_parts
            ANTI JOIN {other}_parts USING (part)
        ) ANTI JOIN {one}_absent USING (part, row)
        UNION ALL
        SELECT part, row, NULL, {change} FROM {other}_absent
        SEMI JOIN {one}_parts USING (part) SEMI JOIN {other}_parts USING (part)
        ANTI JOIN {one}_absent USING (part, row)
        UNION ALL
        SELECT part, row, since, {change} FROM (
            SELECT part, row, since FROM {one}_kept EXCEPT SELECT part, row, since FROM {other}_kept
        )"""


def _cancel_equal(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> None:
    """Drop pairs of a row that went and one that came of the same content: new files repeat most of old ones.

    Not of rows that are in quarantine, which tells where in the file they lie, or that may yet come there.
    """
    wanted = {number for (number,) in connection.execute("SELECT DISTINCT part FROM changed").fetchall()}
    if not wanted:
        return
    rows = relation([part for part in every_part(raw) if part.number in wanted])
    described = connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
    columns = [row[0] for row in described if row[0] not in ("_load", "_part", "_row")]
    key = set(raw.declared.key)
    same = " AND ".join(
        f"gone.{name} {equal} came.{name}"
        for name, equal in (
            (quote_name(column), "=" if column in key else "IS NOT DISTINCT FROM") for column in columns
        )
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE equal_pairs AS
        WITH landed AS MATERIALIZED (
            SELECT landed.*, changed.change AS _change FROM {rows} AS landed
            JOIN changed ON changed.part = landed._part AND changed.row = landed._row
                 AND changed.since IS NULL
        ), pairs AS (
            SELECT gone._part AS gone_part, gone._row AS gone_row,
                   came._part AS came_part, came._row AS came_row
            FROM (FROM landed WHERE _change = -1) AS gone
            JOIN (FROM landed WHERE _change = 1) AS came ON {same}
            ANTI JOIN (
                SELECT file, row FROM quarantine WHERE source = {quote_text(raw.source)} AND stage = 'entity'
            ) AS aside ON aside.file = gone._file AND aside.row = gone._row
            ANTI JOIN (
                SELECT part, row FROM pipeline.raw_changes WHERE raw = {quote_text(raw.name)}
            ) AS waiting ON waiting.part = gone._part AND waiting.row = gone._row
        )
        SELECT gone_part AS part, gone_row AS row FROM pairs
        UNION ALL SELECT came_part, came_row FROM pairs
        """
    )
    connection.execute(
        "DELETE FROM changed USING equal_pairs AS equal"
        " WHERE changed.part = equal.part AND changed.row = equal.row AND changed.since IS NULL"
    )


def _report(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> int:
    [(landed,)] = connection.execute("SELECT coalesce(sum(rows), 0) FROM new_parts").fetchall()
    absent = dict(connection.execute("SELECT why, count(*) FROM new_absent GROUP BY why").fetchall())
    [(kept,)] = connection.execute("SELECT count(*) FROM new_kept").fetchall()
    duplicate = absent.get("older", 0)
    vanished = max(kept, absent.get("deleted", 0))
    loaded = int(landed) - sum(absent.values())
    replace_report(
        connection,
        source=raw.source,
        entity=raw.entity,
        stage="source",
        rows_in=None,
        loaded=loaded,
        duplicate=duplicate,
        vanished=vanished,
        quarantine=_quarantined_rows(connection, raw),
    )
    return loaded


def _quarantined_rows(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> str:
    selects = [
        f"""SELECT NULL::VARCHAR AS key, reason, file, line AS row, content
            FROM read_parquet({quote_pattern(path)}, hive_partitioning = false)
            WHERE file IN ({", ".join(quote_text(file) for file in files)})"""
        for path, files in raw.landing.rejected_parts(raw.source, raw.entity)
    ]
    unreadable = connection.execute(
        "SELECT DISTINCT part FROM new_absent WHERE why = 'unreadable'"
    ).fetchall()
    wanted = {number for (number,) in unreadable}
    parts = [part for part in every_part(raw) if part.number in wanted]
    if parts:
        key = ", ".join(f"{quote_text(column)}: landed.{quote_name(column)}" for column in raw.declared.key)
        selects.append(
            f"""SELECT CAST(to_json({{{key}}}) AS VARCHAR) AS key, 'the watermark cannot be read' AS reason,
                       _file AS file, _row AS row, CAST(to_json(landed) AS VARCHAR) AS content
                FROM {relation(parts)} AS landed
                SEMI JOIN (SELECT part, row FROM new_absent WHERE why = 'unreadable') AS absent
                ON absent.part = landed._part AND absent.row = landed._row"""
        )
    nothing = "NULL::VARCHAR AS key, NULL::VARCHAR AS reason, NULL::VARCHAR AS file, NULL::BIGINT AS row"
    selects.append(f"SELECT {nothing}, NULL::VARCHAR AS content WHERE false")
    return " UNION ALL ".join(selects)
