"""Parquet: the values in their exact types, for those who compute with them.

Fields are called by the columns' names, which queries can rely on; titles are translated and stand in the
metadata: of each field, and of the file with the table's title, details, language, currency and time of
creation. Texts are as they are in the data: a Parquet file is read by programs, which take nothing for a
formula, and an apostrophe before a text would be a wrong value there.
"""

import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from exporters.formats.frames import Frames
from exporters.formats.table import Column, Kind, Table, Written

ROW_GROUP_ROWS = 122_880
"""Rows that are written, and by readers skipped or read in parallel, as one."""

_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.float64(),
    "money": pa.decimal128(38, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}
"""By kind, the type in the file where the rows' own type asks for no other."""


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the columns, in their order; a group that is no column is not written.

    Whole numbers are of 64 bits, or decimals without places where the rows' own type is wider. Decimals and
    money keep the precision of the rows. Raises ValueError and TypeError as `Frames` does.
    """
    batches = iter(batches)
    first = next(batches, None)
    frames = Frames(table, batches if first is None else chain([first], batches))
    source = pa.schema([]) if first is None else first.schema
    schema = pa.schema([_field(column, source) for column in table.columns], _metadata(table))
    stream = _Forward(out)
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        try:
            for rows in _cut(frames):
                writer.write_table(_as_arrow(rows, schema), ROW_GROUP_ROWS)
        except BaseException:
            stream.is_cut = True
            raise
    return frames.written()


def _cut(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yields the same rows in frames of one height, the last of what is left."""
    held: list[pl.DataFrame] = []
    room = ROW_GROUP_ROWS
    for frame in frames:
        start = 0
        while start < frame.height:
            held.append(frame.slice(start, room))
            start += held[-1].height
            room -= held[-1].height
            if not room:
                yield pl.concat(held)
                held, room = [], ROW_GROUP_ROWS
    if held:
        yield pl.concat(held)


def _as_arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    columns = [
        values.cast(pl.Decimal(38, 0)) if values.dtype == pl.Int128 else values
        for values in (frame[name] for name in schema.names)
    ]
    rows = pl.DataFrame(columns).to_arrow(compat_level=pl.CompatLevel.oldest())
    # In one piece, because the pages of the file end where pieces end.
    return rows.cast(schema).combine_chunks()


def _field(column: Column, source: pa.Schema) -> pa.Field:
    position = source.get_field_index(column.name)
    given = source.types[position] if position >= 0 else pa.null()
    return pa.field(column.name, _type(column.kind, given), metadata={"title": column.title})


def _type(kind: Kind, given: pa.DataType) -> pa.DataType:
    """Returns the type that the values which `Frames` makes of the given type have in the file."""
    is_decimal = pa.types.is_decimal(given)
    wide = pa.decimal128(38, 0)
    match kind:
        case "integer" if is_decimal or pa.types.is_uint64(given):
            return wide
        case "decimal" if is_decimal:
            return pa.decimal128(given.precision, given.scale)
        case "decimal" if pa.types.is_integer(given):
            return wide
        case "money" if is_decimal and given.scale == 2:
            return pa.decimal128(given.precision, 2)
        case "timestamp" if pa.types.is_timestamp(given):
            return pa.timestamp("ms" if given.unit == "s" else given.unit)
        case _:
            return _TYPES[kind]


def _metadata(table: Table) -> dict[str, str]:
    said = {
        "title": table.title,
        "details": json.dumps(table.details, ensure_ascii=False),
        "columns": json.dumps({column.name: column.title for column in table.columns}, ensure_ascii=False),
        "language": table.language,
        "created_at": table.created_at.isoformat(),
    }
    return said | ({"currency": table.currency} if table.currency else {})


class _Forward(io.RawIOBase):
    """A stream that knows how much went through it, which is all that Parquet asks of its place."""

    def __init__(self, out: BinaryIO) -> None:
        self.is_cut = False
        """Whether what still comes is dropped: an error must not leave what looks like a whole file."""
        self._out = out
        self._length = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        if not self.is_cut:
            self._out.write(piece)
        self._length += len(piece)
        return len(piece)
