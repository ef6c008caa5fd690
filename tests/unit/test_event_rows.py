"""The headline of payments: its currency is that of the money that counts, whatever failed beside it."""

from decimal import Decimal
from typing import Any

import pytest

from exporters.event_figures import EventPayments, PaymentsHeadlines
from exporters.event_rows import Row, read_overview, read_payments

ONE = Decimal("100.00")
COMPLETED, FAILED, PENDING = "completed", "failed", "pending"


def payment(currency: str, status: str) -> Row:
    paid = {"payments": 1, "amount": ONE, "fees": Decimal("2.00"), "net": Decimal("98.00")}
    return {"currency": currency, "status": status, "gateway_key": "g", "gateway": "G", **paid}


def overview_of(payments: list[Row]) -> list[Row]:
    """The rows of event_overview that tell of these payments."""
    rows: list[Row] = []
    for figure in ("count", "amount", "fees", "net"):
        for currency in sorted({row["currency"] for row in payments}):
            name = "payments" if figure == "count" else figure
            done = (row for row in payments if (row["currency"], row["status"]) == (currency, COMPLETED))
            value = sum((Decimal(row[name]) for row in done), Decimal("0.00"))
            rows.append({"area": "payments", "figure": figure, "currency": currency, "value": value})
    return rows


def headline(told: EventPayments | PaymentsHeadlines) -> tuple[Any, ...]:
    return told.currency, told.count, told.amount, told.fees, told.net


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([("NOK", COMPLETED), ("EUR", FAILED)], ("NOK", 1, "100.00", "2.00", "98.00")),
        ([("NOK", COMPLETED), ("EUR", PENDING)], ("NOK", 1, "100.00", "2.00", "98.00")),
        ([("EUR", COMPLETED), ("NOK", FAILED)], ("EUR", 1, "100.00", "2.00", "98.00")),
        ([("NOK", COMPLETED), ("EUR", COMPLETED)], (None, 2, None, None, None)),
        ([("NOK", COMPLETED), ("EUR", COMPLETED), ("SEK", FAILED)], (None, 2, None, None, None)),
        ([("EUR", FAILED), ("SEK", FAILED)], ("NOK", 0, "0.00", "0.00", "0.00")),
        ([("EUR", FAILED)], ("EUR", 0, "0.00", "0.00", "0.00")),
        ([], ("NOK", 0, "0.00", "0.00", "0.00")),
    ],
)
def test_the_headline_is_in_the_currency_of_what_was_completed(
    payments: list[tuple[str, str]], expected: tuple[Any, ...]
) -> None:
    currency, count, *money = expected
    rows = [payment(*each) for each in payments]
    meant = (currency, count, *(None if one is None else Decimal(one) for one in money))
    assert headline(read_payments(rows, "NOK")) == meant
    assert headline(read_overview(overview_of(rows), "NOK").payments) == meant


def test_money_of_a_status_in_another_currency_is_never_added() -> None:
    told = read_payments(
        [payment(*each) for each in (("NOK", COMPLETED), ("NOK", FAILED), ("EUR", FAILED))], ""
    )
    by_status = {row.status: (row.count, row.amount) for row in told.by_status}
    assert by_status == {COMPLETED: (1, ONE), FAILED: (2, None)}
    assert [(row.gateway_key, row.amount) for row in told.by_gateway] == [("g", ONE)]
    assert [(part.currency, part.count) for part in told.by_currency] == [("EUR", 0), ("NOK", 1)]
