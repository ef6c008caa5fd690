"""Writing the figures file of a generation: each workshop's daily figures as running sums.

One row per workshop, in order of its id. A list of days stands in ascending order beside running sums, so the
sum of any days is the difference of two entries. Money is in hundredths and ratings are in tenths: whole
numbers, exact. `warehouse.figures_file` reads it.
"""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np
import pyarrow as pa

from warehouse.errors import WarehouseError
from warehouse.figures import NO_CATEGORY
from warehouse.figures_file import LAYOUT

_WORKSHOPS = """
CREATE OR REPLACE TEMP TABLE figure_workshops AS
SELECT row_number() OVER (ORDER BY w.workshop_id) - 1 AS number, w.workshop_id, w.name, w.time_zone,
    w.currency, coalesce(s.services, 0) AS services
FROM workshops AS w
LEFT JOIN (
    SELECT workshop_id, count(*) AS services FROM services WHERE is_active AND deleted_at IS NULL GROUP BY ALL
) AS s ON s.workshop_id = w.workshop_id
"""
_CATEGORIES = """
CREATE OR REPLACE TEMP TABLE figure_categories AS
WITH labels AS (
    SELECT DISTINCT workshop_id, service_id, coalesce(category, $no_category) AS category
    FROM service_categories
), offered AS (
    SELECT l.workshop_id, l.category, s.deleted_at IS NULL AS present, s.deleted_day AS deleted,
        coalesce(s.created_day, DATE '-infinity') AS created
    FROM labels AS l JOIN services AS s ON s.workshop_id = l.workshop_id AND s.service_id = l.service_id
), services AS (
    SELECT workshop_id, category, count(*) FILTER (present) AS present,
        list(created ORDER BY created) AS created,
        list({'deleted': deleted, 'created': created} ORDER BY deleted)
            FILTER (deleted IS NOT NULL) AS deleted
    FROM offered GROUP BY ALL
), named AS (
    SELECT workshop_id, category FROM services
    UNION SELECT workshop_id, coalesce(category, $no_category) FROM category_days
)
SELECT row_number() OVER (ORDER BY w.number, n.category) - 1 AS number, w.number AS workshop, w.workshop_id,
    n.category, coalesce(s.present, 0) AS present, coalesce(s.created, []) AS created,
    coalesce(s.deleted, []) AS deleted
FROM named AS n
JOIN figure_workshops AS w ON w.workshop_id = n.workshop_id
LEFT JOIN services AS s ON s.workshop_id = n.workshop_id AND s.category = n.category
"""
_BOOKING_DAYS = """
SELECT w.number, d.day, d.done, coalesce(d.revenue, 0) AS revenue,
    CAST(d.revenue IS NOT NULL AS BIGINT) AS priced_days
FROM booking_days AS d JOIN figure_workshops AS w ON w.workshop_id = d.workshop_id
WHERE w.number >= $first AND w.number < $beyond
"""
_RATING_DAYS = """
SELECT w.number, d.day, d.ratings, d.rating_sum
FROM rating_days AS d JOIN figure_workshops AS w ON w.workshop_id = d.workshop_id
WHERE w.number >= $first AND w.number < $beyond
"""
_CATEGORY_DAYS = """
SELECT c.number, d.day, d.bookings
FROM category_days AS d JOIN figure_categories AS c
    ON c.workshop_id = d.workshop_id AND c.category = coalesce(d.category, $no_category)
WHERE c.number >= $first AND c.number < $beyond
"""
_MOST = Decimal(2**63 - 1).scaleb(-2)
_TOO_LARGE = f"""
SELECT workshop_id FROM booking_days GROUP BY workshop_id
HAVING sum(abs(revenue)) > {_MOST} ORDER BY workshop_id LIMIT 1
"""


