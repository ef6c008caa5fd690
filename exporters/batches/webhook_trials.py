"""Trial calls of webhooks: a made-up report is told of, once."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exporters.batches.errors import BatchError
from exporters.batches.links import LINKS
from exporters.batches.notices import show_number
from exporters.catalogue import ReportType
from exporters.deliveries import webhook
from exporters.deliveries.addresses import AddressRefused
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.outcomes import Outcome
from exporters.deliveries.webhook_auth import AuthRefused, read_auth
from exporters.report_types import batch_types

_LASSO_ID = re.compile(r"([A-Za-z]{1,10})-([0-9]{1,2})-([0-9A-Za-z]{1,40})")
_NOBODY = str(uuid.UUID(int=0))
_USUAL_ID, _USUAL_TYPE = "CVR-1-11223344", "Revision"


def try_webhook(
    url: str,
    auth: Mapping[str, Any] | None,
    told: Mapping[str, str],
    catalogue: Mapping[str, ReportType],
    options: DeliveryOptions,
) -> Outcome:
    """Call the URL as for a finished report; `told` may have its lassoId, batchId and reportType.

    Raises:
        BatchError: the URL may not be called, or a value cannot be taken. It quotes nothing of `auth`.
    """
    body = _make_body(told, catalogue, options)
    try:
        known = None if auth is None else read_auth(auth)
        return webhook.test_call(url, known, body, options)
    except AuthRefused as error:
        raise BatchError("authConfig", str(error)) from None
    except AddressRefused as error:
        raise BatchError("url", str(error)) from error


def _make_body(
    told: Mapping[str, str], catalogue: Mapping[str, ReportType], options: DeliveryOptions
) -> dict[str, Any]:
    found = _LASSO_ID.fullmatch(told.get("lassoId") or _USUAL_ID)
    if found is None:
        raise BatchError("lassoId", "lassoId must be like CVR-1-11223344")
    try:
        batch_id = str(uuid.UUID(told.get("batchId") or _NOBODY))
    except ValueError:
        raise BatchError("batchId", "batchId must be the id of a batch") from None
    now = datetime.now(UTC)
    return {
        "batchId": batch_id,
        "itemId": _NOBODY,
        "lassoId": f"{found[1].upper()}-{found[2]}-{found[3]}",
        "cvr": show_number(found[3]),
        "printType": _read_type(told.get("reportType") or _USUAL_TYPE, catalogue),
        "status": "Completed",
        "name": f"{found[3]}-test-{now:%Y-%m-%d}",
        "internalCustomerId": None,
        "createdOn": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "pdfurl": f"{options.public_url}{LINKS}/{_NOBODY}.made-up-for-a-test",
    }


def _read_type(asked: str, catalogue: Mapping[str, ReportType]) -> str:
    for name, (number, _) in batch_types(catalogue).items():
        if asked.casefold() in {name.casefold(), str(number)}:
            return name
    raise BatchError("reportType", "reportType must be a type of reports, such as Revision")
