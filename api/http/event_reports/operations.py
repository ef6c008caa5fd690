"""The operations of the family, as a table."""

from typing import Any

from api.http.event_reports.answers import EventReportAnswer
from api.http.operation import WORKSHOP, Operation, query
from exporters.event_figures import (
    EventApplications,
    EventOverview,
    EventParticipants,
    EventPayments,
    EventRevenue,
)

REPORTS = "/api/v1/reports"

_FILTERS = (
    query("event_key", "Only what belongs to this event.", type="string"),
    query("date_from", "First day, ISO 8601; of an instant, the tenant's local day.", type="string"),
    query("date_to", "Last day, included, ISO 8601; of an instant, the tenant's local day.", type="string"),
)


def _report(name: str, summary: str, data: Any) -> Operation:
    return Operation(
        "get",
        f"{REPORTS}/{name}",
        f"readEvent{name.title()}",
        summary,
        EventReportAnswer[data],
        (*_FILTERS, WORKSHOP),
        refusals=(404, 422, 503),
    )


OPERATIONS: tuple[Operation, ...] = (
    _report("revenue", "Revenue of events", EventRevenue),
    _report("participants", "Participants of events", EventParticipants),
    _report("applications", "Applications to events", EventApplications),
    _report("payments", "Payments of events", EventPayments),
    _report("overview", "Headline figures of events", EventOverview),
)
