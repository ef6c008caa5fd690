"""Figures of any data and any period equal what SQL counts in the bookings, ratings and services."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.database import connect
from warehouse.errors import UnknownWorkshopError, WarehouseError
from warehouse.figures import (
    NO_CATEGORY,
    CategoryCount,
    Figures,
    RatingPoint,
    Workshop,
    list_workshops,
    overview,
    ratings_by_month,
    services_by_category,
)
from warehouse.figures_build import write_figures
from warehouse.figures_file import open_figures
from warehouse.front_matter import SQL_ROOT
from warehouse.generations import Generation
from warehouse.period import ALL_TIME, Period

ENTITIES = """
CREATE TABLE workshops (workshop_id VARCHAR, name VARCHAR, time_zone VARCHAR, currency VARCHAR);
CREATE TABLE categories (source VARCHAR, category_id VARCHAR, name VARCHAR);
CREATE TABLE services (source VARCHAR, workshop_id VARCHAR, service_id VARCHAR, is_active BOOLEAN,
    category_ids VARCHAR[], created_day DATE, deleted_day DATE, deleted_at TIMESTAMP);
CREATE TABLE bookings (workshop_id VARCHAR, service_id VARCHAR, day DATE, outcome VARCHAR,
    price DECIMAL(18, 2), currency VARCHAR);
CREATE TABLE ratings (workshop_id VARCHAR, day DATE, rating DECIMAL(3, 1));
INSERT INTO categories VALUES ('s', '1', 'Motor'), ('s', '2', 'Åpning'), ('s', '3', 'Motor'),
    ('s', '4', 'Uten kategori'), ('s', '5', '𝄞'), ('s', '6', '\uffee');
"""
MARTS = ("service_categories", "booking_days", "category_days", "rating_days")
FIRST = date(2024, 1, 25)
WORKSHOPS = ["b", "a", "å", "10", "9"]
UNKNOWN = ["", "a ", "aa", "z", "\U0001f600", "\ud800"]

days = st.integers(0, 75).map(lambda number: FIRST + timedelta(number))
prices = st.none() | st.decimals(0, 1000, places=2) | st.just(Decimal("999999999999999.99"))
services = st.tuples(
    st.just("s"),
    st.sampled_from(WORKSHOPS[:4]),
    st.sampled_from("uvwxyz"),
    st.booleans(),
    st.lists(st.sampled_from("1234567"), max_size=3, unique=True),
    st.none() | days,
    st.none() | days,
)
bookings = st.tuples(
    st.sampled_from(WORKSHOPS[:4]),
    st.none() | st.sampled_from("uvwxyz"),
    days,
    st.sampled_from(["done", "done", "active", "cancelled", "unknown"]),
    prices,
)
ratings = st.tuples(
    st.sampled_from(WORKSHOPS[:4]), days, st.integers(2, 10).map(lambda halves: Decimal(halves) / 2)
)


@dataclass
class Data:
    """Rows of the entities."""

    currencies: list[str | None]
    services: list[Any]
    bookings: list[Any]
    ratings: list[Any]

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create the entities and the marts."""
        connection.execute(ENTITIES)
        currency = dict(zip(WORKSHOPS, self.currencies, strict=True))
        insert(
            connection,
            "workshops",
            [(name, f"Verksted {name}", "Europe/Oslo", money) for name, money in currency.items()],
        )
        insert(connection, "services", [(*row, row[-1]) for row in self.services])
        insert(connection, "bookings", [(*row, currency[row[0]]) for row in self.bookings])
        insert(connection, "ratings", self.ratings)
        for mart in MARTS:
            sql = (SQL_ROOT / "marts" / f"{mart}.sql").read_text(encoding="utf-8")
            connection.execute(f"CREATE TABLE {mart} AS {sql}")


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Any]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


data = st.builds(
    Data,
    currencies=st.lists(st.sampled_from(["NOK", "EUR", None]), min_size=5, max_size=5),
    services=st.lists(services, max_size=12, unique_by=lambda row: row[:3]),
    bookings=st.lists(bookings, max_size=25),
    ratings=st.lists(ratings, max_size=15),
)
ends = st.none() | days | st.sampled_from([date(2020, 1, 1), date(2028, 12, 31)])
periods = st.tuples(ends, ends).map(
    lambda pair: Period(*sorted(pair)) if None not in pair else Period(*pair)  # type: ignore[type-var]
)


