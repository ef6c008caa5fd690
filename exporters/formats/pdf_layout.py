"""PDF layout: which way an A4 page lies and how wide each column is."""

from dataclasses import dataclass

import polars as pl

from exporters.formats.table import Column
from exporters.formats.typeface import Typeface

MARGIN = 12.0
"""Around the page's content, in millimetres like every length here."""

PADDING = 1.2
"""Left and right within a cell."""

_SHORT_SIDE, _LONG_SIDE = 210.0, 297.0
_WIDEST_TEXT = 60.0
"""Of a text column before the page's other columns have got their room."""

_NARROWEST_TEXT = 15.0

_ROUNDING = 0.01
"""What a text may seem wider than itself when its width has been added up in another order."""


@dataclass(frozen=True)
class Layout:
    """A page's orientation and its columns' widths."""

    is_landscape: bool
    widths: tuple[float, ...]


def lay_out(columns: tuple[Column, ...], texts: pl.DataFrame, body: Typeface, bold: Typeface) -> Layout:
    """Chooses widths in which the titles and the `texts` fit, as far as the page allows.

    When the page, lying on its side, is too narrow, the widest text columns give way first; when that is not
    enough, all columns do, in proportion.
    """
    natural = [_natural_width(column, texts, body, bold) for column in columns]
    widths = [
        min(width, _WIDEST_TEXT) if column.kind == "text" else width
        for column, width in zip(columns, natural, strict=True)
    ]
    is_landscape = sum(widths) > _SHORT_SIDE - 2 * MARGIN
    room = (_LONG_SIDE if is_landscape else _SHORT_SIDE) - 2 * MARGIN
    flexible = [position for position, column in enumerate(columns) if column.kind == "text"]
    if sum(widths) > room:
        _narrow(widths, flexible, room)
    else:
        _widen(widths, natural, room)
    scale = min(1.0, room / sum(widths))
    return Layout(is_landscape, tuple(width * scale for width in widths))


def _natural_width(column: Column, texts: pl.DataFrame, body: Typeface, bold: Typeface) -> float:
    values = texts[column.name].drop_nulls().unique().to_list()
    widest = max((body.width(body.clean(value)[0]) for value in values), default=0.0)
    if column.total:
        # A sum is bold and has more digits than its parts.
        widest += bold.width("0000")
    return max(widest, bold.width(bold.clean(column.title)[0])) + 2 * PADDING + _ROUNDING


def _narrow(widths: list[float], flexible: list[int], room: float) -> None:
    """Lowers the widest of the flexible columns, evenly, until all columns have room."""
    limit = _WIDEST_TEXT
    while sum(widths) > room and limit > _NARROWEST_TEXT:
        limit -= 1.0
        for position in flexible:
            widths[position] = min(widths[position], limit)


def _widen(widths: list[float], natural: list[float], room: float) -> None:
    """Gives the room that is left to the columns that had been held back."""
    for position, width in enumerate(natural):
        spare = room - sum(widths)
        widths[position] += max(0.0, min(spare, width - widths[position]))
