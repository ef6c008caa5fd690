"""The strings that a workbook keeps once, for the columns of few different texts.

They are those of the first rows; a text that is first met later stays in its cells.
"""

import polars as pl

from exporters.formats.xlsx.text import TEXT_LIMIT, text_elements

_FEWEST_TEXTS = 16
"""Texts of the first rows from which on it is seen whether they repeat."""

_REPEATS = 4
"""Times that a text must occur on average among the first rows for its column to be shared."""

_LIMIT_BYTES = 8_000_000
"""Most bytes of the texts; a column that would go beyond is not shared."""

_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
)


class SharedStrings:
    """The list of strings, made of a table's first rows. Several threads may read it at once."""

    def __init__(self, sample: pl.DataFrame) -> None:
        self.places: dict[str, int] = {}
        """Of each text in the list."""
        self.columns: set[str] = set()
        """Names of the columns whose texts are in the list."""
        size = 0
        for values in sample:
            texts = values.drop_nulls()
            if texts.dtype != pl.String or not _repeats(texts):
                continue
            different = texts.unique(maintain_order=True)
            lengths = different.str.len_bytes().to_list()
            size += sum(lengths)
            # A long text is cut where it occurs.
            if size > _LIMIT_BYTES or max(lengths) > TEXT_LIMIT:
                continue
            self.columns.add(values.name)
            for text in different:
                self.places.setdefault(text, len(self.places))

    def part(self) -> bytes:
        """Returns the list as the part of a workbook."""
        elements = text_elements(pl.Series("text", list(self.places), dtype=pl.String))
        items = ("<si>" + elements + "</si>").to_list()
        return _HEAD + "".join(items).encode() + b"</sst>"


def _repeats(texts: pl.Series) -> bool:
    return texts.len() >= _FEWEST_TEXTS and texts.n_unique() * _REPEATS <= texts.len()
