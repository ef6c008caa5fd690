"""Every operation of the API: its path, parameters, answers and refusals, as a table."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

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
from api.http.exports import EXPORTS
from api.http.health import Health, Readiness
from exporters.formats.wording import LANGUAGES
from exporters.jobs import Status

Parameter = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One path and method."""

    method: str
    path: str
    name: str
    summary: str
    answer: Any
    """The type of the answer's body; None: it is a file."""
    parameters: tuple[Parameter, ...] = ()
    status: int = 200
    refusals: tuple[int, ...] = ()
    """Beside those that every guarded path has."""
    body: Any = None
    guarded: bool = True


def _parameter(
    place: str, name: str, description: str, example: str | None = None, **schema: Any
) -> Parameter:
    told = {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }
    return told if example is None else told | {"example": example}


_header = partial(_parameter, "header")
_query = partial(_parameter, "query")

_WORKSHOP = _header(
    "X-Workshop-Id",
    "Which workshop is asked about; needed where the credential gives access to several.",
    type="string",
)
_IDEMPOTENCY = _header(
    "Idempotency-Key",
    "Makes a repeated request give the first one's answer, for 24 hours.",
    "2026-02-bookings",
    type="string",
    minLength=1,
    maxLength=255,
    pattern="^[!-~]+$",
)
_IF_NONE_MATCH = _header(
    "If-None-Match", "The ETag of the answer that is there already: 304 where it still holds.", type="string"
)
_RANGE = _header(
    "Range",
    "One range of bytes; several are answered with the whole file.",
    "bytes=0-1023",
    type="string",
)
_IF_RANGE = _header(
    "If-Range",
    "The ETag or the date under which the part is wanted; else the whole file comes.",
    type="string",
)
_JOB_ID = _parameter("path", "job_id", "The job, as its creation named it.", examples.JOB_ID, type="string")
_DAYS = (
    _query(
        "date_from",
        "First local day of the workshop; absent: from the beginning.",
        type="string",
        format="date",
    ),
    _query("date_to", "Last local day of the workshop; absent: to the end.", type="string", format="date"),
)
_GROUP = _query("group", "What ratings are gathered by.", type="string", enum=["month"], default="month")
_LANGUAGE = _query("language", "Of the titles.", type="string", enum=list(LANGUAGES), default="en")
_PAGE = (
    _query("limit", "Jobs of a page.", type="integer", minimum=1, maximum=100, default=20),
    _query("cursor", "The next_cursor of the page before.", type="string"),
    _query("status", "Only jobs in this state.", type="string", enum=[status.value for status in Status]),
)
_FIGURES = (304, 404, 422, 503)

OPERATIONS = (
    Operation(
        "get", "/api/ws/reports/overview", "readOverview", "Key figures of a workshop",
        FiguresAnswer[Overview], (*_DAYS, _WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/reports/services/by-category", "readServicesByCategory", "Services by category",
        FiguresAnswer[Categories], (*_DAYS, _WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
    ),
    Operation(
        "get", "/api/ws/reports/ratings/timeseries", "readRatingsTimeseries", "Ratings by month",
        FiguresAnswer[RatingSeries], (*_DAYS, _GROUP, _WORKSHOP, _IF_NONE_MATCH), refusals=_FIGURES,
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
        Answer[ExportCreated], (_WORKSHOP, _IDEMPOTENCY), 202, (400, 404, 409, 413, 422, 503), ExportRequest,
    ),
    Operation(
        "get", EXPORTS, "listExports", "Export jobs, newest first",
        Answer[Exports], (*_PAGE, _WORKSHOP), refusals=(404, 422, 503),
    ),
    Operation(
        "get", EXPORTS + "/{job_id}", "readExport", "One export job",
        Answer[Export], (_JOB_ID, _WORKSHOP, _IF_NONE_MATCH), refusals=(304, 404, 422, 503),
    ),
    Operation(
        "delete", EXPORTS + "/{job_id}", "cancelExport", "Cancel an export job",
        Answer[Export], (_JOB_ID, _WORKSHOP), refusals=(404, 409, 422, 503),
    ),
    Operation(
        "get", EXPORTS + "/{job_id}/download", "downloadExport", "The file of a completed job",
        None, (_JOB_ID, _WORKSHOP, _IF_NONE_MATCH, _RANGE, _IF_RANGE),
        refusals=(206, 304, 307, 404, 409, 410, 416, 422, 503),
    ),
    Operation("get", "/healthz", "readHealth", "Whether the process lives", Health, guarded=False),
    Operation(
        "get", "/readyz", "readReadiness", "Whether the process can serve", Readiness,
        refusals=(503,), guarded=False,
    ),
    Operation("get", "/metrics", "readMetrics", "Measurements for Prometheus", str, guarded=False),
)  # fmt: skip


_PATHS = {operation.path: re.compile(operation.path.replace("{job_id}", "[^/]+")) for operation in OPERATIONS}


def find_methods(path: str) -> list[str]:
    """What may be done with a path; nothing for one that is not there."""
    found = [operation.method.upper() for operation in OPERATIONS if _PATHS[operation.path].fullmatch(path)]
    return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"] if found else []
