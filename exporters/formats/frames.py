"""Frames: a table's record batches as checked data frames, counted and summed as they pass.

What a value of each kind may be, and what it becomes, is said here once for all formats.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import cast

import polars as pl
import pyarrow as pa

from exporters.formats.table import Column, Kind, Note, NoteKind, Table, Written

_EXACT = Context(prec=100)
"""Enough digits that a sum of 38-digit decimals is never rounded."""

_TICKS_PER_DAY = {None: 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
"""By unit of time; dates are counted in days."""

_FIRST_DAY = (date(1, 1, 1) - date(1970, 1, 1)).days
_LAST_DAY = (date(9999, 12, 31) - date(1970, 1, 1)).days + 366
"""Of year 10000, in which the last evening of 9999 falls east of Greenwich."""

_SUMMED: frozenset[Kind] = frozenset({"integer", "decimal", "money"})


@dataclass(frozen=True)
class _Rule:
    """What the values of a kind may be, and what they become."""

    wanted: str
    accepts: Callable[[pl.DataType], bool]
    become: Callable[[pl.Series], pl.Series]
    when_null: pl.DataType
    """The type of a column of which nothing is known but nulls."""


def _is_whole(dtype: pl.DataType) -> bool:
    return dtype.is_integer() or (isinstance(dtype, pl.Decimal) and dtype.scale == 0)


def _as_integer(values: pl.Series) -> pl.Series:
    is_wide = isinstance(values.dtype, pl.Decimal | pl.UInt64 | pl.Int128 | pl.UInt128)
    return values.cast(pl.Int128 if is_wide else pl.Int64)


def _as_decimal(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.Decimal):
        return values
    return values.cast(pl.Decimal(38, 0) if values.dtype.is_integer() else pl.Float64)


def _as_whole_seconds(values: pl.Series) -> pl.Series:
    clock = values.dt.replace_time_zone(None) if getattr(values.dtype, "time_zone", None) else values
    # By whole numbers, since `dt.truncate` takes longer than the rest of a small file's values.
    ticks = _TICKS_PER_DAY[getattr(values.dtype, "time_unit", None)] // 86_400
    return (clock.cast(pl.Int64) // ticks * ticks).cast(clock.dtype)


def _is_money(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Decimal) and dtype.scale <= 2


_RULES: dict[Kind, _Rule] = {
    "text": _Rule(
        "text",
        lambda dtype: isinstance(dtype, pl.String | pl.Categorical | pl.Enum),
        lambda values: values if isinstance(values.dtype, pl.String) else values.cast(pl.String),
        pl.String(),
    ),
    "integer": _Rule("a whole number", _is_whole, _as_integer, pl.Int64()),
    "decimal": _Rule("a number", lambda dtype: dtype.is_numeric(), _as_decimal, pl.Float64()),
    "money": _Rule(
        "a decimal of at most two places",
        _is_money,
        lambda values: values.cast(pl.Decimal(38, 2)),
        pl.Decimal(38, 2),
    ),
    "date": _Rule("a date", lambda dtype: isinstance(dtype, pl.Date), lambda values: values, pl.Date()),
    "timestamp": _Rule(
        "a timestamp",
        lambda dtype: isinstance(dtype, pl.Datetime),
        _as_whole_seconds,
        pl.Datetime("us"),
    ),
    "boolean": _Rule(
        "a boolean", lambda dtype: isinstance(dtype, pl.Boolean), lambda values: values, pl.Boolean()
    ),
}


class TableError(ValueError):
    """A table that cannot be written, or rows without its columns."""


class ValuesError(TypeError):
    """Values that do not fit their column's kind."""


