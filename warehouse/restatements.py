"""Restatements: which figures moved between two generations, by workshop and day, with old and new value.

A step that rewrites rows of a mart with restated figures keeps them as they were, once per row since the last
publishing (`pipeline.before_<mart>`). Publishing compares them with what is there then.
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
    key = ", ".join(header.key)
    columns = ", ".join((*header.key, *header.restated))
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
            moves = _find_moves(connection, mart, header)
            moved += insert_rows(
                connection,
                RESTATEMENTS,
                "SELECT $generation AS generation, $previous AS previous, $now::TIMESTAMP AS at, *"
                f" FROM ({moves})"
                " ORDER BY workshop_id, day, figure",
                {"generation": generation, "previous": previous, "now": instant},
            )
        forget_before(connection, mart)
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


def _before(mart: str) -> str:
    return f"pipeline.{quote_name(f'before_{mart}')}"


def _is_there(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    return bool(find_tables(connection, "pipeline", f"before_{mart}"))
