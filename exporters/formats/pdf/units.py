"""PDF units: rows with what stands above and below them, and which of them go on a page."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exporters.formats.pdf.text import Rows

_Floats = NDArray[np.float64]

_ROUNDING = 0.01
"""Points by which heights may seem more when they have been added up in another order."""


@dataclass
class Units:
    """Rows, each with what a page must hold together with it; unit n is `data[starts[n]:starts[n + 1]]`."""

    data: bytes
    starts: NDArray[np.int64]
    above: _Floats
    """Points that a group's heading takes, before the row's `heights`."""
    heights: _Floats
    below: _Floats
    """Points that totals take."""
    headings: dict[int, str] = field(default_factory=dict)
    """By unit, the group that begins with it."""

    @classmethod
    def of(cls, rows: Rows) -> "Units":
        """Returns rows with nothing above and below."""
        nothing = np.zeros(len(rows.heights))
        return cls(rows.data, rows.starts, nothing, rows.heights, nothing.copy())

    def __len__(self) -> int:
        return len(self.heights)

    def part(self, start: int, end: int) -> "Units":
        """Returns the units from `start` up to `end`."""
        return Units(
            self.data[self.starts[start] : self.starts[end]],
            self.starts[start : end + 1] - self.starts[start],
            self.above[start:end], self.heights[start:end], self.below[start:end],
            {unit - start: title for unit, title in self.headings.items() if start <= unit < end},
        )  # fmt: skip

    def followed_by(self, other: "Units") -> "Units":
        """Returns these units and then the others."""
        return Units(
            self.data + other.data,
            np.concatenate([self.starts, other.starts[1:] + len(self.data)]),
            np.concatenate([self.above, other.above]),
            np.concatenate([self.heights, other.heights]),
            np.concatenate([self.below, other.below]),
            self.headings | {unit + len(self): title for unit, title in other.headings.items()},
        )


class PageBreaker:
    """Fills pages with units in their order; the last unit always waits for what is put below it.

    A page has room for every unit.
    """

    def __init__(self, first_room: float, room: float) -> None:
        self._room = first_room
        self._next_room = room
        self._waiting: Units | None = None

    def add(self, units: Units) -> Iterator[Units]:
        """Yields the units of every page that these fill."""
        units = self._waiting.followed_by(units) if self._waiting else units
        # A list, because a search in it does not wait for the threads that draw.
        reached = np.cumsum(units.above + units.heights + units.below).tolist()
        start, before = 0, 0.0
        while (end := bisect_right(reached, before + self._room + _ROUNDING)) < len(units):
            yield units.part(start, end)
            start, before, self._room = end, reached[end - 1], self._next_room
        self._waiting = units.part(start, len(units))

    def put_below(self, data: bytes, height: float) -> None:
        """Puts totals below the unit that came last."""
        if self._waiting is None:
            raise RuntimeError("There is no row for totals to stand below.")
        self._waiting.data += data
        self._waiting.starts = self._waiting.starts.copy()
        self._waiting.starts[-1] += len(data)
        self._waiting.below = self._waiting.below.copy()
        self._waiting.below[-1] += height

    def finish(self) -> Iterator[Units]:
        """Yields the units of the last pages."""
        left, self._waiting = self._waiting, None
        if left is not None:
            yield from self.add(left)
            yield self._waiting or left
