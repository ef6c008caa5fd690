"""The sample of events: published once for the tests, and its figures worked out from the files by hand.

No SQL and nothing of the product is used here: csv, json and the calendar.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.built import ROOT, build_once, run_night

FILES = ROOT / "samples" / "events"
Row = dict[str, Any]


@pytest.fixture(scope="session")
def events_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder whose warehouse holds the published sample of events; tests must not change it."""
    return build_once(tmp_path_factory, "events_data", lambda folder: run_night(folder, SOURCES="events"))


@dataclass(frozen=True)
class Asked:
    """What a report is asked for."""

    workshop_id: str
    event_key: str | None = None
    first: date | None = None
    last: date | None = None


class EventBooks:
    """The sample's files, read row by row."""

    def __init__(self, folder: Path = FILES) -> None:
        self.workshops = {row["id"]: row for row in _csv(folder / "workshops.csv")}
        self.events = {(row["workshop_id"], row["id"]): row for row in _csv(folder / "events.csv")}
        self.participants = [
            row
            for row in _csv(folder / "participants.csv")
            if (row["workshop_id"], row["event_id"]) in self.events
        ]
        self.applications = [
            row for row in _csv(folder / "applications.csv") if row["rating"] in {"", "1", "2", "3", "4", "5"}
        ]
        self.named: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in _csv(folder / "application_events.csv"):
            self.named[row["workshop_id"], row["application_id"]].add(row["event_id"])
        self.invoices = _lines(folder / "invoices.ndjson")
        self.payments = [row for row in _lines(folder / "payments.ndjson") if row["amount"] > 0]
        self._event_of = {(row["workshop_id"], row["id"]): row["event_id"] for row in self.participants}
        self._invoice = {(row["workshop_id"], row["id"]): row for row in self.invoices}

    def key(self, workshop_id: str, event_id: str) -> str:
        """The event's key."""
        return str(self.events[workshop_id, event_id]["event_key"])

    def revenue(self, asked: Asked) -> dict[str, dict[str, dict[str, Any]]]:
        """By currency and month: invoiced, paid, open and the invoices."""
        found: dict[str, dict[str, dict[str, Any]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(Decimal))
        )
        for row in self._at(asked, self.invoices, self._of_invoice, self._made):
            if row["status"] in {"draft", "cancelled"}:
                continue
            sign = -1 if row["invoice_type"] == "credit_note" else 1
            total, paid = abs(row["total"]), abs(row["paid_amount"])
            told = row["open_amount"]
            left = total - paid if told is None else abs(told) if sign < 0 else told
            month = found[row["currency"]][self._made(row).strftime("%Y-%m")]
            month["invoiced"] += sign * total
            month["paid"] += sign * paid
            month["open"] += sign * left
            month["invoice_count"] += int(sign == 1)
        return found

    def participants_by_event(self, asked: Asked) -> dict[str, tuple[int, int]]:
        """By key: participants, and those who are confirmed."""
        found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for row in self._at(asked, self.participants, lambda row: {row["event_id"]}, self._made):
            total, confirmed = found[self.key(row["workshop_id"], row["event_id"])]
            found[self.key(row["workshop_id"], row["event_id"])] = (
                total + 1,
                confirmed + (row["is_confirmed"] == "true"),
            )
        return dict(found)

    def chosen_applications(self, asked: Asked) -> list[tuple[set[str | None], int | None]]:
        """Of each application: the keys of the events that it names, or None, and its rating."""
        chosen = self._at(asked, self.applications, self._named, self._made)
        return [
            (
                {self.key(row["workshop_id"], event) for event in self._named(row)} or {None},
                int(row["rating"]) if row["rating"] else None,
            )
            for row in chosen
        ]

    def chosen_payments(self, asked: Asked) -> list[Row]:
        """The payments, with all that their sources leave out."""
        return [
            {
                **row,
                "currency": row["currency"] or self._paid(row)["currency"],
                "net": row["amount"] - row["gateway_fee"] if row["net_amount"] is None else row["net_amount"],
            }
            for row in self._at(
                asked, self.payments, lambda row: self._of_invoice(self._paid(row)), self._paid_on
            )
        ]

    def _at(
        self,
        asked: Asked,
        rows: Iterable[Row],
        events: Callable[[Row], set[str]],
        day: Callable[[Row], date],
    ) -> list[Row]:
        return [
            row
            for row in rows
            if row["workshop_id"] == asked.workshop_id
            and (asked.first is None or day(row) >= asked.first)
            and (asked.last is None or day(row) <= asked.last)
            and (
                asked.event_key is None
                or asked.event_key in {self.key(row["workshop_id"], event) for event in events(row)}
            )
        ]

    def _named(self, row: Row) -> set[str]:
        return self.named[row["workshop_id"], row["id"]]

    def _of_invoice(self, row: Row) -> set[str]:
        event = self._event_of.get((row["workshop_id"], str(row["event_participant_id"])))
        return {event} if event else set()

    def _paid(self, row: Row) -> Row:
        return self._invoice[row["workshop_id"], row["invoice_id"]]

    def _made(self, row: Row) -> date:
        return self._local(row, row["created_at"])

    def _paid_on(self, row: Row) -> date:
        told = row["payment_date"] or row["created_at"]
        return (
            date.fromisoformat(told) if isinstance(told, str) and len(told) == 10 else self._local(row, told)
        )

    def _local(self, row: Row, told: str | int) -> date:
        text = str(told)
        instant = datetime.fromtimestamp(int(text), UTC) if text.isdigit() else datetime.fromisoformat(text)
        return instant.astimezone(ZoneInfo(self.workshops[row["workshop_id"]]["time_zone"])).date()


def mean(ratings: list[int]) -> Decimal | None:
    """To two places; None of none."""
    if not ratings:
        return None
    return (Decimal(sum(ratings)) / len(ratings)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def _lines(path: Path) -> list[Row]:
    return [json.loads(line, parse_float=Decimal) for line in path.read_text(encoding="utf-8").splitlines()]
