"""PDF: the table on A4 pages, with its title and details above the rows and the totals below.

A text wider than its column is cut with an ellipsis, and noted; any other value is set smaller until it fits.
"""

from collections.abc import Iterable
from typing import BinaryIO

import polars as pl
import pyarrow as pa

from exporters.formats.frames import Frames
from exporters.formats.table import Table, Written

_SAMPLE_ROWS = 500
"""First rows, on which the column widths are measured."""


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Writes the table as a PDF document, which is held in memory until its last page is known.

    Raises ValueError and TypeError as `Frames` does; nothing is
    written to `out` then.
    """
    # fpdf2 takes most of a second to import, which nobody should wait for who writes no PDF.
    from exporters.formats.pdf_drawing import Drawing  # noqa: PLC0415

    frames = Frames(table, batches)
    drawing = Drawing(table, frames, _show(frames.sample(_SAMPLE_ROWS)))
    for frame in frames:
        drawing.add(_show(frame))
    out.write(drawing.finish())
    return frames.written()


def _show(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns the frame with every value as the text that is drawn."""
    return frame.select(
        pl.col(name).dt.to_string("%Y-%m-%d %H:%M:%S" if isinstance(dtype, pl.Datetime) else "%Y-%m-%d")
        if dtype.is_temporal()
        else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
    )
