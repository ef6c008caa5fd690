"""Headers of report types: enums, entities, instants, company and batch types; each fault is told."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from exporters.catalogue import ReportType, RequestError, load_catalogue, write_filters
from exporters.report_types import (
    ArgumentField,
    argument_fields,
    batch_types,
    check_entities,
    company_types,
    list_entities,
)
from warehouse.errors import ModelError
from warehouse.generations import Snapshot, open_snapshot

CALLS = """/*
title = "Calls"
description = "Calls of the period."
formats = ["csv"]

[arguments]
time_from = { type = "instant", title = "From", description = "First." }
time_to = { type = "instant", title = "To", description = "End." }
outcome = { type = "text", title = "How", description = "How it ended.", choices = ["answered", "missed"] }
only_long = { type = "boolean", title = "Long", description = "Only long ones." }

[arguments.service_ids]
type = "list"
title = "Services"
description = "Only these."

[arguments.service_ids.entity]
type = "service"
sql = "select service_id as id, title as name from services where workshop_id = $workshop_id"

[company]
id = 7
name = "Calls"
group = "queue"
class_name = "ReportCalls"
added = 2020-01-15
option = "all"
position = 2

[columns]
call = { title = "Call", kind = "text", description = "Which." }
*/
select workshop_id, call from calls where workshop_id = $workshop_id
"""
HALF_PAST = datetime.fromisoformat("2026-03-29T02:30")
MART = """/*
description = "Days."
key = ["workshop_id", "day"]
sort = ["workshop_id", "day"]
restated = ["calls"]

[columns]
workshop_id = { type = "VARCHAR", description = "Workshop." }
*/
select workshop_id, day, count(*) as calls from calls group by all
"""


def write(root: Path, **files: str) -> Path:
    for layer in ("reports", "marts"):
        (root / layer).mkdir(parents=True, exist_ok=True)
    (root / "marts" / "call_days.sql").write_text(MART, encoding="utf-8")
    for name, text in files.items():
        (root / "reports" / f"{name}.sql").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def calls(tmp_path: Path) -> ReportType:
    return load_catalogue(write(tmp_path, calls=CALLS))["calls"]


@pytest.fixture(scope="module")
def sample(sample_data: Path) -> Iterator[Snapshot]:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        yield snapshot


@pytest.mark.parametrize(
    ("argument", "value", "meaning", "written"),
    [
        ("time_from", "2026-03-29T02:30", HALF_PAST, "2026-03-29T02:30"),
        ("time_from", HALF_PAST, HALF_PAST, "2026-03-29T02:30"),
        ("time_to", "", None, None),
        ("outcome", "missed", "missed", "missed"),
    ],
)
def test_good_values(calls: ReportType, argument: str, value: Any, meaning: Any, written: Any) -> None:
    filters = calls.parse_filters({argument: value})
    assert filters == dict.fromkeys(calls.header.arguments) | {argument: meaning}
    assert write_filters(filters) == ({} if written is None else {argument: written})


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        *(
            ("time_from", value, "a local time as YYYY-MM-DDTHH:MM")
            for value in (
                *(
                    "2026-03-29",
                    "2026-03-29 02:30",
                    "2026-03-29T02:30:00",
                    "2026-03-29T02:30Z",
                    "2026-03-29T24:00",
                ),
                *("20260329T0230", "2026-03-29T2:30", "2026-02-30T00:00", "2026-03-29T02:30+01:00", 5, True),
                *(
                    date(2026, 3, 29),
                    datetime.fromisoformat("2026-03-29T02:30:01"),
                    datetime(2026, 3, 29, tzinfo=UTC),
                ),
            )
        ),
        *(
            ("outcome", value, "one of answered, missed")
            for value in ("Missed", "missed ", "lost", 5, ["missed"])
        ),
    ],
)
def test_bad_values(calls: ReportType, argument: str, value: Any, expected: str) -> None:
    with pytest.raises(RequestError) as caught:
        calls.parse_filters({argument: value})
    assert (caught.value.code, caught.value.details) == ("VALIDATION_ERROR", {"filter": argument})
    assert str(caught.value) == f"{argument} is {value!r}; it must be {expected}"


@pytest.mark.parametrize("end", ["2026-03-01T08:00", "2026-03-01T07:59"])
def test_a_period_of_times_has_at_least_a_minute(calls: ReportType, end: str) -> None:
    calls.parse_filters({"time_from": "2026-03-01T08:00", "time_to": "2026-03-01T08:01"})
    with pytest.raises(
        RequestError, match=f"time_from 2026-03-01T08:00 is not before time_to {end}"
    ) as caught:
        calls.parse_filters({"time_from": "2026-03-01T08:00", "time_to": end})
    assert caught.value.code == "INVALID_DATE_RANGE"
    assert caught.value.details == {"time_from": "2026-03-01T08:00", "time_to": end}


def test_things_are_listed_and_asked_for_within_one_workshop(calls: ReportType, sample: Snapshot) -> None:
    own = list_entities(sample, calls, "service_ids", "101")
    others = {id_ for id_, _ in list_entities(sample, calls, "service_ids", "112")}
    assert own == sorted(own, key=lambda thing: (thing[1], thing[0]))
    assert dict(own) == dict(sample.rows("select service_id, title from services where workshop_id = '101'"))
    assert others.isdisjoint(dict(own))
    assert list_entities(sample, calls, "outcome", "101") == []
    known = [id_ for id_, _ in own]
    for good in (None, [], known[:1], known):
        check_entities(sample, calls, {"service_ids": good}, "101")
    for bad in (min(others), "", "x' or ''='"):
        with pytest.raises(RequestError) as caught:
            check_entities(sample, calls, {"service_ids": [known[0], bad]}, "101")
        assert caught.value.code == "VALIDATION_ERROR"
        assert caught.value.details == {"filter": "service_ids"}
        assert str(caught.value) == f"service_ids is {bad!r}; the workshop has no service of that id"


def test_a_company_type_is_made_of_its_options(tmp_path: Path) -> None:
    days = CALLS.replace('"all"\nposition = 2', '"perDay"\nposition = 1').replace(
        'only_long = { type = "boolean"', 'shortest = { type = "decimal"'
    )
    types = company_types(load_catalogue(write(tmp_path, calls=CALLS, days=days)))
    [type_] = types.values()
    assert types.keys() == {"7"}
    assert (type_.id, type_.name, type_.group, type_.class_name) == ("7", "Calls", "queue", "ReportCalls")
    assert (type_.added, type_.description) == (date(2020, 1, 15), None)
    assert {option: report.name for option, report in type_.reports.items()} == {
        None: "days",
        "perDay": "days",
        "all": "calls",
    }
    assert type_.options == ("perDay", "all")
    assert argument_fields(type_) == [
        ArgumentField("outcome", "How it ended.", False, "enum('answered', 'missed')"),
        ArgumentField("shortest", "Only long ones.", False, "number"),
        ArgumentField("service_ids", "Only these.", False, "service"),
        ArgumentField("only_long", "Only long ones.", False, "bool"),
        ArgumentField("option", "Which report of the type.", False, "enum('perDay', 'all')"),
    ]


def test_the_types_of_the_other_apis() -> None:
    catalogue = load_catalogue()
    batches = {name: (number, report.name) for name, (number, report) in batch_types(catalogue).items()}
    numbered = {
        "Revision": "bookings",
        "Finans": "revenue",
        "ReelleEjere": "ratings",
        "RevisionUdvidet": "services",
    }
    assert list(batches.items())[:4] == [
        (name, (number, report)) for number, (name, report) in enumerate(numbered.items())
    ]
    assert {name: batches[name] for name in catalogue} == {name: (None, name) for name in catalogue}
    assert len(batches) == len(catalogue) + 4
    assert [name for name, report in catalogue.items() if report.header.listens] == ["ratings"]
    types = company_types(catalogue)
    assert [types[str(number)].reports[None].name for number in range(101, 105)] == [
        *("bookings", "ratings", "revenue", "services")
    ]
    assert {
        field.key: field.type_text
        for number in range(101, 105)
        for field in argument_fields(types[str(number)])
    } == {
        "status": "text",
        "rating_min": "number",
        "rating_max": "number",
        "only_public": "bool",
        "is_active": "bool",
        "category_ids": "list",
    }


FAULTS: list[tuple[str, str, list[str]]] = [
    ('type = "instant", title = "To"', 'type = "date", title = "To"', ["time_to", "must be instant"]),
    ('["answered", "missed"]', '["answered", "answered"]', ["outcome", "twice"]),
    ('["answered", "missed"]', '["answered", "it\'s"]', ["outcome", "no comma or quote"]),
    ('["answered", "missed"]', '["a, b"]', ["outcome", "no comma or quote"]),
    ('["answered", "missed"]', '["answered", " "]', ["outcome", "blank"]),
    ('["answered", "missed"]', '"answered"', ["outcome.choices", "list"]),
    ('only_long = { type = "boolean"', 'only_long = { choices = ["a"], type = "boolean"', ["only text can"]),
    ('type = "list"', 'type = "decimal"', ["only text and list"]),
    (
        'type = "list"',
        'type = "text"\nchoices = ["a"]',
        ["choices and an entity"],
    ),
    ('type = "service"', 'type = "Service"', ["arguments.service_ids.entity.type"]),
    ("service_id as id, title as name", "title as name, service_id as id", ["gives name, id", "id, name"]),
    ("service_id as id, title as name", "*", ["gives *"]),
    ('where workshop_id = $workshop_id"', '"', ["bind $workshop_id"]),
    ('where workshop_id = $workshop_id"', 'where workshop_id = $workshop_id and 1 = $one"', ["nothing else"]),
    ("service_id as id, title as name", "service_id id title name", ["does not parse"]),
    ('services where workshop_id = $workshop_id"', 'services; delete from services"', ["exactly one query"]),
    ("id = 7", "id = 0", ["company.id"]),
    ("id = 7", 'id = "7"', ["company.id"]),
    ("added = 2020-01-15", 'added = "2020-01-15"', ["company.added"]),
    ('option = "all"', 'option = "it\'s"', ["company.option"]),
    ("position = 2", "position = 0", ["company.position"]),
    ("only_long =", "email =", ["company type 7", "named email"]),
    ('formats = ["csv"]', 'formats = ["csv"]\nlistens = ["ratings"]', ["listens names ratings", "are calls"]),
    (
        'formats = ["csv"]',
        'formats = ["csv"]\nbatch_type = { name = "A b", number = 1 }',
        ["batch_type.name"],
    ),
    ('formats = ["csv"]', 'formats = ["csv"]\nbatch_type = { name = "Calls", number = 1 }', ["batch types"]),
]


@pytest.mark.parametrize(("old", "new", "told"), FAULTS, ids=[" ".join(told) for _, _, told in FAULTS])
def test_a_wrong_header_is_told(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in CALLS
    with pytest.raises(ModelError) as caught:
        load_catalogue(write(tmp_path, calls=CALLS.replace(old, new)))
    for part in ("calls", *told):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "an option of its own"),
        ({'option = "all"\n': ""}, "an option of its own"),
        ({'"all"': '"b"'}, "a position of its own"),
        ({'"all"': '"b"\ndescription = "Else."', "position = 2": ""}, "must be the same"),
        ({'"all"': '"b"', "position = 2": "", '["answered", "missed"]': '["missed"]'}, "outcome must take"),
    ],
)
def test_reports_of_one_type_that_contradict_are_told(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    with pytest.raises(ModelError, match=told) as caught:
        load_catalogue(write(tmp_path, calls=CALLS, days=replace(CALLS, changes)))
    assert "company type 7 (reports/calls.sql, reports/days.sql)" in str(caught.value)


def test_batch_types_of_one_number_are_told(tmp_path: Path) -> None:
    first = replace(
        CALLS, {'formats = ["csv"]': 'formats = ["csv"]\nbatch_type = { name = "A", number = 1 }'}
    )
    second = replace(first, {'"all"': '"b"', "position = 2": "", '"A"': '"B"'})
    with pytest.raises(ModelError, match=r"calls.sql: A \(1\), reports/days.sql: B \(1\)"):
        load_catalogue(write(tmp_path, calls=first, days=second))


def replace(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    return text
