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
from typing import IO, Any, BinaryIO, Literal, cast

import polars as pl
import pyarrow as pa
from polars.io.plugins import register_io_source

from exporters.formats.compression import Compression, Writable, compressing
from exporters.formats.formulas import FORMULA, defuse_column
from exporters.formats.frames import Frames
from exporters.formats.table import Column, Table, Written

_PART_ROWS = 4_096
"""Rows that the engine is given at a time: it holds a hundred such parts or so."""


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
    with compressing(out, dialect.compression) as lines:
        lines.write(_encode_titles(table, dialect))
        target = _Target(lines)
        try:
            _write_rows(table, frames, target, dialect)
        except Exception:
            if target.error:  # of which the engine keeps the message alone
                raise target.error from None
            raise
    return frames.written()


def _write_rows(table: Table, frames: Frames, target: "_Target", dialect: Dialect) -> None:
    # Polars' streaming engine reads, shows and writes at once, in its own threads, a few frames ahead.
    rows = register_io_source(lambda *_: _cut(frames), schema=frames.sample(1).schema)
    rows.select(_show(column, dialect) for column in table.columns).sink_csv(
        cast(IO[bytes], target),
        include_header=False,
        separator=dialect.delimiter,
        line_terminator=dialect.line_end,
        # What has to be quoted is so already.
        quote_style="never",
        date_format="%Y-%m-%d",
        datetime_format="%Y-%m-%d %H:%M:%S",
    )


def _cut(frames: Frames) -> Iterator[pl.DataFrame]:
    for frame in frames:
        yield from frame.iter_slices(_PART_ROWS)


class _Target(io.RawIOBase):
    """What the engine writes to; it must not close it."""

    def __init__(self, lines: Writable) -> None:
        self.error: Exception | None = None
        """Of a write that failed."""
        self._lines = lines

    def write(self, data: Any) -> int:
        try:
            self._lines.write(data)
        except Exception as error:
            self.error = error
            raise
        return len(data)


def _encode_titles(table: Table, dialect: Dialect) -> bytes:
    titles = pl.Series("titles", [column.title for column in table.columns], pl.String)
    quoted = titles.to_frame().select(_quote("titles")).to_series()
    mark = "\ufeff" if dialect.byte_order_mark else ""
    return f"{mark}{dialect.delimiter.join(quoted)}{dialect.line_end}".encode()


def _show(column: Column, dialect: Dialect) -> pl.Expr:
    if column.kind == "text":
        return _quote(column.name)
    if column.kind not in {"decimal", "money"} or not dialect.decimal_comma:
        return pl.col(column.name)
    number = pl.col(column.name).cast(pl.String).str.replace(".", ",", literal=True)
    return pl.format('"{}"', number).alias(column.name) if dialect.delimiter == "," else number


def _quote(name: str) -> pl.Expr:
    """Gives the texts as they are written: safe, and quoted where they must be."""
    text = pl.col(name)
    safe = defuse_column(name)
    quoted = pl.lit('"') + safe.str.replace_all('"', '""', literal=True) + pl.lit('"')
    # Three looks take half the time of one expression that says the same.
    is_special = (
        text.str.contains(r"(?-u)[\",;\t\r\n]") | text.str.contains(FORMULA) | (text.str.len_bytes() == 0)
    )
    return pl.when(is_special).then(quoted).otherwise(text).alias(name)
