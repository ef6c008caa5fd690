"""Figures computed a second time, straight from the raw files: csv, json, decimal and the calendar, no SQL.

Each reader turns the files of one source into `Books` by the words of its description, with the accounts
that the load report must show. `Books` then answers what the figures answer, one row at a time.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from warehouse.figures import NO_CATEGORY, CategoryCount, Overview, RatingPoint
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


def read_records(path: Path) -> list[dict[str, str]]:
    """The records of a sound CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def read_olist(folder: Path) -> Books:
    """Sellers are workshops, ordered items bookings; times are local, so their date is the day."""
    sellers = read_records(folder / "olist_sellers_dataset.csv")
    products = read_records(folder / "olist_products_dataset.csv")
    translations = read_records(folder / "product_category_name_translation.csv")
    orders = read_records(folder / "olist_orders_dataset.csv")
    items = read_records(folder / "olist_order_items_dataset.csv")
    reviews = read_records(folder / "olist_order_reviews_dataset.csv")

    english = {row["product_category_namept"]: row["product_category_name_english"] for row in translations}
    native = {row["product_id"]: row["product_category_name"] for row in products}
    category = {product: english.get(name, name) or "Uncategorised" for product, name in native.items()}
    by_id = {row["order_id"]: row for row in orders}
    codes = {"delivered": "COMPLETED", "canceled": "CANCELLED", "unavailable": "CANCELLED"}
    jobs = [
        Job(
            f"{row['order_id']}-{row['order_item_id']}",
            row["seller_id"],
            row["product_id"],
            codes.get(by_id[row["order_id"]]["order_status"], "CONFIRMED"),
            Decimal(row["price"]),
            local_time(by_id[row["order_id"]]["order_purchase_timestamp"]).date(),
        )
        for row in items
    ]
    first_sold: dict[tuple[str, str], date] = {}
    for job in jobs:
        pair = job.workshop, job.service
        first_sold[pair] = min(first_sold.get(pair, job.day), job.day)
    offers = [
        Offer(workshop, product, frozenset({category[product]}), day, None, True)
        for (workshop, product), day in first_sold.items()
    ]
    seller = {job.booking: job.workshop for job in jobs}
    newest: dict[str, dict[str, str]] = {}
    fit = [row for row in reviews if f"{row['order_id']}-1" in seller]
    for row in sorted(
        fit, key=lambda row: (local_time(row["review_answer_timestamp"]), int(row["review_pk"]))
    ):
        newest[f"{row['order_id']}-1"] = row
    ratings = [
        Review(
            row["review_pk"],
            booking,
            seller[booking],
            Decimal(row["review_score"]),
            local_time(row["review_creation_date"]).date(),
        )
        for booking, row in newest.items()
    ]
    empty = by_id.keys() - {row["order_id"] for row in items}
    accounts: Accounts = {
        ("source", "sellers"): _clean(sellers),
        ("source", "products"): _clean(products),
        ("source", "translations"): _clean(translations),
        ("source", "orders"): _clean(orders),
        ("source", "order_items"): _clean(items),
        ("source", "order_reviews"): _clean(reviews),
        ("entity", "workshops"): _clean(sellers),
        ("entity", "categories"): _clean(set(category.values())),
        ("entity", "services"): _clean(offers),
        ("entity", "booking_statuses"): (3, 3, 0, 0),
        ("entity", "bookings"): (len(items) + len(empty), len(items), 0, len(empty)),
        ("entity", "ratings"): (len(reviews), len(newest), len(fit) - len(newest), len(reviews) - len(fit)),
    }
    refused = {"bookings": set(empty), "ratings": {r["order_id"] for r in reviews} - {r["order_id"] for r in fit}}
    return Books({row["seller_id"]: "BRL" for row in sellers}, jobs, ratings, offers, accounts, refused)


def read_openrepair(folder: Path) -> Books:
    """Groups are workshops, product categories their services; there is no money and there are no ratings."""
    rows = [row for path in sorted(folder.glob("OpenRepairData_*.csv")) for row in read_records(path)]
    codes = {"Fixed": "COMPLETED", "End of life": "CANCELLED", "Repairable": "CONFIRMED", "Unknown": "UNKNOWN"}
    jobs = [
        Job(
            row["id"],
            f"{row['data_provider']} / {row['group_identifier']}",
            row["product_category"],
            codes[row["repair_status"]],
            None,
            date.fromisoformat(row["event_date"]),
        )
        for row in rows
    ]
    first: dict[tuple[str, str], date] = {}
    for job in jobs:
        pair = job.workshop, job.service
        first[pair] = min(first.get(pair, job.day), job.day)
    offers = [Offer(*pair, frozenset({pair[1]}), day, None, True) for pair, day in first.items()]
    workshops = {job.workshop for job in jobs}
    accounts: Accounts = {
        ("source", "repairs"): _clean(rows),
        ("entity", "workshops"): _clean(workshops),
        ("entity", "categories"): _clean({job.service for job in jobs}),
        ("entity", "services"): _clean(offers),
        ("entity", "booking_statuses"): (3, 3, 0, 0),
        ("entity", "bookings"): _clean(jobs),
    }
    return Books(dict.fromkeys(workshops), jobs, [], offers, accounts, {})


