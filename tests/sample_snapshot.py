"""The published sample, open: a snapshot, the workshop with the most bookings and its last day."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from warehouse.database import DatabaseOptions
from warehouse.figures import Workshop, find_workshop
from warehouse.generations import Snapshot
from warehouse.snapshots import Snapshots


@contextmanager
def open_sample(sample_data: Path) -> Iterator[Snapshot]:
    """A snapshot of the sample."""
    options = DatabaseOptions(threads=2)
    with closing(Snapshots(sample_data / "warehouse", options)) as snapshots, snapshots.open() as opened:
        yield opened


def busiest_workshop(snapshot: Snapshot) -> Workshop:
    """The one with the most bookings."""
    [(workshop_id,)] = snapshot.rows(
        "SELECT workshop_id FROM bookings GROUP BY workshop_id ORDER BY count(*) DESC, workshop_id LIMIT 1"
    )
    return find_workshop(snapshot.figures, workshop_id)


def last_booked_day(snapshot: Snapshot, workshop: Workshop) -> date:
    """The last day on which the workshop has bookings."""
    sql = "SELECT max(day) FROM bookings WHERE workshop_id = $id"
    [(day,)] = snapshot.rows(sql, {"id": workshop.workshop_id})
    assert isinstance(day, date)
    return day
