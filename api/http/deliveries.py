"""Deliveries over HTTP: listed, read, sent again; dead letters replayed."""

import asyncio
import re
from typing import Annotated, Any, Literal

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta, Struct

from api.http import delivery_links, endpoints
from api.http.answers import Answer, Count, Instant, PageInfo, Uuid
from api.http.bodies import decode, read_body
from api.http.cursors import read_cursor, write_cursor
from api.http.operation import Operation, path, query
from api.http.problems import Refusal, refuse_value
from api.http.services import AnyRequest, Services, answer, caller_of, request_id_of
from exporters.access.audit_events import Action
from exporters.access.callers import BATCHES_SCOPE, DEFINITIONS_SCOPE
from exporters.deliveries.audit import audited
from exporters.deliveries.errors import DeliveryNotFound
from exporters.deliveries.records import Delivery, Event, State
from exporters.deliveries.store import DeliveryStore, Viewer

DELIVERIES = "/api/ws/v2/reports/deliveries"
_LARGEST_PAGE = 100


class ShownEvent(Struct, frozen=True):
    """One step of a delivery."""

    at: Instant
    event: str
    from_state: str | None
    to_state: str
    attempt: Count
    detail: dict[str, Any]


class ShownDelivery(Struct, frozen=True):
    """One delivery: a file, or the word that there is none, for one recipient."""

    delivery_id: Annotated[Uuid, Meta(description="The Message-ID of a mail, the webhook-id of a call.")]
    workshop_id: str | None
    subject: Annotated[str, Meta(description="What is delivered, such as `definition:7`.")]
    occasion: Annotated[str, Meta(description="When: the instant of a fire, the number of a run.")]
    channel: Literal["email", "webhook"]
    recipient: Annotated[str, Meta(description="An e-mail address, or the id of an endpoint.")]
    format: str
    language: str
    repeat: Annotated[Count, Meta(description="0; each time it is sent again, one more.")]
    reason: Annotated[str | None, Meta(description="Why it was sent again.")]
    job_id: Uuid | None
    state: Literal["queued", "sending", "delivered", "refused", "dead", "cancelled"]
    attempt: Annotated[Count, Meta(description="Tries begun.")]
    due_at: Annotated[Instant | None, Meta(description="When the next try may begin.")]
    created_at: Instant
    finished_at: Instant | None
    code: Annotated[str | None, Meta(description="Of the last outcome, such as `250` or TIMEOUT.")]
    message: Annotated[str | None, Meta(description="What the other side said.")]


class DeliveryWithEvents(ShownDelivery, frozen=True):
    """One delivery and what happened to it."""

    events: list[ShownEvent]


class Deliveries(Struct, frozen=True):
    """A page of deliveries, newest first."""

    items: list[ShownDelivery]
    page_info: PageInfo


class ResendRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a delivery is sent again."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, examples=["The recipient deleted it."])]


class ReplayRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why dead letters are sent again, and which; without a list the oldest thousand."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, examples=["The receiver is mended."])]
    delivery_ids: Annotated[list[Uuid], Meta(min_length=1, max_length=1000)] | None = None


class Replayed(Struct, frozen=True):
    """The deliveries that are queued again."""

    delivery_ids: list[Uuid]


