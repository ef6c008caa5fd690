"""Figures computed a second time, row by row from what `raw_files` reads: whole numbers and dates, no SQL."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import NamedTuple

from warehouse.figures import (
    NO_CATEGORY,
    CategoryCount,
    Overview,
    RatingPoint,
    overview,
    ratings_by_month,
    services_by_category,
)
from warehouse.generations import Snapshot
from warehouse.period import Period

Accounts = dict[tuple[str, str], tuple[int, int, int, int]]
"""Stage and entity to rows in, loaded, duplicate and quarantined."""


class Job(NamedTuple):
    """A booking."""

    booking: str
    workshop: str
    service: str
    status: str
    price: Decimal | None
    day: date


class Review(NamedTuple):
    """The rating of a booking."""

    rating: str
    booking: str
    workshop: str
    value: Decimal
    day: date


class Offer(NamedTuple):
    """A service."""

    workshop: str
    service: str
    categories: frozenset[str]
    created: date | None
    deleted: date | None
    active: bool


@dataclass
class Books:
    """What a source holds once duplicates and unfit rows are left out."""

    currencies: dict[str, str | None]
    """Workshop to currency."""
    jobs: list[Job]
    reviews: list[Review]
    offers: list[Offer]
    accounts: Accounts
    refused: dict[str, set[str]]
    """Entity to the keys of its rows that break a rule."""

    def __post_init__(self) -> None:
        self._jobs: defaultdict[str, list[Job]] = defaultdict(list)
        self._reviews: defaultdict[str, list[Review]] = defaultdict(list)
        self._offers: defaultdict[str, list[Offer]] = defaultdict(list)
        for job in self.jobs:
            self._jobs[job.workshop].append(job)
        for review in self.reviews:
            self._reviews[review.workshop].append(review)
        for offer in self.offers:
            self._offers[offer.workshop].append(offer)

    def overview(self, workshop: str, period: Period) -> Overview:
        done = [job for job in self._jobs[workshop] if job.status == "COMPLETED" and covers(period, job.day)]
        prices = [job.price for job in done if job.price is not None]
        known = self.currencies[workshop] is not None and (prices or not done)
        values = [review.value for review in self._reviews[workshop] if covers(period, review.day)]
        return Overview(
            done=len(done),
            revenue=sum(prices, Decimal("0.00")) if known else None,
            currency=self.currencies[workshop],
            services=sum(offer.active and offer.deleted is None for offer in self._offers[workshop]),
            rating_average=average(values),
            rating_count=len(values),
        )

    def services_by_category(self, workshop: str, period: Period) -> list[CategoryCount]:
        offers = {offer.service: offer for offer in self._offers[workshop]}
        alive = Counter(
            label for offer in offers.values() if is_alive(offer, period) for label in labels(offer)
        )
        booked = Counter(
            label
            for job in self._jobs[workshop]
            if covers(period, job.day)
            for label in labels(offers[job.service])
        )
        counts = [CategoryCount(label, alive[label], booked[label]) for label in alive | booked]
        return sorted(counts, key=lambda count: (-count.count, count.category))

    def ratings_by_month(self, workshop: str, period: Period) -> list[RatingPoint]:
        months: defaultdict[int, list[Decimal]] = defaultdict(list)
        for review in self._reviews[workshop]:
            if covers(period, review.day):
                months[_month(review.day)].append(review.value)
        ends = [_month(end) for end in (period.date_from, period.date_to) if end] + list(months)
        missing_end = not months and (period.date_from is None or period.date_to is None)
        if missing_end or not ends:
            return []
        return [
            RatingPoint(f"{month // 12}-{month % 12 + 1:02}", len(months[month]), average(months[month]))
            for month in range(min(ends), max(ends) + 1)
        ]


def covers(period: Period, day: date) -> bool:
    return (period.date_from or date.min) <= day <= (period.date_to or date.max)


def is_alive(offer: Offer, period: Period) -> bool:
    """Created by the end and not deleted before the start; without any date: there now."""
    if period == Period():
        return offer.deleted is None
    born = offer.created is None or offer.created <= (period.date_to or date.max)
    return born and (offer.deleted is None or offer.deleted >= (period.date_from or date.min))


def labels(offer: Offer) -> frozenset[str]:
    return offer.categories or frozenset({NO_CATEGORY})


def average(values: Iterable[Decimal]) -> Decimal | None:
    """Mean to two places, half up, by whole numbers."""
    exact = [Fraction(value) for value in values]
    if not exact:
        return None
    return Decimal((sum(exact) / len(exact) * 100 + Fraction(1, 2)).__floor__()).scaleb(-2)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def month_edges(first: date, last: date) -> Iterator[Period]:
    """Of each month that begins between the two: the month, its first day, and the two days around it."""
    starts = [date(month // 12, month % 12 + 1, 1) for month in range(_month(first), _month(last) + 2)]
    for start, following in pairwise(starts):
        yield Period(start, following - timedelta(1))
        yield Period(start, start)
        yield Period(start - timedelta(1), start)


def days_around(days: Iterable[date]) -> Iterator[Period]:
    """Each of the days, the ones before and after it, and the three together."""
    for day in days:
        before, after = day - timedelta(1), day + timedelta(1)
        yield from (Period(before, before), Period(day, day), Period(after, after), Period(before, after))


def random_periods(first: date, last: date, count: int, seed: int = 1) -> Iterator[Period]:
    """Periods of every length, then three that are open."""
    draw = Random(seed)
    for _ in range(count):
        day = first + timedelta(draw.randrange((last - first).days))
        yield Period(day, day + timedelta(int(10 ** draw.uniform(0, 3)) - 1))
    middle = first + (last - first) / 2
    yield from (Period(), Period(middle, None), Period(None, middle))


def check_figures(snapshot: Snapshot, books: Books, workshop: str, periods: Iterable[Period]) -> None:
    """Every figure of the workshop is what the books say."""
    for period in periods:
        assert overview(snapshot.figures, workshop, period) == books.overview(workshop, period)
        assert services_by_category(snapshot.figures, workshop, period) == books.services_by_category(
            workshop, period
        )
        assert ratings_by_month(snapshot.figures, workshop, period) == books.ratings_by_month(
            workshop, period
        )


def check_rows(snapshot: Snapshot, books: Books) -> None:
    """Each published row is the one of the books, and the load report's accounts are theirs."""
    bookings = snapshot.rows("SELECT booking_id, workshop_id, service_id, status, price, day FROM bookings")
    assert Counter(Job(*row) for row in bookings) == Counter(books.jobs)
    ratings = snapshot.rows("SELECT rating_id, booking_id, workshop_id, rating, day FROM ratings")
    assert Counter(Review(*row) for row in ratings) == Counter(books.reviews)
    workshops = snapshot.rows("SELECT workshop_id, currency FROM workshops")
    assert dict(workshops) == books.currencies
    report = snapshot.rows("SELECT stage, entity, rows_in, loaded, duplicate, quarantined FROM load_report")
    assert {(row[0], row[1]): tuple(row[2:]) for row in report} == books.accounts
    assert all(rows_in == sum(parts) for rows_in, *parts in books.accounts.values())
