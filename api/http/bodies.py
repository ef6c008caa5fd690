"""Bodies of requests: read up to a size, and decoded from JSON or from a form."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.exceptions import InternalServerException

from api.http.problems import Refusal
from api.http.services import AnyRequest

LARGEST_BODY = 64 * 1024
"""Bytes; a request for an export is a few hundred."""
FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100

T = TypeVar("T")

_decoder: Callable[[Any], msgspec.json.Decoder[Any]] = cache(msgspec.json.Decoder)


async def read_body(request: AnyRequest, largest: int = LARGEST_BODY) -> bytes:
    """The whole body.

    Raises:
        Refusal: it is larger than `largest` bytes, or did not come whole.
    """
    body = bytearray()
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= largest:
                body += chunk
            elif size > 16 * largest:
                break
    except InternalServerException as error:  # as the framework has it where the client goes away
        raise Refusal(400, "BAD_REQUEST", "the body did not come whole") from error
    # What is a little too large is read to its end: a client that still sends would miss the answer.
    if size > largest:
        raise Refusal(413, "BODY_TOO_LARGE", f"the body is larger than {largest} bytes")
    return bytes(body)


def decode(body: bytes, kind: type[T]) -> T:
    """The body, which is JSON, as a `kind`.

    Raises:
        Refusal: it is not JSON, or not such JSON.
    """
    try:
        found: T = _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(422, "VALIDATION_ERROR", f"the body does not fit: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "BAD_REQUEST", "the body is not JSON") from error
    return found


def decode_form(body: bytes, kind: type[T]) -> T:
    """The body, which is a form, as a `kind` whose fields are texts.

    Raises:
        Refusal: it is no form, or not such a form.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise Refusal(400, "BAD_REQUEST", "the body is not a form") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refusal(400, "BAD_REQUEST", "the form gives a field twice")
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise Refusal(422, "VALIDATION_ERROR", f"the form does not fit: {error}") from error


def is_form(request: AnyRequest) -> bool:
    """Whether the body says that it is a form."""
    media_type = request.scope["state"]["headers"].get("content-type", "")
    return bool(media_type.partition(";")[0].strip().lower() == FORM)
