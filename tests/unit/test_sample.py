"""The sample data: deterministic, of the promised size and shape, and its faults counted truly."""

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipelines.sources.sample import generate_sample

COLUMNS = (
    *("id", "group_id", "workshop_id", "service_id", "customer_id", "customer_name", "registration_number"),
    *("status", "start_time", "end_time", "completed_at", "cancelled_at", "cancellation_reason"),
    *("price", "currency", "walk_in", "notes", "created_at", "updated_at"),
)
OSLO = ZoneInfo("Europe/Oslo")
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Export:
    """The raw files of a folder, read without the generator's help."""

    folder: Path
    workshops: list[dict[str, str]]
    services: pl.DataFrame
    records: list[list[str]]  # every record of every monthly file, well formed or not
    updates: list[dict[str, str]]
    rating_lines: list[str]
    quirks: dict[str, int]

    @cached_property
    def bookings(self) -> list[dict[str, str]]:
        """The records that have as many fields as the header and are valid UTF-8."""
        return [
            dict(zip(COLUMNS, record, strict=True))
            for record in self.records
            if len(record) == len(COLUMNS) and not is_broken(record)
        ]

    @cached_property
    def ratings(self) -> list[dict[str, Any]]:
        return [rating for line in self.rating_lines if (rating := parse(line)) is not None]


def is_broken(record: list[str]) -> bool:
    return any("\udc80" <= sign <= "\udcff" for cell in record for sign in cell)


def parse(line: str) -> dict[str, Any] | None:
    try:
        rating: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return rating


