"""The rollups of a published warehouse in PostgreSQL: the same daily sums, with covering indexes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pyarrow import csv

from warehouse.figures import NO_CATEGORY
from warehouse.generations import Snapshot, open_snapshot

ADDRESS_FILE = "postgres"
"""In the data folder: where the server's socket is."""
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "2GB",  # all that is asked for stays in memory
    "effective_cache_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "jit": "off",  # it pays for long queries only
    "max_parallel_workers_per_gather": "0",  # a query reads a few hundred entries
}

_COPIES: Mapping[str, str] = {
    "workshops": (
        "SELECT w.workshop_id, w.currency, count(s.service_id) AS services FROM workshops AS w"
        " LEFT JOIN services AS s"
        " ON s.workshop_id = w.workshop_id AND s.is_active AND s.deleted_at IS NULL"
        " GROUP BY w.workshop_id, w.currency"
    ),
    # In whole hundredths and tenths, which PostgreSQL adds faster than numerics.
    "booking_days": (
        "SELECT workshop_id, day, done, CAST(revenue * 100 AS BIGINT) AS revenue FROM booking_days"
        " ORDER BY workshop_id, day"
    ),
    "rating_days": (
        "SELECT workshop_id, day, ratings, CAST(rating_sum * 10 AS BIGINT) AS rating_sum FROM rating_days"
        " ORDER BY workshop_id, day"
    ),
    "category_days": (
        "SELECT workshop_id, day, coalesce(category, $no_category) AS category, bookings FROM category_days"
        " ORDER BY workshop_id, day"
    ),
    "category_services": (
        "SELECT c.workshop_id, coalesce(c.category, $no_category) AS category, s.created_day, s.deleted_day"
        " FROM (SELECT DISTINCT workshop_id, service_id, category FROM service_categories) AS c"
        " JOIN services AS s ON s.workshop_id = c.workshop_id AND s.service_id = c.service_id"
        " ORDER BY c.workshop_id"
    ),
}
_TABLES = """
CREATE TABLE workshops (workshop_id text PRIMARY KEY, currency text, services int NOT NULL);
CREATE TABLE booking_days (workshop_id text, day date, done int NOT NULL, revenue bigint);
CREATE TABLE rating_days (workshop_id text, day date, ratings int NOT NULL, rating_sum int NOT NULL);
CREATE TABLE category_days (workshop_id text, day date, category text, bookings int NOT NULL);
CREATE TABLE category_services (workshop_id text, category text, created_day date, deleted_day date);
"""
_INDEXES = (
    "CREATE UNIQUE INDEX ON booking_days (workshop_id, day) INCLUDE (done, revenue)",
    "CREATE UNIQUE INDEX ON rating_days (workshop_id, day) INCLUDE (ratings, rating_sum)",
    "CREATE INDEX ON category_days (workshop_id, day) INCLUDE (category, bookings)",
    "CREATE INDEX ON category_services (workshop_id) INCLUDE (category, created_day, deleted_day)",
    "VACUUM (ANALYZE, FREEZE)",  # the visibility map lets the indexes answer alone
)


def load_rollups(warehouse: Path, postgres: psycopg.Connection[Any]) -> None:
    """Copy the rollups of the served generation into an empty database, and index them."""
    postgres.execute(_TABLES)
    with open_snapshot(warehouse) as snapshot:
        for table, query in _COPIES.items():
            _copy(snapshot, query, postgres, table)
    for statement in _INDEXES:
        postgres.execute(statement)


def _copy(snapshot: Snapshot, query: str, postgres: psycopg.Connection[Any], table: str) -> None:
    parameters = {"no_category": NO_CATEGORY} if "$no_category" in query else None
    options = csv.WriteOptions(include_header=False)
    into = sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(table))
    with postgres.cursor() as cursor, cursor.copy(into) as copy:
        for batch in snapshot.batches(query, parameters):
            csv.write_csv(batch, _Sink(copy), options)


class _Sink:
    """A file that pyarrow writes to."""

    closed = False

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._copy.write(content)
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
