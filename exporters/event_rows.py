"""Reading the figures of the event reports off the rows of the report types of the same names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from exporters.event_figures import (
    ApplicationsHeadline,
    CurrencyPayments,
    CurrencyRevenue,
    EventApplications,
    EventAttendance,
    EventDemand,
    EventOverview,
    EventParticipants,
    EventPayments,
    EventRevenue,
    GatewayPayments,
    ParticipantsHeadline,
    PaymentsHeadline,
    PaymentsHeadlines,
    RatingCount,
    RevenueHeadline,
    RevenueHeadlines,
    RevenueMonth,
    StatusPayments,
)

Row = Mapping[str, Any]
Part = TypeVar("Part")

_NOTHING = Decimal("0.00")


def read_revenue(rows: Sequence[Row], own: str | None) -> EventRevenue:
    """The figures of the rows of event_revenue; `own` is the currency of a tenant without any."""

    def describe(part: Sequence[Row], currency: str | None) -> CurrencyRevenue:
        months = _split(part, "period")
        invoiced, paid, left = (_sum(part, name, currency) for name in ("invoiced", "paid", "open"))
        return CurrencyRevenue(
            currency,
            invoiced,
            paid,
            left,
            _count(part, "invoice_count"),
            [
                RevenueMonth(month, _sum(its, "invoiced", currency), _sum(its, "paid", currency))
                for month, its in sorted(months.items())
            ],
        )

    whole, parts = _by_currency(rows, rows, own, describe)
    return EventRevenue(**vars(whole), by_currency=parts)


def read_participants(rows: Sequence[Row]) -> EventParticipants:
    """The figures of the rows of event_participants."""
    return EventParticipants(
        _count(rows, "participants"),
        _count(rows, "confirmed"),
        _count(rows, "unconfirmed"),
        [
            EventAttendance(
                row["event_key"], row["event"], row["participants"], row["confirmed"], row["unconfirmed"]
            )
            for row in rows
        ],
    )


def read_applications(rows: Sequence[Row]) -> EventApplications:
    """The figures of the rows of event_applications."""
    parts = _split(rows, "breakdown")
    [whole] = parts.get("all") or [{"applications": 0, "rating_avg": None}]
    return EventApplications(
        whole["applications"],
        whole["rating_avg"],
        [
            EventDemand(row["event_key"], row["event"], row["applications"], row["rating_avg"])
            for row in parts.get("event", [])
        ],
        [RatingCount(row["rating"], row["applications"]) for row in parts.get("rating", [])],
    )


def read_payments(rows: Sequence[Row], own: str | None) -> EventPayments:
    """The figures of the rows of event_payments; `own` is the currency of a tenant without any."""

    def describe(part: Sequence[Row], currency: str | None) -> CurrencyPayments:
        completed = [row for row in part if row["status"] == "completed"]
        gateways = sorted(_split(completed, "gateway_key").items(), key=lambda item: item[0] or "\U0010ffff")
        return CurrencyPayments(
            *_payment_sums(completed, currency),
            currency,
            [
                StatusPayments(*_payment_sums(its, currency), name)
                for name, its in sorted(_split(part, "status").items())
            ],
            [GatewayPayments(*_payment_sums(its, currency), key, its[0]["gateway"]) for key, its in gateways],
        )

    completed = [row for row in rows if row["status"] == "completed"]
    whole, parts = _by_currency(rows, completed, own, describe)
    return EventPayments(**vars(whole), by_currency=parts)


def read_overview(rows: Sequence[Row], own: str | None) -> EventOverview:
    """The figures of the rows of event_overview; `own` is the currency of a tenant without any."""

    def revenue(part: Sequence[Row], currency: str | None) -> RevenueHeadline:
        its = _split(part, "figure")
        invoiced, paid, left = (_sum(its.get(n, []), "value", currency) for n in ("invoiced", "paid", "open"))
        return RevenueHeadline(currency, invoiced, paid, left, _count(its.get("invoice_count", []), "value"))

    def payments(part: Sequence[Row], currency: str | None) -> PaymentsHeadline:
        # Of a currency in which nothing was completed there are zeros.
        its = _split([row for row in part if currency in {None, row["currency"]}], "figure")
        amount, fees, net = (_sum(its.get(name, []), "value", currency) for name in ("amount", "fees", "net"))
        return PaymentsHeadline(_count(its.get("count", []), "value"), amount, fees, net, currency)

    areas = _split(rows, "area")
    values = {(row["area"], row["figure"]): row["value"] for row in rows}
    invoiced, paid = areas.get("revenue", []), areas.get("payments", [])
    completed = [row for row in paid if row["figure"] == "count" and row["value"]]
    revenue_whole, revenue_parts = _by_currency(invoiced, invoiced, own, revenue)
    payments_whole, payments_parts = _by_currency(paid, completed, own, payments)
    people = (int(values.get(("participants", name), 0)) for name in ("total", "confirmed", "unconfirmed"))
    return EventOverview(
        RevenueHeadlines(**vars(revenue_whole), by_currency=revenue_parts),
        ParticipantsHeadline(*people),
        ApplicationsHeadline(
            int(values.get(("applications", "total"), 0)), values.get(("applications", "rating_avg"))
        ),
        PaymentsHeadlines(**vars(payments_whole), by_currency=payments_parts),
    )


def _by_currency(
    rows: Sequence[Row],
    counted: Sequence[Row],
    own: str | None,
    describe: Callable[[Sequence[Row], str | None], Part],
) -> tuple[Part, list[Part]]:
    """What tells of all rows, and what tells of each currency's; `counted` are those whose money counts."""
    parts = dict(sorted(_split(rows, "currency").items()))
    currencies = {row["currency"] for row in counted} or set(parts)
    several = len(currencies) > 1
    currency = (None if counted else own) if several else next(iter(currencies), own)
    return describe(rows, currency), [describe(its, name) for name, its in parts.items()]


def _payment_sums(
    rows: Sequence[Row], currency: str | None
) -> tuple[int, Decimal | None, Decimal | None, Decimal | None]:
    amount, fees, net = (_sum(rows, name, currency) for name in ("amount", "fees", "net"))
    return _count(rows, "payments"), amount, fees, net


def _sum(rows: Sequence[Row], name: str, currency: str | None) -> Decimal | None:
    """The sum, in this currency; None: some of it is in another."""
    return (
        sum((row[name] for row in rows), _NOTHING) if all(r["currency"] == currency for r in rows) else None
    )


def _count(rows: Iterable[Row], name: str) -> int:
    return int(sum(row[name] for row in rows))


def _split(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    parts: dict[Any, list[Row]] = {}
    for row in rows:
        parts.setdefault(row[name], []).append(row)
    return parts
