"""The log of requests: one line each, with its id, so that a caller's report leads to what happened."""

import logging
import re
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol

from api.http.metrics_requests import RequestSeries, Routes
from api.logs import current_request
from api.tracing import RequestTracer

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that machines ask all the time: told of when debugging, and when they fail."""

_SIGNED = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[^/]+", re.IGNORECASE)
"""The part of a path that is a link of a delivery: whoever has it gets the file."""

_log = logging.getLogger(__name__)


class Answered(Protocol):
    """What is known of an answer once it was sent."""

    status: int | None
    code: str
    sent_bytes: int


class RequestLog:
    """Follows requests; tells of each, counts and traces it, when it has ended."""

    def __init__(self, routes: Routes, series: RequestSeries, tracer: RequestTracer | None) -> None:
        self._routes = routes
        self._series = series
        self._tracer = tracer

    @contextmanager
    def following(self, scope: MutableMapping[str, Any], request_id: str, answer: Answered) -> Iterator[None]:
        """Tell of the request when the block ends, however it ends."""
        begun = time.perf_counter()
        token = current_request.set(request_id)
        state = scope["state"]
        route = self._routes.name(scope["path"])
        method = "HEAD" if state["head"] else scope["method"]
        is_probe = route in _PROBES
        span = None
        if self._tracer is not None and not is_probe:
            span = self._tracer.begin(route, method, request_id, state["headers"])
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            status = answer.status or 0
            code = answer.code or state.get("code", "")
            self._series.count(route, method, status, code, seconds)
            level = logging.DEBUG if is_probe and status < 400 else logging.INFO
            if _log.isEnabledFor(level) or span is not None:
                fields = _describe(state, answer, code, seconds)
                path = _SIGNED.sub(r"\1.***", scope["path"])
                _log.log(level, "%s %s %s", method, path, status, extra=fields)
                if span is not None:
                    span.end(status, fields)
            current_request.reset(token)


def _describe(state: Mapping[str, Any], answer: Answered, code: str, seconds: float) -> dict[str, Any]:
    """The fields of a request's line; what is not known is left out."""
    caller = state["caller"]
    known = {
        "duration": round(seconds, 6),
        "bytes": answer.sent_bytes,
        "actor": caller.actor if caller else None,
        "workshop": state.get("workshop"),
        "job_id": state.get("job_id"),
        "code": code or None,
    }
    return {name: value for name, value in known.items() if value is not None}
