"""Restatements: which figures moved between two generations, by workshop and day, with old and new value.

A step that rewrites rows of a mart with restated figures keeps them as they were, once per row since the last
publishing (`pipeline.before_<mart>`). Publishing compares them with what is there then.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb

from warehouse.database import insert_rows, quote_name, quote_text
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
    """Keep the rows of a mart that were just rewritten as they were: `changed_rows` tells which, `before` how."""
    table, key = _before(mart), ", ".join(header.key)
    figures = ", ".join(header.restated)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT {key}, {figures} FROM before LIMIT 0")
    insert_rows(
        connection,
        table,
        f"SELECT {key}, {figures} FROM (SELECT DISTINCT {key} FROM changed_rows)"
        f" LEFT JOIN before USING ({key}) ANTI JOIN {table} USING ({key})",
    )


def forget_before(connection: duckdb.DuckDBPyConnection, mart: str) -> None:
    """Forget how the rows of a mart were: there is nothing to compare them with."""
    connection.execute(f"DROP TABLE IF EXISTS {_before(mart)}")


def record_restatements(
    connection: duckdb.DuckDBPyConnection,
    models: Mapping[str, Model],
    generation: str,
    previous: str | None,
    now: datetime,
) -> int:
    """Add the figures that moved since the generation `previous` to the table; returns how many they are."""
    instant = now.replace(tzinfo=None)
    connection.execute(f"DELETE FROM {RESTATEMENTS} WHERE restated_at < $oldest", {"oldest": instant - _KEPT})
    moved = 0
    for mart, header in restating(models).items():
        if previous is not None and _is_there(connection, mart):
            for figure in header.restated:
                same = " AND ".join(f"now.{column} = old.{column}" for column in header.key)
                moved += insert_rows(
                    connection,
                    RESTATEMENTS,
                    f"""
                    SELECT $generation AS generation, $previous AS previous, $now::TIMESTAMP AS at,
                           old.workshop_id, old.day, $figure AS figure, old.{figure} AS old_value,
                           now.{figure} AS new_value
                    FROM {_before(mart)} AS old LEFT JOIN {quote_name(mart)} AS now ON {same}
                    WHERE old.{figure} IS DISTINCT FROM now.{figure}
                    ORDER BY old.workshop_id, old.day
                    """,
                    {"generation": generation, "previous": previous, "now": instant, "figure": figure},
                )
        forget_before(connection, mart)
    return moved


def _before(mart: str) -> str:
    return f"pipeline.{quote_name(f'before_{mart}')}"


def _is_there(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    return bool(
        connection.execute(
            "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'pipeline' AND database_name = current_database()"
            f" AND table_name = {quote_text(f'before_{mart}')}"
        ).fetchall()
    )
