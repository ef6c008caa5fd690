"""The formats beside their peers: bookings written as CSV, XLSX and PDF, each by a process of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Run, Runs, run_step

ROWS, MANY_ROWS = 1_000_000, 4_000_000
SLOW_ROWS = 100_000
"""Of a writer whose time is in proportion to the rows, and long."""
PDF_ROWS, MORE_PDF_ROWS, MANY_PDF_ROWS = 10_000, 50_000, 200_000
_RUNS = 3


@dataclass(frozen=True)
class Written:
    """What a writer took to write so many rows; the seconds it tells are of the writing alone."""

    rows: int
    runs: Runs

    @property
    def seconds(self) -> float:
        """Median of the seconds of writing."""
        return self.runs.told("seconds")

    @property
    def seconds_per_row(self) -> float:
        """The same for one row."""
        return self.seconds / self.rows

    @property
    def bytes(self) -> int:
        """Of the file."""
        return int(self.runs.told("bytes"))


@dataclass(frozen=True)
class FormatFigures:
    """What was measured: by format, writer and number of rows."""

    written: Mapping[tuple[str, str, int], Written]

    def find(self, format_name: str, writer: str, rows: int) -> Written:
        """One writer's figures."""
        return self.written[format_name, writer, rows]


CASES: tuple[tuple[str, int, tuple[str, ...], int], ...] = (
    ("csv", ROWS, ("ours", "duckdb_copy", "polars_sink", "pyarrow"), 3 * _RUNS),  # short, so they vary
    ("csv", ROWS, ("ours_excel", "ours_gzip", "ours_zstd"), 1),
    ("csv", MANY_ROWS, ("ours",), 1),
    ("xlsx", ROWS, ("ours", "jetxl"), 2 * _RUNS),
    ("xlsx", SLOW_ROWS, ("xlsxwriter",), _RUNS),
    ("xlsx", MANY_ROWS, ("ours",), 1),
    ("pdf", PDF_ROWS, ("ours", "reportlab_canvas", "fpdf2_cell"), _RUNS),
    ("pdf", PDF_ROWS, ("fpdf2_table",), 1),
    ("pdf", MORE_PDF_ROWS, ("ours", "reportlab_canvas"), 1),
    ("pdf", MANY_PDF_ROWS, ("ours",), 1),
    ("pdf", ROWS, ("ours",), 1),
)
"""Format, rows, writers that take turns, and runs of each."""


def measure_formats(folder: Path, tell: Callable[[str], None]) -> FormatFigures:
    """Measure every case, the writers of a case in turns.

    Raises:
        RuntimeError: a writer failed.
    """
    files = {rows: folder / f"bookings-{rows}.parquet" for rows in (ROWS, MANY_ROWS)}
    for rows, path in files.items():
        tell(f"Writing {rows:,} bookings as input")
        # Not in this process: its memory would be counted as that of the processes it begins.
        run_step("bench.formats_data", path, rows)
    runs: dict[tuple[str, str, int], list[Run]] = {}
    for format_name, rows, writers, times in CASES:
        for turn in range(times):
            for writer in writers:
                tell(f"{format_name}, {rows:,} rows, {writer}, run {turn + 1}")
                run = run_step(f"bench.formats_{format_name}", files[max(rows, ROWS)], writer, rows)
                runs.setdefault((format_name, writer, rows), []).append(run)
    return FormatFigures({case: Written(case[2], Runs(of_case)) for case, of_case in runs.items()})
