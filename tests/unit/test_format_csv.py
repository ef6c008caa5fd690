"""CSV: what is written in any dialect, other programs read back."""

import csv
import gzip
import io
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast

import openpyxl
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import HealthCheck, given, settings

from exporters.formats import UnknownFormatError, find_format
from exporters.formats.csv import Dialect, read_dialect
from exporters.formats.table import Column, Table, Written
from tests.format_tables import EVERY_KIND, NASTY, TEXTS, ForwardOnly, batch, random_tables, table
from tests.tools import convert
from tests.unit.conftest import Golden
from warehouse.database import connect, quote_text

pandas = pytest.importorskip("pandas")

DIALECTS = [
    "csv",
    "csv;excel-nb",
    "csv;excel-en",
    "csv;tab;lf",
    "csv;decimal-comma",
    "csv;semicolon;lf;bom",
]

Rows = list[list[str | None]]


def write(text: str, what: Table, *batches: pa.RecordBatch) -> tuple[bytes, Written]:
    out = ForwardOnly()
    written = find_format(text).write(what, iter(batches), cast(BinaryIO, out))
    return bytes(out.content), written


def text_of(value: Any, dialect: Dialect) -> str | None:
    """What a reader must find for a value."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case str():
            return "'" + value if value[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else value
        case datetime():
            return value.replace(microsecond=0).isoformat(" ")
        case Decimal():
            return f"{value:f}".replace(".", "," if dialect.decimal_comma else ".")
        case _:
            return str(value)


def blank(rows: Rows) -> Rows:
    """The rows as readers see them that do not tell null and the empty text apart."""
    return [[cell or "" for cell in row] for row in rows]


def read_standard(path: Path, dialect: Dialect, width: int) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=dialect.delimiter, strict=True))
    return cast(Rows, [row or [""] for row in rows[1:]])


def read_pyarrow(path: Path, dialect: Dialect, width: int) -> Rows:
    names = [str(position) for position in range(width)]
    read = pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows_after_names=1),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=True, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )
    return [list(row.values()) for row in read.to_pylist()]


def read_duckdb(path: Path, dialect: Dialect, width: int) -> Rows:
    names = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(width))
    line_end = r"\r\n" if dialect.line_end == "\r\n" else r"\n"
    with connect(None) as connection:
        rows = connection.execute(
            f"FROM read_csv({quote_text(str(path))}, delim = {quote_text(dialect.delimiter)}, quote = '\"', "
            f"escape = '\"', header = true, auto_detect = false, columns = {{{names}}}, "
            f"allow_quoted_nulls = false, new_line = '{line_end}')"
        ).fetchall()
    return [list(row) for row in rows]


def read_pandas(path: Path, dialect: Dialect, width: int) -> Rows:
    frame = pandas.read_csv(
        path,
        sep=dialect.delimiter,
        header=0,
        names=[str(position) for position in range(width)],
        dtype=str,
        keep_default_na=False,
        skip_blank_lines=False,
        encoding="utf-8-sig",
    )
    return cast(Rows, frame.to_numpy().tolist())


TELL_NULL = {read_pyarrow, read_duckdb}
READERS: list[Callable[[Path, Dialect, int], Rows]] = [read_standard, read_pyarrow, read_duckdb, read_pandas]


def check(
    read: Callable[[Path, Dialect, int], Rows],
    text: str,
    folder: Path,
    columns: tuple[Column, ...],
    rows: pa.RecordBatch,
) -> None:
    dialect = read_dialect(text.split(";")[1:])
    content, written = write(text, table(*columns), rows)
    path = folder / "written.csv"
    path.write_bytes(content)
    expected = [[text_of(row[column.name], dialect) for column in columns] for row in rows.to_pylist()]
    values = {column.name: rows[column.name].drop_null().to_pylist() for column in columns}
    summed = [column.name for column in columns if column.kind in {"integer", "decimal", "money"}]
    assert written.rows == rows.num_rows
    assert written.filled == {name: len(filled) for name, filled in values.items()}
    for name in summed:
        assert written.sums.get(name) == (sum(values[name], Decimal(0)) if values[name] else None)
    found = read(path, dialect, len(columns))
    assert found == (expected if read in TELL_NULL else blank(expected))


@pytest.mark.parametrize("text", DIALECTS)
@pytest.mark.parametrize("read", READERS)
def test_nasty_table_is_read_back(
    read: Callable[[Path, Dialect, int], Rows], text: str, tmp_path: Path
) -> None:
    check(read, text, tmp_path, EVERY_KIND, NASTY)


@pytest.mark.parametrize("text", DIALECTS)
@pytest.mark.parametrize("read", READERS)
def test_any_table_is_read_back(
    read: Callable[[Path, Dialect, int], Rows], text: str, tmp_path: Path
) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(random_tables())
    def holds(drawn: tuple[tuple[Column, ...], pa.RecordBatch]) -> None:
        check(read, text, tmp_path, *drawn)

    holds()


@pytest.mark.parametrize(
    ("text", "name"), [("csv", "formats/nasty.csv"), ("csv;excel-nb", "formats/nasty.excel-nb.csv")]
)
def test_golden(text: str, name: str, golden: Golden) -> None:
    golden.check(name, write(text, table(), NASTY)[0])


@pytest.mark.parametrize("text", ["csv", "csv;excel-nb;gzip", "csv;zstd"])
def test_equal_rows_give_equal_bytes_however_they_are_cut(text: str) -> None:
    rows = pa.Table.from_batches([NASTY] * 1_000).combine_chunks().to_batches()[0]
    whole = write(text, table(), rows)
    parts = [rows.slice(0, 0), rows.slice(0, 3), rows.slice(3, 20_000), rows.slice(20_003)]
    assert write(text, table(), *parts) == whole


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("csv", 'a,"b;c","d\te","f,g",1.50\r\n'),
        ("csv;semicolon", 'a;"b;c";"d\te";"f,g";1.50\r\n'),
        ("csv;tab;lf", 'a\t"b;c"\t"d\te"\t"f,g"\t1.50\n'),
        ("csv;decimal-comma", 'a,"b;c","d\te","f,g","1,50"\r\n'),
        ("csv;semicolon;decimal-comma", 'a;"b;c";"d\te";"f,g";1,50\r\n'),
    ],
)
def test_text_that_holds_any_delimiter_is_quoted(text: str, line: str) -> None:
    columns = (*(Column(name, name, "text") for name in "abcd"), Column("n", "n", "money"))
    values: dict[str, list[Any]] = {
        "a": ["a"],
        "b": ["b;c"],
        "c": ["d\te"],
        "d": ["f,g"],
        "n": [Decimal("1.50")],
    }
    content, _ = write(text, table(*columns), batch(columns, **values))
    assert content.decode().splitlines(keepends=True)[1:] == [line]


def test_titles_are_made_safe_and_follow_the_mark() -> None:
    columns = (Column("a", "=A;B", "text"), Column("b", 'Say "b"', "integer"))
    content, _ = write("csv;excel-da", table(*columns))
    assert content == b'\xef\xbb\xbf"\'=A;B";"Say ""b"""\r\n'


