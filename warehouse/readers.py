"""The models that read a model: what of it their rows depend on, and telling them what changed."""

from collections.abc import Mapping

import duckdb

from warehouse.database import quote_name
from warehouse.front_matter import mentioned_columns
from warehouse.inbox import forget_built, is_built, post_keys
from warehouse.models import MartHeader, Model, TableHeader


def find_readers(model: Model, models: Mapping[str, Model]) -> list[Model]:
    """The models whose queries read the model."""
    return [other for other in models.values() if model.name in other.reads]


def watched_columns(model: Model, reader: Model) -> list[str]:
    """Columns of the model that a reader's rows depend on, and its key, by which no two rows are equal."""
    header = model.header
    key = header.key if isinstance(header, TableHeader) else []
    read = mentioned_columns(reader.sql, model.name, header.columns)
    return list(dict.fromkeys([*key, *read, *(_posted_columns(model, reader) or [])]))


def post_changes(connection: duckdb.DuckDBPyConnection, model: Model, models: Mapping[str, Model]) -> None:
    """Tell the readers of a model which rows of the tables `before` and `after` differ in what they read."""
    for reader in find_readers(model, models):
        if not is_built(connection, reader.name):
            continue
        watched = ", ".join(quote_name(column) for column in watched_columns(model, reader))
        differing = (
            f"((SELECT {watched} FROM before EXCEPT SELECT {watched} FROM after)"
            f" UNION ALL (SELECT {watched} FROM after EXCEPT SELECT {watched} FROM before))"
        )
        columns = _posted_columns(model, reader)
        if columns is not None:
            post_keys(connection, model.name, reader.name, columns, differing)
        elif connection.execute(f"SELECT 1 FROM {differing} LIMIT 1").fetchall():
            forget_built(connection, [reader.name])


def _posted_columns(model: Model, reader: Model) -> list[str] | None:
    """Columns of the model that tell which rows of a reader a changed row touches; None: it cannot follow."""
    header = reader.header
    if isinstance(header, MartHeader) and header.of == model.name:
        return header.slice
    return header.lookups.get(model.name) if isinstance(header, TableHeader) else None
