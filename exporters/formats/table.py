"""What a format is given to write: a titled table whose rows come as Arrow record batches."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

import pyarrow as pa

Kind = Literal["text", "integer", "decimal", "money", "date", "timestamp", "boolean"]
"""How a column's values are shown.

`money` is an exact decimal with two places; `timestamp` is local wall-clock time of the table's zone.
"""


@dataclass(frozen=True)
class Column:
    """One column of the file: the field `name` of the batches, shown under `title`."""

    name: str
    title: str
    kind: Kind
    total: bool = False
    """Whether the sum of the column is shown below the last row, where the format has such a place."""


@dataclass(frozen=True)
class Table:
    """The file's frame: what is written around the rows."""

    title: str
    columns: tuple[Column, ...]
    details: tuple[tuple[str, str], ...]
    """Label and value pairs that say what the rows are: workshop, period, time zone, data as of."""
    created_at: datetime
    """UTC; the only instant a writer may put in the file, so that equal input gives equal bytes."""


@dataclass(frozen=True)
class Written:
    """What a writer did."""

    rows: int
    notes: tuple[str, ...] = ()
    """Everything that was left out, cut or replaced, one sentence each; empty when nothing was."""


class Writer(Protocol):
    """Writes `batches` to `out` and returns what was written.

    The batches' schemas are equal; their fields are the table's column names, in any order, and may hold
    further fields, which are not written. `out` is written forward only: never read, never sought.
    """

    def __call__(self, table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written: ...
