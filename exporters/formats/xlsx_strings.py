"""The strings that a workbook keeps once, for the columns of few different texts.

Which columns those are is decided on the first rows; places in the list are given in the order of the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from exporters.formats.xlsx_text import text_elements

_FEWEST_TEXTS = 16
"""Texts of the first rows from which on it is seen whether they repeat."""

_REPEATS = 4
"""Times that a text must occur on average among the first rows for its column to be shared."""

_LIMIT_BYTES = 8_000_000
"""Most memory that the strings take; a column whose next texts go beyond it is not shared any more."""

_ENTRY_BYTES = 200
"""What an entry takes besides its text."""

_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
)


@dataclass(frozen=True)
class Encoded:
    """A chunk's column as its different texts, in the order of the rows, and each row's place among them."""

    texts: list[str]
    rows: pl.Series


@dataclass(frozen=True)
class Coded:
    """An encoded column, its texts as their places in the workbook's list."""

    codes: pl.Series
    """Of each of the column's texts, its place."""
    rows: pl.Series
    cells: pl.Series
    """Of each place, the cell that refers to it."""


class SharedStrings:
    """The list of strings, filled while the rows pass in their order."""

    def __init__(self, sample: pl.DataFrame, make_cells: Callable[[list[str], int], pl.Series]) -> None:
        """`make_cells` returns the cells that refer to texts which follow one another from a place on."""
        self._make_cells = make_cells
        self._codes: dict[str, int] = {}
        self._cells = pl.Series(dtype=pl.String)
        self._bytes = 0
        self._columns = {
            values.name for values in sample if values.dtype == pl.String and _repeats(values.drop_nulls())
        }

    def encode(self, frame: pl.DataFrame) -> dict[str, Encoded]:
        """Returns the columns that may be shared. It may be called by several threads at once."""
        return {name: _encode(frame[name]) for name in tuple(self._columns)}

    def place(self, encoded: dict[str, Encoded]) -> dict[str, Coded]:
        """Returns the columns that are shared, their texts placed in the list. Call it in the rows' order."""
        return {
            name: self._coded(column)
            for name, column in sorted(encoded.items())
            if name in self._columns and self._add(name, column)
        }

    def _coded(self, column: Encoded) -> Coded:
        codes = pl.Series([self._codes[text] for text in column.texts], dtype=pl.UInt32)
        return Coded(codes, column.rows, self._cells)

    def _add(self, name: str, column: Encoded) -> bool:
        """Adds the texts that are new; returns whether there was room. Without it the column is given up."""
        new = [text for text in column.texts if text not in self._codes]
        if not new:
            return True
        size = sum(_ENTRY_BYTES + 2 * len(text.encode()) for text in new)
        if self._bytes + size > _LIMIT_BYTES:
            self._columns.discard(name)
            return False
        self._bytes += size
        # A new series, because chunks under way still hold the old one.
        self._cells = pl.concat([self._cells, self._make_cells(new, len(self._codes))])
        for text in new:
            self._codes[text] = len(self._codes)
        return True

    def part(self) -> bytes:
        """Returns the list as the part of a workbook."""
        elements = text_elements(pl.Series("text", list(self._codes), dtype=pl.String))
        items = ("<si>" + elements + "</si>").to_arrow()
        content = b"".join(items[i].as_buffer().to_pybytes() for i in range(len(items)))
        return b"".join((_HEAD, content, b"</sst>"))


def _encode(values: pl.Series) -> Encoded:
    encoded = values.to_arrow().dictionary_encode()
    return Encoded(encoded.dictionary.to_pylist(), pl.Series(encoded.indices))


def _repeats(texts: pl.Series) -> bool:
    return texts.len() >= _FEWEST_TEXTS and texts.n_unique() * _REPEATS <= texts.len()