def bounds(period: Period) -> dict[str, date]:
    return {"first": period.date_from or date.min, "last": period.date_to or date.max}


def average(total: Decimal | None, count: int) -> Decimal | None:
    return (Decimal(total) / count).quantize(Decimal("0.01"), ROUND_HALF_UP) if count and total else None


def check_overview(
    connection: duckdb.DuckDBPyConnection, figures: Figures, workshop: Workshop, period: Period
) -> None:
    told = overview(figures, workshop.workshop_id, period)
    here = {"workshop": workshop.workshop_id}
    within = "workshop_id = $workshop AND day BETWEEN $first AND $last"
    [(done, revenue)] = connection.execute(
        f"SELECT count(*), sum(price) FROM bookings WHERE outcome = 'done' AND {within}",
        here | bounds(period),
    ).fetchall()
    if workshop.currency is None or (done and revenue is None):
        assert told.revenue is None
    else:
        assert str(told.revenue) == str(revenue or Decimal("0.00"))
    [(count, total)] = connection.execute(
        f"SELECT count(*), sum(rating) FROM ratings WHERE {within}", here | bounds(period)
    ).fetchall()
    [(active,)] = connection.execute(
        "SELECT count(*) FROM services WHERE workshop_id = $workshop AND is_active AND deleted_at IS NULL",
        here,
    ).fetchall()
    assert (told.done, told.services, told.currency) == (done, active, workshop.currency)
    assert (told.rating_count, told.rating_average) == (count, average(total, count))


def check_categories(
    connection: duckdb.DuckDBPyConnection, figures: Figures, workshop_id: str, period: Period
) -> None:
    rows = connection.execute(
        """
        WITH named AS (
            SELECT DISTINCT s.*, coalesce(c.name, $unnamed) AS category
            FROM (SELECT *, unnest(CASE WHEN category_ids = [] THEN ['none'] ELSE category_ids END) AS id
                  FROM services WHERE workshop_id = $workshop) AS s
            LEFT JOIN categories AS c ON c.category_id = s.id
        ), labelled AS (
            SELECT * FROM named AS n WHERE category <> $unnamed OR NOT EXISTS (
                SELECT 1 FROM named AS o JOIN categories AS c ON list_contains(o.category_ids, c.category_id)
                WHERE o.service_id = n.service_id AND c.name <> $unnamed
            ) OR list_contains(category_ids, '4')
        ), labels AS (SELECT DISTINCT * EXCLUDE (id) FROM labelled)
        SELECT category, count(DISTINCT service_id) FILTER (
            CASE WHEN $always THEN deleted_at IS NULL
                 ELSE coalesce(created_day <= $last, true) AND coalesce(deleted_day >= $first, true) END
        ), 0 FROM labels GROUP BY category
        UNION ALL
        SELECT coalesce(l.category, $unnamed), 0, count(*)
        FROM bookings AS b LEFT JOIN labels AS l ON l.service_id = b.service_id
        WHERE b.workshop_id = $workshop AND b.day BETWEEN $first AND $last GROUP BY 1
        """,
        {"workshop": workshop_id, "unnamed": NO_CATEGORY, "always": period == ALL_TIME} | bounds(period),
    ).fetchall()
    counts: dict[str, tuple[int, int]] = {}
    for category, count, booked in rows:
        before = counts.get(category, (0, 0))
        counts[category] = before[0] + count, before[1] + booked
    expected = [CategoryCount(name, *both) for name, both in counts.items() if any(both)]
    expected.sort(key=lambda row: (-row.count, row.category))
    assert services_by_category(figures, workshop_id, period) == expected