def read_csv(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8", errors="surrogateescape")
    return list(csv.reader(io.StringIO(text, newline="")))


def read_dicts(path: Path) -> list[dict[str, str]]:
    header, *records = read_csv(path)
    return [dict(zip(header, record, strict=True)) for record in records]


def read_export(folder: Path) -> Export:
    records = []
    for path in sorted((folder / "bookings").glob("bookings-2*.csv")):
        header, *rest = read_csv(path)
        assert tuple(header) == COLUMNS
        records += rest
    return Export(
        folder,
        read_dicts(folder / "workshops.csv"),
        pl.read_parquet(folder / "services.parquet"),
        records,
        read_dicts(folder / "bookings" / "bookings-update.csv"),
        (folder / "ratings.ndjson").read_text(encoding="utf-8").removesuffix("\n").split("\n"),
        json.loads((folder / "quirks.json").read_text(encoding="utf-8")),
    )


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("sample")
    generate_sample(folder)
    return read_export(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("small")
    generate_sample(folder, seed=7, workshops=3, until=date(2024, 2, 28), years=1)
    return read_export(folder)


def count_quirks(export: Export) -> dict[str, int]:
    """Every quirk counted from the raw files alone."""
    rows = export.bookings
    distinct = [dict(row) for row in {tuple(row.items()) for row in rows}]
    newest: dict[str, dict[str, str]] = {}
    for row in sorted(distinct, key=lambda row: row["updated_at"]):
        newest[row["id"]] = row
    currency = {shop["id"]: shop["currency"] for shop in export.workshops}
    services = {str(number) for number in export.services["id"]}
    ratings = export.ratings
    unique_ratings = {json.dumps(rating) for rating in ratings}
    # Ids of bookings whose line is broken are still bookings: their first field is whole.
    booking_ids = {int(record[0]) for record in export.records}
    starts = Counter(row["start_time"] for row in newest.values())
    return {
        "booking_status_unknown": sum(
            row["status"] not in {"PENDING", "CONFIRMED", "COMPLETED", "CANCELLED"} for row in newest.values()
        ),
        "booking_price_negative": sum(row["price"].startswith("-") for row in newest.values()),
        "booking_price_not_a_number": sum(row["price"].isalpha() for row in newest.values()),
        "booking_price_missing": sum(
            row["price"] == "" and row["status"] == "COMPLETED" for row in newest.values()
        ),
        "booking_currency_other": sum(
            row["currency"] != currency.get(row["workshop_id"], row["currency"]) for row in newest.values()
        ),
        "booking_workshop_unknown": sum(row["workshop_id"] not in currency for row in newest.values()),
        "booking_service_unknown": sum(row["service_id"] not in services for row in newest.values()),
        "booking_start_time_missing": starts[""],
        "booking_start_time_impossible": starts["2026-02-30T10:00:00Z"],
        "booking_utf8_broken": sum(is_broken(record) for record in export.records),
        "booking_too_many_fields": sum(len(record) > len(COLUMNS) for record in export.records),
        "booking_duplicate_row": len(rows) - len(distinct),
        "booking_key_twice": len(distinct) - len(newest),
        "booking_update": len(export.updates),
        "rating_zero": sum(rating["service_rating"] < 1 for rating in ratings),
        "rating_six": sum(rating["service_rating"] > 5 for rating in ratings),
        "rating_booking_unknown": sum(rating["booking_id"] not in booking_ids for rating in ratings),
        "rating_json_broken": len(export.rating_lines) - len(ratings),
        "rating_duplicate_row": len(ratings) - len(unique_ratings),
        "rating_key_twice": len(unique_ratings) - len({rating["id"] for rating in ratings}),
    }


def test_quirks_are_counted_truly(export: Export) -> None:
    assert count_quirks(export) == export.quirks
    assert all(count > 0 for count in export.quirks.values())


def test_quirks_do_not_depend_on_the_parameters(export: Export, small: Export) -> None:
    assert count_quirks(small) == small.quirks == export.quirks


def test_equal_parameters_give_equal_bytes(small: Export, tmp_path: Path) -> None:
    # Left from a longer run; a rerun must not keep it.
    (tmp_path / "bookings").mkdir()
    (tmp_path / "bookings" / "bookings-2019-01.csv").write_text("id\n", encoding="utf-8")
    generate_sample(tmp_path, seed=7, workshops=3, until=date(2024, 2, 28), years=1)
    assert read_bytes(tmp_path) == read_bytes(small.folder)
    generate_sample(tmp_path, seed=8, workshops=3, until=date(2024, 2, 28), years=1)
    other = read_bytes(tmp_path)
    assert other.keys() == read_bytes(small.folder).keys()
    assert other["ratings.ndjson"] != read_bytes(small.folder)["ratings.ndjson"]


def read_bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_sizes(export: Export) -> None:
    assert 25_000 <= len(export.records) <= 40_000
    assert len(export.workshops) == 12
    months = sorted(path.name for path in (export.folder / "bookings").glob("bookings-2*.csv"))
    assert (len(months), months[0], months[-1]) == (24, "bookings-2024-03.csv", "bookings-2026-02.csv")
    completed = sum(row["status"] == "COMPLETED" for row in export.bookings)
    assert 0.3 < len(export.ratings) / completed < 0.4
    empty_notes = sum(row["notes"] == "" for row in export.bookings)
    assert 0.35 < empty_notes / len(export.bookings) < 0.45
    groups = Counter(row["group_id"] for row in {row["id"]: row for row in export.bookings}.values())
    assert set(groups.values()) == {1, 2, 3, 4}


def test_workshops_are_uneven_and_one_is_idle(export: Export) -> None:
    counts = Counter(row["workshop_id"] for row in export.bookings)
    known = {shop["id"] for shop in export.workshops}
    assert known - counts.keys() == {"103"}
    assert 103 in export.services["workshop_id"].to_list()
    assert counts.most_common(1)[0][0] == "101"
    assert counts["101"] > 5 * min(counts[shop] for shop in known - {"103"})
    assert {shop["time_zone"] for shop in export.workshops} == {"Europe/Oslo", "America/New_York"}


def test_bookings_stand_where_days_are_hard(export: Export) -> None:
    at = [
        (row["workshop_id"], datetime.fromisoformat(row["start_time"]))
        for row in export.bookings
        if row["start_time"] not in {"", "2026-02-30T10:00:00Z"}
    ]
    oslo_days = {moment.astimezone(OSLO).date() for shop, moment in at if shop == "101"}
    assert {date(2024, 3, 31), date(2024, 10, 27), date(2025, 3, 30), date(2025, 10, 26)} <= oslo_days
    autumn = {moment for shop, moment in at if shop == "101" and moment.date() == date(2025, 10, 26)}
    twice = [moment for moment in autumn if f"{moment.astimezone(OSLO):%H:%M}" == "02:30"]
    assert len(twice) == 2
    assert any(moment.astimezone(OSLO).month != moment.month for shop, moment in at if shop == "101")
    assert any(moment.astimezone(NEW_YORK).day < moment.day for shop, moment in at if shop == "102")
    assert any(f"{moment.astimezone(OSLO):%H:%M:%S}" == "23:59:59" for _, moment in at)


def test_the_future_is_open_and_the_past_mostly_done(export: Export) -> None:
    late = Counter(row["status"] for row in export.bookings if row["start_time"] >= "2026-02-16")
    assert {"PENDING", "CONFIRMED"} <= late.keys()
    sound_late = {status for status, count in late.items() if count > 3}
    assert sound_late == {"PENDING", "CONFIRMED", "CANCELLED"}
    past = Counter(row["status"] for row in export.bookings if row["start_time"] < "2026-02-01")
    assert past["COMPLETED"] / past.total() > 0.8


def test_times_of_a_booking_are_in_order(export: Export) -> None:
    for row in export.bookings:
        assert row["created_at"] <= row["updated_at"]
        assert (row["completed_at"] != "") == (row["status"] == "COMPLETED"), row["id"]
        assert (row["cancelled_at"] != "") == (row["status"] == "CANCELLED"), row["id"]
        if row["start_time"] and not row["start_time"].startswith("2026-02-30"):
            assert row["created_at"] < row["start_time"] < row["end_time"]
            if row["cancelled_at"]:
                assert row["created_at"] <= row["cancelled_at"] <= row["start_time"]


def test_visits_share_customer_and_follow_one_another(export: Export) -> None:
    visits: dict[str, list[dict[str, str]]] = {}
    for row in {row["id"]: row for row in export.bookings}.values():
        visits.setdefault(row["group_id"], []).append(row)
    whole = 0
    for visit in visits.values():
        customers = {(row["customer_id"], row["customer_name"], row["registration_number"]) for row in visit}
        assert len(customers) == 1
        visit.sort(key=lambda row: int(row["id"]))
        whole += all(first["end_time"] == second["start_time"] for first, second in pairwise(visit))
    assert whole > 0.99 * len(visits)


def test_updates_are_later_versions_of_known_bookings(export: Export) -> None:
    known: dict[str, str] = {}
    for row in export.bookings:
        known[row["id"]] = max(row["updated_at"], known.get(row["id"], ""))
    assert all(known[row["id"]] < row["updated_at"] for row in export.updates)
    assert len({row["id"] for row in export.updates}) == len(export.updates)
    assert {row["status"] for row in export.updates} == {"CONFIRMED", "COMPLETED", "CANCELLED"}


def test_services(export: Export) -> None:
    services = export.services
    assert services.schema["price"] == pl.Decimal(18, 2)
    assert services.schema["category_ids"] == pl.List(pl.Int64)
    assert services.schema["deleted_at"] == pl.Datetime("us", "UTC")
    assert set(services["category_ids"].list.len().to_list()) >= {0, 1, 2}
    assert services["id"].n_unique() == services.height
    workshop_of = dict(zip(services["id"], services["workshop_id"], strict=True))
    for row in export.bookings:
        if row["service_id"] != "99999" and row["workshop_id"] != "999":
            assert workshop_of[int(row["service_id"])] == int(row["workshop_id"])
    deleted = {str(number) for number in services.filter(pl.col("deleted_at").is_not_null())["id"]}
    assert any(row["service_id"] in deleted for row in export.bookings)


def test_text_is_hard_for_every_writer(export: Export) -> None:
    notes = {row["notes"] for row in export.bookings}
    starts = {note[:1] for note in notes}
    assert set("=+-@\t") <= starts
    everything = "".join(notes)
    assert all(sign in everything for sign in ('"', ",", ";", "\n", "\r\n", "🚗", "æ", "ø", "å", "<"))
    messages = "".join(rating["service_rating_message"] or "" for rating in export.ratings)
    assert all(sign in messages for sign in ('"', "\n", "👏", "Ø", "خ", "ị"))
    plates = {row["registration_number"] for row in export.bookings}
    assert {"0123AB", "00481", "1E10"} <= plates


@pytest.mark.parametrize(("workshops", "years"), [(2, 2), (501, 1), (12, 0)])
def test_too_little_or_too_much_is_refused(tmp_path: Path, workshops: int, years: int) -> None:
    with pytest.raises(ValueError, match=f"not {workshops} and {years}"):
        generate_sample(tmp_path, workshops=workshops, years=years)
    assert not list(tmp_path.iterdir())


def test_a_leap_day_ends_and_begins_a_period(tmp_path: Path) -> None:
    generate_sample(tmp_path, workshops=3, until=date(2024, 2, 28), years=1)
    names = sorted(path.name for path in (tmp_path / "bookings").iterdir())
    assert (names[0], names[-2]) == ("bookings-2023-02.csv", "bookings-2024-02.csv")
