"""Figures over a warehouse small enough to count by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, Row, SmallWarehouse, csv_text
from warehouse.errors import UnknownWorkshopError
from warehouse.figures import (
    CategoryCount,
    Figures,
    Overview,
    RatingPoint,
    overview,
    ratings_by_month,
    services_by_category,
)
from warehouse.generations import Snapshot
from warehouse.period import Period

OSLO, AUCKLAND, UNPRICED, IDLE = "1", "2", "3", "4"
WORKSHOPS = [
    {**WORKSHOP, "id": OSLO, "time_zone": "Europe/Oslo", "currency": "NOK"},
    {**WORKSHOP, "id": AUCKLAND, "time_zone": "Pacific/Auckland", "currency": "NZD"},
    {**WORKSHOP, "id": UNPRICED, "time_zone": "Europe/Oslo", "currency": "NOK"},
    {**WORKSHOP, "id": IDLE, "time_zone": "Europe/Oslo", "currency": "NOK"},
]
CATEGORIES = [
    {"id": "1", "name": "Bremser"},
    {"id": "2", "name": "Dekk"},
    {"id": "3", "name": "Uten kategori"},
    {"id": "4", "name": "Bremser"},
    {"id": "5", "name": "Åpning"},
    {"id": "6", "name": "Lakk"},
]


def service(number: int, workshop: str, categories: list[int], **changes: object) -> Row:
    return {**SERVICE, "id": number, "workshop_id": int(workshop), "category_ids": categories, **changes}


SERVICES = [
    service(11, OSLO, [1, 4]),
    service(12, OSLO, [1, 2]),
    service(13, OSLO, []),
    service(14, OSLO, [3]),
    service(15, OSLO, [2], created_at=datetime(2025, 3, 10, 23, 30, tzinfo=UTC)),
    service(16, OSLO, [6], deleted_at=datetime(2025, 6, 10, 22, 30, tzinfo=UTC)),
    service(17, OSLO, [2], is_active=False),
    service(18, OSLO, [5]),
    service(21, AUCKLAND, [1]),
    service(31, UNPRICED, [1]),
]


def booking(number: int, offer: int, start: str, status: str, price: str, *, end: str = "") -> Row:
    return {
        **BOOKING,
        "id": number,
        "workshop_id": next(row["workshop_id"] for row in SERVICES if row["id"] == offer),
        "service_id": offer,
        "start_time": start,
        "completed_at": end,
        "status": status,
        "price": price,
        "currency": "",
    }


BOOKINGS = [
    booking(1, 11, "2025-06-05T08:00:00Z", "COMPLETED", "100.10", end="2025-06-06T08:00:00Z"),
    booking(2, 12, "2025-06-05T08:00:00Z", "COMPLETED", "0.05"),
    booking(3, 16, "2025-06-05T08:00:00Z", "NO_SHOW", "70.00"),
    booking(4, 13, "2025-06-05T08:00:00Z", "CANCELLED", "80.00"),
    booking(5, 13, "2025-06-05T08:00:00Z", "PENDING", "90.00"),
    booking(6, 31, "2025-05-01T08:00:00Z", "COMPLETED", ""),
    booking(7, 31, "2025-05-01T08:00:00Z", "COMPLETED", ""),
    booking(8, 31, "2025-05-02T08:00:00Z", "COMPLETED", "10.00"),
    # Auckland's 6 April 2025 lasts 25 hours, its 28 September 23.
    booking(10, 21, "2025-04-05T10:59:59Z", "COMPLETED", "1.00"),
    booking(11, 21, "2025-04-05T11:00:00Z", "COMPLETED", "2.00"),
    booking(12, 21, "2025-04-06T11:59:59Z", "COMPLETED", "4.00"),
    booking(13, 21, "2025-04-06T12:00:00Z", "COMPLETED", "8.00"),
    booking(14, 21, "2025-09-27T11:59:59Z", "COMPLETED", "16.00"),
    booking(15, 21, "2025-09-27T12:00:00Z", "COMPLETED", "32.00"),
    booking(16, 21, "2025-09-28T10:59:59Z", "COMPLETED", "64.00"),
    booking(17, 21, "2025-09-28T11:00:00Z", "COMPLETED", "128.00"),
    *(booking(100 + n, 21, "2025-01-15T00:00:00Z", "COMPLETED", "0.00") for n in range(48)),
]


def rating(number: int, value: float, created: str, **changes: object) -> Row:
    row = {**RATING, "id": number, "booking_id": number, "service_rating": value}
    return {**row, "created_at": created, "updated_at": created, **changes}


RATINGS = [
    # Two ties: 33 / 8 = 4.125, which half-even rounds down, and 161 / 40 = 4.025, which a float is below.
    *(rating(100 + n, value, "2025-02-10T00:00:00Z") for n, value in enumerate((5, 5, 5, 4, 4, 4, 3))),
    rating(107, 3, "2025-02-10T00:00:00Z", updated_at="2025-05-01T00:00:00Z", private_service_rating=True),
    rating(108, 5, "2025-03-31T12:00:00Z"),
    *(rating(109 + n, 4, "2025-03-31T12:00:00Z") for n in range(39)),
]


def build_warehouse(root: Path, **changes: str) -> SmallWarehouse:
    """Load, build and publish the rows; `changes` go to the source's declaration."""
    small = SmallWarehouse(root)
    small.sources["sample"] = small.sources["sample"].model_copy(update=changes)
    small.write_sample(workshops=WORKSHOPS, services=SERVICES, bookings=BOOKINGS, ratings=RATINGS)
    small.write("categories.csv", csv_text(CATEGORIES, ["id", "name"]))
    small.night()
    return small


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with build_warehouse(tmp_path_factory.mktemp("figures")).snapshot() as opened:
        yield opened


