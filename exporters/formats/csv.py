"""CSV: RFC 4180 in UTF-8 without a byte order mark, one header row of column titles.

A null is an empty field and an empty text is `""`. Dates are `YYYY-MM-DD`, timestamps `YYYY-MM-DD HH:MM:SS`,
decimals exact with a point, booleans `true` and `false`.
"""

import io
from collections.abc import Iterable
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from exporters.formats.formulas import defuse, defuse_column
from exporters.formats.frames import Frames
from exporters.formats.table import Table, Written


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as CSV; its title, details and totals have no place there and are not written.

    Raises ValueError and TypeError as `Frames` does.
    """
    frames = Frames(table, batches)
    titles = {str(position): [defuse(column.title)] for position, column in enumerate(table.columns)}
    out.write(_encode(pl.DataFrame(titles)))
    texts = [defuse_column(column.name) for column in table.columns if column.kind == "text"]
    for frame in frames:
        out.write(_encode(frame.with_columns(texts)))
    return frames.written()


def _encode(frame: pl.DataFrame) -> bytes:
    lines = io.BytesIO()
    frame.write_csv(
        lines,
        include_header=False,
        line_terminator="\r\n",
        quote_style="necessary",
        date_format="%Y-%m-%d",
        datetime_format="%Y-%m-%d %H:%M:%S",
    )
    return lines.getvalue()