def test_floats_are_exact_and_only_finite() -> None:
    columns = (Column("x", "X", "decimal"),)
    rows = pa.record_batch({"x": [0.1, 1e300, -1e-7, float("nan"), None]})
    content, written = write("csv;semicolon;decimal-comma", table(*columns), rows)
    lines = content.decode().split("\r\n")[1:-1]
    assert [float(line.replace(",", ".")) for line in lines[:3]] == [0.1, 1e300, -1e-7]
    assert lines[3:] == ["", ""]
    assert [(note.what, note.count) for note in written.notes] == [("not_finite", 1)]


def test_zoned_timestamps_are_written_as_their_zones_wall_clock() -> None:
    instants = pa.array(map(datetime.fromisoformat, ("2025-03-30T01:30Z", "2025-10-26T01:30Z")))
    rows = pa.record_batch({"t": instants.cast(pa.timestamp("us", "Europe/Oslo"))})
    content, _ = write("csv", table(Column("t", "T", "timestamp")), rows)
    assert content == b"T\r\n2025-03-30 03:30:00\r\n2025-10-26 02:30:00\r\n"


@pytest.mark.parametrize(
    ("text", "key", "extension", "media_type"),
    [
        ("csv", "csv", "csv", "text/csv; charset=utf-8"),
        ("csv;excel-nb", "csv;semicolon;bom;decimal-comma", "csv", "text/csv; charset=utf-8"),
        ("csv;gzip;excel-de", "csv;semicolon;bom;decimal-comma;gzip", "csv.gz", "application/gzip"),
        ("csv;zstd;lf", "csv;lf;zstd", "csv.zst", "application/zstd"),
        ("pdf", "pdf", "pdf", "application/pdf"),
    ],
)
def test_formats_are_found_by_text(text: str, key: str, extension: str, media_type: str) -> None:
    found = find_format(text)
    assert (found.key, found.extension, found.media_type) == (key, extension, media_type)
    assert find_format(key).key == key


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("doc", "There is no format 'doc': choose one of csv, xlsx"),
        ("", "There is no format ''"),
        ("xlsx;gzip", "xlsx takes no parameters"),
        ("csv;comma", "there is no parameter 'comma': choose from excel-nb, .*zstd"),
        ("csv;", "there is no parameter ''"),
        ("csv;bom;bom", "'bom' is given twice"),
        ("csv;semicolon;tab", "'semicolon' and 'tab' both set the delimiter"),
        ("csv;gzip;zstd", "'gzip' and 'zstd' both set the compression"),
        ("csv;lf;excel-en", "'lf' and 'excel-en' both set the line end"),
        ("csv;excel-nb;excel-en", "'excel-nb' and 'excel-en' both set the delimiter"),
    ],
)
def test_unknown_formats_say_what_there_is(text: str, says: str) -> None:
    with pytest.raises(UnknownFormatError, match=says):
        find_format(text)


