"""What the errands of batches work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from exporters.batches.directory import Directories, Directory
from exporters.batches.items import end_items
from exporters.batches.notices import Ending, order_notices
from exporters.catalogue import ReportType
from exporters.database import Database
from exporters.database.values import utc_now
from exporters.deliveries.outbox import queue
from exporters.exports import Exports
from exporters.options import ExportOptions
from warehouse.snapshots import Snapshots

CHUNK = 300
"""Items that one transaction takes at most: others that write wait some tens of milliseconds."""


@dataclass(frozen=True)
class Workroom:
    """The records, the data and the report types of an installation."""

    database: Database
    catalogue: dict[str, ReportType]
    snapshots: Snapshots
    directories: Directories
    options: ExportOptions
    clock: Callable[[], datetime]

    def end(
        self,
        connection: Connection,
        now: datetime,
        batch: Row[Any],
        endings: Sequence[Ending],
        directory: Directory,
    ) -> None:
        """End items and order what tells of it, in one transaction."""
        end_items(connection, now, batch, endings)
        if batch.notification_email is None and batch.endpoint_id is None:
            return
        members = directory.members
        report = self.catalogue.get(batch.report_type)
        orders = [
            order
            for ending in endings
            for order in order_notices(
                batch,
                ending,
                now,
                report=report,
                workshop=getattr(members.get(ending.item.workshop_id), "name", None),
            )
        ]
        queue(connection, now, orders)


def open_workroom(
    exports: Exports, options: ExportOptions, clock: Callable[[], datetime] = utc_now
) -> Workroom:
    """A workroom on the records and data of `exports`."""
    directories = Directories(exports.snapshots)
    return Workroom(exports.jobs.database, exports.catalogue, exports.snapshots, directories, options, clock)
