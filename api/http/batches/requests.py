"""The bodies that the batch API takes: their keys in any case, a null for what is left out."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from exporters.batches.drafts import BatchDraft, ItemDraft
from exporters.batches.errors import BatchError

LARGEST_BATCH = 4 * 1024 * 1024
"""Bytes: ten thousand items with a template each."""

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}Z?", re.ASCII)

Cvr = Annotated[int | str, Meta(description="Organisation number of the workshop.", examples=[913456782])]


class BatchItemRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One report of a batch."""

    cvr: Cvr
    format: Annotated[str | None, Meta(description="Template of its name, instead of the batch's.")] = None
    internal_customer_id: Annotated[int | None, Meta(description="Stands at the start of its name.")] = None


class WebhookAuth(Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True):
    """How a webhook's receiver knows the caller. It is never shown again."""

    method: Annotated[str, Meta(description="`Header`, `BasicAuth` or `Kerberos`.", examples=["Header"])]
    key: Annotated[
        str, Meta(description="Name of the header, user, or domain@user.", examples=["X-Hook-Key"])
    ]
    value: Annotated[str, Meta(description="Value of the header, or password.", examples=["s3cret"])]


class BatchRequest(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A batch: a report for each item, each with a mail and a call of its own."""

    batch_name: Annotated[str, Meta(examples=["Q1 portfolio"])]
    type: Annotated[
        str | int,
        Meta(
            description="Revision (0), Finans (1), ReelleEjere (2), RevisionUdvidet (3), or any report type.",
            examples=["ReelleEjere"],
        ),
    ]
    format: Annotated[
        str,
        Meta(
            description="Template of the reports' names: {name}, {balanceday}, {cvr}, {type}, {rundate}.",
            examples=["{cvr}-{name}-{rundate}"],
        ),
    ]
    items: list[BatchItemRequest]
    scheduled_time: Annotated[
        str | None,
        Meta(description="UTC, as YYYY-MM-DD HH:MM:SS; null: now.", examples=["2026-04-01 01:00:00"]),
    ] = None
    notification_email: Annotated[str | None, Meta(description="Gets a mail for each item.")] = None
    notification_webhook_url: Annotated[str | None, Meta(description="Is called for each item.")] = None
    auth_config: Annotated[WebhookAuth | None, Meta(description="Of the webhook.")] = None
    error_append: Annotated[str | None, Meta(description="Is added to the names of failed reports.")] = None
    is_listener: Annotated[
        bool | None, Meta(description="Whether changes of a workshop's figures make its report again.")
    ] = None
    trigger_now: Annotated[
        bool | None, Meta(description="Whether a listener makes a first report at once.")
    ] = None
    filters: Annotated[dict[str, Any] | None, Meta(description="Of the report type.")] = None
    output_format: Annotated[str | None, Meta(description="`pdf` unless told.", examples=["pdf"])] = None
    language: Annotated[str | None, Meta(description="nb, sv, da, de or en.", examples=["da"])] = None


def read_batch(body: bytes) -> BatchDraft:
    """The batch that a body asks for.

    Raises:
        BatchError: it is not such JSON.
    """
    given = _read_object(body)
    asked = cast("dict[str, Any]", _fold("", given, BatchRequest))
    if isinstance(items := asked.get("items"), list):
        asked["items"] = [_fold(f"items[{at}].", item, BatchItemRequest) for at, item in enumerate(items)]
    auth = asked.pop("authConfig", None)  # judged by the domain, whose refusals quote nothing of it
    if auth is not None and not isinstance(auth, dict):
        raise BatchError("authConfig", "authConfig must be an object with Method, Key and Value")
    try:
        batch = msgspec.convert(asked, BatchRequest)
    except msgspec.ValidationError as error:
        raise BatchError("body", f"the body does not fit: {error}") from error
    return BatchDraft(
        name=batch.batch_name,
        type=batch.type,
        name_template=batch.format,
        items=[
            ItemDraft(cvr=item.cvr, name_template=item.format, internal_customer_id=item.internal_customer_id)
            for item in batch.items
        ],
        scheduled_time=_read_time(batch.scheduled_time),
        notification_email=batch.notification_email,
        webhook_url=batch.notification_webhook_url,
        auth=auth,
        error_append=batch.error_append or "",
        is_listener=bool(batch.is_listener),
        trigger_now=bool(batch.trigger_now),
        filters=batch.filters or {},
        format=batch.output_format or "pdf",
        language=batch.language,
    )


def read_auth_config(body: bytes) -> dict[str, Any]:
    """The authConfig that is the body; `exporters.deliveries.webhook_auth` judges what is in it.

    Raises:
        BatchError: it is no JSON object.
    """
    return _read_object(body)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BatchError("body", "the body is not JSON") from error
    if not isinstance(given, dict):
        raise BatchError("body", "the body must be a JSON object")
    return given


def _fold(place: str, given: Any, kind: type[Struct]) -> Any:
    """The object with its keys in the case that the fields have; what is null is left out."""
    if not isinstance(given, dict):
        return given
    names = {name.casefold(): name for name in kind.__struct_encode_fields__}
    known: dict[str, Any] = {}
    for key, value in given.items():
        name = names.get(key.casefold())
        if name is None:
            raise BatchError(
                "body", f"there is no field {place}{key[:60]!r}; there are {', '.join(names.values())}"
            )
        if name in known:
            raise BatchError(f"{place}{name}", f"{place}{name} is given twice")
        known[name] = value
    return {name: value for name, value in known.items() if value is not None}


def _read_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    with suppress(ValueError):
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    raise BatchError("scheduledTime", "scheduledTime must be a time in UTC as YYYY-MM-DD HH:MM:SS")
