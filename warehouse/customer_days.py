"""The days of a customer: when the bookings were, when they were rated, and when the customer called."""

from datetime import date
from pathlib import Path

import duckdb

from warehouse.database import connect, find_tables
from warehouse.errors import WarehouseError
from warehouse.generations import GENERATIONS

_DAYS = """
WITH theirs AS (
    SELECT source, booking_id, day FROM bookings WHERE workshop_id = $workshop AND customer_id = $customer
)
SELECT day FROM theirs
UNION SELECT ratings.day FROM ratings SEMI JOIN theirs USING (source, booking_id)
"""
_CALLS = "SELECT DISTINCT day FROM calls WHERE workshop_id = $workshop AND caller_number = $customer"


def customer_days(folder: Path, workshop_id: str, customer_id: str | None) -> tuple[date, ...]:
    """Local days of the customer's bookings, ratings and calls, as any kept generation has them, in order.

    Raises:
        WarehouseError: a generation cannot be read.
    """
    days: set[date] = set()
    for path in sorted((folder / GENERATIONS).glob("[0-9]*.duckdb")):
        connection = connect(path, read_only=True)
        try:
            asked = {"workshop": workshop_id, "customer": customer_id}
            rows = connection.execute(_DAYS, asked).fetchall()
            if find_tables(connection, "main", "calls"):  # older generations have none
                rows += connection.execute(_CALLS, asked).fetchall()
        except duckdb.Error as error:
            raise WarehouseError(f"{path.name}: the customer's days cannot be read: {error}") from error
        finally:
            connection.close()
        days |= {day for (day,) in rows}
    return tuple(sorted(days))
