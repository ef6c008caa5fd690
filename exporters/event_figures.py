"""The figures of the event reports.

Amounts of different currencies are never added: where there are several, the money that would tell of all of
them is None, and each currency's stands in `by_currency`. Counts are of all currencies.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class RevenueMonth:
    """Invoices of one month."""

    period: str
    """YYYY-MM."""
    invoiced: Decimal | None
    paid: Decimal | None


@dataclass(frozen=True)
class CurrencyRevenue:
    """Invoices of one currency; credit notes lower the sums and do not count as invoices."""

    currency: str | None
    invoiced: Decimal | None
    paid: Decimal | None
    open: Decimal | None
    invoice_count: int
    by_month: list[RevenueMonth]


@dataclass(frozen=True)
class EventRevenue(CurrencyRevenue):
    """Invoices, without drafts and cancelled ones."""

    by_currency: list[CurrencyRevenue]


@dataclass(frozen=True)
class EventAttendance:
    """Participants of one event."""

    event_key: str
    title: str
    total: int
    confirmed: int
    unconfirmed: int


@dataclass(frozen=True)
class EventParticipants:
    """Participants."""

    total: int
    confirmed: int
    unconfirmed: int
    by_event: list[EventAttendance]


@dataclass(frozen=True)
class EventDemand:
    """Applications that name one event, or, without a key, none."""

    event_key: str | None
    title: str | None
    total: int
    rating_avg: Decimal | None


@dataclass(frozen=True)
class RatingCount:
    """Applications of one rating; None: without one."""

    rating: int | None
    count: int


@dataclass(frozen=True)
class EventApplications:
    """Applications; one that names several events counts once here and once in each of them."""

    total: int
    rating_avg: Decimal | None
    """To two places; None: none is rated."""
    by_event: list[EventDemand]
    by_rating: list[RatingCount]


@dataclass(frozen=True)
class PaymentSums:
    """Payments, what was paid, what gateways took of it and what was left."""

    count: int
    amount: Decimal | None
    fees: Decimal | None
    net: Decimal | None


@dataclass(frozen=True)
class StatusPayments(PaymentSums):
    """Payments of one status."""

    status: str


@dataclass(frozen=True)
class GatewayPayments(PaymentSums):
    """Completed payments that came by one gateway, or, without a key, by none."""

    gateway_key: str | None
    gateway_name: str | None


@dataclass(frozen=True)
class CurrencyPayments(PaymentSums):
    """Payments of one currency: completed ones, but for `by_status`."""

    currency: str | None
    by_status: list[StatusPayments]
    by_gateway: list[GatewayPayments]


@dataclass(frozen=True)
class EventPayments(CurrencyPayments):
    """Payments: completed ones, but for `by_status`."""

    by_currency: list[CurrencyPayments]


@dataclass(frozen=True)
class RevenueHeadline:
    """The sums of invoices."""

    currency: str | None
    invoiced: Decimal | None
    paid: Decimal | None
    open: Decimal | None
    invoice_count: int


@dataclass(frozen=True)
class RevenueHeadlines(RevenueHeadline):
    """The sums of invoices, and those of each currency."""

    by_currency: list[RevenueHeadline]


@dataclass(frozen=True)
class ParticipantsHeadline:
    """The numbers of participants."""

    total: int
    confirmed: int
    unconfirmed: int


@dataclass(frozen=True)
class ApplicationsHeadline:
    """The number of applications and the mean of their ratings."""

    total: int
    rating_avg: Decimal | None


@dataclass(frozen=True)
class PaymentsHeadline(PaymentSums):
    """The sums of completed payments."""

    currency: str | None


@dataclass(frozen=True)
class PaymentsHeadlines(PaymentsHeadline):
    """The sums of completed payments, and those of each currency."""

    by_currency: list[PaymentsHeadline]


@dataclass(frozen=True)
class EventOverview:
    """The headline figures of the other reports."""

    revenue: RevenueHeadlines
    participants: ParticipantsHeadline
    applications: ApplicationsHeadline
    payments: PaymentsHeadlines
