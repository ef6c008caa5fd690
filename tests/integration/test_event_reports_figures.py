"""The figures of the event reports over the running API, against the sample's files worked through by hand.

This is what section 3.4 of the contract says of them: fields, credit notes, drafts, currencies and days.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api_server import run_api
from tests.event_books import Asked, EventBooks, Row, mean

REPORTS = "/api/v1/reports"
BOOKS = EventBooks()
ASKED = [
    Asked("501"),
    Asked("501", "messe-2026"),
    Asked("501", "herbst-2026", date(2026, 2, 1)),
    Asked("501", None, date(2026, 2, 1), date(2026, 2, 28)),
    Asked("501", None, None, date(2026, 1, 31)),
    Asked("501", None, date(2026, 4, 1), date(2026, 4, 1)),
    Asked("502"),
    Asked("502", "alpen-2026", date(2026, 1, 15), date(2026, 3, 31)),
    Asked("502", "gipfel-2026"),
    Asked("502", None, date(2030, 1, 1)),
]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, events_data: Path) -> Iterator[dict[str, httpx.Client]]:
    """A client of each tenant."""
    with (
        run_api(events_data, tmp_path_factory.mktemp("figures"), RATE_PER_MINUTE="1000000") as api,
        api.client("501") as first,
        api.client("502") as second,
    ):
        yield {"501": first, "502": second}


def data_of(clients: dict[str, httpx.Client], report: str, asked: Asked) -> dict[str, Any]:
    """The figures of a report; its numbers exact."""
    given = {"event_key": asked.event_key, "date_from": asked.first, "date_to": asked.last}
    answer = clients[asked.workshop_id].get(
        f"{REPORTS}/{report}", params={name: str(value) for name, value in given.items() if value is not None}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)["data"]["data"]
    return found


@pytest.mark.parametrize("asked", ASKED)
def test_3_4_revenue(clients: dict[str, httpx.Client], asked: Asked) -> None:
    found, books = data_of(clients, "revenue", asked), BOOKS.revenue(asked)
    by_currency = [
        {
            "currency": currency,
            **{name: sum(month[name] for month in months.values()) for name in ("invoiced", "paid", "open")},
            "invoice_count": sum(month["invoice_count"] for month in months.values()),
            "by_month": [
                {"period": period, "invoiced": month["invoiced"], "paid": month["paid"]}
                for period, month in sorted(months.items())
            ],
        }
        for currency, months in sorted(books.items())
    ]
    assert found.pop("by_currency") == by_currency
    if len(by_currency) == 1:
        assert found == by_currency[0]
    elif not by_currency:
        own = BOOKS.workshops[asked.workshop_id]["currency"]
        nothing = {"invoiced": 0, "paid": 0, "open": 0, "invoice_count": 0, "by_month": []}
        assert found == {"currency": own, **nothing}
    else:
        months = sorted({row["period"] for part in by_currency for row in part["by_month"]})
        assert found == {
            "currency": None,
            "invoiced": None,
            "paid": None,
            "open": None,
            "invoice_count": sum(part["invoice_count"] for part in by_currency),
            "by_month": [{"period": period, "invoiced": None, "paid": None} for period in months],
        }, "amounts of different currencies are never added"


@pytest.mark.parametrize("asked", ASKED)
def test_3_4_participants(clients: dict[str, httpx.Client], asked: Asked) -> None:
    books = BOOKS.participants_by_event(asked)
    found = data_of(clients, "participants", asked)
    assert [
        (row["event_key"], row["total"], row["confirmed"], row["unconfirmed"]) for row in found["by_event"]
    ] == [(key, total, confirmed, total - confirmed) for key, (total, confirmed) in sorted(books.items())]
    total, confirmed = (sum(pair[n] for pair in books.values()) for n in (0, 1))
    assert (found["total"], found["confirmed"], found["unconfirmed"]) == (total, confirmed, total - confirmed)


@pytest.mark.parametrize("asked", ASKED)
def test_3_4_applications(clients: dict[str, httpx.Client], asked: Asked) -> None:
    books = BOOKS.chosen_applications(asked)
    found = data_of(clients, "applications", asked)
    ratings = [rating for _, rating in books if rating is not None]
    assert (found["total"], found["rating_avg"]) == (len(books), mean(ratings))
    by_rating = {row["rating"]: row["count"] for row in found["by_rating"]}
    assert by_rating == {r: n for r in (1, 2, 3, 4, 5, None) if (n := [b[1] for b in books].count(r))}
    keys = {key for named, _ in books for key in named if asked.event_key in {None, key}}
    assert {row["event_key"]: (row["total"], row["rating_avg"]) for row in found["by_event"]} == {
        key: (
            sum(key in named for named, _ in books),
            mean([rating for named, rating in books if key in named and rating is not None]),
        )
        for key in keys
    }


@pytest.mark.parametrize("asked", ASKED)
def test_3_4_payments(clients: dict[str, httpx.Client], asked: Asked) -> None:
    books = BOOKS.chosen_payments(asked)
    found = data_of(clients, "payments", asked)
    done = [row for row in books if row["status"] == "completed"]
    assert found["count"] == len(done)
    assert {row["status"]: row["count"] for row in found["by_status"]} == {
        status: sum(row["status"] == status for row in books) for status in {row["status"] for row in books}
    }
    currencies = sorted({row["currency"] for row in books})
    assert [part["currency"] for part in found["by_currency"]] == currencies
    for part in found["by_currency"]:
        own = [row for row in books if row["currency"] == part["currency"]]
        completed = [row for row in own if row["status"] == "completed"]
        assert sums(part) == sums_of(completed)
        for row in part["by_status"]:
            assert sums(row) == sums_of([one for one in own if one["status"] == row["status"]])
        for row in part["by_gateway"]:
            chosen = [one for one in completed if one["gateway_key"] == row["gateway_key"]]
            assert sums(row) == sums_of(chosen)
            assert {one["gateway_name"] for one in chosen} == {row["gateway_name"]}
        assert sum(row["count"] for row in part["by_gateway"]) == len(completed)
    if len(currencies) == 1:
        assert sums(found) == sums_of(done)
        assert found["by_gateway"] == found["by_currency"][0]["by_gateway"]
    if len({row["currency"] for row in done}) > 1:
        assert (found["currency"], found["amount"], found["fees"], found["net"]) == (None, None, None, None)


def sums(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["count"], row["amount"], row["fees"], row["net"]


def sums_of(rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    columns = ("amount", "gateway_fee", "net")
    return len(rows), *(sum((Decimal(row[name]) for row in rows), Decimal(0)) for name in columns)


@pytest.mark.parametrize("asked", ASKED)
def test_3_4_overview_has_the_headlines_of_the_others(clients: dict[str, httpx.Client], asked: Asked) -> None:
    found = data_of(clients, "overview", asked)
    assert list(found) == ["revenue", "participants", "applications", "payments"]
    for report, headline in found.items():
        other = data_of(clients, report, asked)
        parts = headline.pop("by_currency", [])
        assert headline == {name: other[name] for name in headline}, report
        assert parts == [{name: its[name] for name in parts[0]} for its in other.get("by_currency", [])], (
            report
        )
    assert headline.keys() == {"count", "amount", "fees", "net", "currency"}


def test_3_4_money_is_exact_and_has_two_decimals(clients: dict[str, httpx.Client]) -> None:
    text = clients["501"].get(f"{REPORTS}/revenue").text
    assert re.search(r'"invoiced":\d+\.\d\d,', text)
    assert not re.search(r'"(invoiced|paid|open)":-?\d+\.\d{3,}', text)


def test_3_4_credit_notes_lower_the_revenue(clients: dict[str, httpx.Client]) -> None:
    books = replace_invoices(lambda row: row["invoice_type"] == "invoice")
    asked = Asked("501")
    without = sum(month["invoiced"] for month in books.revenue(asked)["EUR"].values())
    notes = [
        row
        for row in BOOKS.invoices
        if (row["workshop_id"], row["invoice_type"]) == ("501", "credit_note")
        and row["status"] not in {"draft", "cancelled"}
    ]
    assert {row["total"] > 0 for row in notes} == {True, False}, "the sample has both spellings"
    assert data_of(clients, "revenue", asked)["invoiced"] == without - sum(abs(row["total"]) for row in notes)


def test_3_4_drafts_and_cancelled_ones_are_no_revenue(clients: dict[str, httpx.Client]) -> None:
    counted = [
        row for row in BOOKS.invoices if row["workshop_id"] == "501" and row["invoice_type"] == "invoice"
    ]
    left = [row for row in counted if row["status"] not in {"draft", "cancelled"}]
    assert len(left) < len(counted)
    assert data_of(clients, "revenue", Asked("501"))["invoice_count"] == len(left)


def test_3_4_date_to_is_included_in_the_tenants_own_days(clients: dict[str, httpx.Client]) -> None:
    edge = [row for row in BOOKS.invoices if row["created_at"] == "2026-01-31T23:30:00Z"]
    assert edge, "the sample has an invoice of half past midnight"
    asked = [Asked(edge[0]["workshop_id"], None, date(2026, 2, 1), date(2026, 2, 1))]
    asked.append(replace(asked[0], first=date(2026, 1, 31), last=date(2026, 1, 31)))
    for one in asked:
        found = data_of(clients, "revenue", one)
        assert found["invoice_count"] == sum(
            month["invoice_count"] for months in BOOKS.revenue(one).values() for month in months.values()
        )
    days = [Asked("501", None, date(2026, 2, day), date(2026, 2, day)) for day in range(1, 29)]
    month = data_of(clients, "payments", Asked("501", None, date(2026, 2, 1), date(2026, 2, 28)))
    assert sum(data_of(clients, "payments", day)["amount"] for day in days) == month["amount"] > 0


def replace_invoices(keep: Callable[[Row], bool]) -> EventBooks:
    books = EventBooks()
    books.invoices = [row for row in books.invoices if keep(row)]
    return books