class Frames:
    """Iterates over a table's batches once, as frames that hold exactly the table's columns, in its order.

    The field of the table's group, when it is no column, is one more column of text at the end. Every frame
    has at least one row. By kind the columns are: text String; integer Int64 or Int128; decimal
    Decimal or Float64 (finite); money Decimal of two places; date Date; timestamp Datetime without a zone,
    in whole seconds; boolean Boolean. A zoned timestamp becomes the wall clock of its own zone. Arrow's null
    type is taken for every kind.

    Raises TableError, a ValueError, when the table cannot be written (no columns, a name twice, a total that
    is no sum, a creation time that is not UTC) or a batch lacks a field, and ValuesError, a TypeError, when a
    column's values do not fit its kind or are days that no calendar here knows.
    """

    def __init__(self, table: Table, batches: Iterable[pa.RecordBatch]) -> None:
        _check(table)
        self.rows = 0
        """Rows that the iteration has given."""
        self.filled = {column.name: 0 for column in table.columns}
        """By column, the values so far that are not null."""
        self.sums: dict[str, Decimal | None] = {}
        """By column of exact numbers, the sum so far; None until a value that is not null was seen."""
        self._table = table
        self._fields = list(table.columns)
        if table.group and table.group.name not in self.filled:
            self._fields.append(Column(table.group.name, table.group.title, "text"))
        self._unread = iter(batches)
        self._ahead: deque[pl.DataFrame] = deque()
        self._notes: Counter[tuple[str | None, NoteKind]] = Counter()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        while self._ahead or self._read():
            frame = self._ahead.popleft()
            self.rows += frame.height
            self._count(frame)
            yield frame

    def sample(self, rows: int) -> pl.DataFrame:
        """Returns the first rows, at most so many, as one frame; the iteration still begins with them.

        What is decided on a sample does not depend on how the rows were cut into batches.
        """
        while sum(frame.height for frame in self._ahead) < rows and self._read():
            pass
        if not self._ahead:
            return pl.DataFrame(schema={c.name: _RULES[c.kind].when_null for c in self._fields})
        return pl.concat(self._ahead).head(rows)

    def note(self, column: Column | None, what: NoteKind, count: int) -> None:
        """Remembers that `what` befell the column, or without one the heading, `count` times."""
        if count:
            self._notes[(column.name if column else None, what)] += count

    def notes(self) -> tuple[Note, ...]:
        """The notes so far, in the order of their first occurrence."""
        return tuple(Note(column, what, count) for (column, what), count in self._notes.items())

    def totals(self) -> dict[str, Decimal | None]:
        """The sums so far of the columns that have a total, by name."""
        return {column.name: self.sums.get(column.name) for column in self._table.columns if column.total}

    def written(self) -> Written:
        """What is said of the file when all frames are written."""
        return Written(rows=self.rows, filled=self.filled, sums=self.sums, notes=self.notes())

    def _read(self) -> bool:
        """Reads ahead by one frame; returns whether there was one."""
        for batch in self._unread:
            if batch.num_rows:
                self._ahead.append(pl.DataFrame([self._column(c, batch) for c in self._fields]))
                return True
        return False

    def _column(self, column: Column, batch: pa.RecordBatch) -> pl.Series:
        position = batch.schema.get_field_index(column.name)
        if position < 0:
            raise TableError(
                f"Column {column.name!r} is not, or not once, among the fields of the rows "
                f"{batch.schema.names}: name it in the report's query."
            )
        return self._convert(column, pl.Series(column.name, batch.column(position)))

    def _convert(self, column: Column, values: pl.Series) -> pl.Series:
        rule = _RULES[column.kind]
        if isinstance(values.dtype, pl.Null):
            return values.cast(rule.when_null)
        if not rule.accepts(values.dtype):
            raise ValuesError(
                f"Column {column.name!r} is of kind {column.kind} and needs {rule.wanted}, "
                f"but its values are {values.dtype}: cast it in the report's query."
            )
        if values.dtype.is_temporal():
            _check_days(column, values)
        if not values.dtype.is_float():
            return rule.become(values)
        if column.total:
            raise ValuesError(
                f"Column {column.name!r} has a total, which must be exact, "
                f"but its values are {values.dtype}: cast it to a decimal in the report's query."
            )
        is_finite = values.is_finite().fill_null(True)
        self.note(
            column,
            "not_finite",
            is_finite.len() - int(is_finite.sum() or 0),
        )
        return rule.become(values.set(~is_finite, None))

    def _count(self, frame: pl.DataFrame) -> None:
        for column in self._table.columns:
            values = frame[column.name]
            filled = values.len() - values.null_count()
            self.filled[column.name] += filled
            if column.kind not in _SUMMED or values.dtype.is_float():
                continue
            total = self.sums.setdefault(column.name, None)
            if filled:
                # In 128 bits, because a sum in the column's own width wraps around silently.
                wide = values.cast(pl.Int128) if values.dtype.is_integer() else values
                self.sums[column.name] = _EXACT.add(total or Decimal(0), Decimal(wide.sum()))


def _check_days(column: Column, values: pl.Series) -> None:
    """Infinite days of a database are numbers beyond every calendar, which would be written as such."""
    ticks, per_day = values.cast(pl.Int64), _TICKS_PER_DAY[getattr(values.dtype, "time_unit", None)]
    first, last = cast(int | None, ticks.min()), cast(int | None, ticks.max())
    if first is not None and last is not None:
        first, last = first // per_day, last // per_day
    if first is not None and last is not None and (first < _FIRST_DAY or last > _LAST_DAY):
        raise ValuesError(
            f"Column {column.name!r} holds a day before year 1 or after year 10000, or an infinite one: "
            "leave it out in the report's query."
        )


def _check(table: Table) -> None:
    if not table.columns:
        raise TableError(f"Table {table.title!r} has no columns: give it at least one.")
    twice = [name for name, count in Counter(c.name for c in table.columns).items() if count > 1]
    if twice:
        raise TableError(f"Table {table.title!r} names columns {twice} more than once: name each once.")
    for column in table.columns:
        if not re.fullmatch(r"\w[\w .-]*", column.name):
            raise TableError(f"Column {column.name!r} cannot be written: name it in letters and digits.")
        if column.total and column.kind not in _SUMMED:
            raise TableError(
                f"Column {column.name!r} is of kind {column.kind} and has no sum: drop its total."
            )
    if table.created_at.utcoffset() != timedelta(0):
        raise TableError(f"Table {table.title!r} was created at {table.created_at}: give that time in UTC.")
