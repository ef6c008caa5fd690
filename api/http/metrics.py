"""What this process tells Prometheus: its requests, and the queue, the jobs and the data of all.

No series names a workshop, a caller or an id.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from api.http.metrics_jobs import JobSeries
from api.http.metrics_outstanding import describe_outstanding
from api.http.metrics_requests import RequestSeries
from api.http.probes import Probe
from api.http.services import Services
from exporters.database import RecordError
from exporters.database.values import utc_now
from exporters.formats import FORMATS
from exporters.jobs.queue import Queue, look_at_queue
from exporters.outstanding import Outstanding, look_at_outstanding
from warehouse.errors import WarehouseError

_TEXT = "text/plain; version=0.0.4"
"""The framework adds the character set, UTF-8."""

_FRESH_SECONDS = 1.0
"""How long what was read of the records is told again: who asks more often puts no more load on them."""
_OUTSTANDING_FRESH_SECONDS = 5.0
"""Its numbers come from longer indexes."""
_PATIENCE_SECONDS = 2.0

_log = logging.getLogger(__name__)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which nobody reads


@dataclass(frozen=True)
class _Look:
    """The records at one instant; without a queue, they could not be read."""

    at: datetime
    queue: Queue | None


@dataclass(frozen=True)
class _Further:
    """What stands out beside the jobs at one instant; None: it could not be read."""

    at: datetime
    outstanding: Outstanding | None


class Metrics:
    """The series of one process, in a registry of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._registry = CollectorRegistry(auto_describe=False)
        self._jobs = JobSeries(self._registry, services.database, services.exports.catalogue, FORMATS)
        self.requests = RequestSeries(self._registry)
        self._gauges = _Gauges(services)
        self._registry.register(self._gauges)
        ProcessCollector(registry=self._registry)
        self._records = Probe(
            self._read_records, fresh_seconds=_FRESH_SECONDS, patience_seconds=_PATIENCE_SECONDS
        )
        self._outstanding = Probe(
            self._read_outstanding,
            fresh_seconds=_OUTSTANDING_FRESH_SECONDS,
            patience_seconds=_PATIENCE_SECONDS,
        )
        self._read_records()  # jobs count from here on

    async def render(self) -> bytes:
        """Every series in the text format of Prometheus. It fails with none of the neighbours."""
        self._gauges.look, self._gauges.further = await asyncio.gather(
            self._records.look(), self._outstanding.look()
        )
        return generate_latest(self._registry)

    def _read_records(self) -> _Look:
        now = utc_now()
        try:
            self._jobs.advance()
            return _Look(now, look_at_queue(self._services.database, now))
        except RecordError as error:
            _log.warning("metrics: %s", error)
        except Exception:  # noqa: BLE001  a fault of the records is no fault of the scrape
            _log.exception("metrics: the records cannot be read")
        return _Look(now, None)

    def _read_outstanding(self) -> _Further:
        now = utc_now()
        try:
            return _Further(now, look_at_outstanding(self._services.database, now))
        except RecordError as error:
            _log.warning("metrics: %s", error)
        except Exception:  # noqa: BLE001  as above
            _log.exception("metrics: what stands out cannot be read")
        return _Further(now, None)


class _Gauges(Collector):
    """How things stand: only what is known is told, so that nothing old is taken for new."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.look: _Look | None = None
        self.further: _Further | None = None

    def collect(self) -> Iterator[Metric]:
        """The series, as they are at this instant."""
        queue = self.look.queue if self.look else None
        yield _gauge("reports_records_up", "1: the job records can be read.", float(queue is not None))
        if self.look and queue is not None:
            yield from _describe_queue(queue, self.look.at)
        if self.further and self.further.outstanding is not None:
            yield from describe_outstanding(self.further.outstanding, self.further.at)
        yield from self._describe_data()
        lost = CounterMetricFamily(
            "reports_audit_reads_lost", "Reads that the audit log could not hold until it was written again."
        )
        lost.add_metric([], self._services.access.audit.lost)
        yield lost

    def _describe_data(self) -> Iterator[Metric]:
        try:
            generation = self._services.figures.current().generation
        except (WarehouseError, OSError):
            yield _gauge("reports_data_up", "1: there is data to serve.", 0.0)
            return
        now = utc_now()
        yield _gauge("reports_data_up", "1: there is data to serve.", 1.0)
        yield _gauge(
            "reports_generation_age_seconds",
            "Since the served data was published.",
            (now - generation.published_at).total_seconds(),
        )
        if generation.data_as_of is not None:
            yield _gauge(
                "reports_data_age_seconds",
                "Since the source read longest ago was read without a fault.",
                (now - generation.data_as_of).total_seconds(),
            )


def make_routes(metrics: Metrics) -> list[HTTPRouteHandler]:
    """The route that Prometheus reads."""

    @get("/metrics")
    async def read_metrics() -> Response[bytes]:
        return Response(
            await metrics.render(),
            media_type=_TEXT,
            headers={"cache-control": "no-store"},
        )

    return [read_metrics]


def _describe_queue(queue: Queue, now: datetime) -> Iterator[Metric]:
    depth = GaugeMetricFamily("reports_jobs", "Jobs that have not ended, by state.", labels=["status"])
    depth.add_metric(["pending"], queue.pending)
    depth.add_metric(["processing"], queue.processing)
    yield depth
    yield _gauge(
        "reports_jobs_abandoned", "Begun jobs that wait for a worker to take them again.", queue.abandoned
    )
    oldest = (now - queue.oldest_pending).total_seconds() if queue.oldest_pending else 0.0
    yield _gauge("reports_jobs_oldest_pending_seconds", "How long the first of the queue waits.", oldest)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
