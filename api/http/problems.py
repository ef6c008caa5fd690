"""Refusals: how an error of any room is answered, as the portal's `error` with the fields of RFC 9457."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any

from api.http.answers import ENCODER, ErrorDetail, Problem
from exporters.access import KeySetUnavailable
from exporters.batches.errors import BatchError, BatchNotFound, ItemNotFound
from exporters.catalogue import RequestError
from exporters.database import DatabaseUnavailable
from exporters.definitions.errors import (
    ArgumentNotFound,
    DefinitionChanged,
    DefinitionError,
    DefinitionNotFound,
)
from exporters.deliveries.errors import DeliveryNotFound, DeliveryStands, ReasonMissing
from exporters.jobs import IllegalTransition, JobNotFound, KeyReused, QuotaExceeded, RequestRunning
from exporters.seal import SealError
from exporters.storage import NotFoundError, StoreError
from warehouse.errors import InvalidPeriodError, NoGenerationError, UnknownWorkshopError, WarehouseError

PROBLEM = "application/problem+json"
_log = logging.getLogger(__name__)


@dataclass
class Refusal(Exception):  # noqa: N818  it is answered, not traced
    """A request that is answered with an error."""

    status: int
    code: str
    """For programs, in capitals."""
    message: str
    """For people: what, where, what to do. It holds no secret."""
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def refuse_value(name: str, value: object, expected: str) -> Refusal:
    """The refusal of a value of the query, the header or the body."""
    return Refusal(422, "VALIDATION_ERROR", f"{name} is {value!r}; it must be {expected}", {"field": name})


def encode_problem(refusal: Refusal, request_id: str) -> bytes:
    """The body of a refusal."""
    return ENCODER.encode(
        Problem(
            error=ErrorDetail(refusal.code, refusal.message, dict(refusal.details), request_id),
            type=f"urn:workshop-reports:problem:{refusal.code}",
            title=HTTPStatus(refusal.status).phrase,
            status=refusal.status,
            detail=refusal.message,
            instance=f"urn:uuid:{request_id}",
        )
    )


def explain(error: Exception) -> Refusal:
    """How an error is answered; one that is a fault of the program is logged and tells nothing of itself."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, RequestError):
        return Refusal(422, error.code, str(error), error.details)
    if isinstance(error, DefinitionError | BatchError):
        status = 400 if isinstance(error, BatchError) else 422
        return Refusal(status, "VALIDATION_ERROR", str(error), {"field": error.field})
    if isinstance(error, QuotaExceeded):
        return _refuse_over_quota(error)
    # What another program's trouble is tells of our machines, not of the request: it goes to the log.
    for kind, status, code, message in _TABLE:
        if isinstance(error, kind):
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                _log.warning("%s: %s", code, error)
            headers = {"Retry-After": seconds} if (seconds := _RETRY_AFTER.get(code)) else {}
            return Refusal(status, code, message or str(error), {}, headers)
    _log.error("the request failed unexpectedly", exc_info=error)
    return Refusal(
        500, "INTERNAL_ERROR", "the request failed unexpectedly; give its request_id to who runs this"
    )


def _refuse_over_quota(error: QuotaExceeded) -> Refusal:
    later = {} if error.retry_after is None else {"Retry-After": str(ceil(error.retry_after.total_seconds()))}
    details = {"quota": error.what, "limit": error.limit, "used": error.used}
    return Refusal(429, "QUOTA_EXCEEDED", str(error), details, later)


_AWAY = "cannot be reached at the moment; try again later"

_TABLE: tuple[tuple[type[Exception], int, str, str | None], ...] = (
    (JobNotFound, 404, "EXPORT_NOT_FOUND", "there is no such export"),
    (UnknownWorkshopError, 404, "WORKSHOP_NOT_FOUND", "there is no such workshop in the served data"),
    (DefinitionNotFound, 404, "DEFINITION_NOT_FOUND", "there is no such report"),
    (ArgumentNotFound, 404, "ARGUMENT_NOT_FOUND", "the report has no such argument"),
    (DefinitionChanged, 409, "DEFINITION_CHANGED", "the report was changed at the same moment: ask again"),
    (BatchNotFound, 404, "BATCH_NOT_FOUND", "there is no such batch"),
    (ItemNotFound, 404, "ITEM_NOT_FOUND", "the batch has no such finished report"),
    (DeliveryNotFound, 404, "DELIVERY_NOT_FOUND", "there is no such delivery"),
    (DeliveryStands, 409, "DELIVERY_STANDS", None),
    (ReasonMissing, 422, "VALIDATION_ERROR", None),
    (IllegalTransition, 409, "EXPORT_ENDED", None),
    (KeyReused, 422, "IDEMPOTENCY_KEY_REUSED", None),
    (RequestRunning, 409, "REQUEST_RUNNING", None),
    (InvalidPeriodError, 422, "INVALID_DATE_RANGE", None),
    (NoGenerationError, 503, "NO_DATA", "no data is published yet; try again after the next night"),
    (WarehouseError, 503, "DATA_UNAVAILABLE", f"the data {_AWAY}"),
    (KeySetUnavailable, 503, "KEY_SET_UNAVAILABLE", f"the keys that tokens are checked against {_AWAY}"),
    (DatabaseUnavailable, 503, "RECORDS_UNAVAILABLE", f"the records {_AWAY}"),
    (NotFoundError, 410, "EXPORT_EXPIRED", "the file is no longer there; make the export again"),
    (SealError, 503, "SEAL_UNAVAILABLE", f"the key of the installation {_AWAY}"),
    (StoreError, 503, "STORE_UNAVAILABLE", f"the file store {_AWAY}"),
)
"""Error, status, code, and the message where the error's own is not for strangers; the first that fits."""

_RETRY_AFTER = {
    "REQUEST_RUNNING": "1",
    **{code: "5" for _, status, code, _ in _TABLE if status == HTTPStatus.SERVICE_UNAVAILABLE},
}
"""Seconds until the same request may succeed."""
