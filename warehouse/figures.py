"""The figures of a workshop: plain functions over a generation's `Figures`, exact for any period.

All are sums of daily rollups, so a figure of a period is the sum of its days. Meanings follow the report
endpoints of the workshop portal; averages keep full precision inside and are rounded half up at the edge.
"""

import threading
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from warehouse.errors import UnknownWorkshopError
from warehouse.figures_file import (
    FIRST_DAY,
    LAST_DAY,
    Figures,
    WorkshopSums,
    day_number,
    number_day,
    open_figures,
)
from warehouse.generations import open_served, pointer_stamp
from warehouse.period import ALL_TIME, Period

__all__ = [
    "NO_CATEGORY",
    "CategoryCount",
    "Figures",
    "Overview",
    "RatingPoint",
    "ServedFigures",
    "Workshop",
    "find_workshop",
    "list_workshops",
    "overview",
    "ratings_by_month",
    "services_by_category",
]

NO_CATEGORY = "Uten kategori"
"""Label of the bucket for services that have no category."""


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


class ServedFigures:
    """The figures of the served generation of a warehouse folder; any number of threads may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = threading.Lock()
        self._opened: tuple[tuple[int, ...], Figures] | None = None
        """Replaced as a whole, so that it is read without the lock."""

    def current(self) -> Figures:
        """The figures of the generation that is served now, opened once for each.

        An answer takes all it tells from one `Figures`: those of the next call may be newer.

        Raises:
            NoGenerationError: nothing is published yet.
            WarehouseError: the generation was published without figures, or they cannot be read.
        """
        return self._if_current() or self._open()

    def _if_current(self) -> Figures | None:
        opened = self._opened
        if opened is not None and opened[0] == pointer_stamp(self._folder):
            return opened[1]
        return None

    def _open(self) -> Figures:
        with self._opening:
            if figures := self._if_current():
                return figures
            # Taken before the pointer is read: if that is replaced in between, the next call looks again.
            stamp = pointer_stamp(self._folder)
            figures = open_served(self._folder, open_figures)
            self._opened = stamp, figures
            return figures


def find_workshop(figures: Figures, workshop_id: str) -> Workshop:
    """The workshop with this id.

    Raises:
        UnknownWorkshopError: there is none.
    """
    return _workshop(_find(figures, workshop_id))


def list_workshops(figures: Figures) -> list[Workshop]:
    """Every workshop, by id."""
    return [_workshop(sums) for sums in figures]


def overview(figures: Figures, workshop_id: str, period: Period = ALL_TIME) -> Overview:
    """The key figures of a workshop. Ratings follow the period as bookings do.

    Raises:
        UnknownWorkshopError: there is no such workshop.
    """
    sums = _find(figures, workshop_id)
    first, last = _days(period)
    done, revenue, priced_days = sums.bookings.total(first, last)
    ratings, rating_sum = sums.ratings.total(first, last)
    known = sums.currency is not None and (priced_days or not done)
    return Overview(
        done=done,
        revenue=_hundredths(revenue) if known else None,
        currency=sums.currency,
        services=sums.services,
        rating_average=_average(rating_sum, ratings),
        rating_count=ratings,
    )


def services_by_category(
    figures: Figures, workshop_id: str, period: Period = ALL_TIME
) -> list[CategoryCount]:
    """Services per category, the largest first: those alive in the period, not deleted now when it is open.

    Raises:
        UnknownWorkshopError: there is no such workshop.
    """
    sums = _find(figures, workshop_id)
    first, last = _days(period)
    rows = []
    for category in sums.categories:
        count = category.present if period == ALL_TIME else category.alive(first, last)
        [booked] = category.days.total(first, last)
        if count or booked:
            rows.append(CategoryCount(category.category, count, booked))
    # The categories are in order of their names, and stay so where counts are equal.
    rows.sort(key=lambda row: -row.count)
    return rows


def ratings_by_month(figures: Figures, workshop_id: str, period: Period = ALL_TIME) -> list[RatingPoint]:
    """Ratings per month, ascending, months without a rating filled in.

    From the month of date_from to that of date_to; an open end is the first or last rating's month. A month
    that the period cuts counts only the days inside.

    Raises:
        UnknownWorkshopError: there is no such workshop.
    """
    ratings = _find(figures, workshop_id).ratings
    first, last = period.date_from, period.date_to
    if first is None or last is None:
        ends = ratings.ends(*_days(period))
        if ends is None:
            return []
        first, last = first or number_day(ends[0]), last or number_day(ends[1])
    months = _months(first, last)
    starts = [day_number(first), *map(day_number, months[1:]), day_number(last) + 1]
    return [
        RatingPoint(f"{month.year:04}-{month.month:02}", count, _average(rating_sum, count))
        for month, (count, rating_sum) in zip(months, ratings.totals(starts), strict=True)
    ]


def _find(figures: Figures, workshop_id: str) -> WorkshopSums:
    sums = figures.find(workshop_id)
    if sums is None:
        raise UnknownWorkshopError(f"there is no workshop {workshop_id!r}")
    return sums


def _workshop(sums: WorkshopSums) -> Workshop:
    return Workshop(sums.workshop_id, sums.name, sums.time_zone, sums.currency)


def _days(period: Period) -> tuple[int, int]:
    return (
        FIRST_DAY if period.date_from is None else day_number(period.date_from),
        LAST_DAY if period.date_to is None else day_number(period.date_to),
    )


def _hundredths(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)


def _average(tenths: int, count: int) -> Decimal | None:
    """The mean of values that sum to so many tenths, to two places, half up; ratings are never negative."""
    if not count:
        return None
    return _hundredths((2 * 10 * tenths + count) // (2 * count))


def _months(first: date, last: date) -> list[date]:
    """The first day of each month that any of the days lies in."""
    months, year, month = [], first.year, first.month
    while (year, month) <= (last.year, last.month):
        months.append(date(year, month, 1))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return months