def write_figures(connection: duckdb.DuckDBPyConnection, path: Path, days_at_once: int = 2_000_000) -> None:
    """Write the figures of the connected database's tables, so that they are on the disk and whole.

    Raises:
        WarehouseError: the revenue of a workshop is too large to be counted.
        duckdb.Error: the tables cannot be read.
        OSError: the file cannot be written.
    """
    for (workshop_id,) in connection.execute(_TOO_LARGE).fetchall():
        raise WarehouseError(
            f"the revenue of workshop {workshop_id} in booking_days is above {_MOST}, the most that figures"
            " can hold; correct the prices of its bookings and build again"
        )
    connection.execute(_WORKSHOPS)
    connection.execute(_CATEGORIES, {"no_category": NO_CATEGORY})
    beside = path.with_name(f".{path.name}")
    try:
        with beside.open("wb") as stream:
            _write_batches(connection, stream, days_at_once)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_batches(connection: duckdb.DuckDBPyConnection, stream: BinaryIO, days_at_once: int) -> None:
    [(workshops, days)] = connection.execute(
        "SELECT (SELECT count(*) FROM figure_workshops), (SELECT count(*) FROM category_days)"
    ).fetchall()
    step = max(1, workshops * days_at_once // max(days, days_at_once))
    writer = None
    for first in range(0, max(1, workshops), step):
        batch = _read_batch(connection, first, min(first + step, workshops))
        if writer is None:
            writer = pa.ipc.new_file(stream, batch.schema.with_metadata({"layout": LAYOUT}))
        writer.write_batch(batch)
    if writer is not None:
        writer.close()


def _read_batch(connection: duckdb.DuckDBPyConnection, first: int, beyond: int) -> pa.RecordBatch:
    """The rows of the workshops with these numbers."""
    bounds = {"first": first, "beyond": beyond}
    workshops = connection.sql(
        "SELECT workshop_id, name, time_zone, currency, services FROM figure_workshops"
        " WHERE number >= $first AND number < $beyond ORDER BY number",
        params=bounds,
    ).to_arrow_table()
    columns = {name: workshops[name].combine_chunks() for name in workshops.column_names}
    columns["booking_days"] = _running_sums(connection, _BOOKING_DAYS, bounds)
    columns["rating_days"] = _running_sums(connection, _RATING_DAYS, bounds)
    columns["categories"] = _read_categories(connection, bounds)
    return pa.RecordBatch.from_pydict(columns)


def _read_categories(connection: duckdb.DuckDBPyConnection, bounds: dict[str, int]) -> pa.ListArray:
    rows = connection.sql(
        "SELECT number, workshop, category, present, created, deleted FROM figure_categories"
        " WHERE workshop >= $first AND workshop < $beyond ORDER BY number",
        params=bounds,
    ).to_arrow_table()
    numbers = rows["number"].to_numpy()
    own = {"first": 0, "beyond": 0}
    if len(numbers):
        own = {"first": int(numbers[0]), "beyond": int(numbers[-1]) + 1}
    fields = {name: rows[name].combine_chunks() for name in ("category", "present", "created", "deleted")}
    fields["days"] = _running_sums(connection, _CATEGORY_DAYS, own, {"no_category": NO_CATEGORY})
    offsets = _offsets(rows["workshop"].to_numpy(), bounds)
    return pa.ListArray.from_arrays(offsets, _struct(fields))


def _running_sums(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    bounds: dict[str, int],
    parameters: dict[str, str] | None = None,
) -> pa.ListArray:
    """Per number of the bounds the list of its days, each with the sums up to it."""
    rows = connection.sql(query, params={**bounds, **(parameters or {})}).to_arrow_table()
    numbers = rows["number"].to_numpy()
    days = np.asarray(rows["day"].combine_chunks().view(pa.int32()))
    # Ordered here: numpy takes a fraction of the time that DuckDB takes for it.
    order = np.argsort((numbers << 32) + days)
    offsets = _offsets(numbers[order], bounds)
    fields = {"day": pa.array(days[order]).view(pa.date32())}
    for name in rows.column_names[2:]:
        sums = np.concatenate(([0], np.cumsum(_whole_numbers(rows[name].combine_chunks())[order])))
        # The sums run on from one list to the next; what the lists before add is taken off again.
        fields[name] = pa.array(sums[1:] - np.repeat(sums[offsets[:-1]], np.diff(offsets)))
    return pa.ListArray.from_arrays(offsets, _struct(fields))


def _whole_numbers(values: pa.Array) -> "np.ndarray[Any, Any]":
    """The values; of decimals their digits without the point."""
    if not pa.types.is_decimal(values.type):
        return np.asarray(values)
    # Arrow keeps the digits in 16 bytes, the low eight of them first; what needs more was refused before.
    [_, digits] = values.buffers()
    first = 2 * values.offset
    return np.frombuffer(digits, "<i8")[first : first + 2 * len(values) : 2]


def _struct(fields: dict[str, pa.Array]) -> pa.StructArray:
    return pa.StructArray.from_arrays(list(fields.values()), list(fields))


def _offsets(numbers: "np.ndarray[Any, Any]", bounds: dict[str, int]) -> "np.ndarray[Any, Any]":
    """Where in the ordered numbers each of the bounds begins, and the end of the last."""
    return np.searchsorted(numbers, np.arange(bounds["first"], bounds["beyond"] + 1)).astype(np.int32)
