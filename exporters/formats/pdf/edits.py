"""PDF edits: where the texts of many rows are wider than their columns, and what is done about it.

Texts are cut with an ellipsis or wrapped; any other value is set smaller. All rows are looked at together;
only the cells that are too wide are edited.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exporters.formats.pdf.layout import LINES, Layout
from exporters.formats.pdf.typeface import ELLIPSIS, SPACE, Typeface

BREAK = 0x10000
"""The code that stands between the lines of a cell."""

RAW = 0x10001
"""The first of the 256 codes that stand for one byte of the content stream each."""

_Ints = NDArray[np.int64]


@dataclass
class Cells:
    """The codes of many rows' cells, row by row, and where each cell begins and ends.

    The separator of a cell stands at its end. What is edited is the codes in place, those that are kept, and
    those to be put in before a position.
    """

    codes: NDArray[np.int32]
    starts: _Ints
    """By row and column, like `ends`."""
    ends: _Ints
    reached: _Ints
    """By position, how far the texts before it go, in units of the font."""
    placed: NDArray[np.bool_]
    """By row and column, whether the text has its lines already."""
    lines: NDArray[np.int64] = field(init=False)
    """By row and column."""
    inserted: list[tuple[_Ints, NDArray[np.int32]]] = field(default_factory=list)
    kept: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = np.ones(self.starts.shape, np.int64)
        self.kept = np.ones(len(self.codes), np.bool_)

    def drop(self, starts: _Ints, ends: _Ints) -> None:
        """Marks the codes from each start up to its end as not kept."""
        change = np.zeros(len(self.codes) + 1, np.int64)
        np.add.at(change, starts, 1)
        np.add.at(change, ends, -1)
        self.kept &= np.cumsum(change[:-1]) == 0

    def insert(self, positions: _Ints, codes: NDArray[np.int32]) -> None:
        """Puts each code in before its position; of one position in the order of the calls."""
        self.inserted.append((positions, codes))

    def edited(self) -> NDArray[np.int32]:
        """Returns the codes as they are to be shown."""
        if not self.inserted:
            return self.codes if self.kept.all() else self.codes[self.kept]
        positions = np.concatenate([position for position, _ in self.inserted])
        values = np.concatenate([codes for _, codes in self.inserted])
        codes = np.insert(self.codes, positions, values)
        return codes[np.insert(self.kept, positions, True)]


def fit_cells(cells: Cells, layout: Layout, face: Typeface) -> NDArray[np.bool_]:
    """Edits the cells that are too wide; returns by row and column which texts were cut."""
    widths = cells.reached[cells.ends] - cells.reached[cells.starts]
    rooms = np.array([place.room / place.size for place in layout.places]) * face.units + 1
    over = (widths > rooms) & ~cells.placed
    cut = np.zeros(widths.shape, np.bool_)
    for number in [int(found) for found in np.flatnonzero(over.any(axis=0))]:
        place, rows = layout.places[number], np.flatnonzero(over[:, number])
        if place.column.kind != "text":
            sizes = place.size * rooms[number] / widths[rows, number]
            around = cells.starts[rows, number], cells.ends[rows, number]
            _shrink(cells, around, sizes, f")]TJ/{face.resource} {place.size:g} Tf[(")
            continue
        if place.is_wrapped:
            rows = _wrap(cells, rows, number, rooms[number], face)
        else:
            _cut(cells, cells.starts[rows, number], cells.ends[rows, number], rooms[number], face)
        cut[rows, number] = True
    return cut


def _shrink(cells: Cells, around: tuple[_Ints, _Ints], sizes: NDArray[np.float64], back: str) -> None:
    """Sets what stands between these positions in sizes of its own; `back` sets what follows as usual."""
    font = back.split(" ", maxsplit=1)[0]
    for start, end, size in zip(*around, sizes, strict=True):
        small = f"{font} {max(size - 0.005, 0.01):.2f} Tf[("
        for position, piece in ((start, small), (end, back)):
            codes = np.frombuffer(piece.encode(), np.uint8).astype(np.int32) + RAW
            cells.insert(np.full(len(codes), position), codes)


def _cut(cells: Cells, starts: _Ints, ends: _Ints, room: float, face: Typeface) -> None:
    """Ends the texts with an ellipsis where the room does."""
    limit = cells.reached[starts] + room - face.advances[ELLIPSIS]
    at = _before_marks(cells, starts, np.minimum(_last_within(cells, limit, starts), ends - 1))
    for _ in range(LINES):
        at = np.where((at > starts) & (cells.codes[at - 1] == SPACE), at - 1, at)
    cells.codes[at] = ELLIPSIS
    cells.drop(at + 1, ends)


def _wrap(cells: Cells, rows: _Ints, number: int, room: float, face: Typeface) -> _Ints:
    """Breaks the texts into lines; returns the rows whose text goes on after the last one and was cut."""
    spaces = np.where(cells.codes == SPACE, np.arange(len(cells.codes)), -1)
    last_space = np.maximum.accumulate(spaces)
    starts, ends = cells.starts[rows, number].copy(), cells.ends[rows, number]
    for _ in range(LINES - 1):
        limit = _last_within(cells, cells.reached[starts] + room, starts)
        open_ = limit < ends
        rows, starts, ends, limit = rows[open_], starts[open_], ends[open_], limit[open_]
        space = last_space[limit]
        at_space = space > starts
        broken = np.where(at_space, space, _before_marks(cells, starts, limit))
        cells.insert(broken, np.full(len(broken), BREAK, np.int32))
        cells.lines[rows, number] += 1
        cells.kept[broken[at_space]] = False
        starts = np.where(at_space, broken + 1, broken)
    over = cells.reached[ends] - cells.reached[starts] > room
    _cut(cells, starts[over], ends[over], room, face)
    cut: _Ints = rows[over]
    return cut


def _last_within(cells: Cells, limit: NDArray[np.float64] | _Ints, starts: _Ints) -> _Ints:
    """Returns the last position that what is before reaches no further than the limit, past the start."""
    found: _Ints = np.searchsorted(cells.reached, limit, "right") - 1
    past: _Ints = np.maximum(found, starts + 1)
    return past


def _before_marks(cells: Cells, starts: _Ints, at: _Ints) -> _Ints:
    """Moves positions back to before the letter whose marks stand there."""
    for _ in range(4):
        is_mark = (cells.reached[at + 1] == cells.reached[at]) & (at > starts + 1)
        at = np.where(is_mark, at - 1, at)
    return at
