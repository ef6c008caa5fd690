"""The series of what stands out beside the jobs: fires of report definitions, deliveries and batches."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from exporters.outstanding import Outstanding


def describe_outstanding(found: Outstanding, now: datetime) -> Iterator[Metric]:
    """The series. What is late tells whether a dispatcher works: it leaves nothing that is due for long."""
    yield GaugeMetricFamily(
        "reports_definitions_due", "Due report definitions without a fire.", value=found.definitions_due
    )
    yield _by_state("reports_fires", "Fires that have not ended, were missed or failed.", found.fires)
    yield GaugeMetricFamily(
        "reports_fires_late_seconds",
        "Since the fire was due that waits longest to be taken up.",
        value=_since(found.fires_due, now),
    )
    deliveries = GaugeMetricFamily(
        "reports_deliveries",
        "Deliveries that have not ended, are dead or were refused.",
        labels=["channel", "state"],
    )
    for kind, count in found.deliveries.items():
        deliveries.add_metric(kind, count)
    yield deliveries
    late = GaugeMetricFamily(
        "reports_deliveries_late_seconds",
        "Since the try was due that waits longest to be made.",
        labels=["channel"],
    )
    for channel, due in found.deliveries_due.items():
        late.add_metric([channel], _since(due, now))
    yield late
    yield GaugeMetricFamily(
        "reports_endpoints_disabled",
        "Endpoints of webhooks that are not called.",
        value=found.endpoints_disabled,
    )
    yield _by_state("reports_batches", "Batches that are under way.", found.batches)
    yield _by_state("reports_batch_items", "Items of batches that have not ended.", found.items)
    yield GaugeMetricFamily(
        "reports_batches_late_seconds",
        "Since the batch was to begin that waits longest beyond its time.",
        value=_since(found.batches_due, now),
    )


def _by_state(name: str, text: str, counts: dict[str, int]) -> Metric:
    series = GaugeMetricFamily(name, text, labels=["state"])
    for state, count in counts.items():
        series.add_metric([state], count)
    return series


def _since(due: datetime | None, now: datetime) -> float:
    return 0.0 if due is None else max(0.0, (now - due).total_seconds())
