"""The benchmarks: `python -m bench nights <bookings>`, `formats`, `serving <bookings>`, `batches` or
`soak <seconds>`, with `keep` at the end to keep the files in data/bench.

They show their results and write them to their part of docs/benchmarks.md.
"""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from bench import batches_results, formats_results, nights_results, serving_results
from bench.batches import measure_batches
from bench.formats import measure_formats
from bench.measure import run_step
from bench.nights import measure_nights
from bench.page import show_tables, write_part
from bench.platform_data import PlatformSize
from bench.serving import measure_serving, soak

_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = _ROOT / "data" / "bench"
_PAGE = _ROOT / "docs" / "benchmarks.md"
_PAGES = "bench.rest_pages"
_SOAK_SIZE = PlatformSize(1_000_000)
_console = Console()


def main(subject: str, *options: str) -> None:
    """Measure one subject.

    Raises:
        RuntimeError: a step failed, or our side and its peer did not make the same tables.
    """
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    try:
        if subject in _PLAIN:
            _PLAIN[subject]()
        else:
            _NUMBERED[subject](int(options[0].replace("_", "")))
    finally:
        if options[-1:] != ("keep",):
            shutil.rmtree(_FOLDER)


def _measure_nights(bookings: int) -> None:
    figures = measure_nights(_FOLDER, PlatformSize(bookings), _console.print)
    pages = None
    if find_spec(_PAGES):
        _console.print("Pages of an API")
        pages = run_step(_PAGES).told
    tables = nights_results.make_tables(figures, pages)
    show_tables(tables, _console)
    write_part(_PAGE, "Nights: data in", nights_results.introduce(figures), tables)


def _measure_formats() -> None:
    tables = formats_results.make_tables(measure_formats(_FOLDER, _console.print))
    show_tables(tables, _console)
    write_part(_PAGE, "Formats: files out", formats_results.INTRODUCTION, tables)


def _measure_serving(bookings: int) -> None:
    loads = measure_serving(_FOLDER, PlatformSize(bookings), _console.print)
    tables = serving_results.make_tables(loads)
    show_tables(tables, _console)
    write_part(_PAGE, "Serving: figures and exports", serving_results.introduce(loads), tables)


def _soak(seconds: int) -> None:
    found = soak(_FOLDER, _SOAK_SIZE, seconds, _console.print)
    tables = serving_results.make_soak_tables(found)
    show_tables(tables, _console)
    write_part(_PAGE, "Soak: exports without a pause", serving_results.introduce_soak(found), tables)
    if not found.is_consistent:
        raise RuntimeError(f"the records are not consistent: {found.histories}, {found.files} files")


def _measure_batches() -> None:
    tables = batches_results.make_tables(measure_batches(_FOLDER, _console.print))
    show_tables(tables, _console)
    write_part(_PAGE, "Batches: reports by the thousand", batches_results.introduce(), tables)


_PLAIN = {"formats": _measure_formats, "batches": _measure_batches}
_NUMBERED = {"nights": _measure_nights, "serving": _measure_serving, "soak": _soak}

if __name__ == "__main__":
    main(*sys.argv[1:])
