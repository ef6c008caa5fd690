"""Types of an entity's landed columns: a part that cannot be read together with the others is refused.

A raw table reads all parts of an entity at once, and each column gets a type that holds the values of all.
Where there is none, such as for a list in one part and a number in another, neither the entity nor any model
that needs it could be built; so such an input is not landed.
"""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.database import DatabaseOptions, connect, quote_name
from warehouse.errors import LandingError
from warehouse.file_formats import quote_pattern


class ColumnTypes:
    """The columns of an entity's parts and the types that they have in them."""

    def __init__(self, parts: Iterable[Path], options: DatabaseOptions | None = None) -> None:
        self._options = options
        self._parts: dict[str, dict[pa.DataType, list[Path]]] = {}
        for part in parts:
            self._note(part, pq.read_schema(part))

    def add(self, part: Path, file: str) -> tuple[str, ...]:
        """Take in a part that was written of the input `file`; returns the names of its columns.

        Raises:
            LandingError: a column has a type that cannot be read together with that of other parts.
        """
        schema = pq.read_schema(part)
        for column in schema:
            others = self._others(column)
            if others:
                self._try_together(column, [*others, part], file)
        self._note(part, schema)
        return tuple(schema.names)

    def _note(self, part: Path, schema: pa.Schema) -> None:
        for column in schema:
            if not pa.types.is_null(column.type):
                self._types(column).setdefault(column.type, []).append(part)

    def _types(self, column: pa.Field) -> dict[pa.DataType, list[Path]]:
        # Upper and lower case make no difference to DuckDB.
        return self._parts.setdefault(column.name.lower(), {})

    def _others(self, column: pa.Field) -> list[Path]:
        """Parts in which the column has another type: all when its type is new, else one of each type."""
        types = self._types(column)
        if pa.types.is_null(column.type):
            return []
        most = 1 if column.type in types else None
        return [part for type_, parts in types.items() if type_ != column.type for part in parts[:most]]

    def _try_together(self, column: pa.Field, parts: Iterable[Path], file: str) -> None:
        paths = ", ".join(quote_pattern(part) for part in parts)
        connection = connect(None, options=self._options)
        try:
            # Whether text can be read as the other type depends on the text, so every value is converted.
            connection.execute(
                f"SELECT max(hash({quote_name(column.name)}))"
                f" FROM read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
            ).fetchall()
        except duckdb.Error as error:
            before = ", ".join(str(type_) for type_ in self._types(column) if type_ != column.type)
            raise LandingError(
                f"{file}: the column {column.name} is now {column.type} and was {before}, which cannot be"
                " read together; deliver it as it was, or declare such files as an entity of their own"
            ) from error
        finally:
            connection.close()
