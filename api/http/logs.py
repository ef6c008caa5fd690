"""The log of requests: one line each, with its id, so that a caller's report leads to what happened."""

import logging
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from api.http.metrics_requests import RequestSeries, Routes

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""Id of the request that this code runs for."""

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask all the time: told of when debugging, and when they fail."""

_log = logging.getLogger(__name__)


class Answered(Protocol):
    """What is known of an answer once it was sent."""

    status: int | None
    code: str
    sent_bytes: int


class RequestLog:
    """Follows requests; tells of each, and counts it, when it has ended."""

    def __init__(self, routes: Routes, series: RequestSeries) -> None:
        self._routes = routes
        self._series = series

    @contextmanager
    def following(self, scope: MutableMapping[str, Any], request_id: str, answer: Answered) -> Iterator[None]:
        """Tell of the request when the block ends, however it ends."""
        begun = time.perf_counter()
        token = current_request.set(request_id)
        route = self._routes.name(scope["path"])
        method = "HEAD" if scope["state"]["head"] else scope["method"]
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            status = answer.status or 0
            code = answer.code or scope["state"].get("code", "")
            self._series.count(route, method, status, code, seconds)
            level = logging.DEBUG if route in _PROBES and status < 400 else logging.INFO
            if _log.isEnabledFor(level):
                _log.log(
                    level,
                    "%s %s %s",
                    method,
                    scope["path"],
                    status,
                    extra=_describe(scope, answer, code, seconds),
                )
            current_request.reset(token)


def _describe(scope: MutableMapping[str, Any], answer: Answered, code: str, seconds: float) -> dict[str, Any]:
    """The fields of a request's line; what is not known is left out."""
    caller = scope["state"].get("caller")
    known = {
        "duration": round(seconds, 6),
        "bytes": answer.sent_bytes,
        "actor": caller.actor if caller else None,
        "workshop": scope["state"].get("workshop"),
        "job_id": scope["state"].get("job_id"),
        "code": code or None,
    }
    return {name: value for name, value in known.items() if value is not None}
