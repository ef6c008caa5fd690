"""Writing the bookings as CSV once: `python -m bench.formats_csv <parquet> <case>`.

Prints the wall seconds from opening the Parquet file to the last byte of the CSV file, and its bytes.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.formats_data import make_bookings

_DATETIMES = "%Y-%m-%d %H:%M:%S"
_WARMING_ROWS = 1_000
"""Written before, so that no case is charged for what its first call sets up."""


def _write_ours(parameters: str) -> Callable[[Path, Path], None]:
    from bench.formats_data import bookings_table, read_batches  # noqa: PLC0415
    from exporters.formats import find_format  # noqa: PLC0415

    format_ = find_format("csv" + parameters)

    def write(source: Path, target: Path) -> None:
        with target.open("wb") as out:
            format_.write(bookings_table(), read_batches(source), out)

    return write


def _duckdb_copy() -> Callable[[Path, Path], None]:
    from warehouse.database import connect, quote_text  # noqa: PLC0415

    def write(source: Path, target: Path) -> None:
        with connect(None) as connection:
            connection.execute(f"COPY (FROM {quote_text(str(source))}) TO {quote_text(str(target))} (HEADER)")

    return write


def _polars_sink() -> Callable[[Path, Path], None]:
    import polars as pl  # noqa: PLC0415

    def write(source: Path, target: Path) -> None:
        pl.scan_parquet(source).sink_csv(target, line_terminator="\r\n", datetime_format=_DATETIMES)

    return write


def _pyarrow() -> Callable[[Path, Path], None]:
    from pyarrow import csv, parquet  # noqa: PLC0415

    def write(source: Path, target: Path) -> None:
        csv.write_csv(parquet.read_table(source), target)

    return write


CASES: dict[str, Callable[[], Callable[[Path, Path], None]]] = {
    "ours": lambda: _write_ours(""),
    "ours_excel": lambda: _write_ours(";excel-nb"),
    "ours_gzip": lambda: _write_ours(";gzip"),
    "ours_zstd": lambda: _write_ours(";zstd"),
    "duckdb_copy": _duckdb_copy,
    "polars_sink": _polars_sink,
    "pyarrow": _pyarrow,
}
"""By name, what imports a writer and gives it; imports are not measured."""


def main(source: str, case: str) -> None:
    """Write the file into a folder that is removed again, and print what it took."""
    write = CASES[case]()
    with tempfile.TemporaryDirectory(dir=Path(source).parent) as folder:
        path = Path(folder) / "bookings.csv"
        few = Path(folder) / "few.parquet"
        make_bookings(few, _WARMING_ROWS)
        write(few, path)
        start = time.perf_counter()
        write(Path(source), path)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "bytes": path.stat().st_size}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:3])
