"""XLSX: a workbook of typed cells, a summary first and then the rows on sheets of their own.

XlsxWriter makes the workbook's shell; the rows are written as XML by column and deflated by several threads.
A text is always a string cell, never a formula or a link. A number, date or text that Excel cannot hold
exactly is written as text or cut, and noted.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from exporters.formats.frames import Frames, TableError
from exporters.formats.parallel import map_in_order
from exporters.formats.table import Column, NoteKind, Table, Written
from exporters.formats.xlsx.cells import Chunk, RowXml
from exporters.formats.xlsx.charts import count_replaced
from exporters.formats.xlsx.shell import SHARED_STRINGS, Layout, Shell, data_part, make_shell, measure
from exporters.formats.xlsx.strings import SharedStrings
from exporters.formats.xlsx.zip_stream import Piece, ZipStream, deflate

ROWS_PER_SHEET = 1_048_575
"""Data rows on one sheet: Excel's limit less the header row."""

_COLUMNS_PER_SHEET = 16_384
_SAMPLE_ROWS = 4_096
"""First rows, which decide the column widths and which texts are shared."""

_CHUNK_CELLS = 262_144
"""Cells that are made and deflated at once; they are what memory is taken for."""

_FEWEST_CHUNK_ROWS = 64
"""Below this a wide table's columns would cost more than its cells."""

_FIRST_PARTS = ("_rels/.rels", "docProps/core.xml", "xl/theme/theme1.xml")
"""Parts that do not depend on the rows. Readers tell the kind of file by the first ones."""

_Noted = tuple[Column, NoteKind, int]


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as a workbook.

    Raises TableError and ValuesError as `Frames` does, TableError also when the table has more columns than a
    sheet or a logo that XlsxWriter cannot read.
    """
    if len(table.columns) > _COLUMNS_PER_SHEET:
        raise TableError(
            f"Table {table.title!r} has {len(table.columns)} columns, "
            f"but a sheet holds {_COLUMNS_PER_SHEET}: choose fewer, or another format."
        )
    frames = Frames(table, batches)
    sample = frames.sample(_SAMPLE_ROWS)
    layout = measure(table, sample)
    shell = make_shell(table, layout, [0])
    strings = SharedStrings(sample.select(column.name for column in table.columns))
    make = RowXml(table.columns, shell.styles, strings)
    archive = ZipStream(out)
    for name in _FIRST_PARTS:
        archive.add(name, shell.parts[name])
    sheets = _DataSheets(archive, table, layout, shell)
    counts: Counter[tuple[Column, NoteKind]] = Counter()

    def work(chunk: Chunk) -> tuple[Chunk, Piece, list[_Noted]]:
        contents, noted = make(chunk)
        return chunk, deflate(*contents), noted

    for chunk, piece, noted in map_in_order(work, _chunks(table, frames)):
        sheets.append(chunk, piece)
        for column, what, count in noted:
            counts[column, what] += count
    sheets.end()
    for (column, what), count in counts.items():
        frames.note(column, what, count)
    frames.note(None, "characters_replaced", count_replaced(table.charts))
    data_parts = {data_part(sheet) for sheet in range(len(sheets.rows))}
    for name, content in make_shell(table, layout, sheets.rows, frames).parts.items():
        if name not in data_parts and name not in _FIRST_PARTS:
            archive.add(name, strings.part() if name == SHARED_STRINGS else content)
    archive.finish()
    return frames.written()


class _DataSheets:
    """The sheets of rows, at least one, begun one after the other as each is filled."""

    def __init__(self, archive: ZipStream, table: Table, layout: Layout, shell: Shell) -> None:
        self.rows = [0]
        """On each sheet."""
        self._archive = archive
        self._table = table
        self._layout = layout
        self._begin(shell)

    def append(self, chunk: Chunk, piece: Piece) -> None:
        """Writes the chunk below the ones before."""
        if chunk.sheet == len(self.rows):
            self.end()
            self.rows.append(0)
            self._begin(make_shell(self._table, self._layout, self.rows))
        self._archive.append(piece)
        self.rows[-1] += chunk.frame.height

    def end(self) -> None:
        """Completes the sheet that was begun last."""
        shell = make_shell(self._table, self._layout, self.rows)
        self._archive.append(deflate(shell.tail(len(self.rows) - 1)))
        self._archive.end()

    def _begin(self, shell: Shell) -> None:
        sheet = len(self.rows) - 1
        self._archive.begin(data_part(sheet))
        self._archive.append(deflate(shell.head(sheet)))


def _chunks(table: Table, frames: Frames) -> Iterator[Chunk]:
    rows = 0
    for frame in _cut(frames, max(_FEWEST_CHUNK_ROWS, _CHUNK_CELLS // len(table.columns))):
        sheet, before = divmod(rows, ROWS_PER_SHEET)
        yield Chunk(sheet, before + 2, frame)
        rows += frame.height


def _cut(frames: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Yields the rows in frames of this size, however they come; only a sheet's last may be smaller."""
    waiting: deque[pl.DataFrame] = deque()
    count = sheet_rows = 0
    for frame in frames:
        waiting.append(frame)
        count += frame.height
        while count >= (wanted := min(size, ROWS_PER_SHEET - sheet_rows)):
            yield _take(waiting, wanted)
            count -= wanted
            sheet_rows = (sheet_rows + wanted) % ROWS_PER_SHEET
    if count:
        yield _take(waiting, count)


def _take(waiting: deque[pl.DataFrame], rows: int) -> pl.DataFrame:
    """Takes so many rows, which must be there, from the front of the frames."""
    taken: list[pl.DataFrame] = []
    while rows:
        frame = waiting.popleft()
        taken.append(frame.head(rows))
        if frame.height > rows:
            waiting.appendleft(frame.slice(rows))
        rows -= taken[-1].height
    return taken[0] if len(taken) == 1 else pl.concat(taken)
