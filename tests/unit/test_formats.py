"""Laws of every format: counted, summed, named and streamed alike; each format's own tests are beside."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pytest
from hypothesis import given, settings

from exporters.formats import FORMATS, find_format
from exporters.formats.table import Brand, Chart, Column, Group, KeyFigure, Note, Table, Written
from exporters.formats.wording import LANGUAGES, say_note
from tests.format_tables import CREATED, EVERY_KIND, NASTY, ForwardOnly, random_tables, table, write

LOUD = replace(
    table(),
    key_figures=(KeyFigure("Done", 12, "integer"), KeyFigure("Revenue", None, "money", "NOK")),
    charts=(
        Chart("By category", "bars", ("Brakes", "=1+1", "<b>"), (3, 2, None), "Services", "integer"),
        Chart("By month", "line", ("2025-01", "2025-02"), (Decimal("4.5"), None), "Average", "decimal"),
    ),
    brand=Brand("#aa3300", None, "Org. no. 1 <i>"),
)
"""The nasty table with all that can stand around it."""


def count_threads() -> int:
    """How many threads Python has begun; those of a library that only call it are named Dummy."""
    return sum(not thread.name.startswith("Dummy") for thread in threading.enumerate())


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize("what", [table(), LOUD], ids=["plain", "loud"])
def test_equal_rows_give_equal_bytes_however_they_are_cut(key: str, what: Table) -> None:
    whole, written = write(key, what, NASTY)
    parts, written_in_parts = write(key, what, NASTY.slice(0, 0), NASTY.slice(0, 3), NASTY.slice(3))
    assert parts == whole
    assert written_in_parts == written


@pytest.mark.parametrize("key", FORMATS)
def test_what_was_written_is_counted_and_summed_exactly(key: str) -> None:
    @settings(max_examples=12, deadline=None)
    @given(random_tables())
    def holds(drawn: tuple[tuple[Column, ...], pa.RecordBatch]) -> None:
        columns, rows = drawn
        _, written = write(key, table(*columns), rows)
        values = {column.name: rows[column.name].drop_null().to_pylist() for column in columns}
        assert written.rows == rows.num_rows
        assert written.filled == {name: len(found) for name, found in values.items()}
        if rows.num_rows:
            assert written.sums == {
                column.name: sum(map(Decimal, values[column.name])) if values[column.name] else None
                for column in columns
                if column.kind in {"integer", "decimal", "money"}
            }

    holds()


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("batches", [[], [NASTY.slice(0, 0)]], ids=["none", "empty"])
def test_a_table_without_rows_is_a_whole_file(key: str, language: Any, batches: list[pa.RecordBatch]) -> None:
    content, written = write(key, replace(LOUD, language=language), *batches)
    assert content
    assert written == Written(0, dict.fromkeys((c.name for c in EVERY_KIND), 0), written.sums)
    assert not any(written.sums.values())


@pytest.mark.parametrize("key", FORMATS)
def test_fields_come_in_any_order_and_further_ones_are_not_written(key: str) -> None:
    rows = pa.record_batch({"secret": ["hidden"], "b": ["second"], "a": ["first"]})
    what = table(Column("a", "A", "text"), Column("b", "B", "text"))
    assert write(key, what, rows) == write(key, what, pa.record_batch({"a": ["first"], "b": ["second"]}))


@pytest.mark.parametrize("key", FORMATS)
def test_numbers_that_are_not_finite_are_left_empty_and_noted(key: str) -> None:
    rows = pa.record_batch({"x": [1.5, float("nan"), float("inf"), float("-inf"), None]})
    _, written = write(key, table(Column("x", "X", "decimal")), rows)
    assert written == Written(5, {"x": 1}, {}, (Note("x", "not_finite", 3),))


def test_a_note_is_a_sentence_in_every_language() -> None:
    note = Note("text", "no_glyph", 1)
    assert say_note(note, table(), "en") == (
        "Column “Text”: characters shown as a box because the font lacks them (1 time)."
    )
    assert "(1 gang)" in say_note(note, table(), "nb")
    assert "(2 ganger)" in say_note(replace(note, count=2), table(), "nb")
    assert len({say_note(note, table(), language) for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("key", FORMATS)
@pytest.mark.parametrize(
    ("columns", "rows", "error", "says"),
    [
        ((Column("a", "A", "text"),), {"b": ["x"]}, ValueError, "'a' is not, or not once"),
        ((Column("a", "A", "integer"),), {"a": ["x"]}, TypeError, "'a' is of kind integer and needs a whole"),
        ((Column("a", "A", "money"),), {"a": [1.5]}, TypeError, "decimal of at most two places"),
        ((Column("a", "A", "decimal", True),), {"a": [1.5]}, TypeError, "must be exact"),
        ((Column("a", "A", "text", True),), {"a": ["x"]}, ValueError, "has no sum"),
        ((Column("^.*$", "A", "text"),), {"^.*$": ["x"]}, ValueError, "letters and digits"),
        ((Column("a", "A", "text"),) * 2, {"a": ["x"]}, ValueError, r"\['a'\] more than once"),
    ],
)
def test_tables_that_cannot_be_written_say_why(
    key: str, columns: tuple[Column, ...], rows: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        write(key, table(*columns), pa.record_batch(rows))


@pytest.mark.parametrize("key", FORMATS)
def test_creation_time_must_be_utc(key: str) -> None:
    local = CREATED.astimezone(timezone(timedelta(hours=2)))
    with pytest.raises(ValueError, match="in UTC"):
        write(key, replace(table(), created_at=local), NASTY)


@pytest.mark.parametrize("key", FORMATS)
def test_an_error_of_the_rows_comes_through_and_ends_the_threads(key: str) -> None:
    class CancelledError(Exception):
        pass

    def cut_short() -> Iterator[pa.RecordBatch]:
        for _ in range(50):
            yield pa.record_batch({"n": range(1_000)})
        raise CancelledError

    before = count_threads()
    with pytest.raises(CancelledError):
        FORMATS[key].write(table(Column("n", "N", "integer")), cut_short(), cast(BinaryIO, ForwardOnly()))
    gc.collect()
    assert count_threads() <= before


@pytest.mark.parametrize("key", [*FORMATS, "csv;gzip", "csv;zstd"])
@pytest.mark.parametrize("room", [0, 1_000, 100_000])
def test_an_error_of_the_stream_comes_through_as_it_is(key: str, room: int) -> None:
    class FullError(Exception):
        pass

    class Full(ForwardOnly):
        def write(self, chunk: Any) -> int:
            if len(self.content) + len(chunk) > room:
                raise FullError
            return super().write(chunk)

    rows = (pa.record_batch({"n": [(seed + n) * 7_919 for n in range(20_000)]}) for seed in range(10))
    before = count_threads()
    with pytest.raises(FullError):
        find_format(key).write(table(Column("n", "N", "integer")), rows, cast(BinaryIO, Full()))
    gc.collect()
    assert count_threads() <= before


@pytest.mark.parametrize("key", ["csv", "xlsx", "parquet"])
def test_a_format_without_groups_leaves_their_field_out(key: str) -> None:
    rows = pa.record_batch({"month": ["2025-01", "2025-02"], "n": [1, 2]})
    plain = table(Column("n", "N", "integer", True))
    assert write(key, replace(plain, group=Group("month", "Month")), rows) == write(key, plain, rows)


@pytest.mark.parametrize("module", ["fpdf", "fontTools", "pikepdf", "vl_convert"])
def test_the_table_of_formats_loads_no_library_of_one_format(module: str) -> None:
    code = f"import sys, exporters.formats; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