LONG = (Column("n", "N", "integer"), Column("text", "Text", "text"))
LONG_ROWS = pa.record_batch({"n": range(300_000), "text": [f"row {n * 7919}" for n in range(300_000)]})


def test_gzip_is_one_member_that_others_read(tmp_path: Path) -> None:
    plain, _ = write("csv", table(*LONG), LONG_ROWS)
    content, _ = write("csv;gzip", table(*LONG), LONG_ROWS)
    assert len(plain) > 4 << 20
    assert gzip.decompress(content) == plain
    assert content[4:8] == bytes(4)
    assert content.count(b"\x1f\x8b\x08\0\0\0\0\0\0\xff") == 1
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(content)
    assert pandas.read_csv(path)["N"].sum() == sum(range(300_000))
    check_with_duckdb(path)


def test_zstd_is_read_by_others(tmp_path: Path) -> None:
    plain, _ = write("csv", table(*LONG), LONG_ROWS)
    content, _ = write("csv;zstd", table(*LONG), LONG_ROWS)
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        assert stream.read() == plain
    path = tmp_path / "rows.csv.zst"
    path.write_bytes(content)
    check_with_duckdb(path)
    if tool := shutil.which("zstd"):
        assert subprocess.run([tool, "-dc", path], capture_output=True, check=True).stdout == plain


def check_with_duckdb(path: Path) -> None:
    with connect(None) as connection:
        found = connection.execute(
            f"SELECT count(*), sum(N), max(Text) FROM {quote_text(str(path))}"
        ).fetchone()
    assert found == (300_000, sum(range(300_000)), max(LONG_ROWS["text"].to_pylist()))


@pytest.mark.parametrize("text", ["csv;gzip", "csv;zstd"])
def test_compressed_table_without_rows(text: str, tmp_path: Path) -> None:
    content, _ = write(text, table(*LONG))
    with pa.CompressedInputStream(pa.BufferReader(content), find_format(text).key.split(";")[1]) as stream:
        assert stream.read() == b"N,Text\r\n"


