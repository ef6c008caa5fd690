"""The series of requests: how many, how long they took and how they were answered, by route."""

import re
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
_OTHER = "other"


class Routes:
    """The templates of paths, such as `/exports/{job_id}`: what a path is told by, as it may hold ids."""

    def __init__(self, templates: Iterable[str]) -> None:
        listed = sorted(set(templates))
        self._plain = frozenset(template for template in listed if "{" not in template)
        self._patterns = [
            (re.compile(re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(template)) + "/?"), template)
            for template in listed
            if "{" in template
        ]

    def name(self, path: str) -> str:
        """The template of a path; `other`: there is none."""
        if path in self._plain:
            return path
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                return template
        return path.rstrip("/") if path.rstrip("/") in self._plain else _OTHER


class RequestSeries:
    """Counts answers. Its labels are bounded: templates, known methods, the statuses and codes of the API."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "reports_http_requests",
            "Requests that were answered; status 0: the connection was lost before.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "reports_http_request_seconds",
            "From a request's head to the end of its answer.",
            ["route", "method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "reports_http_refused",
            "Requests that were refused, by the error's code; RATE_LIMITED and QUOTA_EXCEEDED are 429.",
            ["code"],
            registry=registry,
        )
        for code in ("RATE_LIMITED", "QUOTA_EXCEEDED"):
            self._refused.labels(code)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, route: str, method: str, status: int, code: str, seconds: float) -> None:
        """Count an answer; `code` is empty where it was no error."""
        key = (route, method if method in _METHODS else _OTHER, status)
        children = self._children.get(key)
        if children is None:  # looked up once: the library's own way to a child takes longer than counting
            children = self._children[key] = (
                self._requests.labels(*key[:2], str(status)),
                self._seconds.labels(*key[:2]),
            )
        children[0].inc()
        children[1].observe(seconds)
        if code:
            self._refused.labels(code).inc()
