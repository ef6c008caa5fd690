"""Restatements: which figures moved between two generations, by workshop and day, with old and new value.

A step that rewrites rows of a mart with restated figures keeps them as the served generation has them
(`pipeline.before_<mart>`). Publishing compares them with what is there then; when it fails, they stay for the
next one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb

from warehouse.database import add_rows, find_tables, insert_rows, quote_name
from warehouse.models import MartHeader, Model

RESTATEMENTS = "restatements"
_KEPT = timedelta(days=30)
"""How long a restatement stays in the table."""


def restating(models: Mapping[str, Model]) -> dict[str, MartHeader]:
    """The marts whose figures are restated."""
    return {
        name: model.header
        for name, model in models.items()
        if isinstance(model.header, MartHeader) and model.header.restated
    }


def keep_before(connection: duckdb.DuckDBPyConnection, mart: str, header: MartHeader) -> None:
    """Keep the rows of a mart that are rewritten as they were: tables `before` and `after` tell which."""
    _forget_others(connection, mart, header)
    key = ", ".join(header.key)
    columns = ", ".join(header.columns)
    unseen = f"ANTI JOIN {_before(mart)} USING ({key})" if _is_there(connection, mart) else ""
    add_rows(
        connection,
        "pipeline",
        f"before_{mart}",
        f"""
        SELECT {columns} FROM (
            SELECT {key} FROM (SELECT {columns} FROM before EXCEPT SELECT {columns} FROM after)
            UNION SELECT {key} FROM (SELECT {columns} FROM after EXCEPT SELECT {columns} FROM before)
        ) LEFT JOIN before USING ({key}) {unseen}
        """,
    )


def forget_before(connection: duckdb.DuckDBPyConnection, mart: str) -> None:
    """Forget how the rows of a mart were: there is nothing to compare them with."""
    connection.execute(f"DROP TABLE IF EXISTS {_before(mart)}")


def begin_comparing(connection: duckdb.DuckDBPyConnection, served: str | None) -> None:
    """Forget how rows were before another generation than the served one."""
    connection.execute("CREATE TABLE IF NOT EXISTS pipeline.compared_with (generation VARCHAR)")
    if connection.execute("SELECT generation FROM pipeline.compared_with").fetchall() == [(served or "",)]:
        return
    connection.execute("BEGIN")
    for table in find_tables(connection, "pipeline", "before_*"):
        connection.execute(f"DROP TABLE pipeline.{quote_name(table)}")
    connection.execute(
        "CREATE OR REPLACE TABLE pipeline.compared_with AS SELECT $served AS generation",
        {"served": served or ""},
    )
    connection.execute("COMMIT")


def record_restatements(
    connection: duckdb.DuckDBPyConnection,
    models: Mapping[str, Model],
    generation: str,
    previous: str | None,
    now: datetime,
) -> int:
    """Add the figures that moved since the generation `previous` to the table; returns how many they are."""
    instant = now.replace(tzinfo=None)
    # Rows of a newer generation than the served one are of a publishing that failed; where it cannot be told
    # which one is served, none is taken for such.
    connection.execute(
        f"DELETE FROM {RESTATEMENTS} WHERE restated_at < $oldest OR generation > $previous::VARCHAR",
        {"oldest": instant - _KEPT, "previous": previous},
    )
    moved = 0
    for mart, header in restating(models).items():
        _forget_others(connection, mart, header)
        if previous is not None and _is_there(connection, mart):
            moves = _find_moves(connection, mart, header)
            moved += insert_rows(
                connection,
                RESTATEMENTS,
                "SELECT $generation AS generation, $previous AS previous, $now::TIMESTAMP AS at, *"
                f" FROM ({moves})"
                " ORDER BY workshop_id, day, figure",
                {"generation": generation, "previous": previous, "now": instant},
            )
    return moved


def _find_moves(connection: duckdb.DuckDBPyConnection, mart: str, header: MartHeader) -> str:
    """A query for the figures of a mart that differ from what they were."""
    figures = ", ".join(f"old.{name} AS old_{name}, now.{name} AS new_{name}" for name in header.restated)
    same = " AND ".join(f"now.{column} = old.{column}" for column in header.key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE compared AS SELECT old.workshop_id, old.day, {figures}"
        f" FROM {_before(mart)} AS old LEFT JOIN {quote_name(mart)} AS now ON {same}"
    )
    return " UNION ALL ".join(
        f"SELECT workshop_id, day, '{name}' AS figure, CAST(old_{name} AS DECIMAL(38, 2)) AS old_value,"
        f" CAST(new_{name} AS DECIMAL(38, 2)) AS new_value"
        f" FROM compared WHERE old_{name} IS DISTINCT FROM new_{name}"
        for name in header.restated
    )


def _forget_others(connection: duckdb.DuckDBPyConnection, mart: str, header: MartHeader) -> None:
    """Forget rows that were kept with other columns: the mart has changed since."""
    if _is_there(connection, mart):
        kept = [row[0] for row in connection.execute(f"DESCRIBE {_before(mart)}").fetchall()]
        if kept != list(header.columns):
            forget_before(connection, mart)


def _before(mart: str) -> str:
    return f"pipeline.{quote_name(f'before_{mart}')}"


def _is_there(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    return bool(find_tables(connection, "pipeline", f"before_{mart}"))
