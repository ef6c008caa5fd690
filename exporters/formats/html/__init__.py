"""HTML: one page that needs nothing else, with the summary, its charts and the table.

Text is written as `html_text` says. A null is an empty cell, and so is an empty text.
"""

from collections.abc import Iterable
from typing import BinaryIO

import pyarrow as pa

from exporters.formats.frames import Frames
from exporters.formats.html.groups import Groups
from exporters.formats.html.page import Page
from exporters.formats.html.rows import show_sums, write_rows, write_sums
from exporters.formats.table import Table, Written
from exporters.formats.wording import say

_CHUNK_ROWS = 16_384
"""Rows that are in memory as HTML at a time."""


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as one HTML file, whose rows stand under a heading for each group.

    Raises ValueError and TypeError as `Frames` does, and ValueError when the brand's colour is none or its
    logo is no PNG or JPEG image.
    """
    frames = Frames(table, batches)
    page = Page(table, frames)
    groups = Groups(table, table.group) if table.group else None
    out.write(page.open().encode())
    if not groups:
        out.write(b"<tbody>\n")
    for frame in frames:
        for chunk in frame.iter_slices(_CHUNK_ROWS):
            rows = write_rows(table, frames, chunk)
            out.write("".join(groups.precede(rows, chunk) if groups else rows).encode())
    out.write(_end_rows(table, frames, groups).encode())
    out.write(page.close().encode())
    return frames.written()


def _end_rows(table: Table, frames: Frames, groups: Groups | None) -> str:
    if not frames.rows:
        nothing = (
            f'<tr><td colspan="{len(table.columns)}">{say(table.language, "no_data")}</td></tr>\n</tbody>\n'
        )
        return f"<tbody>\n{nothing}" if groups else nothing
    end = groups.finish() if groups else "</tbody>\n"
    totals = frames.totals()
    if not totals:
        return end
    shown = [show_sums([totals[column.name]], column, table)[0] for column in table.columns if column.total]
    return f"{end}<tfoot>\n{write_sums(table, say(table.language, 'total'), shown)}</tfoot>\n"
