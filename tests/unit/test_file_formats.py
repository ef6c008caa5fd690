"""File formats: every record of an input file is landed as it stands, or set aside with its reason."""

import io
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.errors import LandingError
from warehouse.file_formats import FileLander
from warehouse.landing import Days
from warehouse.sources import FileEntity, FileFormat


@dataclass(frozen=True)
class Landed:
    """What became of one input file."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    rejected: list[tuple[int, str, str]]


def declare(format_: FileFormat, columns: Sequence[str] = ("a", "b"), **more: Any) -> FileEntity:
    return FileEntity(files="*", format=format_, key=[columns[0]], columns=list(columns), **more)


def land(folder: Path, content: bytes, entity: FileEntity, days: Days | None = None) -> Landed:
    path, part, aside = folder / "in.txt", folder / "part.parquet", folder / "rejected.parquet"
    path.write_bytes(content)
    aside.unlink(missing_ok=True)
    with closing(FileLander(entity, "Europe/Oslo", days)) as lander:
        landed, rejected = lander.land(path, "in.txt", part)
        lander.write_rejected(aside)
    table = pq.read_table(part)
    found = pq.read_table(aside).to_pylist() if aside.exists() else []
    assert (landed, rejected) == (table.num_rows, len(found))
    assert {row["file"] for row in found} <= {"in.txt"}
    return Landed(
        table.column_names,
        [tuple(row.values()) for row in table.to_pylist()],
        [(row["line"], row["reason"].removeprefix("unreadable record: "), row["content"]) for row in found],
    )


def land_csv(folder: Path, content: bytes) -> Landed:
    return land(folder, content, declare("csv"))


TWO = [("1", "x"), ("2", "y")]


def test_csv_records_are_landed_as_text_or_set_aside(tmp_path: Path) -> None:
    landed = land_csv(tmp_path, b'a,b\n1,x\n9\n8,Bj\xf8rn\n7,"open\n2,y\n,007\n')
    assert landed == Landed(
        ["a", "b"],
        [*TWO, (None, "007")],
        [
            (3, "too few fields", "9"),
            (4, "not UTF-8 text", "8,Bj\ufffdrn"),
            (5, "a quote that is not closed within 1,000 lines", '7,"open'),
        ],
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "in.txt: is empty; an export without rows still has its header line"),
        (b"\n", "in.txt: lacks the column a, b; it has none"),
        (b"\xef\xbb\xbf", "in.txt: lacks the column a, b; it has none"),
        (b"a,c\n1,2\n", "in.txt: lacks the column b; it has a, c"),
        (b"a;b\n1;2\n", "in.txt: lacks the column a, b; it has a;b"),
        (b"A,b\n1,2\n", "in.txt: lacks the column a; it has A, b"),
        (b"a,b,a\n1,2,3\n", "in.txt: has the column a twice"),
        (b"a,b,B\n1,2,3\n", "in.txt: has the column B, b twice; upper and lower case make no difference"),
        (b"a,b,\n1,2,3\n", "in.txt: has a column without a name"),
        ("a,b\n1,2\n".encode("utf-16"), "in.txt: its header line is not UTF-8 text"),
        (b'a,"b\n1,2\n', "in.txt: its header line cannot be read"),
    ],
)
def test_a_csv_file_without_what_is_declared_fails_and_says_why(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(LandingError) as raised:
        land_csv(tmp_path, content)
    assert message in str(raised.value)


def test_a_csv_file_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    for content in (b"a,b\n", b"a,b", b"a,b\r\n", b"\xef\xbb\xbfa,b\r"):
        assert land_csv(tmp_path, content) == Landed(["a", "b"], [], [])


def test_rows_of_a_large_file_keep_their_order(tmp_path: Path) -> None:
    """Their numbers tell where a quarantined row stands, and which of equally new rows is the last."""
    content = b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(100_000))
    landed = land_csv(tmp_path, content)
    assert [a for a, _ in landed.rows] == [str(number) for number in range(100_000)]


def land_ndjson(folder: Path, content: bytes) -> Landed:
    return land(folder, content, declare("ndjson"))


def test_ndjson_values_are_landed_as_text_with_missing_keys_as_null(tmp_path: Path) -> None:
    lines = [
        '{"a": 1, "b": "x"}',
        '{"b": null, "a": 12345678901234567890123}',
        '{"a": true, "b": 4.5, "late": "æ\\n\\u00e6"}',
        "",
        '   {"a": "5"}  ',
        '{"a": {"deep": [1, {"x": null}]}, "b": []}',
    ]
    landed = land_ndjson(tmp_path, "\n".join(lines).encode())
    assert landed == Landed(
        ["a", "b", "late"],
        [
            ("1", "x", None),
            ("12345678901234567890123", None, None),
            ("true", "4.5", "æ\næ"),
            ("5", None, None),
            ('{"deep":[1,{"x":null}]}', "[]", None),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1, "b": "x', "not a JSON object"),
        (b"nonsense", "not a JSON object"),
        (b'[{"a": 1, "b": 2}]', "not a JSON object"),
        (b'"a"', "not a JSON object"),
        (b"7", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": 1} {"a": 2}', "not a JSON object"),
        (b'{"a": 1, "b": 2}\x01{}', "not a JSON object"),
        (b'{"a": 1, "b": "\xf8"}', "not UTF-8 text"),
    ],
)
def test_an_unreadable_line_is_set_aside_and_the_others_are_landed(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    for end in (b"\n", b"\r\n"):
        lines = [b'{"a": 1, "b": "x"}', b"", line, b'{"a": 2, "b": "y"}']
        landed = land_ndjson(tmp_path, end.join(lines))
        assert landed.rows == TWO
        assert landed.rejected == [(3, reason, line.decode(errors="replace"))]


def test_ndjson_with_mixed_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"a": 1, "b": "x"}\r\n{"a": 2, "b": "y"}\n'
    assert land_ndjson(tmp_path, content).rows == TWO


def test_ndjson_text_of_a_backslash_is_text(tmp_path: Path) -> None:
    line = json.dumps({"a": "C:\\x01\\n", "b": '"'})
    assert land_ndjson(tmp_path, line.encode()).rows == [("C:\\x01\\n", '"')]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "lacks the column a, b; it has none"),
        (b'[{"a": 1, "b": 2}]', "lacks the column a, b; it has none"),
        (b'{"a": 1}\n{"a": 2}\n', "lacks the column b; it has a"),
        (b'{"a": 1, "b": 1, "A": 2}', "has the column A, a twice"),
        (b'{"a": 1, "b": 1, "": 2}', "has a column without a name"),
    ],
)
def test_an_ndjson_file_without_what_is_declared_fails_and_says_why(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(LandingError) as raised:
        land_ndjson(tmp_path, content)
    assert str(raised.value).startswith("in.txt: ")
    assert message in str(raised.value)


JSON_VALUES = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": JSON_VALUES, "b": JSON_VALUES}), min_size=1, max_size=8))
def test_any_objects_that_json_writes_are_landed_as_text(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, Any]]
) -> None:
    def text(value: Any) -> str | None:
        return value if value is None or isinstance(value, str) else json.dumps(value)

    for ascii_only in (True, False):
        lines = "\n".join(json.dumps(line, ensure_ascii=ascii_only) for line in objects)
        landed = land_ndjson(tmp_path_factory.mktemp("json"), lines.encode())
        assert landed.rows == [(text(line["a"]), text(line["b"])) for line in objects]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "a": [1, 2],
            "b": [Decimal("1.10"), None],
            "at": [datetime(2026, 1, 1, tzinfo=UTC), None],
            "list": [[1, 2], []],
        },
        schema_overrides={"b": pl.Decimal(18, 2)},
    )
    content = io.BytesIO()
    frame.write_parquet(content)
    landed = land(tmp_path, content.getvalue(), declare("parquet"))
    assert landed.rows == [
        (1, Decimal("1.10"), datetime(2026, 1, 1, tzinfo=UTC), [1, 2]),
        (2, None, None, []),
    ]


def test_a_corrupt_parquet_file_or_one_without_a_column_fails(tmp_path: Path) -> None:
    content = io.BytesIO()
    pl.DataFrame({"a": range(5000), "c": range(5000)}).write_parquet(content)
    whole = content.getvalue()
    with pytest.raises(LandingError, match=r"in\.txt: lacks the column b; it has a, c"):
        land(tmp_path, whole, declare("parquet"))
    for broken in (whole[:-10], whole[100:], b"a,b\n1,2\n", whole[:4] + bytes(20) + whole[24:]):
        with pytest.raises(LandingError, match=r"in\.txt: cannot be landed"):
            land(tmp_path, broken, declare("parquet", ["a", "c"]))


def test_only_the_rows_of_the_asked_days_are_landed(tmp_path: Path) -> None:
    """A day is local to the source: 23:30 UTC on the first is the second in Oslo."""
    entity = declare("csv", ["a", "at"], watermark="at")
    content = (
        b"a,at\n1,2026-01-01T22:59:59Z\n2,2026-01-01T23:00:00Z\n3,2026-01-02T22:59:59Z\n4,2026-01-03\n5,\n"
    )
    landed = land(tmp_path, content, entity, Days(date(2026, 1, 2), date(2026, 1, 2)))
    assert [a for a, _ in landed.rows] == ["2", "3"]


def test_a_watermark_in_local_time_has_its_own_format(tmp_path: Path) -> None:
    entity = declare("csv", ["a", "at"], watermark="at", watermark_format="%m/%d/%Y %H:%M")
    content = b"a,at\n1,1/1/2026 23:30\n2,1/2/2026 00:00\n3,1/2/2026 23:59\n4,2026-01-02\n"
    landed = land(tmp_path, content, entity, Days(date(2026, 1, 2), date(2026, 1, 2)))
    assert [a for a, _ in landed.rows] == ["2", "3"]
