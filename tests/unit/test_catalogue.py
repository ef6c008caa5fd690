"""The catalogue of reports: what each file declares is what its query does, and what a filter may be."""

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.catalogue import (
    TENANT,
    ReportType,
    RequestError,
    find_report,
    load_catalogue,
    write_filters,
)
from exporters.formats import FORMATS
from exporters.formats.table import Kind, Table
from exporters.formats.wording import LANGUAGES
from exporters.report_headers import ArgumentHeader, ArgumentType
from tests.unit.conftest import Golden
from warehouse.errors import ModelError
from warehouse.generations import Snapshot, open_snapshot

CATALOGUE = load_catalogue()
WORKSHOP_TYPES = ("bookings", "ratings", "revenue", "services")
"""The types whose data every source of bookings has."""
FITS: dict[Kind, Callable[[pa.DataType], bool]] = {
    "text": pa.types.is_string,
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "money": lambda type_: pa.types.is_decimal(type_) and type_.scale == 2,
    "date": pa.types.is_date,
    "timestamp": lambda type_: pa.types.is_timestamp(type_) and type_.tz is None,
    "boolean": pa.types.is_boolean,
}
GOOD = """/*
title = "Parts"
description = "Parts used."
formats = ["csv"]

[arguments]
maker = { type = "text", title = "Maker", description = "Only parts of this maker." }

[columns]
part = { title = "Part", kind = "text", description = "Name." }
*/
select workshop_id, part from parts where workshop_id = $workshop_id and ($maker is null or maker = $maker)
"""


@pytest.fixture(scope="module")
def sample(sample_data: Path) -> Iterator[Snapshot]:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        yield snapshot


def read(snapshot: Snapshot, report: ReportType, workshop_id: str, **asked: Any) -> pa.Table:
    parameters = {**report.parse_filters(asked), TENANT: workshop_id}
    return snapshot.batches(report.sql, parameters).read_all()


def write_report(root: Path, text: str) -> Path:
    (root / "reports").mkdir(parents=True, exist_ok=True)
    (root / "reports" / "parts.sql").write_text(text, encoding="utf-8")
    return root


def test_the_promised_types_come_in_the_promised_formats() -> None:
    for name in WORKSHOP_TYPES:
        for format_ in FORMATS:
            assert find_report(CATALOGUE, name, format_)[0].name == name


@pytest.mark.parametrize("name", CATALOGUE)
def test_parameters_of_a_query_are_the_declared_arguments_and_the_tenant(name: str) -> None:
    report = CATALOGUE[name]
    assert set(re.findall(r"\$(\w+)", report.sql)) == {TENANT, *report.header.arguments}


@pytest.mark.parametrize("source", ["sample", "olist", "openrepair"])
def test_queries_give_the_declared_columns_in_fitting_types(
    source: str, request: pytest.FixtureRequest
) -> None:
    data: Path = (
        request.getfixturevalue("sample_data")
        if source == "sample"
        else request.getfixturevalue("real_data")(source)
    )
    with open_snapshot(data / "warehouse") as snapshot:
        [(busiest,)] = snapshot.rows(
            "select workshop_id from bookings group by all order by count(*) desc limit 1"
        )
        for report in CATALOGUE.values():
            rows = read(snapshot, report, busiest)
            assert rows.schema.names == list(report.fields), report.name
            assert set(rows[TENANT].to_pylist()) <= {busiest}
            for column in report.columns("en"):
                type_ = rows.schema.field(column.name).type
                assert FITS[column.kind](type_), f"{report.name}.{column.name}: {column.kind} is {type_}"
            table = Table(report.title("en"), report.columns("en"), (), datetime(2026, 3, 1, tzinfo=UTC))
            written = FORMATS["csv"].write(table, rows.to_batches(), io.BytesIO())
            assert written.rows == rows.num_rows


