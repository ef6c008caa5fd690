"""Reads the raw files of each source by the words of its description: csv, json and the calendar, no SQL.

Each reader also keeps the accounts that the load report must show.
"""

import csv
import io
import json
from collections.abc import Iterable, Sized
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from tests.acceptance.independent import Accounts, Books, Job, Offer, Review


def read_records(path: Path) -> list[dict[str, str]]:
    """The records of a sound CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def read_olist(folder: Path) -> Books:
    """Sellers are workshops, ordered items bookings; times are local, so their date is the day."""
    files = {
        "sellers": read_records(folder / "olist_sellers_dataset.csv"),
        "products": read_records(folder / "olist_products_dataset.csv"),
        "translations": read_records(folder / "product_category_name_translation.csv"),
        "orders": read_records(folder / "olist_orders_dataset.csv"),
        "order_items": read_records(folder / "olist_order_items_dataset.csv"),
        "order_reviews": read_records(folder / "olist_order_reviews_dataset.csv"),
    }
    items, written = files["order_items"], files["order_reviews"]
    orders = {row["order_id"]: row for row in files["orders"]}
    category = _olist_categories(files["products"], files["translations"])
    codes = {"delivered": "COMPLETED", "canceled": "CANCELLED", "unavailable": "CANCELLED"}
    jobs = [
        Job(
            f"{row['order_id']}-{row['order_item_id']}",
            row["seller_id"],
            row["product_id"],
            codes.get(orders[row["order_id"]]["order_status"], "CONFIRMED"),
            Decimal(row["price"]),
            local_time(orders[row["order_id"]]["order_purchase_timestamp"]).date(),
        )
        for row in items
    ]
    offers = [
        Offer(workshop, product, frozenset({category[product]}), day, None, True)
        for (workshop, product), day in _first_days(jobs).items()
    ]
    sellers = {job.booking: job.workshop for job in jobs}
    reviews = _olist_reviews(written, sellers)
    empty = orders.keys() - {row["order_id"] for row in items}
    strange = [row["order_id"] for row in written if f"{row['order_id']}-1" not in sellers]
    twice = len(written) - len(strange) - len(reviews)
    accounts: Accounts = {("source", name): _clean(rows) for name, rows in files.items()} | {
        ("entity", "workshops"): _clean(files["sellers"]),
        ("entity", "categories"): _clean(set(category.values())),
        ("entity", "services"): _clean(offers),
        ("entity", "booking_statuses"): (3, 3, 0, 0),
        ("entity", "bookings"): (len(items) + len(empty), len(items), 0, len(empty)),
        ("entity", "ratings"): (len(written), len(reviews), twice, len(strange)),
    }
    currencies: dict[str, str | None] = {row["seller_id"]: "BRL" for row in files["sellers"]}
    return Books(currencies, jobs, reviews, offers, accounts, {"bookings": empty, "ratings": set(strange)})


def _olist_categories(products: list[dict[str, str]], translations: list[dict[str, str]]) -> dict[str, str]:
    """Product to the name of its category: English, else Portuguese, else Uncategorised."""
    english = {row["product_category_namept"]: row["product_category_name_english"] for row in translations}
    native = {row["product_id"]: row["product_category_name"] for row in products}
    return {product: english.get(name, name) or "Uncategorised" for product, name in native.items()}


def _olist_reviews(written: list[dict[str, str]], sellers: dict[str, str]) -> list[Review]:
    """For the first item of each order the review that was answered last."""
    newest = {}
    for row in sorted(
        written, key=lambda row: (local_time(row["review_answer_timestamp"]), int(row["review_pk"]))
    ):
        newest[f"{row['order_id']}-1"] = row
    return [
        Review(
            row["review_pk"],
            booking,
            sellers[booking],
            Decimal(row["review_score"]),
            local_time(row["review_creation_date"]).date(),
        )
        for booking, row in newest.items()
        if booking in sellers
    ]


def read_openrepair(folder: Path) -> Books:
    """Groups are workshops, product categories their services; there is no money and there are no ratings."""
    rows = [row for path in sorted(folder.glob("OpenRepairData_*.csv")) for row in read_records(path)]
    codes = {
        "Fixed": "COMPLETED",
        "End of life": "CANCELLED",
        "Repairable": "CONFIRMED",
        "Unknown": "UNKNOWN",
    }
    jobs = [
        Job(
            row["id"],
            f"{row['data_provider']} / {row['group_identifier']}",
            row["product_category"],
            codes.get(row["repair_status"], row["repair_status"].upper()),
            None,
            date.fromisoformat(row["event_date"]),
        )
        for row in rows
    ]
    offers = [
        Offer(workshop, category, frozenset({category}), day, None, True)
        for (workshop, category), day in _first_days(jobs).items()
    ]
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
    zones = {row["id"]: ZoneInfo(row["time_zone"]) for row in workshops}
    currencies: dict[str, str | None] = {row["id"]: row["currency"] for row in workshops}
    offers = _sample_offers(folder / "services.parquet", categories, zones)
    offered = {(offer.workshop, offer.service) for offer in offers}

    records = [record for path in (folder / "bookings").glob("*.csv") for record in read_loose(path)]
    readable = [record for record in records if record]
    bookings = newest_of(readable, "id")
    jobs = {
        booking: Job(
            booking,
            row["workshop_id"],
            row["service_id"],
            row["status"],
            parse_amount(row["price"]),
            instant.astimezone(zones[row["workshop_id"]]).date(),
        )
        for booking, row in bookings.items()
        if (instant := parse_instant(row["start_time"]))
        and (row["workshop_id"], row["service_id"]) in offered
        and row["currency"] == currencies[row["workshop_id"]]
        and (row["price"] == "" or is_price(row["price"]))
    }
    lines = (folder / "ratings.ndjson").read_text(encoding="utf-8").removesuffix("\n").split("\n")
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
    accounts: Accounts = {
        ("source", "bookings"): _newest_kept(records, readable, bookings),
        ("source", "ratings"): _newest_kept(lines, objects, rated),
        ("entity", "bookings"): (len(bookings), len(jobs), 0, len(bookings) - len(jobs)),
        ("entity", "ratings"): (len(rated), len(reviews), 0, len(rated) - len(reviews)),
    }
    statuses = read_records(folder / "booking_statuses.csv")
    sound = {
        "workshops": workshops,
        "categories": categories,
        "services": offers,
        "booking_statuses": statuses,
    }
    for name, rows in sound.items():
        accounts["source", name] = accounts["entity", name] = _clean(rows)
    refused = {
        "bookings": bookings.keys() - jobs.keys(),
        "ratings": rated.keys() - {review.booking for review in reviews},
    }
    return Books(currencies, list(jobs.values()), reviews, offers, accounts, refused)


def _sample_offers(path: Path, categories: dict[int, str], zones: dict[str, ZoneInfo]) -> list[Offer]:
    def local_day(row: dict[str, Any], column: str) -> date | None:
        return row[column].astimezone(zones[str(row["workshop_id"])]).date() if row[column] else None

    return [
        Offer(
            str(row["workshop_id"]),
            str(row["id"]),
            frozenset(categories[number] for number in row["category_ids"]),
            local_day(row, "created_at"),
            local_day(row, "deleted_at"),
            row["is_active"],
        )
        for row in pl.read_parquet(path).to_dicts()
    ]


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


def parse_amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def is_price(text: str) -> bool:
    amount = parse_amount(text)
    return amount is not None and amount >= 0


def parse_object(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found


def _first_days(jobs: Iterable[Job]) -> dict[tuple[str, str], date]:
    """Workshop and service to the day of the first booking."""
    first: dict[tuple[str, str], date] = {}
    for job in jobs:
        first[job.workshop, job.service] = min(first.get((job.workshop, job.service), job.day), job.day)
    return first


def _clean(rows: Sized) -> tuple[int, int, int, int]:
    return len(rows), len(rows), 0, 0


def _newest_kept(lines: Sized, readable: Sized, kept: Sized) -> tuple[int, int, int, int]:
    return len(lines), len(kept), len(readable) - len(kept), len(lines) - len(readable)
