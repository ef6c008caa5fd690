"""Row counts: how many rows a report will have, found before its export is made."""

from exporters.catalogue import TENANT, Filters, ReportType
from warehouse.errors import WarehouseError
from warehouse.generations import Snapshot

_PATIENCE = 1000
"""Milliseconds after which a count is given up: who asks is waiting, and a count takes some milliseconds."""


def count_rows(snapshot: Snapshot, report: ReportType, workshop_id: str, filters: Filters) -> int | None:
    """The rows that the report has for the workshop; None: its query fails or takes long.

    A query that fails is told of by the run, which says why in the job's record. The snapshot's next queries
    are held to the same time.
    """
    parameters = {**filters, TENANT: workshop_id}
    try:
        snapshot.rows(f"SET max_execution_time = {_PATIENCE}")
        [(rows,)] = snapshot.rows(f"SELECT count(*) FROM ({report.sql})", parameters)  # noqa: S608  declared
    except WarehouseError:
        return None
    return int(rows)
