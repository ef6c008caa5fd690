"""The channel of webhooks: one signed call to an endpoint for each delivery."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from exporters.database import Database
from exporters.database.values import utc_now
from exporters.deliveries import webhook_kerberos
from exporters.deliveries.addresses import (
    AddressRefused,
    NameUnknown,
    Place,
    Resolve,
    find_addresses,
    read_url,
)
from exporters.deliveries.endpoints import Endpoints, EndpointState
from exporters.deliveries.files import DeliveredFile
from exporters.deliveries.links import link_to
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.outcomes import Outcome, delivered, refused, retry
from exporters.deliveries.records import Delivery
from exporters.deliveries.signatures import sign
from exporters.deliveries.webhook_auth import Auth, Method
from exporters.deliveries.webhook_calls import Answer, Bounds, CallFailed, Line
from exporters.seal import SealError

BOUNDS = Bounds()
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "workshop-reports",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
_GONE = 410
_EXCERPT = 200
"""Characters of an answer that are kept on record."""


def send(
    delivery: Delivery,
    file: DeliveredFile | None,
    options: DeliveryOptions,
    *,
    database: Database,
    clock: Callable[[], datetime] = utc_now,
    resolve: Resolve | None = None,
    bounds: Bounds = BOUNDS,
) -> Outcome:
    """Call the delivery's endpoint.

    200 to 299 is success; 410 says that the endpoint wants no more calls; all else is tried again, also a
    redirect, which is not followed.

    Raises:
        DatabaseUnavailable: the endpoint cannot be read.
    """
    endpoint = Endpoints(database, options.seal, clock).find(delivery.recipient)
    if endpoint is None:
        return refused("ENDPOINT_UNKNOWN", "there is no such endpoint")
    if endpoint.state is EndpointState.DISABLED:
        return retry("ENDPOINT_DISABLED", f"the endpoint is disabled ({endpoint.reason})")
    body = _body(delivery, file, options)
    try:
        auth = endpoint.open_auth(options.seal)
        signed = sign(delivery.delivery_id, clock(), body, endpoint.open_secrets(options.seal, clock()))
    except SealError as error:
        return retry("SEALED", str(error))
    try:
        return _call(
            read_url(endpoint.url),
            auth,
            {**_HEADERS, **signed},
            body,
            options=options,
            resolve=resolve,
            bounds=bounds,
        )
    except NameUnknown as error:
        return retry("NAME_UNKNOWN", str(error))
    except AddressRefused as error:
        return retry("ADDRESS_REFUSED", str(error))


def test_call(
    url: str,
    auth: Auth | None,
    body: Mapping[str, Any],
    options: DeliveryOptions,
    *,
    resolve: Resolve | None = None,  # noqa: PT028  it is not a test of this program
    bounds: Bounds = BOUNDS,  # noqa: PT028
) -> Outcome:
    """What a call of the URL leads to, made once, without a signature as there is no endpoint yet.

    Raises:
        AddressRefused: the URL may not be called.
    """
    place = read_url(url)
    return _call(place, auth, _HEADERS, _encode(body), options=options, resolve=resolve, bounds=bounds)


def _call(
    place: Place,
    auth: Auth | None,
    headers: Mapping[str, str],
    body: bytes,
    *,
    options: DeliveryOptions,
    resolve: Resolve | None,
    bounds: Bounds,
) -> Outcome:
    addresses = find_addresses(place, options.allowed_networks, resolve)
    known = {**headers, **(auth.headers if auth else {})}
    try:
        with Line(place, addresses, bounds) as line:
            if auth is not None and auth.method is Method.KERBEROS:
                answer = webhook_kerberos.post(line, place, auth, known, body)
            else:
                answer = line.post(known, body)
    except CallFailed as failure:
        return retry(failure.code, failure.message)
    return _judge(answer, place, auth, body)


def _judge(answer: Answer, place: Place, auth: Auth | None, body: bytes) -> Outcome:
    code = str(answer.status)
    if 200 <= answer.status < 300:
        return delivered(code)
    if answer.status == _GONE:
        return refused(code, "the endpoint wants no more calls", gone=True)
    if 300 <= answer.status < 400:
        return retry(code, "the endpoint redirects, which is not followed: give the URL that it leads to")
    return retry(code, _excerpt(answer, place, auth, body))


def _excerpt(answer: Answer, place: Place, auth: Auth | None, body: bytes) -> str:
    """The beginning of an answer; nothing of one that repeats a secret of the call, as error pages may do."""
    if "content-encoding" in answer.headers:
        return ""
    text = answer.body.decode("utf-8", "replace")
    link = json.loads(body).get("pdfurl")
    secrets = [link.rpartition(".")[2]] if isinstance(link, str) else []
    # Others than the account see what is kept, and the URL's path and query may let in whoever knows them.
    path, _, query = place.target.partition("?")
    secrets += [form for part in (path, query) if len(part) > 1 for form in (part, unquote(part))]
    if auth is not None:
        secrets += [auth.value, *(value.removeprefix("Basic ") for value in auth.headers.values())]
    if any(form in text for secret in secrets for form in _forms(secret)):
        return "its answer is not kept, as it repeats a secret of the call"
    return text[:_EXCERPT]


def _forms(secret: str) -> set[str]:
    """A text as it may be repeated in text, JSON, HTML and URLs."""
    return {secret, json.dumps(secret)[1:-1], escape(secret), quote(secret), quote(secret, safe="")}


def _body(delivery: Delivery, file: DeliveredFile | None, options: DeliveryOptions) -> bytes:
    link = None if file is None else link_to(delivery, options)
    return _encode({**delivery.content, "pdfurl": link})


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