def read_sample(folder: Path) -> Books:
    """The generated sample: instants in UTC, counted by the local days of each workshop's own zone."""
    workshops = read_records(folder / "workshops.csv")
    categories = {int(row["id"]): row["name"] for row in read_records(folder / "categories.csv")}
    services = pl.read_parquet(folder / "services.parquet").to_dicts()
    zones = {row["id"]: ZoneInfo(row["time_zone"]) for row in workshops}
    currencies: dict[str, str | None] = {row["id"]: row["currency"] for row in workshops}
    offers = [
        Offer(
            str(row["workshop_id"]),
            str(row["id"]),
            frozenset(categories[number] for number in row["category_ids"]),
            *(
                row[column].astimezone(zones[str(row["workshop_id"])]).date() if row[column] else None
                for column in ("created_at", "deleted_at")
            ),
            row["is_active"],
        )
        for row in services
    ]
    offered = {(offer.workshop, offer.service) for offer in offers}

    records = [record for path in (folder / "bookings").glob("*.csv") for record in read_loose(path)]
    whole = [record for record in records if isinstance(record, dict)]
    bookings = newest_of(whole, "id")
    jobs = {
        row["id"]: Job(
            row["id"],
            row["workshop_id"],
            row["service_id"],
            row["status"],
            amount(row["price"]) if row["price"] else None,
            instant.astimezone(zones[row["workshop_id"]]).date(),
        )
        for row in bookings.values()
        if (instant := parse_instant(row["start_time"]))
        and (row["workshop_id"], row["service_id"]) in offered
        and row["currency"] == currencies[row["workshop_id"]]
        and (not row["price"] or (amount(row["price"]) or Decimal(0)) >= 0 and amount(row["price"]) is not None)
    }
    lines = (folder / "ratings.ndjson").read_text(encoding="utf-8").splitlines()
    objects = [parsed for line in lines if (parsed := parse_object(line))]
    rated = newest_of(objects, "booking_id")
    reviews = [
        Review(
            str(row["id"]),
            booking,
            jobs[booking].workshop,
            Decimal(str(row["service_rating"])),
            datetime.fromisoformat(row["created_at"]).astimezone(zones[jobs[booking].workshop]).date(),
        )
        for booking, row in rated.items()
        if booking in jobs and 1 <= row["service_rating"] <= 5
    ]
    statuses = read_records(folder / "booking_statuses.csv")
    accounts: Accounts = {
        ("source", "bookings"): _deduplicated(records, whole, bookings),
        ("source", "ratings"): _deduplicated(lines, objects, rated),
        ("entity", "bookings"): (len(bookings), len(jobs), 0, len(bookings) - len(jobs)),
        ("entity", "ratings"): (len(rated), len(reviews), 0, len(rated) - len(reviews)),
    }
    for name, sound in (
        ("workshops", workshops),
        ("categories", categories),
        ("services", services),
        ("booking_statuses", statuses),
    ):
        accounts["source", name] = accounts["entity", name] = _clean(sound)
    refused = {
        "bookings": bookings.keys() - jobs.keys(),
        "ratings": rated.keys() - {review.booking for review in reviews},
    }
    return Books(currencies, list(jobs.values()), reviews, offers, accounts, refused)


def local_time(text: str) -> datetime:
    """A time such as 10/2/2017 9:05."""
    day, clock = text.split(" ")
    month, dom, year = (int(part) for part in day.split("/"))
    hour, minute = (int(part) for part in clock.split(":"))
    return datetime(year, month, dom, hour, minute)  # noqa: DTZ001 - local time is what the file holds


def read_loose(path: Path) -> list[dict[str, str] | None]:
    """The records of a CSV file; None for each that is not UTF-8 or has another number of fields."""
    text = path.read_bytes().decode("utf-8", errors="surrogateescape")
    header, *records = csv.reader(io.StringIO(text, newline=""))
    return [
        dict(zip(header, record, strict=True))
        if len(record) == len(header) and not any("\udc80" <= sign <= "\udcff" for sign in "".join(record))
        else None
        for record in records
    ]


def newest_of(rows: Iterable[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    """The latest version of each row."""
    ordered = sorted(rows, key=lambda row: datetime.fromisoformat(row["updated_at"]))
    return {str(row[key]): row for row in ordered}


def parse_instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def parse_object(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found


def _clean(rows: Any) -> tuple[int, int, int, int]:
    return len(rows), len(rows), 0, 0


def _deduplicated(lines: Any, readable: Any, kept: Any) -> tuple[int, int, int, int]:
    return len(lines), len(kept), len(readable) - len(kept), len(lines) - len(readable)
