"""What the clients of the API ask for: figures of years, and exports of so many rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from bench.product import Product
from warehouse.generations import open_snapshot

ENDPOINTS = {
    "overview": "/api/ws/reports/overview",
    "services by category": "/api/ws/reports/services/by-category",
    "ratings by month": "/api/ws/reports/ratings/timeseries",
}
_FIRST_DAY, _DAYS = date(2023, 1, 1), 2 * 365
"""The days on which a year begins that lies in the platform's three."""
_KEY_WORKSHOPS = 100
_REQUESTS = 2_000
"""Different ones of a client, asked again and again."""
_PERIODS = """
WITH days AS (
    SELECT workshop_id, day,
        CAST(sum(bookings) OVER (PARTITION BY workshop_id ORDER BY day) AS BIGINT) AS so_far
    FROM booking_days
), reached AS (
    SELECT workshop_id, min(day) AS first, max(day) AS until, max(so_far) AS rows,
        min(day) FILTER (so_far >= $rows) AS last
    FROM days GROUP BY ALL
)
SELECT workshop_id, first, coalesce(last, until) FROM reached
ORDER BY least(rows, $rows) DESC, rows, workshop_id LIMIT $count
"""
# Of a hundred small exports: most are looked at in a spreadsheet.
_MIX = ("csv",) * 40 + ("xlsx",) * 30 + ("html",) * 15 + ("parquet",) * 10 + ("pdf",) * 5


@dataclass(frozen=True)
class Workshops:
    """The workshops of the served generation."""

    product: Product
    ids: Sequence[str]

    def figures(self, path: str, clients: int, keys: int | None = None) -> list[list[dict[str, Any]]]:
        """Work for clients: a path for random workshops, each for a random year.

        A client has a key for a hundred workshops; with `keys`, each request takes one of so many keys, which
        are for one workshop each.
        """
        drawn = Random(path)  # noqa: S311
        if keys:
            holders = [(self.product.new_key([one]), [one]) for one in drawn.sample(self.ids, keys)]
            pools = [holders] * clients
        else:
            some = min(_KEY_WORKSHOPS, len(self.ids))
            theirs = [drawn.sample(self.ids, some) for _ in range(clients)]
            pools = [[(self.product.new_key(ids), ids)] for ids in theirs]
        return [[_ask_figures(drawn, path, pool) for _ in range(_REQUESTS)] for pool in pools]

    def exports(self, rows: int, clients: int) -> list[list[dict[str, Any]]]:
        """Work for clients: a CSV file, of the period in which the client's workshop has so many bookings."""
        periods = self._periods(rows, clients)
        return [[_export(self.product.new_key([one.workshop_id]), "csv", one)] for one in periods]

    def small_exports(self, rows: int, clients: int) -> list[list[dict[str, Any]]]:
        """Work for clients: files in all formats, each of so many bookings of the client's workshop."""
        work = []
        for number, period in enumerate(self._periods(rows, clients)):
            key = self.product.new_key([period.workshop_id])
            formats = Random(number).sample(_MIX, len(_MIX))  # noqa: S311
            work.append([_export(key, name, period) for name in formats])
        return work

    def _periods(self, rows: int, count: int) -> list["_Period"]:
        with open_snapshot(self.product.folder / "warehouse") as snapshot:
            found = snapshot.rows(_PERIODS, {"rows": rows, "count": count})
        return [_Period(*row) for row in found]


def find_workshops(product: Product) -> Workshops:
    """The workshops that the product serves."""
    with open_snapshot(product.folder / "warehouse") as snapshot:
        rows = snapshot.rows("SELECT workshop_id FROM workshops ORDER BY workshop_id")
    return Workshops(product, [workshop_id for (workshop_id,) in rows])


def _ask_figures(drawn: Random, path: str, holders: Sequence[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    key, workshops = drawn.choice(holders)
    first = _FIRST_DAY + timedelta(days=drawn.randrange(_DAYS))
    last = first + timedelta(days=364)
    return {
        "key": key,
        "workshop": drawn.choice(workshops),
        "path": f"{path}?date_from={first}&date_to={last}",
    }


@dataclass(frozen=True)
class _Period:
    """The days in which a workshop has so many bookings."""

    workshop_id: str
    first: date
    last: date


def _export(key: str, format_name: str, period: _Period) -> dict[str, Any]:
    filters = {"date_from": str(period.first), "date_to": str(period.last)}
    body = {"type": "bookings", "format": format_name, "filters": filters, "language": "nb"}
    return {"key": key, "workshop": period.workshop_id, "body": body}
