"""The peer of the figures: the API itself, but its figures are read from rollups in PostgreSQL.

`python -m bench.postgres_api serve --port <port>` serves it, as `reports serve` does the API. Gate, log,
framework, server and encoder are the API's own; each answer costs one query by asyncpg, prepared, on a
connection of a pool. It does a little less than the API: it makes no ETag.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import asyncpg
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.cli import main
from api.http import figures, server
from api.http.answers import (
    Categories,
    CategoryFigures,
    FiguresAnswer,
    FiguresMeta,
    JobFigures,
    Overview,
    RatingFigures,
    RatingPoint,
    RatingSeries,
    ServiceFigures,
)
from api.http.app import create_app
from api.http.gate import Application
from api.http.services import AnyRequest, Services, caller_of, encoded, request_id_of, workshop_of
from bench.postgres_rollups import ADDRESS_FILE
from settings import load_settings
from warehouse.period import Period, parse_day

_CONNECTIONS = 8
_OVERVIEW = """
SELECT w.currency, w.services, b.done, b.revenue::bigint AS revenue, r.ratings, r.rating_sum
FROM workshops AS w
CROSS JOIN LATERAL (
    SELECT coalesce(sum(done), 0) AS done, sum(revenue) AS revenue FROM booking_days
    WHERE workshop_id = $1 AND day BETWEEN $2 AND $3
) AS b
CROSS JOIN LATERAL (
    SELECT coalesce(sum(ratings), 0) AS ratings, sum(rating_sum) AS rating_sum FROM rating_days
    WHERE workshop_id = $1 AND day BETWEEN $2 AND $3
) AS r
WHERE w.workshop_id = $1
"""
_CATEGORIES = """
SELECT category, sum(services)::int AS services, sum(bookings)::int AS bookings FROM (
    SELECT category, count(*) AS services, 0 AS bookings FROM category_services
    WHERE workshop_id = $1 AND (created_day IS NULL OR created_day <= $3)
        AND (deleted_day IS NULL OR deleted_day >= $2)
    GROUP BY category
    UNION ALL
    SELECT category, 0, sum(bookings) FROM category_days
    WHERE workshop_id = $1 AND day BETWEEN $2 AND $3 GROUP BY category
) AS parts
GROUP BY category ORDER BY services DESC, category
"""
_RATINGS = """
SELECT date_trunc('month', day)::date AS month, sum(ratings) AS ratings, sum(rating_sum) AS rating_sum
FROM rating_days WHERE workshop_id = $1 AND day BETWEEN $2 AND $3 GROUP BY 1
"""


def make_app() -> Application:
    """The application; what the server loads."""
    with patch.object(figures, "make_routes", make_routes):
        return create_app(load_settings())


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes of the figures."""
    address = (load_settings().data_folder / ADDRESS_FILE).read_text(encoding="utf-8")
    generation = services.figures.current().generation
    opened: list[Any] = []

    async def ask(request: AnyRequest, what: str, query: str) -> tuple[Sequence[Any], Period]:
        if not opened:
            size = {"min_size": _CONNECTIONS, "max_size": _CONNECTIONS}
            pool = asyncpg.create_pool(host=address, user="postgres", database="postgres", **size)
            opened.append(asyncio.ensure_future(pool))
        workshop_id = workshop_of(request)
        first = parse_day(request.query_params["date_from"])
        last = parse_day(request.query_params["date_to"])
        rows = await (await opened[0]).fetch(query, workshop_id, first, last)
        services.access.audit.read(what, caller_of(request).actor, workshop_id)
        return rows, Period(first, last)

    def answer(request: AnyRequest, data: Overview | Categories | RatingSeries) -> Response[bytes]:
        now = datetime.now(UTC).replace(microsecond=0)
        meta = FiguresMeta(request_id_of(request), now, generation.generation, generation.data_as_of)
        return encoded(FiguresAnswer(data, meta))

    @get("/api/ws/reports/overview")
    async def read_overview(request: AnyRequest) -> Response[bytes]:
        [row], _ = await ask(request, "overview", _OVERVIEW)
        revenue = None if row["done"] and row["revenue"] is None else Decimal(row["revenue"] or 0).scaleb(-2)
        jobs = JobFigures(row["done"], revenue, row["currency"])
        ratings = RatingFigures(_average(row["rating_sum"], row["ratings"]), row["ratings"])
        return answer(request, Overview(jobs, ServiceFigures(row["services"]), ratings))

    @get("/api/ws/reports/services/by-category")
    async def read_categories(request: AnyRequest) -> Response[bytes]:
        rows, _ = await ask(request, "by-category", _CATEGORIES)
        return answer(request, Categories([CategoryFigures(*row) for row in rows]))

    @get("/api/ws/reports/ratings/timeseries")
    async def read_ratings(request: AnyRequest) -> Response[bytes]:
        rows, period = await ask(request, "timeseries", _RATINGS)
        found = {row["month"]: row for row in rows}
        points = []
        for month in _months(period):
            count, rating_sum = (
                (found[month]["ratings"], found[month]["rating_sum"]) if month in found else (0, 0)
            )
            points.append(RatingPoint(f"{month:%Y-%m}", count, _average(rating_sum, count)))
        return answer(request, RatingSeries("month", points))

    return [read_overview, read_categories, read_ratings]


def _average(tenths: int | None, count: int) -> Decimal | None:
    if not count or tenths is None:
        return None
    return Decimal((2 * 10 * tenths + count) // (2 * count)).scaleb(-2)


def _months(period: Period) -> list[date]:
    first, last = period.date_from or date.min, period.date_to or date.max
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


if __name__ == "__main__":
    with patch.object(server, "_TARGET", "bench.postgres_api:make_app"):
        main()
