"""The log of requests: one line each, with its id, so that a caller's report leads to what happened."""

import logging
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""Id of the request that this code runs for."""

_log = logging.getLogger(__name__)


class Answered(Protocol):
    """What is known of an answer once it was sent."""

    status: int | None
    sent_bytes: int


class RequestLog:
    """Follows requests and tells of each when it has ended."""

    @contextmanager
    def following(self, scope: MutableMapping[str, Any], request_id: str, answer: Answered) -> Iterator[None]:
        """Log the request when the block ends, however it ends."""
        begun = time.perf_counter()
        token = current_request.set(request_id)
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            caller = scope["state"].get("caller")
            _log.info(
                "%s %s %s",
                scope["method"],
                scope["path"],
                answer.status,
                extra={
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": answer.status,
                    "seconds": round(seconds, 6),
                    "bytes": answer.sent_bytes,
                    "actor": caller.actor if caller else None,
                },
            )
            current_request.reset(token)
