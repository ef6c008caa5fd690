"""PDF groups: the headings of groups of rows, their totals and the table's."""

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from itertools import pairwise

import numpy as np
import polars as pl

from exporters.formats.display import show_value
from exporters.formats.frames import Frames
from exporters.formats.pdf.layout import SIZE, Layout
from exporters.formats.pdf.text import ROW_HEIGHT, Rows, turn_if_needed
from exporters.formats.pdf.typeface import Typeface, literal
from exporters.formats.pdf.units import PageBreaker, Units
from exporters.formats.table import Table
from exporters.formats.wording import say

_GAP = 7.0
"""Least between a label and what is on its right."""

_EXACT = Context(prec=100)
_HEADING_SIZE = 9.0
HEADING_HEIGHT = 22.0
"""Of a group."""

Sums = dict[str, Decimal | None]


class Groups:
    """Puts rows on pages with what their groups need; rows of a group follow one another."""

    def __init__(
        self,
        table: Table,
        layout: Layout,
        faces: tuple[Typeface, Typeface],
        frames: Frames,
        pages: PageBreaker,
    ) -> None:
        self._table, self._layout, self._frames, self._pages = table, layout, frames, pages
        self._body, self._bold = faces
        self._summed = [column.name for column in table.columns if column.total]
        self._sums: Sums = {}
        self._current: str | None = None
        self._has_begun = False

    def add(self, rows: Rows, frame: pl.DataFrame) -> Iterator[Units]:
        """Yields the units of every page that is full; `frame` has the values of the rows."""
        if self._table.group is None:
            yield from self._pages.add(Units.of(rows))
            return
        units = Units.of(rows)
        headings: dict[int, bytes] = {}
        totals: dict[int, bytes] = {}
        for start, key, sums in self._read_runs(frame, self._table.group.name):
            if not self._has_begun or key != self._current:
                if self._has_begun and self._summed:
                    data, height = self._draw_group_totals()
                    if start:
                        totals[start - 1] = data
                        units.below[start - 1] += height
                    else:
                        self._pages.put_below(data, height)
                self._has_begun, self._current, self._sums = True, key, {}
                headings[start], units.headings[start] = self._draw_heading(key)
                units.above[start] = HEADING_HEIGHT
            self._add_sums(sums)
        _splice(units, headings, totals)
        yield from self._pages.add(units)

    def finish(self) -> Iterator[Units]:
        """Draws the totals below the last row, and yields the units of the last pages."""
        if self._has_begun and self._summed:
            self._pages.put_below(*self._draw_group_totals())
        if self._summed and self._frames.rows:
            label = say(self._table.language, "total")
            self._pages.put_below(*self._draw_totals(label, self._frames.totals()))
        yield from self._pages.finish()

    def _read_runs(self, frame: pl.DataFrame, name: str) -> Iterator[tuple[int, str | None, Sums]]:
        """Yields where each run of rows with the same key starts, the key, and the sums of its rows."""
        keys = frame[name].to_list()
        starts = [0, *(row for row, (one, other) in enumerate(pairwise(keys), 1) if one != other)]
        if not self._summed:
            yield from ((start, keys[start], {}) for start in starts)
            return
        run = pl.Series("run", np.repeat(starts, np.diff([*starts, len(keys)])))
        values = [_widen(frame[column]).alias(f"v{place}") for place, column in enumerate(self._summed)]
        runs = (
            pl.DataFrame([run, *values])
            .group_by("run", maintain_order=True)
            .agg(pl.when(pl.col(v.name).count() > 0).then(pl.col(v.name).sum()) for v in values)
        )
        for start, *sums in runs.iter_rows():
            found = (None if value is None else Decimal(value) for value in sums)
            yield start, keys[start], dict(zip(self._summed, found, strict=True))

    def _add_sums(self, sums: Mapping[str, Decimal | None]) -> None:
        for name, value in sums.items():
            if value is not None:
                self._sums[name] = _EXACT.add(self._sums.get(name) or Decimal(0), value)

    def _draw_heading(self, key: str | None) -> tuple[bytes, str]:
        """Returns the operators of the heading above a group's first row, and its words."""
        group = self._table.group
        shown = say(self._table.language, "no_value") if key is None else key
        title = f"{group.title}: {shown}" if group else shown
        self._frames.note(None, "no_glyph", self._bold.boxes(title))
        line = self._cut(" ".join(title.split()), self._layout.width - _GAP, _HEADING_SIZE)
        data = f" 0 -6 Td/{self._bold.resource} {_HEADING_SIZE:g} Tf".encode()
        data += literal(self._bold.codes(line)) + f"Tj 0 {6 - HEADING_HEIGHT:g} Td".encode()
        return data + self._usual_face(), f"{group.title}: {key}" if group and key else title

    def _draw_group_totals(self) -> tuple[bytes, float]:
        shown = say(self._table.language, "no_value") if self._current is None else self._current
        return self._draw_totals(say(self._table.language, "group_total", group=shown), self._sums)

    def _draw_totals(self, label: str, sums: Mapping[str, Decimal | None]) -> tuple[bytes, float]:
        """Returns the operators of a row of totals below a row, and its height."""
        places = self._layout.places
        first = next(place for place in places if place.column.total)
        room = first.left - places[0].text_left - _GAP
        is_above = self._bold.measure(label) * SIZE > room
        line = self._cut(label, self._layout.width - _GAP if is_above else room, SIZE)
        data = f"/{self._bold.resource} {SIZE:g} Tf".encode() + literal(self._bold.codes(line)) + b"Tj"
        height = ROW_HEIGHT
        if is_above:
            data += f" 0 {-ROW_HEIGHT:g} Td".encode()
            height += ROW_HEIGHT
        left = places[0].text_left
        for place in places:
            if place.column.total:
                value = show_value(sums.get(place.column.name), place.column.kind, self._table.language)
                width = self._bold.measure(value)
                size = min(place.size, place.room / width)
                shift = round((place.room / size - width) * 1000)
                move = f" {place.text_left - left:.2f} 0 Td"
                data += f"{move}/{self._bold.resource} {size:.4g} Tf[-{shift}".encode()
                data += literal(self._bold.codes(value)) + b"]TJ"
                left = place.text_left
        data += f" {places[0].text_left - left:.2f} {-ROW_HEIGHT:g} Td".encode()
        return data + self._usual_face(), height

    def _cut(self, text: str, room: float, size: float) -> str:
        line = self._bold.cut(text, room / size)
        self._frames.note(None, "cut_to_width", int(line != text))
        return turn_if_needed(line)

    def _usual_face(self) -> bytes:
        return f"/{self._body.resource} {self._layout.places[0].size:g} Tf ".encode()


def _widen(values: pl.Series) -> pl.Series:
    """Returns numbers in 128 bits, in which their sum does not wrap around."""
    return values.cast(pl.Int128) if values.dtype.is_integer() else values


def _splice(units: Units, above: Mapping[int, bytes], below: Mapping[int, bytes]) -> None:
    """Puts operators before and after those of rows."""
    if not above and not below:
        return
    sizes = np.diff(units.starts)
    pieces, taken = [], 0
    for row in sorted(above.keys() | below.keys()):
        start, end = int(units.starts[row]), int(units.starts[row + 1])
        around = above.get(row, b""), below.get(row, b"")
        pieces += [units.data[taken:start], around[0], units.data[start:end], around[1]]
        sizes[row] += len(around[0]) + len(around[1])
        taken = end
    pieces.append(units.data[taken:])
    units.data = b"".join(pieces)
    units.starts = np.concatenate([[0], np.cumsum(sizes)])