def open_in_libreoffice(path: Path, options: str) -> list[list[Any]]:
    """The cells of a CSV file as LibreOffice sees them, without the titles."""
    [opened] = convert([path], "xlsx", path.parent, f"CSV:{options}")
    sheet = openpyxl.load_workbook(opened).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]


SHOWN = [text for text in TEXTS if text is None or (text.isprintable() and not text.startswith("_x"))]
"""Texts that pass through XLSX, by which LibreOffice's cells are read, as they are."""


def test_libreoffice_reads_every_text_as_it_is(tmp_path: Path) -> None:
    columns = (Column("n", "N", "integer"), Column("text", "Text", "text"), Column("b", "B", "text"))
    rows = batch(columns, n=list(range(len(SHOWN))), text=SHOWN, b=["x"] * len(SHOWN))
    path = tmp_path / "rows.csv"
    path.write_bytes(write("csv", table(*columns), rows)[0])
    # Comma, semicolon and TAB at once, as its dialogue has them; UTF-8; all columns are text.
    cells = open_in_libreoffice(path, "44/59/9,34,76,1,1/1/2/2/3/2")
    assert [[row[1] or "", row[2]] for row in cells] == [
        [text_of(text, Dialect()) or "", "x"] for text in SHOWN
    ]


def test_libreoffice_reads_numbers_of_the_excel_dialect_as_numbers(tmp_path: Path) -> None:
    columns = (
        Column("text", "Text", "text"),
        Column("money", "Money", "money"),
        Column("decimal", "Decimal", "decimal"),
        Column("date", "Date", "date"),
    )
    values: dict[str, list[Any]] = {
        "text": ["=1+1", "a;=1+1", "æøå ł"],
        "money": [Decimal("1234.50"), Decimal("-0.01"), None],
        "decimal": [Decimal("-9.9500"), None, Decimal("0.1250")],
        "date": [date(2025, 3, 30), None, date(1950, 1, 1)],
    }
    path = tmp_path / "rows.csv"
    path.write_bytes(write("csv;excel-nb", table(*columns), batch(columns, **values))[0])
    # Semicolon; UTF-8; the conventions of Norwegian; numbers are recognised and formulas evaluated.
    cells = open_in_libreoffice(path, "59,34,76,1,,1044,false,true,false,false,false,-1,true")
    assert [row[0] for row in cells] == ["'=1+1", "a;=1+1", "æøå ł"]
    assert [row[1] for row in cells] == [1234.5, -0.01, None]
    assert [row[2] for row in cells] == [-9.95, None, 0.125]
    assert [row[3] and row[3].date() for row in cells] == values["date"]


def test_error_of_the_rows_ends_the_file_midway() -> None:
    out = io.BytesIO()
    with pytest.raises(ValueError, match="'text' is not"):
        find_format("csv;gzip").write(table(), [NASTY, pa.record_batch({"other": [1]})], out)


class _Full(ForwardOnly):
    """Takes a megabyte; from then on it fails."""

    def write(self, chunk: Any) -> int:
        if len(self.content) > 1_000_000:
            raise _FullError("no room")
        return super().write(chunk)


class _FullError(Exception):
    pass


@pytest.mark.parametrize("text", ["csv", "csv;gzip", "csv;zstd"])
def test_error_of_the_target_comes_as_it_is_and_ends_the_reading(text: str) -> None:
    rows, batches = 8_192, 2_000
    given = 0

    def count() -> Iterator[pa.RecordBatch]:
        nonlocal given
        for position in range(batches):
            given += 1
            digits = random.Random(position).choices(range(2**62), k=rows)
            yield pa.record_batch({"n": pa.array(digits, pa.int64())})

    with pytest.raises(_FullError, match="no room"):
        find_format(text).write(table(Column("n", "N", "integer")), count(), cast(BinaryIO, _Full()))
    ended = given
    assert ended < batches // 2
    time.sleep(0.1)
    assert given == ended, "rows are read after the end"
