"""The figures of a workshop: overview, services by category, ratings by month."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

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
from api.http.problems import Refusal, refuse_value
from api.http.services import (
    AnyRequest,
    Services,
    caller_of,
    encoded,
    is_known,
    not_modified,
    request_id_of,
    workshop_of,
)
from warehouse import figures
from warehouse.errors import InvalidPeriodError
from warehouse.figures_file import Figures
from warehouse.period import Period, parse_day

_MOST_YEARS = 100
"""Of a series, each month of which is a point."""


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes of the figures."""

    @get("/api/ws/reports/overview")
    async def read_overview(request: AnyRequest) -> Response[bytes]:
        return _answer(services, request, "overview", _describe_overview)

    @get("/api/ws/reports/services/by-category")
    async def read_categories(request: AnyRequest) -> Response[bytes]:
        return _answer(services, request, "by-category", _describe_categories)

    @get("/api/ws/reports/ratings/timeseries")
    async def read_ratings(request: AnyRequest) -> Response[bytes]:
        group = request.query_params.get("group", "month")
        if group != "month":
            raise refuse_value("group", group, "month")
        _check_months(_read_period(request))
        return _answer(services, request, "timeseries", _describe_ratings)

    return [read_overview, read_categories, read_ratings]


def _check_months(period: Period) -> None:
    """Refuse a range whose months, all of which are in the answer, would take long to write."""
    today = datetime.now(UTC).date()  # stands for an open end, which is that of the ratings
    first, last = period.date_from or today, period.date_to or today
    if last.year - first.year > _MOST_YEARS:
        details = {"date_from": str(first), "date_to": str(last)}
        raise Refusal(422, "INVALID_DATE_RANGE", f"the range is longer than {_MOST_YEARS} years", details)


def _answer(
    services: Services,
    request: AnyRequest,
    what: str,
    describe: Callable[[Figures, str, Period], Overview | Categories | RatingSeries],
) -> Response[bytes]:
    workshop_id = workshop_of(request)
    period = _read_period(request)
    served = services.figures.current()
    generation = served.generation
    etag = _tag(generation.generation, what, workshop_id, str(period.date_from), str(period.date_to))
    figures.find_workshop(served, workshop_id)
    services.access.audit.read(what, caller_of(request).actor, workshop_id)
    if is_known(request, etag):
        return not_modified(etag)
    meta = FiguresMeta(
        request_id_of(request),
        datetime.now(UTC).replace(microsecond=0),
        generation.generation,
        generation.data_as_of,
    )
    return encoded(FiguresAnswer(describe(served, workshop_id, period), meta), headers={"etag": etag})


def _tag(*parts: str) -> str:
    """A weak tag: the figures are equal as long as it is, the answer's own id and time are not."""
    return f'W/"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"'


def _read_period(request: AnyRequest) -> Period:
    first, last = _read_day(request, "date_from"), _read_day(request, "date_to")
    try:
        return Period(first, last)
    except InvalidPeriodError as error:
        details = {"date_from": str(first), "date_to": str(last)}
        raise Refusal(422, "INVALID_DATE_RANGE", str(error), details) from error


def _read_day(request: AnyRequest, name: str) -> date | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise refuse_value(name, text, "a date as YYYY-MM-DD") from None


def _describe_overview(served: Figures, workshop_id: str, period: Period) -> Overview:
    found = figures.overview(served, workshop_id, period)
    return Overview(
        JobFigures(found.done, found.revenue, found.currency),
        ServiceFigures(found.services),
        RatingFigures(found.rating_average, found.rating_count),
    )


def _describe_categories(served: Figures, workshop_id: str, period: Period) -> Categories:
    return Categories(
        [
            CategoryFigures(row.category, row.count, row.booked_count)
            for row in figures.services_by_category(served, workshop_id, period)
        ]
    )


def _describe_ratings(served: Figures, workshop_id: str, period: Period) -> RatingSeries:
    return RatingSeries(
        "month",
        [
            RatingPoint(point.period, point.count, point.average)
            for point in figures.ratings_by_month(served, workshop_id, period)
        ],
    )
