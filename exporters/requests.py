"""Requests for exports: checked, counted beforehand, and recorded as jobs, once for each idempotency key."""

import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from exporters.catalogue import (
    Filters,
    ReportType,
    RequestError,
    check_language,
    check_name,
    find_report,
    write_filters,
)
from exporters.estimates import Estimates
from exporters.jobs import Admitted, Asked, Beside, JobStore, RequestRunning
from exporters.options import ExportOptions
from exporters.report_types import check_entities
from exporters.row_counts import count_rows
from warehouse.figures import ServedFigures, find_workshop
from warehouse.snapshots import Snapshots

_LONGEST_KEY = 255
_PRINTABLE = frozenset(string.printable) - frozenset(string.whitespace) | {" "}


class Requests:
    """Turns requests into jobs. Safe to share between threads."""

    def __init__(
        self,
        catalogue: dict[str, ReportType],
        jobs: JobStore,
        snapshots: Snapshots,
        options: ExportOptions,
    ) -> None:
        self._catalogue = catalogue
        self._jobs = jobs
        self._snapshots = snapshots
        self._options = options
        self._figures = ServedFigures(options.warehouse_folder)
        self._estimates = Estimates(jobs.history)
        self._running: set[tuple[str, str]] = set()
        self._entry = threading.Lock()

    def make(
        self,
        workshop_id: str,
        report_type: str,
        format_name: str,
        filters: Filters,
        *,
        language: str | None,
        name_template: str | None,
        idempotency_key: str | None,
        beside: Beside | None,
    ) -> Admitted:
        """As `Exports.request_once` says."""
        report, format_ = find_report(self._catalogue, report_type, format_name)
        resolved = report.parse_filters(filters)
        asked = Asked(
            workshop_id=workshop_id,
            report_type=report_type,
            format=format_.key,
            filters=write_filters(resolved),
            max_attempts=self._options.max_attempts,
            language=self._options.language if language is None else check_language(language),
            name_template=name_template,
        )
        if name_template is not None:
            check_name(name_template)
        if idempotency_key is None:
            return self._admit(asked, report, resolved, None, beside)
        check_key(idempotency_key)
        with self._alone(workshop_id, idempotency_key):
            earlier = self._jobs.replay(asked, idempotency_key)
            if earlier is not None:
                return Admitted(earlier, replayed=True)
            return self._admit(asked, report, resolved, idempotency_key, beside)

    def _admit(
        self, asked: Asked, report: ReportType, filters: Filters, key: str | None, beside: Beside | None
    ) -> Admitted:
        find_workshop(self._figures.current(), asked.workshop_id)
        with self._snapshots.open() as snapshot:
            check_entities(snapshot, report, filters, asked.workshop_id)
            rows = count_rows(snapshot, report, asked.workshop_id, filters)
        wait = self._estimates.time_to_file(asked.workshop_id, asked.report_type, asked.format, rows)
        counted = replace(asked, rows_estimated=rows, time_estimated=wait)
        return self._jobs.admit(counted, key=key, quotas=self._options.quotas, beside=beside)

    @contextmanager
    def _alone(self, workshop_id: str, key: str) -> Iterator[None]:
        """Refuse a second request with the key while the block lasts; the database holds other processes."""
        entry = (workshop_id, key)
        with self._entry:
            if entry in self._running:
                raise RequestRunning
            self._running.add(entry)
        try:
            yield
        finally:
            with self._entry:
                self._running.remove(entry)


def check_key(key: str) -> None:
    """Return if requests can be told apart by the idempotency key.

    Raises:
        RequestError: they cannot.
    """
    if not 0 < len(key) <= _LONGEST_KEY or not _PRINTABLE.issuperset(key):
        raise RequestError(
            "VALIDATION_ERROR",
            f"the idempotency key must have 1 to {_LONGEST_KEY} printable ASCII characters, such as a UUID",
            header="Idempotency-Key",
        )
