"""The Olist marketplace: accounts, quirks and figures equal a second computation over the raw files."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.independent import (
    Books,
    check_figures,
    check_rows,
    days_around,
    month_edges,
    random_periods,
)
from tests.acceptance.raw_files import local_time, read_olist, read_records
from tests.built import REAL_DATA
from warehouse.database import DatabaseOptions
from warehouse.figures import Overview, list_workshops, overview
from warehouse.generations import Snapshot, open_snapshot
from warehouse.period import Period

FILES = REAL_DATA / "olist"
FIRST, LAST = date(2016, 9, 1), date(2018, 10, 31)
CLOCK_CHANGES = (date(2016, 10, 16), date(2017, 2, 19), date(2017, 10, 15), date(2018, 2, 18))
"""São Paulo changes its clocks at midnight: an October day begins at one, a February one after two 23:59."""


@pytest.fixture(scope="module")
def snapshot(real_data: Callable[[str], Path]) -> Iterator[Snapshot]:
    with open_snapshot(real_data("olist") / "warehouse", DatabaseOptions(threads=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def books(snapshot: Snapshot) -> Books:
    return read_olist(FILES)


def pick_workshops(books: Books) -> dict[str, str]:
    """A workshop of each kind."""
    sizes = Counter(job.workshop for job in books.jobs)
    cancelled = Counter(job.workshop for job in books.jobs if job.status == "CANCELLED")
    in_order: defaultdict[str, set[str]] = defaultdict(set)
    for job in books.jobs:
        in_order[job.booking.rpartition("-")[0]].add(job.workshop)
    shared = Counter(shop for shops in in_order.values() if len(shops) > 1 for shop in shops)
    clock_day = Counter(job.workshop for job in books.jobs if job.day in CLOCK_CHANGES)
    return {
        "largest": max(sizes, key=lambda shop: sizes[shop]),
        "smallest": min(sizes, key=lambda shop: (sizes[shop], shop)),
        "cancelling": max(cancelled, key=lambda shop: (cancelled[shop], shop)),
        "sharing orders": max(shared, key=lambda shop: (shared[shop], shop)),
        "busy on a clock change": max(clock_day, key=lambda shop: (clock_day[shop], shop)),
    }


def test_each_row_is_accounted_for(snapshot: Snapshot, books: Books) -> None:
    check_rows(snapshot, books)
    assert books.accounts["entity", "bookings"] == (5637, 5603, 0, 34)
    assert books.accounts["entity", "ratings"] == (4988, 4934, 22, 32)


def test_what_is_set_aside_is_kept_with_its_reason(snapshot: Snapshot, books: Books) -> None:
    rows = snapshot.rows("SELECT entity, key, content, reason FROM quarantine")
    without_items = [(json.loads(row[2]), row[3]) for row in rows if row[0] == "bookings"]
    assert all(reason.endswith(" has no items") for _, reason in without_items)
    assert {row["group_id"] for row, _ in without_items} == books.refused["bookings"]
    codes = {row["order_id"]: row["order_status"] for row in read_records(FILES / "olist_orders_dataset.csv")}
    assert Counter((codes[row["group_id"]], row["status"]) for row, _ in without_items) == {
        ("unavailable", "CANCELLED"): 24,
        ("canceled", "CANCELLED"): 10,
    }
    rated = {json.loads(key)["booking_id"]: reason for entity, key, _, reason in rows if entity == "ratings"}
    first_items = {f"{order}-1" for order in books.refused["ratings"]}
    assert rated == {booking: f"booking {booking} is unknown" for booking in first_items}


def test_local_times_become_instants(snapshot: Snapshot, books: Books) -> None:
    # A time that the clock change skipped is read with the offset before it, as is usual.
    zone = ZoneInfo("America/Sao_Paulo")

    def to_utc(text: str) -> datetime | None:
        return local_time(text).replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) if text else None

    orders = {row["order_id"]: row for row in read_records(FILES / "olist_orders_dataset.csv")}
    rows = snapshot.rows("SELECT group_id, start_time, completed_at FROM bookings")
    assert len(rows) == 5603
    for order, start, completed in rows:
        assert start == to_utc(orders[order]["order_purchase_timestamp"])
        assert completed == to_utc(orders[order]["order_delivered_customer_date"])
    [(other_day_in_utc,)] = snapshot.rows("SELECT count(*) FROM bookings WHERE start_time::DATE <> day")
    assert other_day_in_utc > 500


@pytest.mark.parametrize(
    ("quirk", "count", "sql"),
    [
        (
            "orders of several sellers",
            72,
            "SELECT group_id FROM bookings GROUP BY 1 HAVING count(DISTINCT workshop_id) > 1",
        ),
        (
            "products without a category",
            58,
            "SELECT DISTINCT service_id FROM services WHERE categories = 'Uncategorised'",
        ),
        (
            "categories without a translation",
            2,
            "SELECT name FROM categories WHERE name = 'pc_gamer' OR name LIKE 'portateis_cozinha_e_prep%'",
        ),
        (
            "delivered orders without a date count as done",
            1,
            "SELECT DISTINCT group_id FROM bookings WHERE outcome = 'done' AND completed_at IS NULL",
        ),
        (
            "undelivered orders with a date do not",
            1,
            "SELECT DISTINCT group_id FROM bookings WHERE outcome <> 'done' AND completed_at IS NOT NULL",
        ),
    ],
)
def test_quirk_survives(snapshot: Snapshot, quirk: str, count: int, sql: str) -> None:
    assert len(snapshot.rows(sql)) == count


def test_services_carry_their_newest_price(snapshot: Snapshot) -> None:
    orders = {row["order_id"]: row for row in read_records(FILES / "olist_orders_dataset.csv")}
    sold: defaultdict[tuple[str, str], list[tuple[datetime, Decimal]]] = defaultdict(list)
    for row in read_records(FILES / "olist_order_items_dataset.csv"):
        at = local_time(orders[row["order_id"]]["order_purchase_timestamp"])
        sold[row["seller_id"], row["product_id"]].append((at, Decimal(row["price"])))
    newest = {pair: {price for at, price in sales if at == max(sales)[0]} for pair, sales in sold.items()}
    assert sum(len({price for _, price in sales}) > 1 for sales in sold.values()) > 50
    rows = snapshot.rows("SELECT workshop_id, service_id, price FROM services")
    assert {(shop, service) for shop, service, price in rows if price in newest[shop, service]} == set(newest)


@pytest.mark.parametrize(
    "kind", ["largest", "smallest", "cancelling", "sharing orders", "busy on a clock change"]
)
def test_figures_equal_the_second_computation(snapshot: Snapshot, books: Books, kind: str) -> None:
    periods = [*month_edges(FIRST, LAST), *days_around(CLOCK_CHANGES), *random_periods(FIRST, LAST, 40)]
    check_figures(snapshot, books, pick_workshops(books)[kind], periods)


def test_figures_of_each_day_of_the_largest_workshop(snapshot: Snapshot, books: Books) -> None:
    workshop = pick_workshops(books)["largest"]
    days = {job.day for job in books.jobs if job.workshop == workshop}
    days |= {review.day for review in books.reviews if review.workshop == workshop}
    for period in days_around(sorted(days)):
        assert overview(snapshot.figures, workshop, period) == books.overview(workshop, period)


def test_all_workshops_together_equal_the_whole(snapshot: Snapshot, books: Books) -> None:
    figures: list[Overview] = []
    for workshop in list_workshops(snapshot.figures):
        assert (workshop.time_zone, workshop.currency) == ("America/Sao_Paulo", "BRL")
        figures.append(overview(snapshot.figures, workshop.workshop_id))
        assert figures[-1] == books.overview(workshop.workshop_id, Period())
    # The whole is counted here from the files, past everything that tells workshops apart.
    orders = {row["order_id"]: row for row in read_records(FILES / "olist_orders_dataset.csv")}
    delivered = [
        Decimal(row["price"])
        for row in read_records(FILES / "olist_order_items_dataset.csv")
        if orders[row["order_id"]]["order_status"] == "delivered"
    ]
    assert len(figures) == 1222
    assert sum(figure.done for figure in figures) == len(delivered)
    assert sum(figure.revenue or 0 for figure in figures) == sum(delivered)
    assert sum(figure.rating_count for figure in figures) == 4934