def day(text: str) -> Period:
    return Period(date.fromisoformat(text), date.fromisoformat(text))


def test_overview_counts_completed_bookings_only(snapshot: Snapshot) -> None:
    assert overview(snapshot.figures, OSLO) == Overview(
        done=2, revenue=Decimal("100.15"), currency="NOK", services=6, rating_average=None, rating_count=0
    )


@pytest.mark.parametrize(
    ("text", "revenue"),
    [
        ("2025-04-04", "0.00"),
        ("2025-04-05", "1.00"),
        ("2025-04-06", "6.00"),
        ("2025-04-07", "8.00"),
        ("2025-09-27", "16.00"),
        ("2025-09-28", "96.00"),
        ("2025-09-29", "128.00"),
    ],
)
def test_days_are_local_however_long(snapshot: Snapshot, text: str, revenue: str) -> None:
    assert overview(snapshot.figures, AUCKLAND, day(text)).revenue == Decimal(revenue)


def test_ends_of_a_period_are_inclusive_and_may_be_open(snapshot: Snapshot) -> None:
    first, last = date(2025, 4, 6), date(2025, 4, 7)
    assert overview(snapshot.figures, AUCKLAND, Period(first, last)).revenue == 14
    assert overview(snapshot.figures, AUCKLAND, Period(first, None)).revenue == 254
    assert overview(snapshot.figures, AUCKLAND, Period(None, last)).revenue == 15
    assert overview(snapshot.figures, AUCKLAND, Period(date.min, date.max)) == overview(
        snapshot.figures, AUCKLAND
    )


@pytest.mark.parametrize(
    ("period", "done", "revenue"),
    [
        (day("2025-05-01"), 2, None),
        (day("2025-05-02"), 1, "10.00"),
        (Period(), 3, "10.00"),
        (day("2025-05-03"), 0, "0.00"),
    ],
)
def test_revenue_is_unknown_where_no_done_booking_has_a_price(
    snapshot: Snapshot, period: Period, done: int, revenue: str | None
) -> None:
    figures = overview(snapshot.figures, UNPRICED, period)
    assert (figures.done, figures.revenue) == (done, Decimal(revenue) if revenue else None)


