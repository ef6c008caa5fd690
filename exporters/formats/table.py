"""What a format is given to write: a titled table whose rows come as Arrow record batches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO, Literal, Protocol

import pyarrow as pa

Kind = Literal["text", "integer", "decimal", "money", "date", "timestamp", "boolean"]
"""How a column's values are shown.

`money` is an exact decimal with two places; `timestamp` is local wall-clock time of the table's zone.
"""

Language = Literal["nb", "sv", "da", "de", "en"]
"""Of everything in a file but the data themselves."""


@dataclass(frozen=True)
class Column:
    """One column of the file: the field `name` of the batches, shown under `title`."""

    name: str
    title: str
    kind: Kind
    total: bool = False
    """Whether the sum of the column is shown below the last row, where the format has such a place."""


@dataclass(frozen=True)
class KeyFigure:
    """One figure of the summary, shown large; None: there is no value."""

    label: str
    value: Decimal | int | None
    kind: Kind
    currency: str | None = None
    """Of a figure of kind money; None: unknown."""


@dataclass(frozen=True)
class Chart:
    """One chart of the summary: a value for each label."""

    title: str
    form: Literal["bars", "line"]
    """Bars lie, one below the other, for names; a line goes through points of time, in their order."""
    labels: tuple[str, ...]
    values: tuple[Decimal | int | None, ...]
    """None: there is no value, which is not 0."""
    value_title: str
    kind: Kind
    """Of the values."""


@dataclass(frozen=True)
class Group:
    """What rows are grouped by: the text field `name` of the batches, called `title`.

    A group's rows follow one another. Its totals are shown below its last row, where the format has such a
    place; a format without one leaves the field out, unless it is a column too.
    """

    name: str
    title: str


@dataclass(frozen=True)
class Brand:
    """Whose file it is, to the eye."""

    color: str = "#1f4e79"
    """`#rrggbb`; dark enough that white text is read on it."""
    logo: bytes | None = None
    """A PNG or JPEG image."""
    footer: str = ""


@dataclass(frozen=True)
class Table:
    """The file's frame: what is written around the rows."""

    title: str
    columns: tuple[Column, ...]
    details: tuple[tuple[str, str], ...]
    """Label and value pairs that say what the rows are: workshop, period, time zone, data as of."""
    created_at: datetime
    """UTC; the only instant a writer may put in the file, so that equal input gives equal bytes."""
    language: Language = "en"
    currency: str | None = None
    """ISO 4217 code of every column of kind money; None: unknown."""
    key_figures: tuple[KeyFigure, ...] = ()
    charts: tuple[Chart, ...] = ()
    group: Group | None = None
    brand: Brand = field(default_factory=Brand)


NoteKind = Literal[
    "not_finite",
    "cut_to_cell",
    "cut_to_width",
    "no_glyph",
    "number_as_text",
    "date_as_text",
    "characters_replaced",
]


@dataclass(frozen=True)
class Note:
    """Something that was left out, cut or replaced: what, in which column, how often."""

    column: str | None
    """Name of the column; None: in the heading or the summary."""
    what: NoteKind
    count: int


@dataclass(frozen=True)
class Written:
    """What a writer did."""

    rows: int
    filled: Mapping[str, int]
    """Per column, the values written that are not null."""
    sums: Mapping[str, Decimal | None]
    """Per column of exact numbers, their sum; None: every value is null."""
    notes: tuple[Note, ...] = ()
    """Empty when nothing was left out, cut or replaced."""


class Writer(Protocol):
    """Writes `batches` to `out` and returns what was written.

    The batches' schemas are equal; their fields are the table's column names, in any order, and may hold
    further fields, which are not written. `out` is written forward only: never read, never sought. Memory
    does not grow with the rows.
    """

    def __call__(self, table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written: ...
