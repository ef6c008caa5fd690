"""The bodies of the event reports."""

from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

Data = TypeVar("Data")


class AppliedFilters(Struct, frozen=True):
    """What the report was asked for; null: everything."""

    event_key: str | None
    date_from: Annotated[date | None, Meta(description="First local day of the tenant.")]
    date_to: Annotated[date | None, Meta(description="Last local day of the tenant.")]


class EventReportBody(Struct, Generic[Data], frozen=True):
    """A report."""

    report_type: Annotated[str, Meta(examples=["revenue"])]
    filters: AppliedFilters
    data: Data
    generated_at: Annotated[
        datetime,
        Meta(tz=True, description="With the tenant's offset.", examples=["2026-04-01T06:00:00+02:00"]),
    ]


class EventReportMeta(Struct, frozen=True):
    """What is told about an answer."""

    request_id: Annotated[
        str, Meta(description="`req_` and the request as the logs and the header X-Request-Id name it.")
    ]


class EventReportAnswer(Struct, Generic[Data], frozen=True):
    """A report and what is told about it."""

    data: EventReportBody[Data]
    meta: EventReportMeta
