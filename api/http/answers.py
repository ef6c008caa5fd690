"""The bodies that the API answers with and takes: their fields, meanings and examples.

The JSON Schemas of the OpenAPI document are made from these types. Adding a field is safe for clients,
removing or renaming one is not.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

Payload = TypeVar("Payload")

Instant = Annotated[datetime, Meta(tz=True, description="UTC instant.", examples=["2026-03-01T02:15:04Z"])]
Share = Annotated[int, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]
Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]


class AnswerMeta(Struct, frozen=True):
    """What every answer tells about itself."""

    request_id: Annotated[
        Uuid, Meta(description="The request, as the logs and the header X-Request-Id name it.")
    ]
    generated_at: Annotated[Instant, Meta(description="When the answer was made.")]


class FiguresMeta(AnswerMeta, frozen=True):
    """What an answer of figures tells about itself."""

    generation: Annotated[str, Meta(description="The published state of the data that was read.")]
    data_as_of: Annotated[Instant | None, Meta(description="The instant up to which every source is known.")]


class Answer(Struct, Generic[Payload], frozen=True):
    """The payload and what is told about it."""

    data: Payload
    meta: AnswerMeta


class FiguresAnswer(Struct, Generic[Payload], frozen=True):
    """Figures and which data they are of."""

    data: Payload
    meta: FiguresMeta


class JobFigures(Struct, frozen=True):
    """Bookings in the range."""

    done_in_range: Annotated[
        Count, Meta(description="Completed bookings whose service time is in the range.")
    ]
    revenue_in_range: Annotated[
        Decimal | None,
        Meta(
            description="Sum of their prices; null: the workshop's money is not known.", examples=[84250.00]
        ),
    ]
    currency: Annotated[str | None, Meta(description="ISO 4217 code of the revenue.", examples=["NOK"])]


class ServiceFigures(Struct, frozen=True):
    """Services offered."""

    total: Annotated[Count, Meta(description="Active services now, whatever the range.")]


class RatingFigures(Struct, frozen=True):
    """Ratings in the range."""

    avg: Annotated[
        Decimal | None, Meta(description="Average to two places; null: there is none.", examples=[4.42])
    ]
    count: Count


class Overview(Struct, frozen=True):
    """The key figures of a workshop."""

    jobs: JobFigures
    services: ServiceFigures
    ratings: RatingFigures


class CategoryFigures(Struct, frozen=True):
    """One service category."""

    category: Annotated[str, Meta(description="Its name.", examples=["Bremser"])]
    count: Annotated[Count, Meta(description="Distinct services; one in two categories counts in both.")]
    booked_count: Annotated[Count, Meta(description="Bookings of any status in the range.")]


class Categories(Struct, frozen=True):
    """Services per category, the largest first."""

    items: list[CategoryFigures]


class RatingPoint(Struct, frozen=True):
    """Ratings of one month."""

    period: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}$", examples=["2026-01"])]
    count: Count
    avg: Annotated[Decimal | None, Meta(description="Average to two places; null: there is none.")]


class RatingSeries(Struct, frozen=True):
    """Ratings by month, ascending; months without one are there with count 0."""

    group: Literal["month"]
    points: list[RatingPoint]


class Workshop(Struct, frozen=True):
    """A workshop that the credential may ask for."""

    workshop_id: str
    name: str
    time_zone: Annotated[str, Meta(description="IANA zone of its local days.", examples=["Europe/Oslo"])]
    currency: str | None


class Workshops(Struct, frozen=True):
    """Workshops by id."""

    items: list[Workshop]


class ReportColumn(Struct, frozen=True):
    """A column of a report's file."""

    name: str
    title: str
    kind: Annotated[str, Meta(description="What its values are.", examples=["money"])]
    description: str


class ReportType(Struct, frozen=True):
    """A report that can be exported."""

    type: Annotated[str, Meta(description="Its name in requests.", examples=["bookings"])]
    title: str
    description: str
    formats: Annotated[list[str], Meta(description="Formats it comes in; options are in docs/formats.md.")]
    filters: Annotated[dict[str, Any], Meta(description="JSON Schema of the filters it takes.")]
    columns: list[ReportColumn]


class ReportTypes(Struct, frozen=True):
    """The catalogue."""

    items: list[ReportType]
    languages: Annotated[list[str], Meta(description="Languages that files are written in.")]


class ExportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to export."""

    type: Annotated[str, Meta(description="A report type of the catalogue.", examples=["bookings"])]
    format: Annotated[
        str, Meta(description="csv, xlsx, pdf, html or parquet, with options.", examples=["xlsx"])
    ]
    filters: dict[str, Any] = {}
    language: Annotated[
        str | None, Meta(description="Language of the file; null: the usual one.", examples=["nb"])
    ] = None
    name: Annotated[
        str | None, Meta(description="Template of the file's name.", examples=["{type}-{date_from}"])
    ] = None


class ExportCreated(Struct, frozen=True):
    """A job that was just recorded."""

    job_id: Uuid
    status: Literal["pending"]
    created_at: Instant
    estimated_completion: Annotated[
        Instant | None, Meta(description="Learnt from like jobs of the past; null: unknown.")
    ]


Status = Literal["pending", "processing", "completed", "failed", "expired", "cancelled"]


class ExportError(Struct, frozen=True):
    """Why a job failed."""

    code: Annotated[str, Meta(examples=["STORE_FAILED"])]
    message: str


class Export(Struct, frozen=True):
    """An export job as it stands."""

    job_id: Uuid
    type: str
    format: str
    filters: Annotated[dict[str, Any], Meta(description="As resolved.")]
    language: str
    status: Status
    progress: Annotated[Share, Meta(description="Never falls; 100 exactly when the file exists or existed.")]
    rows_expected: Count | None
    rows_written: Count
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    estimated_completion: Instant | None
    expires_at: Annotated[Instant | None, Meta(description="When the file is removed.")]
    download_url: Annotated[
        str | None, Meta(description="Path of the download; null while there is no file to get.")
    ]
    file_name: str | None
    size_bytes: Count | None
    sha256: Annotated[str | None, Meta(description="Hex digest of the file.")]
    generation: Annotated[str | None, Meta(description="The state of the data that the file was made from.")]
    error: ExportError | None


class PageInfo(Struct, frozen=True):
    """Where the next page begins."""

    next_cursor: str | None
    has_more: bool


class Exports(Struct, frozen=True):
    """A page of jobs, newest first."""

    items: list[Export]
    page_info: PageInfo


class ErrorDetail(Struct, frozen=True):
    """What was wrong."""

    code: Annotated[str, Meta(description="For programs.", examples=["INVALID_DATE_RANGE"])]
    message: Annotated[str, Meta(description="For people: what, where and what to do.")]
    details: dict[str, Any]
    request_id: Uuid


class Problem(Struct, frozen=True):
    """A refusal: the portal's `error`, and beside it the fields of RFC 9457."""

    error: ErrorDetail
    type: str
    title: str
    status: int
    detail: str
    instance: str


ENCODER = msgspec.json.Encoder(decimal_format="number")
