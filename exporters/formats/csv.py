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
from threading import Lock
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
        # Polars' streaming engine reads, shows and writes at once, in its own threads, a few frames ahead.
        with _Ends(frames, lines) as ends:
            source = register_io_source(lambda *_: ends.rows(), schema=frames.sample(1).schema)
            source.select(_show(column, dialect) for column in table.columns).sink_csv(
                cast(IO[bytes], ends),
                include_header=False,
                separator=dialect.delimiter,
                line_terminator=dialect.line_end,
                # What has to be quoted is so already.
                quote_style="never",
                date_format="%Y-%m-%d",
                datetime_format="%Y-%m-%d %H:%M:%S",
            )
    return frames.written()


class _Ends(io.RawIOBase):
    """The two ends of the engine: the rows it reads, and the lines it writes to, which it must not close.

    Its threads may outlive its call when that ends by an error or by Ctrl-C. So the block ends only when
    neither end is in use, and none is touched from then on. An error of the lines ends the reading too, and
    is raised as it was: the engine would read on to the last row, and make an OSError of it.
    """

    def __init__(self, frames: Frames, lines: Writable) -> None:
        self._frames = frames
        self._lines = lines
        self._reading, self._writing = Lock(), Lock()
        self._error: BaseException | None = None

    def rows(self) -> Iterator[pl.DataFrame]:
        """Yields the rows in parts."""
        frames = iter(self._frames)
        while (frame := self._next(frames)) is not None:
            yield from frame.iter_slices(_PART_ROWS)

    def write(self, data: Any) -> int:
        with self._writing:
            if self._error is not None:
                raise self._error
            try:
                self._lines.write(data)
            except BaseException as error:
                self._error = error
                raise
        return len(data)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        first = self._error = self._error or error
        with self._reading, self._writing:
            pass
        if first is not error:
            raise first from None

    def _next(self, frames: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
        with self._reading:
            if self._error is not None:
                raise self._error
            return next(frames, None)


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
