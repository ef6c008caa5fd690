"""The figures of a workshop: plain functions over a published snapshot, exact for any period.

All are sums of daily rollups, so a figure of a period is the sum of its days. Meanings follow the report
endpoints of the workshop portal; averages keep full precision inside and are rounded half up at the edge.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from warehouse.errors import UnknownWorkshopError
from warehouse.generations import Snapshot
from warehouse.period import ALL_TIME, Period

NO_CATEGORY = "Uten kategori"
"""Label of the bucket for services that have no category."""

_IN_PERIOD = "($date_from IS NULL OR day >= $date_from) AND ($date_to IS NULL OR day <= $date_to)"


@dataclass(frozen=True)
class Workshop:
    """A tenant."""

    workshop_id: str
    name: str
    time_zone: str
    currency: str | None


@dataclass(frozen=True)
class Overview:
    """The key figures of a workshop in a period."""

    done: int
    """Completed bookings whose service time falls in the period."""
    revenue: Decimal | None
    """Sum of their prices; 0.00 when there are none, None when the workshop's money is not known."""
    currency: str | None
    services: int
    """Active, not deleted services now: never dated."""
    rating_average: Decimal | None
    """To two places; None when there is no rating."""
    rating_count: int


@dataclass(frozen=True)
class CategoryCount:
    """Services and bookings of one category."""

    category: str
    count: int
    """Distinct services; a service in two categories counts in both."""
    booked_count: int
    """Bookings of any status in the period."""


@dataclass(frozen=True)
class RatingPoint:
    """Ratings of one month."""

    period: str
    """YYYY-MM."""
    count: int
    average: Decimal | None
    """To two places; None when there is no rating."""


def find_workshop(snapshot: Snapshot, workshop_id: str) -> Workshop:
    """The workshop with this id.

    Raises:
        UnknownWorkshopError: the snapshot has none.
    """
    rows = snapshot.rows(
        "SELECT workshop_id, name, time_zone, currency FROM workshops WHERE workshop_id = $workshop_id",
        {"workshop_id": workshop_id},
    )
    if not rows:
        raise UnknownWorkshopError(f"there is no workshop {workshop_id!r}")
    return Workshop(*rows[0])


def list_workshops(snapshot: Snapshot) -> list[Workshop]:
    """Every workshop, by id."""
    rows = snapshot.rows("SELECT workshop_id, name, time_zone, currency FROM workshops ORDER BY workshop_id")
    return [Workshop(*row) for row in rows]


def overview(snapshot: Snapshot, workshop_id: str, period: Period = ALL_TIME) -> Overview:
    """The key figures of a workshop. Ratings follow the period as bookings do.

    Raises:
        UnknownWorkshopError: the snapshot has no such workshop.
    """
    workshop = find_workshop(snapshot, workshop_id)
    where = _parameters(workshop_id, period)
    [(done, revenue)] = snapshot.rows(
        f"SELECT coalesce(sum(done), 0), sum(revenue) FROM booking_days"
        f" WHERE workshop_id = $workshop_id AND {_IN_PERIOD}",
        where,
    )
    [(services,)] = snapshot.rows(
        "SELECT count(*) FROM services WHERE workshop_id = $workshop_id AND is_active AND deleted_at IS NULL",
        {"workshop_id": workshop_id},
    )
    [(ratings, rating_sum)] = snapshot.rows(
        f"SELECT coalesce(sum(ratings), 0), sum(rating_sum) FROM rating_days"
        f" WHERE workshop_id = $workshop_id AND {_IN_PERIOD}",
        where,
    )
    return Overview(
        done=int(done),
        revenue=_revenue(workshop, int(done), revenue),
        currency=workshop.currency,
        services=int(services),
        rating_average=_average(rating_sum, int(ratings)),
        rating_count=int(ratings),
    )


def services_by_category(
    snapshot: Snapshot, workshop_id: str, period: Period = ALL_TIME
) -> list[CategoryCount]:
    """Services per category, the largest first: those alive in the period, not deleted now when it is open.

    Raises:
        UnknownWorkshopError: the snapshot has no such workshop.
    """
    find_workshop(snapshot, workshop_id)
    rows = snapshot.rows(
        f"""
        WITH alive AS (
            SELECT coalesce(c.category, $no_category) AS category, count(DISTINCT c.service_id) AS services
            FROM service_categories AS c
            JOIN services AS s ON s.workshop_id = c.workshop_id AND s.service_id = c.service_id
            WHERE s.workshop_id = $workshop_id
              AND ($date_to IS NULL OR s.created_day IS NULL OR s.created_day <= $date_to)
              AND CASE WHEN $date_from IS NULL AND $date_to IS NULL THEN s.deleted_at IS NULL
                       ELSE s.deleted_day IS NULL OR $date_from IS NULL OR s.deleted_day >= $date_from END
            GROUP BY ALL
        ), booked AS (
            SELECT coalesce(category, $no_category) AS category, sum(bookings) AS bookings FROM category_days
            WHERE workshop_id = $workshop_id AND {_IN_PERIOD} GROUP BY ALL
        )
        SELECT category, coalesce(services, 0), coalesce(bookings, 0)
        FROM alive FULL JOIN booked USING (category)
        ORDER BY 2 DESC, 1
        """,
        _parameters(workshop_id, period) | {"no_category": NO_CATEGORY},
    )
    return [CategoryCount(category, int(services), int(bookings)) for category, services, bookings in rows]


def ratings_by_month(snapshot: Snapshot, workshop_id: str, period: Period = ALL_TIME) -> list[RatingPoint]:
    """Ratings per month, ascending, months without a rating filled in.

    From the month of date_from to that of date_to; an open end is the first or last rating's month. A month
    that the period cuts counts only the days inside.

    Raises:
        UnknownWorkshopError: the snapshot has no such workshop.
    """
    find_workshop(snapshot, workshop_id)
    rows = snapshot.rows(
        f"""
        SELECT CAST(date_trunc('month', day) AS DATE) AS month, sum(ratings), sum(rating_sum) FROM rating_days
        WHERE workshop_id = $workshop_id AND {_IN_PERIOD} GROUP BY month ORDER BY month
        """,
        _parameters(workshop_id, period),
    )
    by_month = {month: (int(count), total) for month, count, total in rows}
    first = period.date_from or min(by_month, default=None)
    last = period.date_to or max(by_month, default=None)
    if first is None or last is None:
        return []
    points = []
    for month in _months(first, last):
        count, total = by_month.get(month, (0, None))
        points.append(RatingPoint(month.isoformat()[:7], count, _average(total, count)))
    return points


def _parameters(workshop_id: str, period: Period) -> dict[str, str | date | None]:
    return {"workshop_id": workshop_id, "date_from": period.date_from, "date_to": period.date_to}


def _revenue(workshop: Workshop, done: int, revenue: Decimal | None) -> Decimal | None:
    if workshop.currency is None:
        return None
    if revenue is None:
        return Decimal("0.00") if done == 0 else None
    return revenue


def _average(total: Decimal | None, count: int) -> Decimal | None:
    if not count or total is None:
        return None
    return (total / count).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _months(first: date, last: date) -> list[date]:
    months, year, month = [], first.year, first.month
    while (year, month) <= (last.year, last.month):
        months.append(date(year, month, 1))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months
