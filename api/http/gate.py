"""What every request passes: its id, who asks, their limits, and the answer to any error."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs

from litestar.utils import normalize_path

from api.http.families import Family, encode_refusal, find_family
from api.http.logs import RequestLog
from api.http.operations import find_methods
from api.http.problems import Refusal, explain
from exporters.access import Caller, LimitExceeded, Unauthenticated
from exporters.access.door import Access

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_STALLED_SECONDS = 60.0
"""How long a client may take to read a piece of a file."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="reports"'}
_ALWAYS = ((b"x-content-type-options", b"nosniff"),)


class Gate:
    """The outermost ASGI application: lets a request through to `inner`, or refuses it.

    It leaves `request_id`, `caller`, `headers` and `head` in the scope's state. A HEAD request is a GET whose
    body is not sent.
    """

    def __init__(self, inner: Application, access: Access, log: RequestLog) -> None:
        self.inner = inner
        self._access = access
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        # As the router reads it: no spelling of a path, such as `//api/ws/…`, leads past the door.
        scope["path"] = normalize_path(scope["path"])
        headers = _read_headers(scope["headers"])
        asked_id = headers.get("x-request-id", "").lower()
        request_id = asked_id if _UUID.fullmatch(asked_id) else str(uuid.uuid4())
        state = scope.setdefault("state", {})
        state.update(request_id=request_id, caller=None, headers=headers, head=scope["method"] == "HEAD")
        if state["head"]:
            scope["method"] = "GET"
        answer = _Answer(send, scope["path"], request_id, without_body=state["head"])
        with self._log.following(scope, request_id, answer):
            try:
                await self._pass(scope, receive, answer, headers)
            except Exception as error:
                if answer.status is not None:
                    raise  # the body had begun: only cutting the connection says that it is not whole
                await answer.refuse(explain(error))

    async def _pass(self, scope: Scope, receive: Receive, answer: "_Answer", headers: dict[str, str]) -> None:
        family = find_family(scope["path"])
        if family is None:
            await self.inner(scope, receive, answer)
            return
        caller = await self._identify(family, headers, scope["query_string"])
        scope["state"]["caller"] = caller
        with ExitStack() as held:
            try:
                allowance = held.enter_context(self._access.limits.entered(caller))
                if family.by_hour:
                    self._access.hours.count(caller)
            except LimitExceeded as error:
                seconds = str(max(1, round(error.retry_after_seconds + 0.5)))
                later = {"Retry-After": seconds} if family.tells_allowance else {}
                raise Refusal(429, "RATE_LIMITED", str(error), {}, later) from error
            if family.tells_allowance:
                answer.extra += (
                    (b"ratelimit-limit", str(allowance.limit).encode()),
                    (b"ratelimit-remaining", str(allowance.remaining).encode()),
                    (b"ratelimit-reset", str(round(allowance.reset_seconds + 0.5)).encode()),
                )
            if scope["method"] == "OPTIONS" and (methods := find_methods(scope["path"])):
                await answer.tell_methods(methods)
                return
            if family.scope not in caller.scopes:
                raise Refusal(403, "FORBIDDEN", f"the credential lacks the scope {family.scope!r}")
            await self.inner(scope, receive, answer)

    async def _identify(self, family: Family, headers: dict[str, str], query: bytes) -> Caller:
        credential = _find_credential(family, headers, query)
        if not credential:
            raise Refusal(
                401,
                "UNAUTHORIZED",
                "a credential is needed: send Authorization: Bearer <key or token>",
                {},
                _CHALLENGE,
            )
        try:
            # One seen lately costs nothing; else the records or the key set are asked, away from this loop.
            known = self._access.recall(credential)
            if known is None:
                known = await asyncio.to_thread(self._access.identify, credential)
        except Unauthenticated as error:
            raise Refusal(401, "UNAUTHORIZED", str(error), {}, _CHALLENGE) from error
        return known


def _find_credential(family: Family, headers: dict[str, str], query: bytes) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    for name in ("x-api-key", family.header):
        if name and (found := headers.get(name, "").strip()):
            return found
    given = parse_qs(query.decode("latin-1")).get(family.parameter, []) if family.parameter else []
    return given[0].strip() if len(given) == 1 else ""


def _read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by name. One that stands twice is a list (RFC 9110): of two credentials, neither counts."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class _Answer:
    """The sending side: adds what every answer carries, and knows whether one has begun."""

    def __init__(self, send: Send, path: str, request_id: str, *, without_body: bool) -> None:
        self._send = send
        self._path = path
        self._request_id = request_id
        self._without_body = without_body
        self.status: int | None = None
        self.code = ""
        """The code of a refusal."""
        self.sent_bytes = 0
        self.extra: tuple[tuple[bytes, bytes], ...] = ()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            always = ((b"x-request-id", self._request_id.encode()), *_ALWAYS, *self.extra)
            message = {**message, "headers": [*message["headers"], *always]}
        elif message["type"] == "http.response.body":
            if self._without_body:
                if message.get("more_body"):
                    return
                message = {**message, "body": b""}
            self.sent_bytes += len(message.get("body", b""))
            if message.get("more_body"):
                # Who stops reading in the middle of a file must not hold it, and a slot, for ever.
                await asyncio.wait_for(self._send(message), _STALLED_SECONDS)
                return
        await self._send(message)

    async def tell_methods(self, methods: Sequence[str]) -> None:
        """Answer with what may be done with the path."""
        allow = (b"allow", ", ".join(methods).encode())
        await self({"type": "http.response.start", "status": 204, "headers": [allow]})
        await self({"type": "http.response.body", "body": b""})

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with an error."""
        self.code = refusal.code
        body, media_type = encode_refusal(self._path, refusal, self._request_id)
        headers = {
            "content-type": media_type,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            **{name.lower(): value for name, value in refusal.headers.items()},
        }
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self({"type": "http.response.start", "status": refusal.status, "headers": encoded})
        await self({"type": "http.response.body", "body": body})
