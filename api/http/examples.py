"""Examples and wording of the OpenAPI document: invented values, with the shapes of real answers."""

from typing import Any

JOB_ID = "5f1e2a60-3c5e-4b36-8a2c-6a6e1c3b9a70"
_META = {"request_id": "0c6f6b1e-6f5f-4b53-9d2f-3f0f4a1d2e77", "generated_at": "2026-03-01T02:15:04Z"}
_FIGURES_META = {
    **_META,
    "generation": "20260301T011502000000-3fa2c1",
    "data_as_of": "2026-03-01T01:12:40Z",
}
_EXPORT = {
    "job_id": JOB_ID,
    "type": "bookings",
    "format": "xlsx",
    "filters": {"date_from": "2026-01-01", "date_to": "2026-01-31", "status": "COMPLETED"},
    "language": "nb",
    "status": "completed",
    "progress": 100,
    "rows_expected": 412,
    "rows_written": 412,
    "created_at": "2026-02-01T09:00:00Z",
    "started_at": "2026-02-01T09:00:01Z",
    "finished_at": "2026-02-01T09:00:02Z",
    "estimated_completion": "2026-02-01T09:00:02Z",
    "expires_at": "2026-02-08T09:00:02Z",
    "download_url": f"/api/ws/v2/reports/exports/{JOB_ID}/download",
    "file_name": "minbil-bookings-2026-01-01-2026-01-31.xlsx",
    "size_bytes": 38120,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "generation": "20260201T011502000000-81cc04",
    "error": None,
}

REQUESTS: dict[str, Any] = {
    "workbook": {
        "summary": "Completed bookings of January as a Norwegian workbook",
        "value": {
            "type": "bookings",
            "format": "xlsx",
            "language": "nb",
            "filters": {"date_from": "2026-01-01", "date_to": "2026-01-31", "status": "COMPLETED"},
        },
    },
    "text": {"summary": "All ratings as CSV", "value": {"type": "ratings", "format": "csv", "filters": {}}},
}

_COMING = [
    {
        "fire_at": "2026-03-02 06:00:00",
        "local": "2026-03-02 06:00:00",
        "filters": {"date_from": "2026-02-23", "date_to": "2026-03-01", "status": "COMPLETED"},
        "rows_estimated": 93,
    }
]

ANSWERS: dict[str, Any] = {
    "readOverview": {
        "data": {
            "jobs": {"done_in_range": 37, "revenue_in_range": 84250.00, "currency": "NOK"},
            "services": {"total": 18},
            "ratings": {"avg": 4.42, "count": 26},
        },
        "meta": _FIGURES_META,
    },
    "readServicesByCategory": {
        "data": {
            "items": [
                {"category": "Bremser", "count": 9, "booked_count": 112},
                {"category": "EU-kontroll", "count": 7, "booked_count": 301},
                {"category": "Uten kategori", "count": 1, "booked_count": 0},
            ]
        },
        "meta": _FIGURES_META,
    },
    "readRatingsTimeseries": {
        "data": {
            "group": "month",
            "points": [
                {"period": "2026-01", "count": 11, "avg": 4.36},
                {"period": "2026-02", "count": 0, "avg": None},
            ],
        },
        "meta": _FIGURES_META,
    },
    "listWorkshops": {
        "data": {
            "items": [
                {
                    "workshop_id": "101",
                    "name": "Nordre Bilverksted",
                    "time_zone": "Europe/Oslo",
                    "currency": "NOK",
                }
            ]
        },
        "meta": _META,
    },
    "createExport": {
        "data": {
            "job_id": JOB_ID,
            "status": "pending",
            "created_at": "2026-02-01T09:00:00Z",
            "estimated_completion": "2026-02-01T09:00:02Z",
        },
        "meta": _META,
    },
    "listExports": {
        "data": {"items": [_EXPORT], "page_info": {"next_cursor": None, "has_more": False}},
        "meta": _META,
    },
    "readExport": {"data": _EXPORT, "meta": _META},
    "cancelExport": {
        "data": {
            **_EXPORT,
            "status": "cancelled",
            "progress": 40,
            "rows_written": 165,
            **dict.fromkeys(
                ("expires_at", "download_url", "file_name", "size_bytes", "sha256", "generation")
            ),
        },
        "meta": _META,
    },
    "rehearseCompanyReport": _COMING,
    "rehearseUnsavedCompanyReport": _COMING,
}

FILE_HEADERS: dict[str, Any] = {
    name: {"description": description, "schema": {"type": "string"}}
    for name, description in {
        "Content-Disposition": "attachment, with the file's name (RFC 6266).",
        "ETag": "Identifies the file.",
        "Repr-Digest": "SHA-256 of the whole file (RFC 9530).",
        "Accept-Ranges": "bytes: parts can be asked for.",
    }.items()
}
ACCEPTED_HEADERS: dict[str, Any] = {
    "Location": {"description": "Where the job is.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds to wait before asking how it stands.",
        "schema": {"type": "string"},
    },
}

REASONS = {
    206: "The part of the file that was asked for.",
    304: "The answer that is there already still holds.",
    307: "The file is at another address, for a few minutes.",
    400: "The body is not JSON; of batches also: a value cannot be taken.",
    401: "There is no credential, or one that is bad, expired or revoked.",
    402: "The code of the second factor is absent, wrong or expired.",
    403: "The credential may not do this.",
    404: "There is no such thing, or it is another workshop's.",
    409: "The state of the job, or a request under way, does not allow it.",
    410: "The file has expired.",
    413: "The body is too large.",
    416: "The file has no such bytes.",
    422: "A value cannot be taken; `error.details` tells which.",
    429: "Too many requests, or a quota is used up; Retry-After tells when to come again.",
    500: "A fault of the service.",
    503: "Something behind the service cannot be reached now.",
}

_CODES = {
    400: ("BAD_REQUEST", "the body is not JSON"),
    401: ("UNAUTHORIZED", "a credential is needed: send Authorization: Bearer <key or token>"),
    403: ("FORBIDDEN", "the credential gives access to no workshop"),
    404: ("EXPORT_NOT_FOUND", "there is no such export"),
    409: ("EXPORT_NOT_READY", "the export is processing: there is a file once it is completed"),
    410: ("EXPORT_EXPIRED", "the file has expired and is removed; make the export again"),
    413: ("BODY_TOO_LARGE", "the body is larger than 65536 bytes"),
    416: ("RANGE_NOT_SATISFIABLE", "the file has 38120 bytes"),
    422: ("INVALID_DATE_RANGE", "date_from 2026-03-02 is after date_to 2026-03-01"),
    429: ("RATE_LIMITED", "more than 600 requests in a minute; try again in 2 s"),
    500: ("INTERNAL_ERROR", "the request failed unexpectedly; give its request_id to who runs this"),
    503: ("RECORDS_UNAVAILABLE", "the records cannot be reached at the moment; try again later"),
}


def describe_problem(status: int) -> dict[str, Any]:
    """An example of the body of a refusal."""
    code, message = _CODES[status]
    request_id = _META["request_id"]
    return {
        "error": {"code": code, "message": message, "details": {}, "request_id": request_id},
        "type": f"urn:workshop-reports:problem:{code}",
        "title": {422: "Unprocessable Content"}.get(status, code.replace("_", " ").title()),
        "status": status,
        "detail": message,
        "instance": f"urn:uuid:{request_id}",
    }
