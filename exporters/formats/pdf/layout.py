"""PDF layout: which way an A4 page lies, and how wide, how large and how long each column's texts are."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exporters.formats.pdf.typeface import Typeface
from exporters.formats.table import Column, Kind

MARGIN = 34.0
"""Around the page's content, in points (1/72 inch) like every length here."""

_PADDING = 3.5
"""Left and right within a cell, and the largest share of the width that it is."""

_PADDING_SHARE = 0.15

SIZE = 8.0
"""Of the rows' type."""

LINES = 3
"""At most, of a text that is wrapped."""

SHORT_SIDE, LONG_SIDE = 595.28, 841.89
"""Of an A4 page."""

RIGHT_ALIGNED: frozenset[Kind] = frozenset({"integer", "decimal", "money"})

_WIDEST_TEXT = 170.0
"""Of a text column before the page's other columns have got their room."""

_NARROWEST_TEXT = 45.0
_SMALLEST = 5.0
"""Of the type of a column whose values are not cut, before the text columns are narrowed further."""

_MOST_ADDED = 18.0
"""To a column's width when the page has room to spare."""

_OFTEN = 0.1
"""Share of a column's texts that must be too wide for it to be wrapped."""


_LOOKED_AT = 400
"""Characters of a text that are measured: no page is as wide as the rest."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A column's place on the page."""

    column: Column
    left: float
    width: float
    size: float
    """Of the type."""
    is_wrapped: bool

    @property
    def text_left(self) -> float:
        """Where a text begins that is aligned on the left."""
        return self.left + _padding(self.width)

    @property
    def room(self) -> float:
        """What the width leaves for a text."""
        return self.width - 2 * _padding(self.width)

    @property
    def is_right(self) -> bool:
        """Whether its texts are aligned on the right."""
        return self.column.kind in RIGHT_ALIGNED


@dataclass(frozen=True)
class Layout:
    """A page's size and its columns' places."""

    page_width: float
    page_height: float
    places: tuple[Place, ...]

    @property
    def width(self) -> float:
        """Of the table."""
        return self.places[-1].left + self.places[-1].width - MARGIN


def lay_out(columns: tuple[Column, ...], texts: pl.DataFrame, body: Typeface, bold: Typeface) -> Layout:
    """Chooses places in which the titles and the sample `texts` fit, as far as the page allows.

    A page lies on its side when the columns do not fit upright. When that is not enough the widest text
    columns give way first, then the size of the other columns' type, then all columns.
    """
    measured = [_measure(texts[column.name], body) for column in columns]
    widest = [_widest_text(column, own, bold) for column, own in zip(columns, measured, strict=True)]
    natural = [
        max(text, _title_width(column.title, bold)) + 2 * _PADDING
        for column, text in zip(columns, widest, strict=True)
    ]
    is_text = [column.kind == "text" for column in columns]
    widths = [
        min(width, _WIDEST_TEXT) if flexible else width
        for width, flexible in zip(natural, is_text, strict=True)
    ]
    is_upright = sum(widths) <= SHORT_SIDE - 2 * MARGIN
    width, height = (SHORT_SIDE, LONG_SIDE) if is_upright else (LONG_SIDE, SHORT_SIDE)
    wanted = [
        max(own, bold.measure(column.title) * SIZE + 2 * _PADDING + 0.5)
        for column, own in zip(columns, natural, strict=True)
    ]
    widths = _fit(widths, wanted, is_text, width - 2 * MARGIN)
    places, left = [], MARGIN
    for column, own, text, all_ in zip(columns, widths, widest, measured, strict=True):
        room = own - 2 * _padding(own)
        size = SIZE if column.kind == "text" or text <= room else max(SIZE * room / text, 0.2)
        is_wrapped = column.kind == "text" and _is_often_wider(all_, room)
        places.append(Place(column, left, own, round(size - 0.05, 1) if size < SIZE else SIZE, is_wrapped))
        left += own
    return Layout(width, height, tuple(places))


def _padding(width: float) -> float:
    return min(_PADDING, width * _PADDING_SHARE)


def _fit(widths: list[float], most: list[float], is_text: list[bool], room: float) -> list[float]:
    limit = _WIDEST_TEXT
    while sum(widths) > room and limit > _NARROWEST_TEXT:
        limit -= 1.0
        widths = [min(w, limit) if flexible else w for w, flexible in zip(widths, is_text, strict=True)]
    if sum(widths) > room:
        fixed = sum(width for width, flexible in zip(widths, is_text, strict=True) if not flexible)
        scale = max(_SMALLEST / SIZE, min(1.0, (room - sum(widths) + fixed) / max(fixed, 1.0)))
        widths = [w if flexible else w * scale for w, flexible in zip(widths, is_text, strict=True)]
    if sum(widths) > room:
        return [width * room / sum(widths) for width in widths]
    for position, wanted in enumerate(most):
        spare = room - sum(widths)
        widths[position] += max(0.0, min(spare, wanted - widths[position]))
    added = min((room - sum(widths)) / len(widths), _MOST_ADDED)
    return [width + added for width in widths]


def _measure(texts: pl.Series, body: Typeface) -> _Floats:
    """Returns the widths of the texts that are not null."""
    return body.measure_all(text[:_LOOKED_AT] for text in texts.to_list() if text is not None) * SIZE


def _widest_text(column: Column, texts: _Floats, bold: Typeface) -> float:
    widest = float(texts.max(initial=0.0))
    # A sum is bold and has more digits than its parts.
    return widest * 1.1 + bold.measure("0 000") * SIZE if column.total else widest


def _title_width(title: str, bold: Typeface) -> float:
    """Returns the width in which a title stands on at most two lines and no word is broken."""
    words = [bold.measure(word) * SIZE for word in title.split()]
    whole = bold.measure(title) * SIZE
    return min(whole, max([*words, whole * 0.6], default=0.0)) + 0.5


def _is_often_wider(texts: _Floats, room: float) -> bool:
    return int((texts > room).sum()) > _OFTEN * len(texts)
