"""Tables that formats are tried on, the nasty one above all, and writing them as the engine does."""

import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO, cast

import pyarrow as pa
from hypothesis import strategies as st

from exporters.formats import find_format
from exporters.formats.table import Column, Kind, Table, Written

CREATED = datetime(2025, 4, 1, 2, 20, tzinfo=UTC)
TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 4),
    "money": pa.decimal128(12, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
}
KINDS = tuple(TYPES)
EVERY_KIND = tuple(
    Column(kind, kind.title(), kind, kind in {"integer", "decimal", "money"}) for kind in KINDS
)

TEXTS = [
    None, "", "=1+1", "+47 900", "-1", "@x", "\ttab", "\rcr", "\nlf", "a\r\nb", 'say "hi"', "a,b;c", "0047",
    "æøå ł", "Ελλάδα", "Дмитрий", "🚗 😀", "שלום", "ctl \x00\x01\x1f", "_x0041_", "\ufffe\uffff", "  wide  ",
    "<r><t>&</r>", "{pages}", "https://example.org", "NULL", "true", "'quoted",
]  # fmt: skip
INTEGERS = [2**60, -(2**63), 10**15, 10**15 - 1, -(10**15) + 1, 0, None]
DECIMALS = [
    Decimal("12345678901234.5678"),
    Decimal("-9.95"),
    Decimal("12345678901234.5000"),
    Decimal(0),
    None,
]
MONEY = [Decimal("1234.50"), Decimal("-0.01"), Decimal(0), None]
DATES = [date(1899, 12, 31), date(1900, 1, 1), date(1900, 2, 28), date(1900, 3, 1), date(9999, 12, 31), None]
TIMESTAMPS = [
    *map(datetime.fromisoformat, ("1899-12-31 23:59:59", "1900-01-01 12:00", "2025-03-30 02:30")),
    *map(datetime.fromisoformat, ("2025-10-26 02:30:59.999999", "9999-12-31 23:59:59.999999")),
    None,
]


def cycle(values: list[Any], length: int) -> list[Any]:
    return [values[position % len(values)] for position in range(length)]


def batch(columns: Iterable[Column], **values: list[Any]) -> pa.RecordBatch:
    arrays = {column.name: pa.array(values[column.name], TYPES[column.kind]) for column in columns}
    return pa.record_batch(arrays)


NASTY = batch(
    EVERY_KIND,
    text=TEXTS,
    integer=cycle(INTEGERS, len(TEXTS)),
    decimal=cycle(DECIMALS, len(TEXTS)),
    money=cycle(MONEY, len(TEXTS)),
    date=cycle(DATES, len(TEXTS)),
    timestamp=cycle(TIMESTAMPS, len(TEXTS)),
    boolean=cycle([True, False, None], len(TEXTS)),
)


def table(*columns: Column, title: str = "Bookings, æøå") -> Table:
    details = (("Workshop", "=Verksted & Sønn"), ("Period", "2025-01-01 to 2025-03-31"))
    return Table(title, columns or EVERY_KIND, details, CREATED)


class ForwardOnly(io.RawIOBase):
    """A stream that can only be written to, like an upload."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        self.content += chunk
        return len(chunk)


def write(key: str, what: Table, *batches: pa.RecordBatch) -> tuple[bytes, Written]:
    out = ForwardOnly()
    written = find_format(key).write(what, iter(batches), cast(BinaryIO, out))
    return bytes(out.content), written


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    # Without the underscores that XLSX gives a meaning; they are among the texts below.
    "text": st.text(st.characters(codec="utf-8", exclude_characters="_"), max_size=12)
    | st.sampled_from([text for text in TEXTS if text]),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.decimals(-(10**14) + 1, 10**14 - 1, places=4),
    "money": st.decimals(-(10**10) + 1, 10**10 - 1, places=2),
    "date": st.dates(),
    "timestamp": st.datetimes(),
    "boolean": st.booleans(),
}


@st.composite
def random_tables(draw: st.DrawFn) -> tuple[tuple[Column, ...], pa.RecordBatch]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    columns = tuple(Column(f"c{position}", "Title", kind) for position, kind in enumerate(kinds))
    count = draw(st.integers(0, 5))
    values = {
        column.name: draw(st.lists(st.none() | VALUES[column.kind], min_size=count, max_size=count))
        for column in columns
    }
    return columns, batch(columns, **values)
