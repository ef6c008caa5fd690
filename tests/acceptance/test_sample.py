"""The sample: its figures equal a second computation, and obey the laws that any period must."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.acceptance.independent import (
    Books,
    average,
    check_figures,
    check_rows,
    days_around,
    month_edges,
    random_periods,
)
from tests.acceptance.raw_files import read_sample
from warehouse.database import DatabaseOptions
from warehouse.figures import Overview, overview, ratings_by_month, services_by_category
from warehouse.generations import Snapshot, open_snapshot
from warehouse.period import Period

FIRST, LAST = date(2024, 2, 20), date(2026, 3, 10)
"""A little more than the sample covers."""
CLOCK_CHANGES = (
    *(date(2024, 3, 10), date(2024, 3, 31), date(2024, 10, 27), date(2024, 11, 3)),
    *(date(2025, 3, 9), date(2025, 3, 30), date(2025, 10, 26), date(2025, 11, 2)),
)
"""In Oslo and in New York."""
IN_OSLO, IN_NEW_YORK, WITHOUT_BOOKINGS = "101", "102", "103"

WORKSHOPS = st.sampled_from([str(number) for number in range(101, 113)])
DAYS = st.dates(FIRST, LAST)


@pytest.fixture(scope="module")
def snapshot(sample_data: Path) -> Iterator[Snapshot]:
    with open_snapshot(sample_data / "warehouse", DatabaseOptions(threads=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def books(sample_files: Path) -> Books:
    return read_sample(sample_files)


def test_each_row_is_accounted_for(snapshot: Snapshot, books: Books, sample_files: Path) -> None:
    check_rows(snapshot, books)
    quirks = json.loads((sample_files / "quirks.json").read_text(encoding="utf-8"))
    prices = ("price_negative", "price_not_a_number", "currency_other")
    others = ("workshop_unknown", "service_unknown", "start_time_missing", "start_time_impossible")
    *_, quarantined = books.accounts["entity", "bookings"]
    assert quarantined == sum(quirks[f"booking_{name}"] for name in (*prices, *others))
    *_, unreadable = books.accounts["source", "bookings"]
    assert unreadable == quirks["booking_utf8_broken"] + quirks["booking_too_many_fields"]
    assert books.accounts["entity", "ratings"][3] == sum(
        quirks[f"rating_{name}"] for name in ("zero", "six", "booking_unknown")
    )


def test_the_rows_set_aside_are_those_that_break_a_rule(snapshot: Snapshot, books: Books) -> None:
    rows = snapshot.rows("SELECT entity, key FROM quarantine WHERE stage = 'entity'")
    for entity, keys in books.refused.items():
        found = [json.loads(key)["booking_id"] for name, key in rows if name == entity]
        assert len(found) == len(set(found))
        assert set(found) == keys


@pytest.mark.parametrize("workshop", [IN_OSLO, IN_NEW_YORK])
def test_days_are_those_of_the_workshop(snapshot: Snapshot, books: Books, workshop: str) -> None:
    [(elsewhere,)] = snapshot.rows(
        "SELECT count(*) FROM bookings WHERE workshop_id = $workshop AND service_time::DATE <> day",
        {"workshop": workshop},
    )
    assert elsewhere > 50
    check_figures(snapshot, books, workshop, [*month_edges(FIRST, LAST), *days_around(CLOCK_CHANGES)])


def test_figures_of_every_workshop(snapshot: Snapshot, books: Books) -> None:
    assert len(books.currencies) == 12
    for seed, workshop in enumerate(books.currencies):
        check_figures(snapshot, books, workshop, random_periods(FIRST, LAST, 20, seed))


def test_workshop_without_bookings(snapshot: Snapshot) -> None:
    figures = overview(snapshot.figures, WITHOUT_BOOKINGS)
    assert (figures.done, figures.revenue, figures.currency) == (0, Decimal("0.00"), "NOK")
    assert (figures.rating_average, figures.rating_count) == (None, 0)
    assert figures.services > 0
    assert str(figures.revenue) == "0.00"
    assert ratings_by_month(snapshot.figures, WITHOUT_BOOKINGS) == []
    assert all(row.booked_count == 0 for row in services_by_category(snapshot.figures, WITHOUT_BOOKINGS))


def add(parts: list[Overview]) -> tuple[int, Decimal | None, int]:
    """Done, revenue and ratings of periods taken together."""
    done = sum(part.done for part in parts)
    priced = [part.revenue for part in parts if part.done and part.revenue is not None]
    revenue = sum(priced, Decimal("0.00")) if priced or not done else None
    return done, revenue, sum(part.rating_count for part in parts)


@settings(max_examples=15, deadline=None)
@given(workshop=WORKSHOPS, first=DAYS, length=st.integers(1, 40))
def test_a_period_is_the_sum_of_its_days(snapshot: Snapshot, workshop: str, first: date, length: int) -> None:
    days = [first + timedelta(number) for number in range(length)]
    whole = overview(snapshot.figures, workshop, Period(first, days[-1]))
    parts = [overview(snapshot.figures, workshop, Period(day, day)) for day in days]
    assert (whole.done, whole.revenue, whole.rating_count) == add(parts)


@settings(max_examples=50, deadline=None)
@given(
    workshop=WORKSHOPS,
    cuts=st.lists(DAYS, min_size=1, max_size=4, unique=True).map(sorted),
    opens=st.booleans(),
    closes=st.booleans(),
)
def test_a_period_is_the_sum_of_its_parts(
    snapshot: Snapshot, workshop: str, cuts: list[date], opens: bool, closes: bool
) -> None:
    starts = [None if opens else FIRST, *(cut + timedelta(1) for cut in cuts)]
    ends = [*cuts, LAST + timedelta(1) if closes else None]
    parts = [Period(start, end) for start, end in zip(starts, ends, strict=True)]
    whole = Period(starts[0], ends[-1])
    figures = overview(snapshot.figures, workshop, whole)
    assert (figures.done, figures.revenue, figures.rating_count) == add(
        [overview(snapshot.figures, workshop, part) for part in parts]
    )
    booked: dict[str, int] = {}
    for part in parts:
        for row in services_by_category(snapshot.figures, workshop, part):
            booked[row.category] = booked.get(row.category, 0) + row.booked_count
    for row in services_by_category(snapshot.figures, workshop, whole):
        assert row.booked_count == booked.pop(row.category)
    # A category that is not in the whole has services in a part only, and no bookings.
    assert not any(booked.values())


@settings(max_examples=50, deadline=None)
@given(workshop=WORKSHOPS, days=st.tuples(DAYS, DAYS).map(sorted))
def test_months_are_without_gaps_and_add_up(snapshot: Snapshot, workshop: str, days: list[date]) -> None:
    first, last = days
    points = ratings_by_month(snapshot.figures, workshop, Period(first, last))
    assert (points[0].period, points[-1].period) == (f"{first:%Y-%m}", f"{last:%Y-%m}")
    for before, after in pairwise(points):
        following = date.fromisoformat(f"{before.period}-28") + timedelta(4)
        assert after.period == f"{following:%Y-%m}"
    whole = overview(snapshot.figures, workshop, Period(first, last))
    assert sum(point.count for point in points) == whole.rating_count
    assert all((point.average is None) == (point.count == 0) for point in points)
    known = [point.average for point in points if point.average is not None]
    if known:
        assert whole.rating_average is not None
        assert min(known) <= whole.rating_average <= max(known)


@settings(max_examples=30, deadline=None)
@given(workshop=WORKSHOPS, days=st.tuples(DAYS, DAYS).map(sorted))
def test_categories_stand_in_order(snapshot: Snapshot, workshop: str, days: list[date]) -> None:
    rows = services_by_category(snapshot.figures, workshop, Period(*days))
    assert rows == sorted(rows, key=lambda row: (-row.count, row.category))
    assert len({row.category for row in rows}) == len(rows)
    assert all(row.count or row.booked_count for row in rows)


@settings(max_examples=30, deadline=None)
@given(workshop=WORKSHOPS, days=st.tuples(DAYS, DAYS).map(sorted))
def test_average_is_that_of_the_ratings_themselves(
    snapshot: Snapshot, books: Books, workshop: str, days: list[date]
) -> None:
    first, last = days
    values = [r.value for r in books.reviews if r.workshop == workshop and first <= r.day <= last]
    assert overview(snapshot.figures, workshop, Period(first, last)).rating_average == average(values)