def check_months(
    connection: duckdb.DuckDBPyConnection, figures: Figures, workshop_id: str, period: Period
) -> None:
    rows = connection.execute(
        """
        WITH ends AS (
            SELECT coalesce($from, min(day)) AS a, coalesce($to, max(day)) AS b FROM ratings
            WHERE workshop_id = $workshop AND day BETWEEN $first AND $last
        ), months AS (
            SELECT unnest(
                generate_series(date_trunc('month', a), date_trunc('month', b), INTERVAL 1 MONTH)
            ) AS month FROM ends
        )
        SELECT strftime(month, '%Y-%m'), count(r.rating), sum(r.rating)
        FROM months LEFT JOIN ratings AS r ON date_trunc('month', r.day) = month
            AND r.workshop_id = $workshop AND r.day BETWEEN $first AND $last
        GROUP BY month ORDER BY month
        """,
        {"workshop": workshop_id, "from": period.date_from, "to": period.date_to} | bounds(period),
    ).fetchall()
    expected = [RatingPoint(month, count, average(total, count)) for month, count, total in rows]
    assert ratings_by_month(figures, workshop_id, period) == expected


@settings(max_examples=20, deadline=None)
@given(data=data, asked=st.lists(periods, min_size=1, max_size=6), at_once=st.sampled_from([1, 7, 10_000]))
def test_figures_equal_a_count_of_the_rows(data: Data, asked: list[Period], at_once: int) -> None:
    connection = connect(None)
    with TemporaryDirectory() as folder:
        data.load(connection)
        generation = Generation("g", datetime.now(UTC), None, Path(folder) / "g.duckdb")
        write_figures(connection, generation.figures_path, days_at_once=at_once)
        figures = open_figures(generation)
        workshops = list_workshops(figures)
        assert [workshop.workshop_id for workshop in workshops] == sorted(WORKSHOPS)
        assert {w.workshop_id: w.currency for w in workshops} == dict(
            zip(WORKSHOPS, data.currencies, strict=True)
        )
        for workshop in workshops:
            for period in [ALL_TIME, *asked]:
                check_overview(connection, figures, workshop, period)
                check_categories(connection, figures, workshop.workshop_id, period)
                check_months(connection, figures, workshop.workshop_id, period)
        for workshop_id in UNKNOWN:
            with pytest.raises(UnknownWorkshopError):
                overview(figures, workshop_id)
    connection.close()


def open_data(data: Data, path: Path) -> Figures:
    """The figures of the rows, by way of a file."""
    connection = connect(None)
    try:
        data.load(connection)
        generation = Generation("g", datetime.now(UTC), None, path)
        write_figures(connection, generation.figures_path)
        return open_figures(generation)
    finally:
        connection.close()


def test_no_workshop_at_all(tmp_path: Path) -> None:
    connection = connect(None)
    Data([None] * 5, [], [], []).load(connection)
    connection.execute("DELETE FROM workshops")
    generation = Generation("g", datetime.now(UTC), None, tmp_path / "g.duckdb")
    write_figures(connection, generation.figures_path)
    connection.close()
    assert list_workshops(open_figures(generation)) == []
    with pytest.raises(UnknownWorkshopError):
        overview(open_figures(generation), "a")


def test_revenue_is_exact_up_to_the_largest_and_refused_above(tmp_path: Path) -> None:
    largest = Decimal("92233720368547758.07")
    most = Decimal("9999999999999999.99")
    rest = [("a", None, FIRST + timedelta(n), "done", most) for n in range(9)]
    last = ("a", None, FIRST + timedelta(9), "done", largest - 9 * most)
    other = ("b", None, FIRST, "done", most)
    figures = open_data(Data(["NOK"] * 5, [], [*rest, last, other], []), tmp_path / "g.duckdb")
    assert overview(figures, "a").revenue == largest
    assert overview(figures, "a", Period(FIRST + timedelta(9), None)).revenue == largest - 9 * most
    assert overview(figures, "b").revenue == most
    cent = ("a", None, FIRST + timedelta(20), "done", Decimal("0.01"))
    with pytest.raises(WarehouseError, match="revenue of workshop a in booking_days is above"):
        open_data(Data(["NOK"] * 5, [], [*rest, last, cent], []), tmp_path / "h.duckdb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.figures.arrow"]
