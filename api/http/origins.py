"""Pages of other origins: which may use the API from a browser (CORS)."""

from collections.abc import Collection

from api.http.gate import Application, Message, Receive, Scope, Send

_TOLD = (
    "content-disposition, content-range, etag, idempotency-replayed, location, ratelimit-limit,"
    " ratelimit-remaining, ratelimit-reset, repr-digest, retry-after, x-request-id"
)
"""Headers that a page may read."""

_TAKEN = (
    "authorization, content-type, idempotency-key, if-none-match, if-range, range, x-api-key, x-request-id,"
    " x-workshop-id"
)
"""Headers that a page may send."""

_METHODS = "GET, HEAD, POST, DELETE"
_SECONDS = 600


class Origins:
    """Lets the pages of some origins use `inner`; a browser keeps those of others from its answers.

    Nothing that a browser adds by itself, such as a cookie, lets anyone in: a page must have a credential.
    """

    def __init__(self, inner: Application, allowed: Collection[str]) -> None:
        self.inner = inner
        self._allowed = frozenset(origin.encode() for origin in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI has it."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        origin = headers.get(b"origin")
        if origin not in self._allowed:
            await self.inner(scope, receive, send)
            return
        allowed = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            answered = [
                *allowed,
                (b"access-control-allow-methods", _METHODS.encode()),
                (b"access-control-allow-headers", _TAKEN.encode()),
                (b"access-control-max-age", str(_SECONDS).encode()),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": answered})
            await send({"type": "http.response.body", "body": b""})
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [*message["headers"], *allowed, (b"access-control-expose-headers", _TOLD.encode())]
                message = {**message, "headers": told}
            await send(message)

        await self.inner(scope, receive, tell)