NARROWING: list[tuple[str, str, Any, Callable[[dict[str, Any]], bool]]] = [
    ("bookings", "date_from", "2025-06-15", lambda row: row["start_time"].date() >= date(2025, 6, 15)),
    ("bookings", "date_to", "2025-06-15", lambda row: row["start_time"].date() <= date(2025, 6, 15)),
    ("bookings", "status", "CANCELLED", lambda row: row["status"] == "CANCELLED"),
    ("ratings", "date_from", "2025-06-15", lambda row: row["created_at"].date() >= date(2025, 6, 15)),
    ("ratings", "date_to", "2025-06-15", lambda row: row["created_at"].date() <= date(2025, 6, 15)),
    ("ratings", "rating_min", "4.5", lambda row: row["rating"] >= Decimal("4.5")),
    ("ratings", "rating_max", "3", lambda row: row["rating"] <= 3),
    ("ratings", "only_public", "true", lambda row: not row["is_private"]),
    ("revenue", "date_from", "2025-06-01", lambda row: row["period"] >= "2025-06"),
    ("revenue", "date_to", "2025-05-31", lambda row: row["period"] <= "2025-05"),
    ("services", "is_active", "false", lambda row: not row["is_active"]),
]


@pytest.mark.parametrize(
    ("name", "argument", "value", "is_meant"), NARROWING, ids=[f"{row[0]}-{row[1]}" for row in NARROWING]
)
def test_an_argument_keeps_exactly_the_rows_it_tells_of(
    sample: Snapshot, name: str, argument: str, value: Any, is_meant: Callable[[dict[str, Any]], bool]
) -> None:
    report = CATALOGUE[name]
    every = read(sample, report, "101").to_pylist()
    kept = read(sample, report, "101", **{argument: value}).to_pylist()
    assert kept == [row for row in every if is_meant(row)]
    assert 0 < len(kept) < len(every)


