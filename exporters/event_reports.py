"""The event reports: the figures of a tenant's revenue, participants, applications and payments.

They are read off the report types of the same names, each by its one query: they are those of the files.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock
from zoneinfo import ZoneInfo

from exporters.catalogue import TENANT, ReportType, RequestError
from exporters.event_figures import (
    EventApplications,
    EventOverview,
    EventParticipants,
    EventPayments,
    EventRevenue,
)
from exporters.event_rows import (
    Row,
    read_applications,
    read_overview,
    read_participants,
    read_payments,
    read_revenue,
)
from warehouse.errors import UnknownWorkshopError
from warehouse.generations import Snapshot
from warehouse.snapshots import Snapshots

EventData = EventRevenue | EventParticipants | EventApplications | EventPayments | EventOverview

_MOST_KEPT = 1_000
_MOST_ROWS = 200
"""Of an answer that is kept: one of a thousand events would take the place of many."""
_READERS: Mapping[str, Callable[[Sequence[Row], str | None], EventData]] = {
    "revenue": read_revenue,
    "participants": lambda rows, _: read_participants(rows),
    "applications": lambda rows, _: read_applications(rows),
    "payments": read_payments,
    "overview": read_overview,
}
EVENT_REPORTS = tuple(_READERS)
"""Every report there is; its rows are those of the report type `event_<report>`."""


class EventNotFound(Exception):  # noqa: N818  the condition reads better without "Error"
    """The workshop holds no event of that key."""

    def __init__(self, event_key: str) -> None:
        super().__init__(f"there is no event {event_key!r}")


@dataclass(frozen=True)
class EventFilters:
    """What a report was asked for; None: everything."""

    event_key: str | None = None
    date_from: date | None = None
    """First local day of the tenant, as `date_to` is the last."""
    date_to: date | None = None


@dataclass(frozen=True)
class EventReport:
    """One report."""

    report_type: str
    filters: EventFilters
    data: EventData
    generated_at: datetime
    """When it was asked for, in the tenant's zone."""


class EventReports:
    """Makes reports of the served generation, and keeps the short ones' figures for as long as it is served.

    `most_rows` is how many rows of a report type they are made of at most. While a generation is served that
    is older than one before, none are kept. Safe to share between threads.
    """

    def __init__(
        self, catalogue: Mapping[str, ReportType], snapshots: Snapshots, *, most_rows: int = _MOST_ROWS
    ) -> None:
        self._catalogue = catalogue
        self._snapshots = snapshots
        self._most_rows = most_rows
        self._lock = Lock()
        self._generation = ""
        self._kept: OrderedDict[tuple[str, str, EventFilters], EventData] = OrderedDict()

    def read(
        self,
        report: str,
        workshop_id: str,
        *,
        event_key: str | None = None,
        date_from: str | None = None,
        date_to: str | None = None,
    ) -> EventReport:
        """One of `EVENT_REPORTS`. Dates are ISO 8601; of an instant, the tenant's local day counts.

        Raises:
            RequestError: a date is none, or they are swapped; its detail `field` tells which.
            EventNotFound: no event of the workshop has the key.
            UnknownWorkshopError: the served data has no such workshop.
            WarehouseError: nothing is served, or it cannot be read.
        """
        with self._snapshots.open() as snapshot:
            zone, currency = _find_tenant(snapshot, workshop_id)
            filters = EventFilters(
                event_key or None,
                _read_day("date_from", date_from, zone),
                _read_day("date_to", date_to, zone),
            )
            _check_order(filters)
            key = (report, workshop_id, filters)
            data = self._recall(snapshot.generation.generation, key)
            if data is None:
                _check_event(snapshot, workshop_id, filters.event_key)
                rows = self._rows(snapshot, key)
                data = figures_of(report, rows, currency)
                if len(rows) <= self._most_rows:
                    self._keep(snapshot.generation.generation, key, data)
        return EventReport(report, filters, data, datetime.now(UTC).replace(microsecond=0).astimezone(zone))

    def _rows(self, snapshot: Snapshot, key: tuple[str, str, EventFilters]) -> list[Row]:
        report, workshop_id, filters = key
        declared = self._catalogue[f"event_{report}"]
        asked = {TENANT: workshop_id, **declared.parse_filters(vars(filters))}
        return [dict(zip(declared.fields, row, strict=True)) for row in snapshot.rows(declared.sql, asked)]

    def _recall(self, generation: str, key: tuple[str, str, EventFilters]) -> EventData | None:
        with self._lock:
            if generation != self._generation:
                return None
            data = self._kept.get(key)
            if data is not None:
                self._kept.move_to_end(key)
            return data

    def _keep(self, generation: str, key: tuple[str, str, EventFilters], data: EventData) -> None:
        with self._lock:
            if generation < self._generation:  # a newer one is served meanwhile
                return
            if generation != self._generation:
                self._kept.clear()
                self._generation = generation
            self._kept[key] = data
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)


def figures_of(report: str, rows: Sequence[Row], currency: str | None) -> EventData:
    """The figures of the rows of one of `EVENT_REPORTS`; `currency` is that of a tenant without any money."""
    return _READERS[report](rows, currency)


def _find_tenant(snapshot: Snapshot, workshop_id: str) -> tuple[ZoneInfo, str | None]:
    rows = snapshot.rows(
        "SELECT time_zone, currency FROM workshops WHERE workshop_id = $workshop_id", {TENANT: workshop_id}
    )
    if not rows:
        raise UnknownWorkshopError(workshop_id)
    [(zone, currency)] = rows
    return ZoneInfo(zone), currency


def _check_event(snapshot: Snapshot, workshop_id: str, event_key: str | None) -> None:
    if event_key is None:
        return
    asked = {TENANT: workshop_id, "event_key": event_key}
    found = "SELECT 1 FROM events WHERE workshop_id = $workshop_id AND event_key = $event_key LIMIT 1"
    if "\0" in event_key or not snapshot.rows(found, asked):  # the database takes no text with a NUL
        raise EventNotFound(event_key)


def _read_day(name: str, text: str | None, zone: ZoneInfo) -> date | None:
    if not text:
        return None
    try:
        if len(text) <= len("2026-02-03"):
            return date.fromisoformat(text)
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo is None else instant.astimezone(zone)).date()
    except (ValueError, OverflowError):
        message = f"The {name} is not a valid date."
        raise RequestError("VALIDATION_ERROR", message, field=name) from None


def _check_order(filters: EventFilters) -> None:
    if filters.date_from and filters.date_to and filters.date_from > filters.date_to:
        message = "The date_to must be a date after or equal to date_from."
        raise RequestError("INVALID_DATE_RANGE", message, field="date_to")
