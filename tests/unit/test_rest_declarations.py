"""REST sources are declared safely, and the shapes and values of answers are understood."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.sources.rest_client import RestError
from pipelines.sources.rest_shapes import CursorPages, NumberedPages, SinglePage
from pipelines.sources.rest_text import TextColumns, check_names, microseconds
from warehouse.database import DatabaseOptions
from warehouse.file_formats import FileLander
from warehouse.sources import FileEntity, RestEntity, RestSource


def declare(**changes: Any) -> RestSource:
    values: dict[str, Any] = {
        "type": "rest",
        "api": "plandocket",
        "url": "https://a.example",
        "time_zone": "UTC",
    }
    entities = {"events": RestEntity(resource="events", key=["id"], columns=["id"])}
    return RestSource(**(values | {"entities": entities} | changes))


@pytest.mark.parametrize(
    "url", ["https://a.example/", "http://127.0.0.1:81", "http://[::1]:81", "http://localhost"]
)
def test_addresses_that_keep_a_secret(url: str) -> None:
    assert declare(url=url).url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "https://u:p@a.example",
        "https://a.example?api_key=x",
        "ftp://a.example",
        "a.example",
        "https://",
    ],
)
def test_addresses_that_do_not_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        declare(url=url)


def test_plandocket_stays_below_a_thousand_calls_an_hour() -> None:
    assert declare().pace * 3600 < 1000
    assert declare(requests_per_second=2).pace == 2


@pytest.mark.parametrize("wrapped", [False, True])
def test_cursor_pages_bare_and_wrapped(wrapped: bool) -> None:
    payload = {"items": [{"id": 1}], "page_info": {"next_cursor": "c2", "has_more": True}}
    page = CursorPages(100).page({"data": payload, "meta": {}} if wrapped else payload, None)
    assert (page.rows, page.next) == ([{"id": 1}], "c2")
    assert page.place == ("data.items" if wrapped else "items")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"items": None},
        {"items": [1]},
        {"items": []},
        {"items": [], "page_info": {"has_more": True, "next_cursor": None}},
        {"items": [], "page_info": {"has_more": True, "next_cursor": "same"}},
    ],
)
def test_answers_of_another_shape_are_refused(answer: object) -> None:
    with pytest.raises(RestError):
        CursorPages(100).page(answer, "same")


def test_numbered_pages_end_with_the_total_of_the_size_that_was_given() -> None:
    paging = NumberedPages(200)
    meta = {"total": 120, "page": 1, "page_size": 50}
    assert paging.page({"items": [{}], "meta": meta}, None).next == "2"
    assert paging.page({"items": [{}], "meta": meta}, "3").next is None
    assert NumberedPages(100).page({"data": [{}], "meta": {"last_page": 2}}, "1").next == "2"
    assert SinglePage(("statuses",)).page({"data": {"statuses": [{"code": "A"}]}}, None).rows == [
        {"code": "A"}
    ]


def test_values_become_text_without_loss() -> None:
    columns = TextColumns(DatabaseOptions(threads=1))
    answer = (
        '{"items": [{"a": 1, "b": true, "c": "æ\\u0000", "d": null, "e": {"x": [1, "ø"]},'
        ' "f": 0.1, "g": "\\ud83d"},'
        ' {"a": "1", "h": 12345678901234567890}]}'
    ).encode()
    table = columns.table([answer], "items", list("abcdefgh"), {"workshop_id": "7"}, None).drop(["_at"])
    first, second = table.to_pylist()
    assert (first["a"], first["b"], first["c"], first["d"], first["f"]) == ("1", "true", "æ\0", None, "0.1")
    assert (first["e"], first["workshop_id"]) == ('{"x":[1,"ø"]}', "7")
    assert (second["a"], second["b"], second["h"]) == ("1", None, "12345678901234567890")
    assert first["g"] is not None
    columns.close()


def test_values_are_those_that_a_file_of_the_same_rows_lands(tmp_path: Path) -> None:
    rows = [
        '{"id": 1, "price": 1000.50, "on": true, "list": [1, 2.5, null, "å"], "nested": {"a": {"b": false}}}',
        '{"id": 18446744073709551615, "price": -0.125, "list": [], "nested": "{}", "late": "\\u00e6"}',
        '{"id": "1", "price": 1e3, "on": "", "list": "a\\"b\\n", "nested": {"c": "\\ud83d\\ude00"}}',
    ]
    (tmp_path / "rows.ndjson").write_text("\n".join(rows) + "\n", encoding="utf-8")
    declared = FileEntity(files="*", format="ndjson", key=["id"], columns=["id"])
    part = tmp_path / "part.parquet"
    with closing(FileLander(declared, "UTC", None)) as lander:
        lander.land(tmp_path / "rows.ndjson", "rows.ndjson", part)
    landed = pq.read_table(part)
    with closing(TextColumns(DatabaseOptions(threads=1))) as columns:
        answer = f"[{','.join(rows)}]".encode()
        found = columns.table([answer], "", landed.column_names, {}, None).drop(["_at"])
    assert found.to_pylist() == landed.to_pylist()


def test_a_number_with_more_digits_than_a_double_keeps_them() -> None:
    row = '{"a": 1234567890123456.78, "b": {"c": [0.12345678901234567890, "x", true]}, "d": "0.5", "e": null}'
    with closing(TextColumns(DatabaseOptions(threads=1))) as columns:
        answer = f'{{"data": {{"items": [{row}]}}}}'.encode()
        [found] = columns.table([answer], "data.items", list("abde"), {}, None).drop(["_at"]).to_pylist()
    assert found == {
        "a": "1234567890123456.78",
        "b": '{"c":[0.12345678901234567890,"x",true]}',
        "d": "0.5",
        "e": None,
    }


@pytest.mark.parametrize("names", [["id", "ID"], ["_load"], ["Filename"], [""]])
def test_names_that_cannot_be_kept_are_refused(names: list[str]) -> None:
    with pytest.raises(RestError):
        check_names(names)


def test_instants_in_each_form_are_one() -> None:
    forms: list[object] = [
        "2024-01-01T00:00:00Z",
        "2024-01-01T01:00:00+01:00",
        "2024-01-01T00:00:00",
        1704067200,
    ]
    assert {microseconds(form) for form in forms} == {1_704_067_200_000_000}
    neither: list[object] = ["soon", None, True, {}]
    assert [microseconds(form) for form in neither] == [None] * 4
