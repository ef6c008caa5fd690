"""PDF text: many rows of texts as the operators that draw them, without a step per cell.

The texts of all cells become one array of codes in which a separator ends each cell. From the codes follow
the widths, what is cut, wrapped or set smaller, and by a table of what each code is written as the bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exporters.formats.display import show_column
from exporters.formats.pdf.edits import BREAK, RAW, Cells, fit_cells
from exporters.formats.pdf.layout import LINES, Layout, Place
from exporters.formats.pdf.typeface import BOX, SEPARATOR, Typeface
from exporters.formats.table import Column, Language

ROW_HEIGHT, LINE_HEIGHT = 13.0, 10.0
"""Of a row of one line, and of each further line."""

_OPENING, _CLOSING = "[(", ")]TJ"
_SHIFT = "[-00000("
"""Opens a cell that is aligned on the right; its digits are a distance in thousandths of the type's size."""

_BREAK = f"{_CLOSING} T*{_OPENING}".encode()

_CELL = RAW + 256
"""The first of the codes that end a cell, go on to the next and open it."""

_ESCAPED = np.frombuffer(b"()\\\r", np.uint8)
"""Bytes that a literal string holds only behind a backslash."""

_NARROW = 250
"""Units of a font, of 2,048 to its size, that few letters with marks are narrower than by character."""

_MOST_CODES, _MOST_ROWS = 400_000, 2048
"""That are encoded together; a code takes about a hundred bytes meanwhile."""

_LINE_END = 0x2028
"""The character that stands between lines which are not broken further."""

_OTHER_CODES = 16
"""Of a value that is no text, about."""

_RIGHT_TO_LEFT = r"[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc]"

_MIRRORED = str.maketrans("()[]{}<>«»‹›≤≥", ")(][}{><»«›‹≥≤")

_FINDS_RIGHT_TO_LEFT = re.compile(_RIGHT_TO_LEFT)


@dataclass(frozen=True)
class Rows:
    """Rows as operators: row n is `data[starts[n]:starts[n + 1]]` and `heights[n]` high.

    A row begins with the text position at its first line, left of its first column, and ends below itself.
    """

    data: bytes
    starts: NDArray[np.int64]
    heights: NDArray[np.float64]
    cut: NDArray[np.int64]
    """By column, the texts that were cut."""
    boxes: NDArray[np.int64]
    """By column, the characters shown as a box."""


def show_frame(frame: pl.DataFrame, columns: tuple[Column, ...], language: Language) -> pl.DataFrame:
    """Returns the columns' values as texts."""
    return pl.DataFrame([show_column(frame[c.name], c.kind, language) for c in columns])


def turn_text(text: str) -> str:
    """Returns a text in which right-to-left characters stand in the order in which they are drawn."""
    # fpdf2 takes most of a second to import, which nobody should wait for whose texts run from left to right.
    from fpdf.bidi import BidiParagraph  # noqa: PLC0415
    from fpdf.enums import TextDirection  # noqa: PLC0415

    turned = BidiParagraph(text, base_direction=TextDirection.LTR).get_reordered_characters()
    # Brackets open toward what they hold, which the reordering leaves to who draws them.
    return "".join(c.character.translate(_MIRRORED) if c.embedding_level % 2 else c.character for c in turned)


def turn_if_needed(text: str) -> str:
    """Returns `turn_text` of a text with right-to-left characters, and any other as it is."""
    return turn_text(text) if _FINDS_RIGHT_TO_LEFT.search(text) else text


