"""The formats' results as tables."""

from bench.formats import (
    CASES,
    MANY_PDF_ROWS,
    MANY_ROWS,
    MORE_PDF_ROWS,
    PDF_ROWS,
    ROWS,
    SLOW_ROWS,
    FormatFigures,
    Written,
)
from bench.page import ResultTable

INTRODUCTION = f"""\
Bookings of 12 columns ([how they are made](../bench/formats_data.py)) go from a Parquet file to a file of
the format; the PDF has 8 of the columns. The seconds are of the writing alone, without imports; what the
peers do is in [formats_csv.py](../bench/formats_csv.py), [formats_xlsx.py](../bench/formats_xlsx.py) and
[formats_pdf.py](../bench/formats_pdf.py). Ours does more than they do: it checks the values' types, counts
and sums every column, makes formulas safe, and notes what it cuts. XlsxWriter writes {SLOW_ROWS:,} rows, as
its time is in proportion to them. jetxl, the fastest other writer of workbooks found on PyPI, takes decimals
as floats and holds the table in memory. The memory is the peak of the whole process, libraries included.
"""


def make_tables(figures: FormatFigures) -> list[ResultTable]:
    """The results, ratios first."""
    return [_ratios(figures), _memory(figures), _seconds(figures)]


def _ratios(figures: FormatFigures) -> ResultTable:
    def slower(format_name: str, peer: str, rows: int, peer_rows: int | None = None) -> str:
        ours = figures.find(format_name, "ours", rows).seconds_per_row
        return f"{figures.find(format_name, peer, peer_rows or rows).seconds_per_row / ours:.1f} ×"

    csv = figures.find("csv", "ours", ROWS).seconds
    rows = [
        [
            f"CSV, {ROWS:,} rows, ours : DuckDB COPY",
            f"{csv / figures.find('csv', 'duckdb_copy', ROWS).seconds:.2f}",
        ],
        [
            f"CSV, {ROWS:,} rows, ours : polars",
            f"{csv / figures.find('csv', 'polars_sink', ROWS).seconds:.2f}",
        ],
        [f"CSV, {ROWS:,} rows, ours : pyarrow", f"{csv / figures.find('csv', 'pyarrow', ROWS).seconds:.2f}"],
        ["XLSX, a row, XlsxWriter constant_memory : ours", slower("xlsx", "xlsxwriter", ROWS, SLOW_ROWS)],
        [f"XLSX, {ROWS:,} rows, jetxl : ours", slower("xlsx", "jetxl", ROWS)],
        [f"PDF, {PDF_ROWS:,} rows, fpdf2 table() : ours", slower("pdf", "fpdf2_table", PDF_ROWS)],
        [f"PDF, {PDF_ROWS:,} rows, fpdf2 cell() : ours", slower("pdf", "fpdf2_cell", PDF_ROWS)],
        [f"PDF, {PDF_ROWS:,} rows, reportlab canvas : ours", slower("pdf", "reportlab_canvas", PDF_ROWS)],
        [
            f"PDF, {MORE_PDF_ROWS:,} rows, reportlab canvas : ours",
            slower("pdf", "reportlab_canvas", MORE_PDF_ROWS),
        ],
    ]
    return ResultTable("Ratios of time", ["What", "Ratio"], rows)


def _memory(figures: FormatFigures) -> ResultTable:
    cases = [
        ("CSV", "csv", ROWS),
        ("CSV", "csv", MANY_ROWS),
        ("XLSX", "xlsx", ROWS),
        ("XLSX", "xlsx", MANY_ROWS),
        ("PDF", "pdf", PDF_ROWS),
        ("PDF", "pdf", MANY_PDF_ROWS),
        ("PDF", "pdf", ROWS),
    ]
    rows = [
        [name, f"{rows:,}", _megabytes(figures.find(key, "ours", rows).runs.peak_bytes)]
        for name, key, rows in cases
    ]
    return ResultTable("Peak memory of ours", ["Format", "Rows", "MB"], rows)


def _seconds(figures: FormatFigures) -> ResultTable:
    rows = [
        _line(format_name, writer, figures.find(format_name, writer, rows))
        for format_name, rows, writers, _ in CASES
        for writer in writers
    ]
    columns = ["Format", "Writer", "Rows", "Seconds, median", "Runs", "File, MB", "Peak memory, MB"]
    return ResultTable("Seconds on this machine", columns, rows)


def _line(format_name: str, writer: str, written: Written) -> list[str]:
    return [
        format_name.upper(),
        writer,
        f"{written.rows:,}",
        f"{written.seconds:.2f}",
        str(len(written.runs.runs)),
        f"{written.bytes / 1e6:.1f}",
        _megabytes(written.runs.peak_bytes),
    ]


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f}"
