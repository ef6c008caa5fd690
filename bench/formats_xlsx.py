"""Writing the bookings as a workbook once: `python -m bench.formats_xlsx <parquet> <case> [<rows>]`.

The cases are `ours`, `xlsxwriter` (its constant memory mode) and `jetxl`, the fastest other writer that
installs from PyPI. With `rows` only the first so many are written.

Prints the wall seconds from opening the Parquet file to the last byte of the workbook, its rows and bytes.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

_Write = Callable[[Path, int, Path], None]
_WARMING_ROWS = 1_000
"""Written before, so that no case is charged for what its first call sets up."""


def _ours() -> _Write:
    from bench.formats_data import bookings_table, read_batches  # noqa: PLC0415
    from exporters.formats import xlsx  # noqa: PLC0415

    def write(source: Path, rows: int, target: Path) -> None:
        with target.open("wb") as out:
            xlsx.write(bookings_table(), read_batches(source, rows), out)

    return write


def _xlsxwriter() -> _Write:
    """By its typed methods and row by row, as its documentation says for large files."""
    from xlsxwriter import Workbook  # noqa: PLC0415

    from bench.formats_data import bookings_table, read_batches  # noqa: PLC0415

    def write(source: Path, rows: int, target: Path) -> None:
        workbook = Workbook(target, {"constant_memory": True})
        sheet = workbook.add_worksheet("Data")
        money = workbook.add_format({"num_format": "#,##0.00"})
        moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        ways: dict[str, tuple[Callable[..., object], tuple[object, ...]]] = {
            "text": (sheet.write_string, ()),
            "integer": (sheet.write_number, ()),
            "decimal": (sheet.write_number, ()),
            "money": (sheet.write_number, (money,)),
            "timestamp": (sheet.write_datetime, (moment,)),
        }
        columns = bookings_table().columns
        plan = [(position, *ways[column.kind]) for position, column in enumerate(columns)]
        for position, column in enumerate(columns):
            sheet.write_string(0, position, column.title)
        row = 0
        for batch in read_batches(source, rows):
            lists = [batch.column(column.name).to_pylist() for column in columns]
            for values in zip(*lists, strict=True):
                row += 1
                for (position, put, look), value in zip(plan, values, strict=True):
                    if value is not None:
                        put(row, position, value, *look)
        workbook.close()

    return write


def _jetxl() -> _Write:
    """It takes the whole table at once, and no decimals, which become floats."""
    import pyarrow as pa  # noqa: PLC0415
    from jetxl import write_sheet_arrow  # noqa: PLC0415

    def write(source: Path, rows: int, target: Path) -> None:
        table = pq.read_table(source).slice(0, rows)
        for position, field in enumerate(table.schema):
            if pa.types.is_decimal(field.type):
                floats = table.column(position).cast(pa.float64())
                table = table.set_column(position, field.name, floats)
        write_sheet_arrow(table.combine_chunks(), str(target), sheet_name="Data")

    return write


CASES: dict[str, Callable[[], _Write]] = {
    "ours": _ours,
    "xlsxwriter": _xlsxwriter,
    "jetxl": _jetxl,
}
"""By name, what imports a writer and gives it; imports are not measured."""


def main(source: Path, case: str, rows: int | None) -> None:
    """Write the workbook into a folder that is removed again, and print what it took."""
    write = CASES[case]()
    count = min(rows or sys.maxsize, pq.read_metadata(source).num_rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bookings.xlsx"
        write(source, _WARMING_ROWS, path)
        start = time.perf_counter()
        write(source, count, path)
        seconds = time.perf_counter() - start
        size = path.stat().st_size
    print(json.dumps({"seconds": seconds, "rows": count, "bytes": size}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if sys.argv[3:] else None)
