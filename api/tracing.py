"""Traces by OpenTelemetry, where a collector is set: one span for each request and for each try of a job.

Without a collector nothing of it is imported. The libraries come with the extra `telemetry`.
"""

import importlib.util
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from exporters.observation import follow_jobs
from settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

    from exporters.jobs import Job

_LIBRARIES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
_PATH = "/v1/traces"
_FLUSH_MILLISECONDS = 3_000


class RequestSpan(Protocol):
    """A request on its way."""

    def end(self, status: int, fields: Mapping[str, Any]) -> None:
        """It is answered."""


class RequestTracer(Protocol):
    """What makes the spans of requests."""

    def begin(self, route: str, method: str, request_id: str, headers: Mapping[str, str]) -> RequestSpan:
        """A request has come."""

    def close(self) -> None:
        """Send what is held back."""


def check_telemetry(endpoint: str | None) -> None:
    """Return if traces can be sent to `endpoint`; None: none are to be.

    Raises:
        SettingsError: the libraries for it are not installed.
    """
    if not endpoint:
        return
    found = False
    with suppress(ModuleNotFoundError):  # of a part above the one that is looked for
        found = all(importlib.util.find_spec(name) is not None for name in _LIBRARIES)
    if not found:
        raise SettingsError(
            "REPORTS_OTLP_ENDPOINT: traces need libraries that are not installed:"
            " install workshop-reports[telemetry], or unset it"
        )


def trace_requests(endpoint: str | None) -> RequestTracer | None:
    """What traces this process's requests; None: nobody asks for it.

    Raises:
        SettingsError: the libraries for it are not installed.
    """
    check_telemetry(endpoint)
    return _Requests(_provide(endpoint, "api")) if endpoint else None


def trace_jobs(endpoint: str | None) -> None:
    """Trace the jobs of this process from now on, where a collector is set.

    Raises:
        SettingsError: the libraries for it are not installed.
    """
    check_telemetry(endpoint)
    if endpoint:
        follow_jobs(_Jobs(_provide(endpoint, "worker")))


def _provide(endpoint: str, role: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.namespace": "workshop-reports", "service.name": f"reports-{role}"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint.removesuffix("/").removesuffix(_PATH) + _PATH)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _close(provider: "TracerProvider") -> None:
    provider.force_flush(_FLUSH_MILLISECONDS)  # a collector that is away holds up no stop for longer
    provider.shutdown()


class _Requests:
    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self.close = partial(_close, provider)
        self._tracer: Tracer = provider.get_tracer("workshop-reports")
        self._kind = SpanKind.SERVER
        self._extract = TraceContextTextMapPropagator().extract

    def begin(self, route: str, method: str, request_id: str, headers: Mapping[str, str]) -> RequestSpan:
        span = self._tracer.start_span(
            f"{method} {route}",
            context=self._extract(
                {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
            ),
            kind=self._kind,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "reports.request_id": request_id,
            },
        )
        return _RequestSpan(span)


class _RequestSpan:
    def __init__(self, span: "Span") -> None:
        self._span = span

    def end(self, status: int, fields: Mapping[str, Any]) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500 or status == 0:
            _mark_failed(self._span, str(fields.get("code", "connection lost")))
        if "job_id" in fields:
            self._span.set_attribute("reports.job_id", fields["job_id"])
        self._span.end()


class _Jobs:
    def __init__(self, provider: "TracerProvider") -> None:
        self.close = partial(_close, provider)
        self._tracer: Tracer = provider.get_tracer("workshop-reports")

    def follow(self, job: "Job") -> "_JobSpan":
        waited = (job.started_at - job.created_at).total_seconds() if job.started_at else 0.0
        attributes: dict[str, str | int | float] = {
            "reports.job_id": job.job_id,
            "reports.type": job.report_type,
            "reports.format": job.format,
            "reports.try": job.attempt,
            "reports.wait_seconds": waited,
        }
        return _JobSpan(self._tracer.start_span(f"export {job.report_type}", attributes=attributes))


class _JobSpan:
    def __init__(self, span: "Span") -> None:
        self._span = span

    def step(self, name: str) -> None:
        self._span.add_event(name)

    def end(self, job: "Job | None", code: str | None) -> None:
        if job is None:
            _mark_failed(self._span, "broken off")
        else:
            self._span.set_attributes({"reports.status": job.status.value, "reports.rows": job.rows_written})
            if job.size_bytes is not None:
                self._span.set_attribute("reports.bytes", job.size_bytes)
            if code is not None:
                _mark_failed(self._span, code)
        self._span.end()


def _mark_failed(span: "Span", reason: str) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    span.set_status(Status(StatusCode.ERROR, reason))