def test_empty_workshop(snapshot: Snapshot) -> None:
    figures = overview(snapshot.figures, IDLE)
    assert figures == Overview(0, Decimal("0.00"), "NOK", 0, None, 0)
    assert str(figures.revenue) == "0.00"
    assert services_by_category(snapshot.figures, IDLE) == []
    assert ratings_by_month(snapshot.figures, IDLE) == []
    assert ratings_by_month(snapshot.figures, IDLE, Period(date(2025, 1, 31), None)) == []
    assert ratings_by_month(snapshot.figures, IDLE, Period(date(2024, 12, 31), date(2025, 1, 1))) == [
        RatingPoint("2024-12", 0, None),
        RatingPoint("2025-01", 0, None),
    ]


def test_averages_are_rounded_half_up_and_months_filled(snapshot: Snapshot) -> None:
    expected = [
        RatingPoint("2025-02", 8, Decimal("4.13")),
        RatingPoint("2025-03", 0, None),
        # In Auckland 31 March 12:00 UTC is 1 April.
        RatingPoint("2025-04", 40, Decimal("4.03")),
    ]
    assert ratings_by_month(snapshot.figures, AUCKLAND) == expected
    assert overview(snapshot.figures, AUCKLAND).rating_average == Decimal("4.04")
    assert ratings_by_month(snapshot.figures, AUCKLAND, Period(date(2025, 3, 1), None)) == expected[1:]
    assert ratings_by_month(snapshot.figures, AUCKLAND, Period(None, date(2025, 3, 31))) == expected[:2]
    assert ratings_by_month(snapshot.figures, AUCKLAND, Period(date(2025, 4, 2), None)) == []


def test_months_of_any_year_have_seven_characters(snapshot: Snapshot) -> None:
    points = ratings_by_month(snapshot.figures, AUCKLAND, Period(date.min, date.max))
    assert {len(point.period) for point in points} == {7}
    assert (points[0].period, points[-1].period) == ("0001-01", "9999-12")
    assert sum(point.count for point in points) == 48


def test_categories_are_told_by_name(snapshot: Snapshot) -> None:
    # A service in two categories of one name is one service and its booking one booking of that name; a
    # category named as the bucket is the bucket. The deleted service is gone, its booking is not.
    assert services_by_category(snapshot.figures, OSLO) == [
        CategoryCount("Dekk", 3, 1),
        CategoryCount("Bremser", 2, 2),
        CategoryCount("Uten kategori", 2, 2),
        CategoryCount("Åpning", 1, 0),
        CategoryCount("Lakk", 0, 1),
    ]


@pytest.mark.parametrize(
    ("period", "tyres", "paint"),
    [
        (Period(None, date(2025, 3, 10)), 2, 1),
        (Period(None, date(2025, 3, 11)), 3, 1),
        (Period(date(2025, 6, 11), None), 3, 1),
        (Period(date(2025, 6, 12), None), 3, 0),
        (day("2025-06-11"), 3, 1),
        (Period(None, date(2019, 12, 31)), 0, 0),
    ],
)
def test_services_count_while_they_live(snapshot: Snapshot, period: Period, tyres: int, paint: int) -> None:
    counts = {row.category: row.count for row in services_by_category(snapshot.figures, OSLO, period)}
    assert (counts.get("Dekk", 0), counts.get("Lakk", 0)) == (tyres, paint)


def test_a_source_may_count_by_completion(tmp_path: Path) -> None:
    with build_warehouse(tmp_path, service_time="completed_at").snapshot() as snapshot:
        # Booking 1 was completed a day later; booking 2 has no time of completion.
        assert overview(snapshot.figures, OSLO, day("2025-06-05")).revenue == Decimal("0.05")
        assert overview(snapshot.figures, OSLO, day("2025-06-06")).revenue == Decimal("100.10")


@pytest.mark.parametrize("figure", [overview, services_by_category, ratings_by_month])
@pytest.mark.parametrize("workshop", ["5", "", "1 ", "' OR true --"])
def test_unknown_workshop(
    snapshot: Snapshot, figure: Callable[[Figures, str], object], workshop: str
) -> None:
    with pytest.raises(UnknownWorkshopError, match="no workshop"):
        figure(snapshot.figures, workshop)
