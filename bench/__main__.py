"""The benchmarks, run one after another: `python -m bench <bookings> [keep]`.

They show their results and write docs/benchmarks.md. With `keep` the files in data/bench stay afterwards.
"""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from bench.measure import run_step
from bench.nights import measure_nights
from bench.platform_data import PlatformSize
from bench.results import make_tables, page_text, show_tables

_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = _ROOT / "data" / "bench"
_PAGE = _ROOT / "docs" / "benchmarks.md"
_PAGES = "bench.rest_pages"


def main(bookings: int, *, keep: bool) -> None:
    """Measure with this many bookings.

    Raises:
        RuntimeError: a step failed, or our side and its peer did not make the same tables.
    """
    console = Console()
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    try:
        figures = measure_nights(_FOLDER, PlatformSize(bookings), console.print)
    finally:
        if not keep:
            shutil.rmtree(_FOLDER)
    pages = None
    if find_spec(_PAGES):
        console.print("Pages of an API")
        pages = run_step(_PAGES).told
    tables = make_tables(figures, pages)
    show_tables(tables, console)
    _PAGE.write_text(page_text(figures, tables), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")), keep=sys.argv[2:] == ["keep"])