class RowEncoder:
    """Encodes frames of shown texts for one layout."""

    def __init__(self, layout: Layout, face: Typeface) -> None:
        self._layout, self._face = layout, face
        self._columns = len(layout.places)
        self._limits = [
            int(place.room / place.size * 2048 / _NARROW * (LINES if place.is_wrapped else 1)) + 2
            for place in layout.places
        ]
        self._right = np.array([place.is_right for place in layout.places])
        self._pieces = [self._move(number) for number in range(_variants(self._columns))]
        self._table = _byte_table()
        self._lengths = np.concatenate([_lengths(), [len(piece) for piece in self._pieces]]).astype(np.int64)
        self.top = ROW_HEIGHT - 4.0
        """From a row's upper edge down to its first line."""

    @property
    def start(self) -> str:
        """The operators before a page's first row, of which the text position is then at this line."""
        first = self._layout.places[0]
        return f"/{self._face.resource} {first.size:g} Tf {LINE_HEIGHT:g} TL"

    def cut(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yields a frame in parts that may be encoded."""
        lengths = [
            pl.col(place.column.name).str.len_bytes().clip(0, limit).sum()
            for place, limit in zip(self._layout.places, self._limits, strict=True)
            if place.column.kind == "text"
        ]
        codes = frame.height * _OTHER_CODES * self._columns
        codes += sum(frame.select_seq(lengths).row(0)) if lengths else 0
        yield from frame.iter_slices(min(_MOST_CODES * frame.height // codes + 1, _MOST_ROWS))

    def encode(self, texts: pl.DataFrame) -> Rows:
        """Returns the rows of `texts`, which has at least one."""
        cells, long, boxes = self._read(texts)
        cut = fit_cells(cells, self._layout, self._face) | long
        self._face.used[cells.codes[cells.kept & (cells.codes < SEPARATOR)]] = True
        height = cells.lines.max(axis=1)
        cells.codes[cells.ends] = self._closings(cells.lines, height)
        first = np.array([_CELL + _variants(self._columns) - 1], np.int32)
        data, starts = self._write(np.concatenate([first, cells.edited()]), cells)
        heights = ROW_HEIGHT + (height - 1) * LINE_HEIGHT
        return Rows(data, starts, heights, cut.sum(axis=0), boxes)

    def _read(self, texts: pl.DataFrame) -> tuple[Cells, NDArray[np.bool_], NDArray[np.int64]]:
        """Returns the cells, which of them are too long to look at whole, and each column's boxes."""
        long, placed = np.zeros((2, texts.height, self._columns), np.bool_)
        points = None if self._has_long(texts) else _join(texts)
        if points is None or _has_special(points, texts.height * self._columns):
            points = _join(self._prepare(texts, long, placed))
        shown = self._face.show(points)
        ends = np.flatnonzero(shown == SEPARATOR)
        boxes = np.flatnonzero((shown == BOX) & (points != BOX))
        counts = np.bincount(np.searchsorted(ends, boxes) % self._columns, minlength=self._columns)
        starts = np.concatenate([[0], ends[:-1] + 1]).reshape(-1, self._columns)
        reached = np.concatenate([[0], np.cumsum(self._face.advances[shown])])
        cells = Cells(shown.astype(np.int32), starts, ends.reshape(-1, self._columns), reached, placed)
        line_ends = np.flatnonzero(points == _LINE_END)
        cells.codes[line_ends] = BREAK
        np.add.at(cells.lines.reshape(-1), np.searchsorted(ends, line_ends), 1)
        return cells, long, counts

    def _has_long(self, texts: pl.DataFrame) -> bool:
        """Returns whether a text may be too long to look at whole."""
        longest = texts.select_seq(pl.all().str.len_bytes().max()).row(0)
        return any(
            place.column.kind == "text" and length is not None and length > limit
            for place, limit, length in zip(self._layout.places, self._limits, longest, strict=True)
        )

    def _prepare(
        self, texts: pl.DataFrame, long: NDArray[np.bool_], placed: NDArray[np.bool_]
    ) -> pl.DataFrame:
        """Returns the texts shortened, turned and without characters that have a meaning here.

        Fills in by row and column which are too `long` to look at whole, and which are `placed` in lines.
        """
        read = []
        for number, (place, limit) in enumerate(zip(self._layout.places, self._limits, strict=True)):
            values = texts[place.column.name]
            if place.column.kind == "text":
                values = values.str.replace_all(chr(SEPARATOR), chr(SEPARATOR - 1), literal=True)
                values = values.str.replace_all(chr(_LINE_END), " ", literal=True)
                values, turned, long[:, number] = self._turn(values, place)
                placed[:, number] = turned.to_numpy()
                if bool((values.str.len_bytes() > limit).any()):
                    is_long = (values.str.len_chars() > limit).fill_null(False) & ~turned
                    long[:, number] |= is_long.to_numpy()
                    shortened = values.str.head(limit) + "…"
                    values = pl.select(pl.when(is_long).then(shortened).otherwise(values)).to_series()
            read.append(values.alias(place.column.name))
        return pl.DataFrame(read)

    def _turn(self, texts: pl.Series, place: Place) -> tuple[pl.Series, pl.Series, NDArray[np.bool_]]:
        """Returns the texts, those from right to left as lines in the order in which they are drawn.

        Also returns which were turned, and which of them were cut.
        """
        turned = texts.str.contains(_RIGHT_TO_LEFT).fill_null(False)
        cut = np.zeros(texts.len(), np.bool_)
        rows = turned.arg_true()
        if not rows.len():
            return texts, turned, cut
        found = []
        for row in rows:
            text = texts[row]
            # Broken before they are turned: what is cut is the end of a text, wherever that is drawn.
            lines = self._face.wrap(text, place.room / place.size, LINES if place.is_wrapped else 1)
            cut[row] = bool(lines) and lines[-1].endswith("…") and not text.endswith("…")
            found.append(chr(_LINE_END).join(map(turn_text, lines)))
        return texts.scatter(rows, pl.Series(found, dtype=pl.String)), turned, cut

    def _closings(self, lines: NDArray[np.int64], height: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns by row and column the code that ends the cell."""
        numbers: NDArray[np.int64] = np.arange(self._columns) * LINES + lines - 1
        numbers[:, -1] += (height - 1) * LINES
        return numbers + _CELL

    def _move(self, number: int) -> bytes:
        """Returns what is written for a closing code, counted from the first."""
        places, size = self._layout.places, f"/{self._face.resource} %g Tf"
        last = (self._columns - 1) * LINES
        if number == _variants(self._columns) - 1:
            return self._open(0).encode()
        if number < last:
            column, further = divmod(number, LINES)
            here, there, down = places[column], places[column + 1], further * LINE_HEIGHT
            to = column + 1
        else:
            height, further = divmod(number - last, LINES)
            here, there, to = places[-1], places[0], 0
            down = (further - height) * LINE_HEIGHT - ROW_HEIGHT
        change = size % there.size if here.size != there.size else ""
        return (
            f"{_CLOSING} {there.text_left - here.text_left:.2f} {down:g} Td{change}{self._open(to)}".encode()
        )

    def _open(self, column: int) -> str:
        return _SHIFT if self._right[column] else _OPENING

    def _write(self, codes: NDArray[np.int32], cells: Cells) -> tuple[bytes, NDArray[np.int64]]:
        """Returns the bytes of all rows and where each row starts and the last ends."""
        lengths = self._lengths[codes]
        ends = np.cumsum(lengths)
        places = ends - lengths
        out = np.empty(ends[-1] + 1, np.uint8)
        plain = np.minimum(codes, _CELL)
        out[places + 1] = self._table[1][plain]
        out[places] = self._table[0][plain]
        for code, further in ((2, 3), (3, 4)):
            at = np.flatnonzero((lengths >= further) & (codes < BREAK))
            out[places[at] + code] = self._table[code][codes[at]]
        at = np.flatnonzero(codes == BREAK)
        out[places[at][:, None] + np.arange(len(_BREAK))] = np.frombuffer(_BREAK, np.uint8)
        moves = np.flatnonzero(codes >= _CELL)
        kinds = codes[moves] - _CELL
        for kind in np.unique(kinds):
            piece = np.frombuffer(self._pieces[kind], np.uint8)
            out[places[moves[kinds == kind]][:, None] + np.arange(len(piece))] = piece
        opened = ends[moves]
        self._shift(out, opened[:-1], cells)
        openings = len(self._open(0))
        starts = opened[:: self._columns] - openings
        return out[: starts[-1]].tobytes(), starts

    def _shift(self, out: NDArray[np.uint8], opened: NDArray[np.int64], cells: Cells) -> None:
        """Fills in the distances of the cells that are aligned on the right."""
        right = np.flatnonzero(self._right)
        if not len(right):
            return
        rooms = np.array([self._layout.places[n].room / self._layout.places[n].size * 1000 for n in right])
        widths = cells.reached[cells.ends[:, right]] - cells.reached[cells.starts[:, right]]
        left = np.clip(np.rint(rooms - widths * (1000 / self._face.units)), 0, 99_999).astype(np.int64)
        at = opened.reshape(-1, self._columns)[:, right] - 6
        for digit in range(5):
            out[at + digit] = left // 10 ** (4 - digit) % 10 + ord("0")


def _join(texts: pl.DataFrame) -> NDArray[np.uint32]:
    """Returns the code points of all cells, row by row, each cell's followed by the separator."""
    joined = texts.select_seq(
        pl.concat_str(pl.all().fill_null(""), separator=chr(SEPARATOR)).str.join(chr(SEPARATOR))
    )
    return np.frombuffer((joined.item() + chr(SEPARATOR)).encode("utf-32-le"), np.uint32)


def _has_special(points: NDArray[np.uint32], cells: int) -> bool:
    """Returns whether a text of so many cells has a character of which more than its code counts."""
    separators = np.count_nonzero(points == SEPARATOR)
    return separators != cells or bool(_special_codes()[np.minimum(points, SEPARATOR)].any())


@cache
def _special_codes() -> NDArray[np.bool_]:
    """Returns by code whether it is read from right to left or stands between lines."""
    codes = np.zeros(SEPARATOR + 1, np.bool_)
    codes[_LINE_END] = True
    every = "".join(map(chr, range(SEPARATOR)))
    codes[[found.start() for found in _FINDS_RIGHT_TO_LEFT.finditer(every)]] = True
    return codes


def _variants(columns: int) -> int:
    """Returns how many codes end a cell: by column and its lines, and last also by the row's lines."""
    return (columns - 1) * LINES + LINES * LINES + 1


@cache
def _lengths() -> NDArray[np.int64]:
    """Returns by code the bytes that it is written as, up to the first that ends a cell."""
    codes = np.arange(BREAK)
    escaped = np.isin(codes >> 8, _ESCAPED).astype(np.int64) + np.isin(codes & 255, _ESCAPED)
    return np.concatenate([2 + escaped, [len(_BREAK)], np.ones(256, np.int64)])


@cache
def _byte_table() -> NDArray[np.uint8]:
    """Returns by place and code the byte that is written there."""
    table = np.zeros((4, _CELL + 1), np.uint8)
    codes = np.arange(BREAK)
    at = np.zeros(BREAK, np.int64)
    for half in (codes >> 8, codes & 255):
        escaped = np.flatnonzero(np.isin(half, _ESCAPED))
        table[at[escaped], escaped] = ord("\\")
        at[escaped] += 1
        table[at, codes] = np.where(half == ord("\r"), ord("r"), half)
        at += 1
    table[0, RAW:_CELL] = np.arange(256)
    return table