_ID = path("delivery_id", "The delivery.", "3f2c9a60-4b8e-4c1c-9f39-6a1c2a0d7b11", type="string")
_PAGE = (
    query("limit", "Deliveries of a page.", type="integer", minimum=1, maximum=_LARGEST_PAGE, default=20),
    query("cursor", "The next_cursor of the page before.", type="string"),
    query("state", "Only deliveries in this state.", type="string", enum=[state.value for state in State]),
    query("subject", "Only those of this subject, such as `definition:7`.", type="string"),
)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get", DELIVERIES, "listDeliveries", "Deliveries, newest first",
        Answer[Deliveries], _PAGE, refusals=(422, 503),
    ),
    Operation(
        "post", DELIVERIES + "/replay", "replayDeliveries", "Queue dead letters again",
        Answer[Replayed], status=202, refusals=(400, 404, 409, 413, 422, 503), body=ReplayRequest,
    ),
    Operation(
        "get", DELIVERIES + "/{delivery_id}", "readDelivery", "One delivery and its history",
        Answer[DeliveryWithEvents], (_ID,), refusals=(404, 503),
    ),
    Operation(
        "post", DELIVERIES + "/{delivery_id}/resend", "resendDelivery", "Send once more what has ended",
        Answer[ShownDelivery], (_ID,), 202, (400, 404, 409, 413, 422, 503), ResendRequest,
    ),
    *endpoints.OPERATIONS,
)  # fmt: skip


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes, with those of webhooks and of the page that a link leads to."""
    store = DeliveryStore(services.database)

    @get(DELIVERIES)
    async def list_deliveries(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_list, store, services, request)

    @post(DELIVERIES + "/replay", status_code=202)
    async def replay_deliveries(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ReplayRequest)
        return await asyncio.to_thread(_replay, store, request, asked)

    @get(DELIVERIES + "/{delivery_id:str}")
    async def read_delivery(request: AnyRequest) -> Response[bytes]:
        return await asyncio.to_thread(_read, store, services, request)

    @post(DELIVERIES + "/{delivery_id:str}/resend", status_code=202)
    async def resend_delivery(request: AnyRequest) -> Response[bytes]:
        asked = decode(await read_body(request), ResendRequest)
        return await asyncio.to_thread(_resend, store, request, asked)

    return [
        list_deliveries,
        replay_deliveries,
        read_delivery,
        resend_delivery,
        *delivery_links.make_routes(services),
        *endpoints.make_routes(services),
    ]


def viewer_of(request: AnyRequest) -> Viewer:
    """Whose deliveries the caller sees: those of their workshops, and those of their account."""
    caller = caller_of(request)
    return Viewer(caller.workshops, caller.account)


def check_may_send(request: AnyRequest) -> None:
    """Return if the caller may cause something to be sent.

    Raises:
        Refusal: the credential is for reading and making reports alone.
    """
    if not caller_of(request).scopes & {DEFINITIONS_SCOPE, BATCHES_SCOPE}:
        raise Refusal(
            403,
            "FORBIDDEN",
            f"to send, the credential needs the scope {DEFINITIONS_SCOPE} or {BATCHES_SCOPE}",
        )


def _list(store: DeliveryStore, services: Services, request: AnyRequest) -> Response[bytes]:
    limit, state = _read_limit(request), _read_state(request)
    cursor = request.query_params.get("cursor")
    try:
        found = store.list(
            viewer_of(request),
            state=state,
            subject=request.query_params.get("subject"),
            limit=limit + 1,
            before=cursor and read_cursor(cursor),
        )
    except DeliveryNotFound:
        raise refuse_value("cursor", cursor, "a next_cursor of a page") from None
    services.access.audit.read("deliveries", caller_of(request).actor, None)
    shown = found[:limit]
    has_more = len(found) > limit
    page = PageInfo(write_cursor(shown[-1].delivery_id) if has_more else None, has_more)
    return answer(request, Deliveries([ShownDelivery(**_describe(each)) for each in shown], page))


def _read(store: DeliveryStore, services: Services, request: AnyRequest) -> Response[bytes]:
    delivery = store.get(request.path_params["delivery_id"], viewer_of(request))
    services.access.audit.read("delivery", caller_of(request).actor, delivery.workshop_id)
    events = [_describe_event(each) for each in store.events(delivery.delivery_id)]
    return answer(request, DeliveryWithEvents(**_describe(delivery), events=events))


def _resend(store: DeliveryStore, request: AnyRequest, asked: ResendRequest) -> Response[bytes]:
    check_may_send(request)
    delivery_id = request.path_params["delivery_id"]
    actor = caller_of(request).actor
    beside = audited(Action.DELIVERY_RESENT, actor, asked.reason, request_id_of(request))
    made = store.resend(delivery_id, asked.reason, actor, viewer_of(request), beside=beside)
    headers = {"location": f"{DELIVERIES}/{made.delivery_id}"}
    return answer(request, ShownDelivery(**_describe(made)), status=202, headers=headers)


def _replay(store: DeliveryStore, request: AnyRequest, asked: ReplayRequest) -> Response[bytes]:
    check_may_send(request)
    actor = caller_of(request).actor
    beside = audited(Action.DELIVERY_REPLAYED, actor, asked.reason, request_id_of(request))
    only = None if asked.delivery_ids is None else [str(each) for each in asked.delivery_ids]
    made = store.replay(asked.reason, actor, viewer_of(request), only=only, beside=beside)
    return answer(request, Replayed([each.delivery_id for each in made]), status=202)


def _describe(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in ShownDelivery.__struct_fields__}


def _describe_event(event: Event) -> ShownEvent:
    return ShownEvent(
        event.at, event.event, event.from_state, event.to_state, event.attempt, dict(event.detail)
    )


def _read_limit(request: AnyRequest) -> int:
    limit = request.query_params.get("limit", "20")
    if not (re.fullmatch("[0-9]{1,9}", limit) and 1 <= int(limit) <= _LARGEST_PAGE):
        raise refuse_value("limit", limit, f"a whole number from 1 to {_LARGEST_PAGE}")
    return int(limit)


def _read_state(request: AnyRequest) -> State | None:
    state = request.query_params.get("state")
    if state is not None and state not in list(State):
        raise refuse_value("state", state, f"one of {', '.join(State)}")
    return None if state is None else State(state)
