"""A PDF of bookings by our writer and by others': `python -m bench.formats_pdf <parquet> <case> <rows>`.

Each case makes A4 pages on their side with the same eight columns, texts and font, and prints the seconds of
the write alone and the file's bytes. Each process has written a few rows before, so that no case
is charged for its imports; reading the rows and opening the peers' fonts are not in the seconds either.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import exporters.formats
from bench.formats_data import bookings_table
from exporters.formats import pdf
from exporters.formats.display import show_column

_FONTS = Path(exporters.formats.__file__).parent / "fonts"
_NAMES = ("id", "customer", "service", "category", "status", "start_at", "price", "rating")
_COLUMNS = tuple(column for column in bookings_table().columns if column.name in _NAMES)
_WIDTHS = (60, 170, 150, 90, 70, 110, 70, 50)
"""Of the peers' columns, in points."""

_RIGHT = tuple(column.kind in {"integer", "decimal", "money"} for column in _COLUMNS)
_TABLE = replace(bookings_table(), columns=_COLUMNS, currency=None)
_ROW, _SIZE, _MARGIN = 13, 8, 34
_WIDTH, _HEIGHT = 841.89, 595.28
_WARMING_ROWS = 50
_HELD_ROWS = 100_000
"""Up to so many are read before; more are read in our seconds, so that the memory is the writer's own."""


def main(parquet: Path, case: str, rows: int) -> None:
    """Writes the first `rows` of the file as the case says, and prints what it took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "bookings.pdf"
        _CASES[case](parquet, _WARMING_ROWS, out)
        seconds = _CASES[case](parquet, rows, out)
        print(json.dumps({"seconds": seconds, "bytes": out.stat().st_size}))  # noqa: T201


def _write_ours(parquet: Path, rows: int, out: Path) -> float:
    batches = list(_read_batches(parquet, rows)) if rows <= _HELD_ROWS else _read_batches(parquet, rows)
    start = time.perf_counter()
    with out.open("wb") as stream:
        pdf.write(_TABLE, batches, stream)
    return time.perf_counter() - start


def _read_batches(parquet: Path, rows: int) -> Iterator[pa.RecordBatch]:
    names = [column.name for column in _COLUMNS]
    left = rows
    with pq.ParquetFile(parquet) as source:
        for batch in source.iter_batches(16_384, columns=names):
            yield batch.slice(0, left)
            left -= batch.num_rows
            if left <= 0:
                return


def _read_texts(parquet: Path, rows: int) -> list[tuple[str, ...]]:
    """Returns the rows as the texts that every peer draws."""
    frame = pl.concat([pl.DataFrame(batch) for batch in _read_batches(parquet, rows)])
    shown = [show_column(frame[column.name], column.kind, "en").fill_null("") for column in _COLUMNS]
    return pl.DataFrame(shown).rows()


def _new_fpdf() -> Any:
    from fpdf import FPDF  # noqa: PLC0415

    document = FPDF("landscape", "pt", "A4")
    document.set_margin(_MARGIN)
    document.add_font("DejaVu", "", _FONTS / "DejaVuSans.ttf")
    document.add_font("DejaVu", "B", _FONTS / "DejaVuSans-Bold.ttf")
    return document


def _write_fpdf2_table(parquet: Path, rows: int, out: Path) -> float:
    texts = _read_texts(parquet, rows)
    document = _new_fpdf()
    start = time.perf_counter()
    document.add_page()
    document.set_font("DejaVu", "", _SIZE)
    aligned = tuple("RIGHT" if right else "LEFT" for right in _RIGHT)
    with document.table(col_widths=_WIDTHS, line_height=_ROW, text_align=aligned) as table:
        table.row([column.title for column in _COLUMNS])
        for values in texts:
            table.row(values)
    document.output(str(out))
    return time.perf_counter() - start


def _write_fpdf2_cell(parquet: Path, rows: int, out: Path) -> float:
    texts = _read_texts(parquet, rows)
    document = _new_fpdf()
    document.set_auto_page_break(False)
    start = time.perf_counter()

    def begin_page() -> None:
        document.add_page()
        document.set_font("DejaVu", "B", _SIZE)
        for column, width, right in zip(_COLUMNS, _WIDTHS, _RIGHT, strict=True):
            document.cell(width, _ROW, column.title, align="R" if right else "L")
        document.ln(_ROW)
        document.set_font("DejaVu", "", _SIZE)

    begin_page()
    for values in texts:
        if document.get_y() + _ROW > _HEIGHT - _MARGIN:
            begin_page()
        for value, width, right in zip(values, _WIDTHS, _RIGHT, strict=True):
            document.cell(width, _ROW, value, align="R" if right else "L")
        document.ln(_ROW)
    document.output(str(out))
    return time.perf_counter() - start


def _write_reportlab_canvas(parquet: Path, rows: int, out: Path) -> float:
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    texts = _read_texts(parquet, rows)
    for name, file in (("DejaVu", "DejaVuSans.ttf"), ("DejaVuB", "DejaVuSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(_FONTS / file)))
    start = time.perf_counter()
    canvas = Canvas(str(out), pagesize=(_WIDTH, _HEIGHT), pageCompression=1)
    lefts = [_MARGIN + sum(_WIDTHS[:number]) for number in range(len(_WIDTHS))]

    def draw(y: float, values: tuple[str, ...]) -> None:
        for value, left, width, right in zip(values, lefts, _WIDTHS, _RIGHT, strict=True):
            if right:
                canvas.drawRightString(left + width - 3, y, value)
            else:
                canvas.drawString(left, y, value)

    y = 0.0
    for values in texts:
        if y < _MARGIN + _ROW:
            if y:
                canvas.showPage()
            y = _HEIGHT - _MARGIN - _ROW
            canvas.setFont("DejaVuB", _SIZE)
            draw(y, tuple(column.title for column in _COLUMNS))
            canvas.setFont("DejaVu", _SIZE)
        y -= _ROW
        draw(y, values)
    canvas.save()
    return time.perf_counter() - start


_CASES: dict[str, Callable[[Path, int, Path], float]] = {
    "ours": _write_ours,
    "fpdf2_table": _write_fpdf2_table,
    "fpdf2_cell": _write_fpdf2_cell,
    "reportlab_canvas": _write_reportlab_canvas,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3].replace("_", "")))
