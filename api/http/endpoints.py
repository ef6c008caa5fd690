"""Webhook endpoints over HTTP: listed, shown with their signing secret, switched, and given a new secret."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from api.http.answers import Answer, Instant, Uuid
from api.http.operation import Operation, path
from api.http.problems import Refusal
from api.http.services import AnyRequest, Services, answer, caller_of, request_id_of
from exporters.access.audit_events import Action
from exporters.access.callers import BATCHES_SCOPE
from exporters.deliveries.audit import audited_endpoint
from exporters.deliveries.endpoints import Endpoint, EndpointNotFound, Endpoints

ENDPOINTS = "/api/ws/v2/reports/webhooks"

Changed = TypeVar("Changed")


class ShownEndpoint(Struct, frozen=True):
    """Where the account is called."""

    endpoint_id: Uuid
    url: str
    contact: Annotated[str | None, Meta(description="Who is warned by mail when it is disabled.")]
    state: Literal["active", "disabled"]
    reason: Annotated[
        Literal["gone", "failing", "by_hand"] | None,
        Meta(description="Why it is disabled: it answered 410, it failed for 24 hours, or by hand."),
    ]
    first_failure_at: Annotated[Instant | None, Meta(description="Since when it fails; null: it does not.")]
    last_failure_at: Instant | None
    last_success_at: Instant | None
    warned_at: Instant | None
    created_at: Instant


class ShownEndpointEvent(Struct, frozen=True):
    """One change of an endpoint."""

    at: Instant
    event: Annotated[str, Meta(description="`created`, `disabled`, `enabled` or `secret_rotated`.")]
    from_state: Literal["active", "disabled"] | None
    to_state: Literal["active", "disabled"]
    detail: dict[str, Any]


class EndpointWithSecret(ShownEndpoint, frozen=True):
    """An endpoint, what happened to it, and what its receiver verifies calls with."""

    secret: Annotated[str, Meta(description="The signing secret: `whsec_` and base64.")]
    events: list[ShownEndpointEvent]


class ShownEndpoints(Struct, frozen=True):
    """The account's endpoints, newest first."""

    items: list[ShownEndpoint]


class NewSecret(Struct, frozen=True):
    """A signing secret; for 24 hours calls are signed with the one before, too."""

    secret: str


_ID = path("endpoint_id", "The endpoint.", "b2a1f3de-9c1c-4f0f-8a4e-0d5f6f1c2b3a", type="string")

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get", ENDPOINTS, "listWebhooks", "Webhook endpoints of the account, newest first",
        Answer[ShownEndpoints], refusals=(503,),
    ),
    Operation(
        "get", ENDPOINTS + "/{endpoint_id}", "readWebhook", "One endpoint with its signing secret",
        Answer[EndpointWithSecret], (_ID,), refusals=(404, 503),
    ),
    Operation(
        "post", ENDPOINTS + "/{endpoint_id}/enable", "enableWebhook", "Call a disabled endpoint again",
        Answer[ShownEndpoint], (_ID,), refusals=(404, 503),
    ),
    Operation(
        "post", ENDPOINTS + "/{endpoint_id}/disable", "disableWebhook", "Call an endpoint no more",
        Answer[ShownEndpoint], (_ID,), refusals=(404, 503),
    ),
    Operation(
        "post", ENDPOINTS + "/{endpoint_id}/secret", "rotateWebhookSecret", "Give an endpoint a new secret",
        Answer[NewSecret], (_ID,), refusals=(404, 503),
    ),
)  # fmt: skip


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes."""
    store = Endpoints(services.database, services.deliveries.seal)

    async def run(request: AnyRequest, act: Callable[[AnyRequest], Any]) -> Response[bytes]:
        return await asyncio.to_thread(_answer, request, act)

    @get(ENDPOINTS)
    async def list_webhooks(request: AnyRequest) -> Response[bytes]:
        return await run(request, lambda request: _list(store, services, request))

    @get(ENDPOINTS + "/{endpoint_id:str}")
    async def read_webhook(request: AnyRequest) -> Response[bytes]:
        return await run(request, lambda request: _read(store, services, request))

    @post(ENDPOINTS + "/{endpoint_id:str}/enable", status_code=200)
    async def enable_webhook(request: AnyRequest) -> Response[bytes]:
        act = _change(store.enable, Action.WEBHOOK_ENABLED)
        return await run(request, lambda request: _show(act(request)))

    @post(ENDPOINTS + "/{endpoint_id:str}/disable", status_code=200)
    async def disable_webhook(request: AnyRequest) -> Response[bytes]:
        act = _change(store.disable, Action.WEBHOOK_DISABLED)
        return await run(request, lambda request: _show(act(request)))

    @post(ENDPOINTS + "/{endpoint_id:str}/secret", status_code=200)
    async def rotate_webhook_secret(request: AnyRequest) -> Response[bytes]:
        act = _change(store.rotate_secret, Action.WEBHOOK_SECRET_CHANGED)
        return await run(request, lambda request: NewSecret(act(request)))

    return [list_webhooks, read_webhook, enable_webhook, disable_webhook, rotate_webhook_secret]


def _answer(request: AnyRequest, act: Callable[[AnyRequest], Any]) -> Response[bytes]:
    if BATCHES_SCOPE not in caller_of(request).scopes:
        raise Refusal(403, "FORBIDDEN", f"webhooks need a credential with the scope {BATCHES_SCOPE}")
    try:
        return answer(request, act(request))
    except EndpointNotFound:
        raise Refusal(404, "WEBHOOK_NOT_FOUND", "there is no such webhook endpoint") from None


def _list(store: Endpoints, services: Services, request: AnyRequest) -> ShownEndpoints:
    caller = caller_of(request)
    services.access.audit.read("webhooks", caller.actor)
    return ShownEndpoints([_show(endpoint) for endpoint in store.list(caller.account)])


def _read(store: Endpoints, services: Services, request: AnyRequest) -> EndpointWithSecret:
    caller, endpoint_id = caller_of(request), request.path_params["endpoint_id"]
    endpoint = store.get(endpoint_id, caller.account)
    services.access.audit.read("webhook", caller.actor)
    events = [
        ShownEndpointEvent(
            event.at,
            event.event,
            None if event.from_state is None else event.from_state.value,
            event.to_state.value,
            event.detail,
        )
        for event in store.events(endpoint_id)
    ]
    secret = store.secret(endpoint_id, caller.account)
    return EndpointWithSecret(**_describe(endpoint), secret=secret, events=events)


def _change(change: Callable[..., Changed], action: Action) -> Callable[[AnyRequest], Changed]:
    """Makes the change that a request asks for, of its caller's endpoint, and with it the audit log's row."""

    def act(request: AnyRequest) -> Changed:
        caller = caller_of(request)
        beside = audited_endpoint(action, caller.actor, request_id_of(request))
        return change(request.path_params["endpoint_id"], caller.actor, caller.account, beside=beside)

    return act


def _show(endpoint: Endpoint) -> ShownEndpoint:
    return ShownEndpoint(**_describe(endpoint))


def _describe(endpoint: Endpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in ShownEndpoint.__struct_fields__}
