"""CSV: RFC 4180 in UTF-8, one header row of column titles; what RFC 4180 leaves open is the dialect.

A null is an empty field and an empty text is `""`. Dates are `YYYY-MM-DD`, timestamps `YYYY-MM-DD HH:MM:SS`,
decimals exact, booleans `true` and `false`. The table's title, details, totals and group have no place there
and are not written.

A text never becomes a formula in a reader that knows the dialect: its first character is made safe as
`formulas` says, and a text that holds a line end, a quote or any of the three delimiters is quoted, whichever
of them the dialect uses. So it stays one cell also where a spreadsheet splits lines at several delimiters at
once, as LibreOffice does unless told otherwise. The limit: a spreadsheet that splits at another delimiter
only takes a quote in the middle of its cell as a character, and then a text such as `a;=1+1` can begin a
cell with `=`. Such is an Excel that expects semicolons and opens commas: give it the dialect of its language.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import polars as pl
import pyarrow as pa

from exporters.formats.compression import Compression, compress
from exporters.formats.formulas import defuse, defuse_column
from exporters.formats.frames import Frames
from exporters.formats.parallel import map_in_order
from exporters.formats.table import Column, Table, Written

_FRAME_ROWS = 8_192
"""Rows that one thread encodes at a time, a megabyte or two of text."""


@dataclass(frozen=True)
class Dialect:
    """How the table becomes bytes, where CSV leaves a choice."""

    delimiter: Literal[",", ";", "\t"] = ","
    byte_order_mark: bool = False
    decimal_comma: bool = False
    """In decimals and money; between commas they are quoted."""
    line_end: Literal["\r\n", "\n"] = "\r\n"
    compression: Compression | None = None


_SINGLE: Mapping[str, tuple[str, object]] = {
    "semicolon": ("delimiter", ";"),
    "tab": ("delimiter", "\t"),
    "bom": ("byte_order_mark", True),
    "decimal-comma": ("decimal_comma", True),
    "lf": ("line_end", "\n"),
    "gzip": ("compression", "gzip"),
    "zstd": ("compression", "zstd"),
}
"""By parameter, the one field of a dialect that it sets, and to what."""

_EXCEL_POINT = Dialect(byte_order_mark=True)
_EXCEL_COMMA = Dialect(delimiter=";", byte_order_mark=True, decimal_comma=True)
_EXCEL: Mapping[str, Dialect] = {
    "excel-nb": _EXCEL_COMMA,
    "excel-sv": _EXCEL_COMMA,
    "excel-da": _EXCEL_COMMA,
    "excel-de": _EXCEL_COMMA,
    "excel-en": _EXCEL_POINT,
}
"""What the Excel of a language opens by a double click; these set all fields but the compression."""


def read_dialect(parameters: Sequence[str]) -> Dialect:
    """Returns the dialect that parameters such as `semicolon` and `gzip` choose, in any order.

    Raises ValueError when there is no such parameter or two of them set the same.
    """
    fields: dict[str, Any] = {}
    set_by: dict[str, str] = {}
    for parameter in parameters:
        for field, value in _choose(parameter).items():
            other = set_by.setdefault(field, parameter)
            if field in fields:
                what = field.replace("_", " ")
                raise ValueError(
                    f"parameter {parameter!r} is given twice: leave one out."
                    if other == parameter
                    else f"parameters {other!r} and {parameter!r} both set the {what}: leave one out."
                )
            fields[field] = value
    return Dialect(**fields)


def name_parameters(dialect: Dialect) -> tuple[str, ...]:
    """Returns the parameters that choose the dialect, always in the same order."""
    return tuple(name for name, (field, value) in _SINGLE.items() if getattr(dialect, field) == value)


def _choose(parameter: str) -> dict[str, object]:
    if parameter in _EXCEL:
        fields = vars(_EXCEL[parameter])
        return {field: value for field, value in fields.items() if field != "compression"}
    if parameter not in _SINGLE:
        raise ValueError(
            f"there is no parameter {parameter!r}: choose from {', '.join((*_EXCEL, *_SINGLE))}."
        )
    field, value = _SINGLE[parameter]
    return {field: value}


def write(
    table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO, dialect: Dialect | None = None
) -> Written:
    """Writes the table as CSV in the dialect, or in commas, points, CRLF and no more when there is none.

    Raises ValueError and TypeError as `Frames` does.
    """
    dialect = dialect or Dialect()
    frames = Frames(table, batches)
    for piece in compress(_encode_all(table, frames, dialect), dialect.compression):
        out.write(piece)
    return frames.written()


def _encode_all(table: Table, frames: Frames, dialect: Dialect) -> Iterator[bytes]:
    head = {column.name: [defuse(column.title)] for column in table.columns}
    titles = [Column(column.name, column.title, "text") for column in table.columns]
    mark = b"\xef\xbb\xbf" if dialect.byte_order_mark else b""
    yield mark + _encode(pl.DataFrame(head), titles, dialect)
    parts = (part for frame in frames for part in frame.iter_slices(_FRAME_ROWS))
    yield from map_in_order(lambda part: _encode(part, table.columns, dialect), parts)


def _encode(frame: pl.DataFrame, columns: Sequence[Column], dialect: Dialect) -> bytes:
    lines = io.BytesIO()
    frame.select([column.name for column in columns]).with_columns(
        *_guard_texts(frame, [column.name for column in columns if column.kind == "text"]),
        *(_show_timestamps(frame[column.name]) for column in columns if column.kind == "timestamp"),
        *(_show_decimals(column.name, dialect) for column in columns if column.kind in {"decimal", "money"}),
    ).write_csv(
        lines,
        include_header=False,
        separator=dialect.delimiter,
        line_terminator=dialect.line_end,
        # What has to be quoted is so already.
        quote_style="never",
        date_format="%Y-%m-%d",
    )
    return lines.getvalue()


def _guard_texts(frame: pl.DataFrame, names: Sequence[str]) -> Iterator[pl.Series]:
    """Yields the columns that hold texts which cannot be written as they are, with these safe and quoted."""
    masks = frame.select(_is_special(name) for name in names)
    for name in names:
        rows = masks[name].arg_true()
        if rows.len():
            safe = defuse_column(name).str.replace_all('"', '""', literal=True)
            texts = frame[name].gather(rows).to_frame().select(pl.format('"{}"', safe)).to_series()
            yield frame[name].scatter(rows, texts)


def _is_special(name: str) -> pl.Expr:
    # Three looks take half the time of one expression that says the same.
    texts = pl.col(name).str
    return (
        texts.contains(r"(?-u)[\",;\t\r\n]") | texts.contains(r"\A[=+\-@]") | (texts.len_bytes() == 0)
    ).alias(name)


def _show_timestamps(values: pl.Series) -> pl.Series:
    # Several times as fast as polars writes them, and the same text.
    return pl.Series(values.name, values.to_arrow().cast(pa.timestamp("s")).cast(pa.string_view()))


def _show_decimals(name: str, dialect: Dialect) -> pl.Expr:
    if not dialect.decimal_comma:
        return pl.col(name)
    texts = pl.col(name).cast(pl.String).str.replace(".", ",", literal=True)
    return pl.format('"{}"', texts).alias(name) if dialect.delimiter == "," else texts
