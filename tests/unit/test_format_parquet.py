"""Parquet: what is written, other programs read back with its types."""

import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from exporters.formats import FORMATS, parquet
from exporters.formats.table import Column, Group, Table
from tests.format_tables import CREATED, EVERY_KIND, NASTY, TYPES, batch, random_tables, table, write
from warehouse.database import connect, quote_text


def expect(columns: tuple[Column, ...], rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows as a reader must find them: timestamps are in whole seconds."""
    found = rows.select([column.name for column in columns]).to_pylist()
    return [
        {name: v.replace(microsecond=0) if isinstance(v, datetime) else v for name, v in row.items()}
        for row in found
    ]


def read_pyarrow(path: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    read = pq.read_table(path)
    return read.to_pylist(), {field.name: str(field.type) for field in read.schema}


def read_polars(path: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    read = pl.read_parquet(path)
    return read.to_dicts(), {name: str(dtype) for name, dtype in read.schema.items()}


def read_duckdb(path: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    with connect(None) as connection:
        relation = connection.sql(f"FROM {quote_text(str(path))}")
        names = relation.columns
        return [dict(zip(names, row, strict=True)) for row in relation.fetchall()], {
            name: str(dtype) for name, dtype in zip(names, relation.types, strict=True)
        }


@pytest.mark.parametrize(
    ("read", "types"),
    [
        (read_pyarrow, [str(dtype) for dtype in TYPES.values()]),
        (
            read_polars,
            [
                "String",
                "Int64",
                "Decimal(precision=18, scale=4)",
                "Decimal(precision=12, scale=2)",
                "Date",
                "Datetime(time_unit='us', time_zone=None)",
                "Boolean",
            ],
        ),
        (
            read_duckdb,
            ["VARCHAR", "BIGINT", "DECIMAL(18,4)", "DECIMAL(12,2)", "DATE", "TIMESTAMP", "BOOLEAN"],
        ),
    ],
)
def test_nasty_table_is_read_back_with_its_types(read: Any, types: list[str], tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(write("parquet", table(), NASTY)[0])
    rows, found = read(path)
    assert rows == expect(EVERY_KIND, NASTY)
    assert list(found.items()) == list(zip(TYPES, types, strict=True))


@pytest.mark.parametrize("read", [read_pyarrow, read_polars, read_duckdb])
def test_any_table_is_read_back(read: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"

    @settings(max_examples=20, deadline=None)
    @given(random_tables())
    def holds(drawn: tuple[tuple[Column, ...], pa.RecordBatch]) -> None:
        columns, rows = drawn
        content, written = write("parquet", table(*columns), rows)
        path.write_bytes(content)
        assert read(path)[0] == expect(columns, rows)
        assert written.rows == rows.num_rows

    holds()


def read_file(content: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(content))


def test_equal_rows_give_equal_bytes_in_equal_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 1_000)
    rows = pa.Table.from_batches([NASTY] * 100).combine_chunks().to_batches()[0]
    whole = write("parquet", table(), rows)
    parts = [rows.slice(0, 0), rows.slice(0, 1), rows.slice(1, 999), rows.slice(1_000, 7), rows.slice(1_007)]
    assert write("parquet", table(), *parts) == whole
    metadata = read_file(whole[0]).metadata
    heights = [metadata.row_group(position).num_rows for position in range(metadata.num_row_groups)]
    assert heights == [1_000, 1_000, rows.num_rows - 2_000]
    assert metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("integer", pa.array([2**64 - 1], pa.uint64()), pa.decimal128(38, 0)),
        ("integer", pa.array([Decimal(10**37)], pa.decimal128(38, 0)), pa.decimal128(38, 0)),
        ("integer", pa.array([7], pa.int16()), pa.int64()),
        ("decimal", pa.array([Decimal("0.1000000001")], pa.decimal128(20, 10)), pa.decimal128(20, 10)),
        ("decimal", pa.array([7], pa.int64()), pa.decimal128(38, 0)),
        ("decimal", pa.array([0.1]), pa.float64()),
        ("money", pa.array([Decimal("1.5")], pa.decimal128(5, 1)), pa.decimal128(38, 2)),
        ("timestamp", pa.array([0], pa.timestamp("s", "Europe/Oslo")), pa.timestamp("ms")),
        ("timestamp", pa.array([0], pa.timestamp("ns")), pa.timestamp("ns")),
        ("text", pa.array(["a"]).dictionary_encode(), pa.string()),
        ("money", pa.nulls(1), pa.decimal128(38, 2)),
    ],
)
def test_types_hold_every_value_of_the_rows(kind: Any, values: pa.Array, wanted: pa.DataType) -> None:
    what = table(Column("x", "X", kind))
    for rows in (pa.record_batch({"x": values}), pa.record_batch({"x": values.slice(0, 0)})):
        read = read_file(write("parquet", what, rows)[0]).read()
        assert read.schema.field("x").type == wanted
        if kind in {"integer", "decimal", "money"}:
            assert read["x"].to_pylist() == rows["x"].to_pylist()


def test_wall_clock_of_the_zone_is_kept() -> None:
    instant = pa.array([datetime.fromisoformat("2025-03-30T01:30:00.500Z")])
    rows = pa.record_batch({"t": instant.cast(pa.timestamp("us", "Europe/Oslo"))})
    read = read_file(write("parquet", table(Column("t", "T", "timestamp")), rows)[0]).read()
    assert read["t"].to_pylist() == [datetime.fromisoformat("2025-03-30T03:30:00")]


def test_texts_are_as_they_are_and_titles_in_the_metadata() -> None:
    columns = (Column("a", "=Tittel", "text"), Column("m", "Beløp", "money", True))
    what = Table("Omsætning", columns, (("Workshop", "=V & S"),), CREATED, "da", "DKK")
    content, _ = write("parquet", what, batch(columns, a=["=1+1"], m=[Decimal("1.50")]))
    file = read_file(content)
    said = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    assert file.read().to_pylist() == [{"a": "=1+1", "m": Decimal("1.50")}]
    assert file.schema_arrow.field("m").metadata[b"title"].decode() == "Beløp"
    assert (said["title"], said["language"], said["currency"]) == ("Omsætning", "da", "DKK")
    assert json.loads(said["details"]) == [["Workshop", "=V & S"]]
    assert json.loads(said["columns"]) == {"a": "=Tittel", "m": "Beløp"}
    assert datetime.fromisoformat(said["created_at"]) == CREATED


def test_group_is_written_only_when_it_is_a_column() -> None:
    rows = pa.record_batch({"g": ["one"], "a": ["x"]})
    group = Group("g", "Group")
    without = Table("T", (Column("a", "A", "text"),), (), CREATED, group=group)
    within = Table("T", (Column("a", "A", "text"), Column("g", "G", "text")), (), CREATED, group=group)
    assert read_file(write("parquet", without, rows)[0]).read().column_names == ["a"]
    assert read_file(write("parquet", within, rows)[0]).read().column_names == ["a", "g"]


@pytest.mark.parametrize("batches", [[], [NASTY.slice(0, 0)]])
def test_table_without_rows_can_be_read(batches: list[pa.RecordBatch]) -> None:
    content, written = write("parquet", table(), *batches)
    assert written.rows == 0
    assert read_file(content).read().num_rows == 0
    assert read_file(content).schema_arrow.names == [column.name for column in EVERY_KIND]


def test_rows_that_do_not_fit_end_the_file_midway() -> None:
    out = io.BytesIO()
    with pytest.raises(TypeError, match="'a' is of kind integer and needs a whole"):
        FORMATS["parquet"].write(
            table(Column("a", "A", "integer")), [pa.record_batch({"a": ["x"]})], cast(Any, out)
        )
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(io.BytesIO(out.getvalue()))


def test_golden_file(golden: Any) -> None:
    file = read_file(write("parquet", table(), NASTY)[0])
    rows = "\n".join(json.dumps(row, default=str, ensure_ascii=True) for row in file.read().to_pylist())
    golden.check("formats/nasty.parquet.txt", f"{file.schema_arrow.to_string()}\n\n{rows}\n".encode())
