"""The families of routes: where a credential may stand, which scope it needs, and how a refusal is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct

from api.http.answers import ENCODER, Problem
from api.http.problems import PROBLEM, Refusal, encode_problem
from exporters.access.callers import BATCHES_SCOPE, DEFINITIONS_SCOPE, REPORTS_SCOPE

_JSON = "application/json"


_Field = Annotated[str | None, Meta(description="What is wrong, where it is one value of the request.")]


class ErrorText(Struct, frozen=True, omit_defaults=True):
    """A refusal, told by its text."""

    error: str
    field: _Field = None


class ErrorFields(Struct, frozen=True, omit_defaults=True):
    """A refusal, with the messages of each value that cannot be taken."""

    error: str
    errors: dict[str, list[str]] = {}


class ErrorMessage(Struct, frozen=True, omit_defaults=True):
    """A refusal, told by its message."""

    message: str
    field: _Field = None


@dataclass(frozen=True)
class Family:
    """The routes below a path."""

    prefix: str
    """It ends with a slash; a path belongs to the family whose prefix it begins with."""
    scope: str
    """What a credential must be granted."""
    body: Any
    """The type of a refusal's body."""
    encode: Callable[[Refusal, str], bytes]
    """The body of a refusal, for the id of the request."""
    media_type: str = _JSON
    """Of a refusal."""
    header: str | None = None
    """Where the credential may stand beside `Authorization: Bearer` and `x-api-key`."""
    parameter: str | None = None
    """The parameter of the query in which it may stand, too."""
    tells_allowance: bool = True
    """Whether answers carry what is left of the caller's requests, and refusals when to come again."""
    by_hour: bool = False
    """Whether requests count by the hour, too, as the caller's plan has it."""
    guarded: bool = True
    """Whether a credential is needed at all."""


def _encode_text(refusal: Refusal, _request_id: str) -> bytes:
    field: str | None = refusal.details.get("field")
    named = field and _COMPANY_FIELDS.get(field, field)
    return ENCODER.encode(ErrorText(refusal.message, named))


def _encode_fields(refusal: Refusal, _request_id: str) -> bytes:
    if refusal.status == 422:
        field = str(refusal.details.get("field", refusal.details.get("filter", "request")))
        return ENCODER.encode(ErrorFields("Validation failed", {field: [refusal.message]}))
    return ENCODER.encode(ErrorFields(_EVENT_TEXTS.get(refusal.status, refusal.message)))


def _encode_message(refusal: Refusal, _request_id: str) -> bytes:
    return ENCODER.encode(ErrorMessage(refusal.message, refusal.details.get("field")))


_COMPANY_FIELDS = {
    "type_id": "report_type_id",
    "column": "condition.column",
    "threshold": "condition.threshold",
}
"""What bodies of the company API call fields of a definition that have another name there."""

_EVENT_TEXTS = {404: "Resource not found", 429: "Rate limit exceeded"}
"""What clients of the event reports know these refusals by."""

PORTAL = Family("/api/ws/", REPORTS_SCOPE, Problem, encode_problem, PROBLEM)
COMPANY = Family("/company/", DEFINITIONS_SCOPE, ErrorText, _encode_text)
EVENT_REPORTS = Family(
    "/api/v1/",
    REPORTS_SCOPE,
    ErrorFields,
    _encode_fields,
    parameter="api_key",
    tells_allowance=False,
    by_hour=True,
)
BATCHES = Family(
    "/apps/reporting/",
    BATCHES_SCOPE,
    ErrorMessage,
    _encode_message,
    header="lasso-api-key",
    parameter="accessKey",
)

SIGN_IN = Family("/oauth2/", "", ErrorText, _encode_text, guarded=False)

_FAMILIES = (PORTAL, COMPANY, EVENT_REPORTS, BATCHES, SIGN_IN)


def find_family(path: str) -> Family | None:
    """The family of a path; None: whoever asks for it needs no credential."""
    family = shape_of(path)
    return family if family.guarded and f"{path}/".startswith(family.prefix) else None


def shape_of(path: str) -> Family:
    """The family whose form the refusals of a path have; the portal's for a path of no family."""
    return next((family for family in _FAMILIES if f"{path}/".startswith(family.prefix)), PORTAL)


def encode_refusal(path: str, refusal: Refusal, request_id: str) -> tuple[bytes, str]:
    """The body of a refusal of the path, and its media type."""
    family = shape_of(path)
    return family.encode(refusal, request_id), family.media_type
