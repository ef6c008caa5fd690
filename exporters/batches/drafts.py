"""Drafts: a batch as it is asked for, and whether it can be made so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exporters.access.callers import plain_number
from exporters.batches.errors import BatchError
from exporters.catalogue import ReportType, RequestError, check_language, find_report, write_filters
from exporters.database.values import storable
from exporters.deliveries.addresses import AddressRefused, check_url
from exporters.deliveries.mail_addresses import MailAddressError, check_address
from exporters.deliveries.webhook_auth import Auth, AuthRefused, read_auth
from exporters.file_names import TemplateError, check_template
from exporters.options import ExportOptions
from exporters.report_types import batch_types

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language

MOST_ITEMS = 10_000
"""Of one batch."""

_LONGEST_NAME, _LONGEST_NUMBER, _LONGEST_ENDING = 200, 40, 50
"""Characters of a batch's name and of an organisation number, bytes of what is added to failed ones."""

_INTEGERS = range(-(2**63), 2**63)


@dataclass(frozen=True, kw_only=True)
class ItemDraft:
    """One report as it is asked for."""

    cvr: str | int
    """Organisation number of the workshop."""
    name_template: str | None = None
    """None: the batch's."""
    internal_customer_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class BatchDraft:
    """A batch as it is asked for."""

    name: str
    type: str | int
    """Name or number of a type of `exporters.report_types.batch_types`, whatever its case."""
    name_template: str
    items: Sequence[ItemDraft]
    scheduled_time: datetime | None = None
    """Without a zone it is taken as UTC. None: now."""
    notification_email: str | None = None
    webhook_url: str | None = None
    auth: Mapping[str, Any] | None = field(default=None, repr=False)
    """Of the webhook, as the contract's authConfig: Method, Key, Value."""
    error_append: str = ""
    is_listener: bool = False
    trigger_now: bool = False
    filters: Mapping[str, Any] = field(default_factory=dict)
    """Of the report, as texts or JSON values."""
    format: str = "pdf"
    """With its options."""
    language: str | None = None
    """None: the installation's."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a draft that can be met comes to."""

    name: str
    type_name: str
    report: ReportType
    format: str
    language: "Language"
    filters: Mapping[str, Any]
    """As JSON values."""
    scheduled_time: datetime | None
    notification_email: str | None
    auth: Auth | None = field(repr=False)
    numbers: Sequence[str]
    """Of the items, as text without spaces."""


def check_draft(draft: BatchDraft, catalogue: Mapping[str, ReportType], options: ExportOptions) -> Checked:
    """What the draft comes to.

    Raises:
        BatchError: a field cannot be met.
    """
    type_name, report = _find_type(draft, catalogue)
    if draft.is_listener and not report.header.listens:
        raise BatchError("isListener", f"{type_name} cannot listen: nothing tells when its figures change")
    format_, filters, language = _read_output(draft, report, catalogue, options)
    _check_template("format", draft.name_template)
    if len(draft.error_append.encode("utf-8", "replace")) > _LONGEST_ENDING:
        raise BatchError("errorAppend", f"errorAppend must have at most {_LONGEST_ENDING} bytes")
    scheduled = draft.scheduled_time
    if scheduled is not None:
        scheduled = scheduled.replace(tzinfo=UTC) if scheduled.tzinfo is None else scheduled.astimezone(UTC)
    email, auth = _read_recipients(draft, options)
    return Checked(
        name=_read_name(draft.name),
        type_name=type_name,
        report=report,
        format=format_,
        language=language,
        filters=filters,
        scheduled_time=scheduled,
        notification_email=email,
        auth=auth,
        numbers=_read_items(draft.items),
    )


def _find_type(draft: BatchDraft, catalogue: Mapping[str, ReportType]) -> tuple[str, ReportType]:
    types = batch_types(catalogue)
    asked = draft.type
    if isinstance(asked, str | int) and not isinstance(asked, bool):
        for name, (number, report) in types.items():
            if str(asked).casefold() in (name.casefold(), str(number)):
                return name, report
    known = ", ".join(name if number is None else f"{name} ({number})" for name, (number, _) in types.items())
    raise BatchError("type", f"there is no report type {_show(asked)}; there are {known}")


def _read_name(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME:
        raise BatchError("batchName", f"batchName must have 1 to {_LONGEST_NAME} characters")
    return storable(name)


def _read_output(
    draft: BatchDraft, report: ReportType, catalogue: Mapping[str, ReportType], options: ExportOptions
) -> tuple[str, Mapping[str, Any], "Language"]:
    try:
        _, format_ = find_report(catalogue, report.name, draft.format)
    except RequestError as error:
        raise BatchError("outputFormat", str(error)) from error
    try:
        filters = write_filters(report.parse_filters(draft.filters))
    except RequestError as error:
        raise BatchError("filters", str(error)) from error
    try:
        language = options.language if draft.language is None else check_language(draft.language)
    except RequestError as error:
        raise BatchError("language", str(error)) from error
    return format_.key, filters, language


def _read_recipients(draft: BatchDraft, options: ExportOptions) -> tuple[str | None, Auth | None]:
    email, auth = None, None
    if draft.notification_email is not None:
        _need_deliveries("notificationEmail", options)
        try:
            email = check_address(draft.notification_email)
        except MailAddressError as error:
            raise BatchError("notificationEmail", str(error)) from error
    if draft.webhook_url is not None:
        _need_deliveries("notificationWebhookUrl", options)
        try:
            check_url(draft.webhook_url, options.deliveries.allowed_networks if options.deliveries else ())
        except AddressRefused as error:
            raise BatchError("notificationWebhookUrl", str(error)) from error
    if draft.auth is not None:
        if draft.webhook_url is None:
            raise BatchError("authConfig", "authConfig is for a webhook: give notificationWebhookUrl, too")
        try:
            auth = read_auth(draft.auth)
        except AuthRefused as error:
            raise BatchError("authConfig", str(error)) from None
    return email, auth


def _need_deliveries(name: str, options: ExportOptions) -> None:
    if options.deliveries is None:
        raise BatchError(name, "this installation delivers nothing: leave it out, or have it set up")


def _read_items(items: Sequence[ItemDraft]) -> Sequence[str]:
    if not 0 < len(items) <= MOST_ITEMS:
        raise BatchError("items", f"a batch must have 1 to {MOST_ITEMS:,} items; this one has {len(items):,}")
    numbers = []
    for at, item in enumerate(items):
        number = "" if isinstance(item.cvr, bool) else plain_number(str(item.cvr))
        if not 0 < len(number) <= _LONGEST_NUMBER or number != storable(number):
            raise BatchError(f"items[{at}].cvr", f"items[{at}].cvr must be an organisation number")
        if item.internal_customer_id is not None and (
            isinstance(item.internal_customer_id, bool) or item.internal_customer_id not in _INTEGERS
        ):
            name = f"items[{at}].internalCustomerId"
            raise BatchError(name, f"{name} must be an integer of at most 64 bits")
        if item.name_template is not None:
            _check_template(f"items[{at}].format", item.name_template)
        numbers.append(number)
    return numbers


def _check_template(name: str, template: str) -> None:
    try:
        check_template(template)
    except TemplateError as error:
        raise BatchError(name, str(error)) from error
    if template != storable(template):
        raise BatchError(name, f"{name} holds half of a surrogate pair, which no file name can")


def _show(value: object) -> str:
    return repr(storable(str(value))[:100])