def test_services_follow_their_categories_and_their_life(sample: Snapshot) -> None:
    report = CATALOGUE["services"]
    rows = sample.rows(
        "select service_id, category_ids, created_day, deleted_day from services where workshop_id = '101'"
    )

    def found(**asked: Any) -> set[str]:
        return set(read(sample, report, "101", **asked)["service_id"].to_pylist())

    assert found() == {row[0] for row in rows if row[3] is None}
    [wanted, other, *_] = sorted({category for row in rows for category in row[1]})
    for asked in ([wanted], [wanted, other], f" {wanted} ,{other},"):
        ids = set(asked.split(",") if isinstance(asked, str) else asked)
        ids = {text.strip() for text in ids}
        assert found(category_ids=asked) == {row[0] for row in rows if row[3] is None and ids & set(row[1])}
    assert found(category_ids=[]) == set()
    days = sorted({day for row in rows for day in row[2:] if day})
    for day in (days[0], days[len(days) // 2], days[-1]):
        assert found(date_to=day) == {row[0] for row in rows if row[2] is None or row[2] <= day}
        assert found(date_from=day) == {row[0] for row in rows if row[3] is None or row[3] >= day}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_title_is_in_every_language(name: str) -> None:
    header = CATALOGUE[name].header
    assert {*header.languages, "en"} == set(LANGUAGES)
    for language, titles in header.languages.items():
        assert titles.columns.keys() == header.columns.keys(), language
        assert titles.arguments.keys() == header.arguments.keys(), language
        assert bool(titles.group) == bool(header.group), language


@pytest.mark.parametrize("name", WORKSHOP_TYPES)
def test_the_rows_of_a_group_follow_one_another(name: str, sample: Snapshot) -> None:
    report = CATALOGUE[name]
    if report.header.group is None:
        return
    groups = read(sample, report, "101")[report.header.group.name].to_pylist()
    changes = [group for before, group in pairwise([None, *groups]) if group != before]
    assert len(changes) == len(set(changes)) > 1


def test_every_argument_is_tried_above() -> None:
    tried: set[tuple[str, str]] = {(name, argument) for name, argument, _, _ in NARROWING}
    tried |= {("services", argument) for argument in ("category_ids", "date_from", "date_to")}
    assert tried == {
        (name, argument) for name in WORKSHOP_TYPES for argument in CATALOGUE[name].header.arguments
    }


@pytest.mark.parametrize("name", WORKSHOP_TYPES)
def test_golden(name: str, sample: Snapshot, golden: Golden) -> None:
    report = CATALOGUE[name]
    rows = read(sample, report, "112", date_from="2025-11-01", date_to="2025-11-30")
    out = io.BytesIO()
    table = Table(report.title("en"), report.columns("en"), (), datetime(2026, 3, 1, tzinfo=UTC))
    FORMATS["csv"].write(table, rows.to_batches(), out)
    golden.check(f"reports/{name}.csv", out.getvalue())


def test_a_report_of_ones_own_is_one_file(tmp_path: Path) -> None:
    catalogue = load_catalogue(write_report(tmp_path, GOOD))
    assert list(catalogue) == ["parts"]
    assert [column.title for column in catalogue["parts"].columns("nb")] == ["Part"]
    assert catalogue["parts"].parse_filters({"maker": "Bosch"}) == {"maker": "Bosch"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "Parts"', 'title = "Parts"\nowner = "me"', ["owner", "Extra inputs"]),
        ('title = "Parts"\n', "", ["title", "required"]),
        ('["csv"]', '["csv", "docx"]', ["docx", "no format"]),
        ('["csv"]', '"csv"', ["formats", "list"]),
        ('kind = "text"', 'kind = "words"', ["columns.part.kind", "'money'"]),
        ('type = "text"', 'type = "words"', ["arguments.maker.type", "'decimal'"]),
        ('kind = "text"', 'kind = "text", total = "yes"', ["columns.part.total", "boolean"]),
        ("[columns]", "[columns", ["not TOML"]),
        ("/*\n", "", ["must begin with"]),
        ("select workshop_id, part", "select workshop_id part part", ["does not parse"]),
        ("maker = $maker)", "maker = $maker); select 1", ["exactly one query"]),
        ("*/", '[languages.nb]\ntitle = "Deler"\ncolumns = { maker = "x" }\n*/', ["languages.nb", "maker"]),
        ("*/", '[languages.fr]\ntitle = "Pièces"\n*/', ["languages.fr"]),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(ModelError) as caught:
        load_catalogue(write_report(tmp_path, GOOD.replace(old, new)))
    for part in ("parts.sql", *told):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "format_", "code"),
    [
        ("invoices", "csv", "UNSUPPORTED_TYPE"),
        ("", "csv", "UNSUPPORTED_TYPE"),
        ("bookings", "docx", "UNSUPPORTED_FORMAT"),
        ("bookings", "CSV", "UNSUPPORTED_FORMAT"),
    ],
)
def test_what_is_not_offered_is_refused(name: str, format_: str, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        find_report(CATALOGUE, name, format_)
    assert caught.value.code == code
    assert "bookings" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "argument", "value", "meaning"),
    [
        ("bookings", "date_from", "2026-02-03", date(2026, 2, 3)),
        ("bookings", "date_from", date(2026, 2, 3), date(2026, 2, 3)),
        ("bookings", "date_from", "2024-02-29", date(2024, 2, 29)),
        ("bookings", "date_from", "0001-01-01", date.min),
        ("bookings", "date_from", "", None),
        ("bookings", "date_from", None, None),
        ("bookings", "status", "Completed", "Completed"),
        ("services", "is_active", "true", True),
        ("services", "is_active", "FALSE", False),
        ("services", "is_active", False, False),
        ("services", "category_ids", "3", ["3"]),
        ("services", "category_ids", "3, 5,,7 ", ["3", "5", "7"]),
        ("services", "category_ids", [3, "5"], ["3", "5"]),
        ("services", "category_ids", [], []),
        ("ratings", "rating_min", "4.5", Decimal("4.5")),
        ("ratings", "rating_min", 4.1, Decimal("4.1")),
        ("ratings", "rating_min", 4, Decimal(4)),
        ("ratings", "rating_min", Decimal("4.50"), Decimal("4.5")),
        ("ratings", "rating_min", "-1", Decimal(-1)),
    ],
)
def test_good_values(name: str, argument: str, value: Any, meaning: Any) -> None:
    parsed = CATALOGUE[name].parse_filters({argument: value})
    assert parsed == dict.fromkeys(CATALOGUE[name].header.arguments) | {argument: meaning}
    assert type(parsed[argument]) is type(meaning)


