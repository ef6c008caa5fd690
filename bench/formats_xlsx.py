"""One workbook of a Parquet file of bookings: `python -m bench.formats_xlsx <parquet> <case> [<rows>]`.

The cases are `ours`, `ours_unshared` (every text in its own cell), `xlsxwriter` (its constant memory mode)
and `jetxl`, the fastest other writer that installs from PyPI; it takes no decimals, so they become floats.
With `rows` only the first so many are written. It prints the seconds of the write, in which the rows are read
too, the rows and the bytes of the file.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from xlsxwriter import Workbook

from exporters.formats import xlsx_strings
from exporters.formats.table import Column, Kind, Table
from exporters.formats.xlsx import write

_BATCH_ROWS = 16_384
_KINDS: dict[str, Kind] = {"start_at": "timestamp", "completed_at": "timestamp", "price": "money"}


class _Bookings:
    """The file's first rows, as batches."""

    def __init__(self, path: Path, rows: int) -> None:
        # Without reading ahead, whose memory would be counted as the writer's.
        self._file = pq.ParquetFile(path, pre_buffer=False)
        self.schema = self._file.schema_arrow
        self.rows = min(rows, self._file.metadata.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        left = self.rows
        for batch in self._file.iter_batches(_BATCH_ROWS, use_threads=False):
            if left <= 0:
                return
            yield batch.slice(0, left)
            left -= batch.num_rows


def _kind(field: pa.Field) -> Kind:
    if field.name in _KINDS:
        return _KINDS[field.name]
    if pa.types.is_integer(field.type):
        return "integer"
    return "decimal" if pa.types.is_decimal(field.type) else "text"


def write_ours(bookings: _Bookings, path: Path) -> None:
    """Write with this product."""
    columns = tuple(Column(f.name, f.name, _kind(f), total=f.name == "price") for f in bookings.schema)
    table = Table("Bookings", columns, (), datetime(2025, 4, 1, tzinfo=UTC), currency="NOK")
    with path.open("wb") as out:
        write(table, bookings.batches(), out)


def write_ours_unshared(bookings: _Bookings, path: Path) -> None:
    """Write with this product, no text shared."""
    xlsx_strings._LIMIT_BYTES = -1
    write_ours(bookings, path)


def write_xlsxwriter(bookings: _Bookings, path: Path) -> None:
    """Write with XlsxWriter by its typed methods, row by row, as its documentation says for large files."""
    workbook = Workbook(path, {"constant_memory": True})
    sheet = workbook.add_worksheet("Data")
    money = workbook.add_format({"num_format": "#,##0.00"})
    moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    ways: dict[Kind, tuple[Callable[..., object], tuple[object, ...]]] = {
        "text": (sheet.write_string, ()),
        "integer": (sheet.write_number, ()),
        "decimal": (sheet.write_number, ()),
        "money": (sheet.write_number, (money,)),
        "timestamp": (sheet.write_datetime, (moment,)),
    }
    plan = [(position, *ways[_kind(field)]) for position, field in enumerate(bookings.schema)]
    for position, field in enumerate(bookings.schema):
        sheet.write_string(0, position, field.name)
    row = 0
    for batch in bookings.batches():
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            row += 1
            for (position, put, look), value in zip(plan, values, strict=True):
                if value is not None:
                    put(row, position, value, *look)
    workbook.close()


def write_jetxl(bookings: _Bookings, path: Path) -> None:
    """Write with jetxl, which takes the whole table at once."""
    from jetxl import write_sheet_arrow  # noqa: PLC0415 - its start is no part of the other cases

    rows = pa.Table.from_batches(bookings.batches())
    for position, field in enumerate(rows.schema):
        if pa.types.is_decimal(field.type):
            rows = rows.set_column(position, field.name, rows.column(position).cast(pa.float64()))
    write_sheet_arrow(rows.combine_chunks(), str(path), sheet_name="Data")


_CASES: dict[str, Callable[[_Bookings, Path], None]] = {
    "ours": write_ours,
    "ours_unshared": write_ours_unshared,
    "xlsxwriter": write_xlsxwriter,
    "jetxl": write_jetxl,
}


def main(source: Path, case: str, rows: int) -> None:
    """Write the workbook into a folder that is removed again."""
    bookings = _Bookings(source, rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bookings.xlsx"
        start = time.perf_counter()
        _CASES[case](bookings, path)
        seconds = time.perf_counter() - start
        size = path.stat().st_size
    print(json.dumps({"seconds": seconds, "rows": bookings.rows, "bytes": size}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if sys.argv[3:] else sys.maxsize)
