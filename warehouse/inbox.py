"""What is yet to be built: per model, whether it was ever built as it is now, and the changes waiting for it.

A step that changes a table posts what changed to the models that read it, in the transaction of the change;
a model takes its inbox in the transaction in which it is built. So a build can be cut short anywhere. Kept in
the schema `pipeline` of the build file:

- `built`: models whose table agrees with their inputs but for what waits in their inbox;
- `raw_changes`: landed rows that came (change 1) or went (-1) since an entity was built;
- `changed_<input>_for_<model>`: values of the columns that tell which rows of a model a changed row touches.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import duckdb

from warehouse.database import add_rows, find_tables, quote_name

_CREATED = (
    "CREATE TABLE IF NOT EXISTS pipeline.built (model VARCHAR, digest VARCHAR, rows BIGINT, appended BIGINT)",
    "CREATE TABLE IF NOT EXISTS pipeline.raw_changes"
    " (model VARCHAR, raw VARCHAR, part BIGINT, row BIGINT, since TIMESTAMP, change TINYINT)",
)


@dataclass(frozen=True)
class Built:
    """How a model's table came about."""

    rows: int
    """Its rows when it was built whole."""
    appended: int
    """Rows written since, which do not lie in the table's order."""


def create_inbox(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they are not there yet."""
    for statement in _CREATED:
        connection.execute(statement)


def find_built(connection: duckdb.DuckDBPyConnection, model: str, digest: str) -> Built | None:
    """How the model was built; None when it must be built whole."""
    row = connection.execute(
        "SELECT rows, appended FROM pipeline.built WHERE model = $model AND digest = $digest",
        {"model": model, "digest": digest},
    ).fetchone()
    return Built(*row) if row else None


def record_built(
    connection: duckdb.DuckDBPyConnection, model: str, digest: str, rows: int, appended: int = 0
) -> None:
    """The model is built; its inbox is emptied."""
    forget_built(connection, [model])
    connection.execute("INSERT INTO pipeline.built VALUES (?, ?, ?, ?)", [model, digest, rows, appended])


def forget_built(connection: duckdb.DuckDBPyConnection, models: Iterable[str]) -> None:
    """The models must be built whole; nothing that waits for them is needed then."""
    for model in models:
        connection.execute("DELETE FROM pipeline.built WHERE model = ?", [model])
        connection.execute("DELETE FROM pipeline.raw_changes WHERE model = ?", [model])
        for table in find_tables(connection, "pipeline", _inbox("*", model)):
            connection.execute(f"DROP TABLE pipeline.{quote_name(table)}")


def forget_unknown(connection: duckdb.DuckDBPyConnection, models: Collection[str]) -> None:
    """Forget models that are not part of the project: changes do not wait for them."""
    rows = connection.execute("SELECT model FROM pipeline.built").fetchall()
    forget_built(connection, [model for (model,) in rows if model not in models])


def is_built(connection: duckdb.DuckDBPyConnection, model: str) -> bool:
    """Whether the model was built and can take changes."""
    return bool(connection.execute("SELECT 1 FROM pipeline.built WHERE model = ?", [model]).fetchall())


def has_changes(connection: duckdb.DuckDBPyConnection, model: str) -> bool:
    """Whether anything waits for the model."""
    if connection.execute("SELECT 1 FROM pipeline.raw_changes WHERE model = ? LIMIT 1", [model]).fetchall():
        return True
    return bool(find_tables(connection, "pipeline", _inbox("*", model)))


def post_keys(
    connection: duckdb.DuckDBPyConnection, source: str, model: str, columns: Sequence[str], rows: str
) -> None:
    """Post the changed rows of the table `source` to a model that tells its own rows by `columns`.

    `rows` is a relation of the changed rows, as they were and as they are.
    """
    shown = ", ".join(quote_name(column) for column in columns)
    add_rows(connection, "pipeline", _inbox(source, model), f"SELECT DISTINCT {shown} FROM {rows}")


def has_keys(connection: duckdb.DuckDBPyConnection, source: str, model: str) -> bool:
    """Whether changed rows of `source` wait for the model."""
    return bool(find_tables(connection, "pipeline", _inbox(source, model)))


def inbox_of(source: str, model: str) -> str:
    """The table in which changed rows of `source` wait for a model; it is there while there are any."""
    return f"pipeline.{quote_name(_inbox(source, model))}"


def _inbox(source: str, model: str) -> str:
    return f"changed_{source}_for_{model}"