BAD_VALUES: dict[tuple[str, str], list[Any]] = {
    ("bookings", "date_from"): [
        *(
            "2026-2-3",
            "20260203",
            "2026-02-30",
            "2026-02-03T00:00",
            "2026-02-03 ",
            "03.02.2026",
            "2026-W06-2",
        ),
        *(
            "2026-02",
            "2026-13-01",
            "0000-01-01",
            "today",
            "２０２６-02-03",
            20260203,
            0,
            True,
            ["2026-02-03"],
        ),
        datetime(2026, 2, 3, tzinfo=UTC),
    ],
    ("bookings", "status"): [5, True, ["PENDING"], {"code": "PENDING"}, "a\0b", "\ud800"],
    ("services", "is_active"): ["yes", "1", "0", " true", "t", 1, 0, [True]],
    ("services", "category_ids"): [3, True, {"3": 1}, b"3", [None], [[3]], [True], [3.5], ["a\0b"], "\udfff"],
    ("ratings", "rating_min"): [
        *("NaN", "sNaN", "inf", "-Infinity", "4,5", "four", "0x4", "4 5", " ", b"4", True, [4], {}),
        *(float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")),
    ],
}


@pytest.mark.parametrize(
    ("where", "value"), [(where, value) for where, values in BAD_VALUES.items() for value in values]
)
def test_bad_values(where: tuple[str, str], value: Any) -> None:
    name, argument = where
    with pytest.raises(RequestError) as caught:
        CATALOGUE[name].parse_filters({argument: value})
    assert caught.value.code == "VALIDATION_ERROR"
    assert caught.value.details == {"filter": argument}
    assert f"{argument} is {value!r}; it must be " in str(caught.value)


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(RequestError, match="takes no filter 'from'; it takes date_from, date_to") as caught:
        CATALOGUE["revenue"].parse_filters({"from": "2026-01-01"})
    assert (caught.value.code, caught.value.details) == ("VALIDATION_ERROR", {"filter": "from"})


@pytest.mark.parametrize("name", CATALOGUE)
def test_swapped_dates_are_refused(name: str) -> None:
    CATALOGUE[name].parse_filters({"date_from": "2026-03-01", "date_to": "2026-03-01"})
    with pytest.raises(RequestError, match="date_from 2026-03-02 is after date_to 2026-03-01") as caught:
        CATALOGUE[name].parse_filters({"date_from": "2026-03-02", "date_to": "2026-03-01"})
    assert caught.value.code == "INVALID_DATE_RANGE"
    assert caught.value.details == {"date_from": "2026-03-02", "date_to": "2026-03-01"}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES: dict[ArgumentType, st.SearchStrategy[Any]] = {
    "date": st.dates() | st.dates().map(str),
    "instant": st.datetimes().map(lambda moment: moment.replace(second=0, microsecond=0)),
    "text": texts,
    "boolean": st.booleans() | st.sampled_from(["true", "False"]),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False) | st.integers() | st.just("1e3"),
    "list": st.lists(texts | st.integers()) | texts,
}


def values_of(argument: ArgumentHeader) -> st.SearchStrategy[Any]:
    return st.sampled_from(argument.choices) if argument.choices else VALUES[argument.type]


@given(data=st.data(), name=st.sampled_from(sorted(CATALOGUE)))
def test_filters_survive_the_record(data: st.DataObject, name: str) -> None:
    report = CATALOGUE[name]
    asked = {
        argument: data.draw(st.none() | values_of(declared), argument)
        for argument, declared in report.header.arguments.items()
    }
    edges = [edge for edge in ("date_from", "date_to") if asked.get(edge) is not None]
    asked |= dict(zip(edges, sorted((asked[edge] for edge in edges), key=str), strict=True))
    first, end = asked.get("time_from"), asked.get("time_to")
    if first is not None and end is not None and first >= end:
        asked["time_to"] = None
    filters = report.parse_filters(asked)
    recorded = json.loads(json.dumps(write_filters(filters)))
    assert report.parse_filters(recorded) == filters
    assert set(recorded) == {argument for argument, value in filters.items() if value is not None}
