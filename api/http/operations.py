"""Every operation of the API: its path, parameters, answers and refusals, as a table."""

from api.http import examples
from api.http.answers import (
    Answer,
    Categories,
    Export,
    ExportCreated,
    ExportRequest,
    Exports,
    FiguresAnswer,
    Overview,
    RatingSeries,
    ReportTypes,
    Workshops,
)
from api.http.batches.operations import OPERATIONS as BATCH_OPERATIONS
from api.http.company.operations import OPERATIONS as COMPANY_OPERATIONS
from api.http.deliveries import OPERATIONS as DELIVERY_OPERATIONS
from api.http.event_reports.operations import OPERATIONS as EVENT_REPORT_OPERATIONS
from api.http.exports import EXPORTS
from api.http.health import Health, Readiness
from api.http.operation import WORKSHOP, Operation, header, matches, path, query
from exporters.formats.wording import LANGUAGES
from exporters.jobs import Status

_IDEMPOTENCY = header(
    "Idempotency-Key",
    "Makes a repeated request give the first one's answer, for 24 hours.",
    "2026-02-bookings",
    type="string",
    minLength=1,
    maxLength=255,
    pattern="^[!-~]+$",
)
_IF_NONE_MATCH = header(
    "If-None-Match", "The ETag of the answer that is there already: 304 where it still holds.", type="string"
)
_RANGE = header(
    "Range",
    "One range of bytes; several are answered with the whole file.",
    "bytes=0-1023",
    type="string",
)
_IF_RANGE = header(
    "If-Range",
    "The ETag or the date under which the part is wanted; else the whole file comes.",
    type="string",
)
_JOB_ID = path("job_id", "The job, as its creation named it.", examples.JOB_ID, type="string")
_DAYS = (
    query(
        "date_from",
        "First local day of the workshop; absent: from the beginning.",
        type="string",
        format="date",
    ),
    query("date_to", "Last local day of the workshop; absent: to the end.", type="string", format="date"),
)
_GROUP = query("group", "What ratings are gathered by.", type="string", enum=["month"], default="month")
_LANGUAGE = query("language", "Of the titles.", type="string", enum=list(LANGUAGES), default="en")
_PAGE = (
    query("limit", "Jobs of a page.", type="integer", minimum=1, maximum=100, default=20),
    query("cursor", "The next_cursor of the page before.", type="string"),
    query("status", "Only jobs in this state.", type="string", enum=[status.value for status in Status]),
)
_FIGURES = (304, 404, 422, 503)

OPERATIONS = (
    Operation(
        "get", "/api/ws/reports/overview", "readOverview", "Key figures of a workshop",
        FiguresAnswer[Overview], (*_DAYS, WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/reports/services/by-category", "readServicesByCategory", "Services by category",
        FiguresAnswer[Categories], (*_DAYS, WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/reports/ratings/timeseries", "readRatingsTimeseries", "Ratings by month",
        FiguresAnswer[RatingSeries], (*_DAYS, _GROUP, WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/v2/reports/workshops", "listWorkshops", "Workshops that the credential may ask for",
        Answer[Workshops], refusals=(503,),
    ),
    Operation(
        "get", "/api/ws/v2/reports/types", "listReportTypes", "Reports that can be exported",
        Answer[ReportTypes], (_LANGUAGE,), refusals=(422,),
    ),
    Operation(
        "post", EXPORTS, "createExport", "Ask for a file",
        Answer[ExportCreated], (WORKSHOP, _IDEMPOTENCY), 202, (400, 404, 409, 413, 422, 503), ExportRequest,
    ),
    Operation(
        "get", EXPORTS, "listExports", "Export jobs, newest first",
        Answer[Exports], (*_PAGE, WORKSHOP), refusals=(404, 422, 503),
    ),
    Operation(
        "get", EXPORTS + "/{job_id}", "readExport", "One export job",
        Answer[Export], (_JOB_ID, WORKSHOP, _IF_NONE_MATCH), refusals=(304, 404, 422, 503),
    ),
    Operation(
        "delete", EXPORTS + "/{job_id}", "cancelExport", "Cancel an export job",
        Answer[Export], (_JOB_ID, WORKSHOP), refusals=(404, 409, 422, 503),
    ),
    Operation(
        "get", EXPORTS + "/{job_id}/download", "downloadExport", "The file of a completed job",
        None, (_JOB_ID, WORKSHOP, _IF_NONE_MATCH, _RANGE, _IF_RANGE),
        refusals=(206, 304, 307, 404, 409, 410, 416, 422, 503),
    ),
    Operation("get", "/healthz", "readHealth", "Whether the process lives", Health, guarded=False),
    Operation(
        "get", "/readyz", "readReadiness", "Whether the process can serve", Readiness,
        refusals=(503,), guarded=False,
    ),
    Operation("get", "/metrics", "readMetrics", "Measurements for Prometheus", str, guarded=False),
    *COMPANY_OPERATIONS,
    *EVENT_REPORT_OPERATIONS,
    *BATCH_OPERATIONS,
    *DELIVERY_OPERATIONS,
)  # fmt: skip


_PATHS = {operation.path: matches(operation.path) for operation in OPERATIONS}


def find_methods(path: str) -> list[str]:
    """What may be done with a path; nothing for one that is not there."""
    # A path without parameters comes before one that matches it, too.
    exact = [operation for operation in OPERATIONS if operation.path == path]
    matching = exact or [operation for operation in OPERATIONS if _PATHS[operation.path].fullmatch(path)]
    found = [operation.method.upper() for operation in matching]
    return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"] if found else []
