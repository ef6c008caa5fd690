"""The platform's Parquet files, generated: years of bookings, and the changes of single nights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import duckdb

from warehouse.database import DatabaseOptions, connect

ENTITIES = ("workshops", "categories", "booking_statuses", "services", "bookings", "ratings")
_DRAWING = Path(__file__).with_name("platform_data.sql")
_DAYS = 3 * 365
_RECENT_DAYS = 30


@dataclass(frozen=True)
class PlatformSize:
    """How much the platform holds; all else follows from the number of bookings."""

    bookings: int

    @property
    def workshops(self) -> int:
        """One per 2,000 bookings."""
        return max(5, self.bookings // 2_000)

    @property
    def services(self) -> int:
        """One per ten bookings, as many at each workshop."""
        return max(1, self.bookings // 10 // self.workshops) * self.workshops


def write_platform(folder: Path, size: PlatformSize) -> None:
    """Write the platform's files below `folder`: one per entity, in a folder named after it."""
    with _open_drawing(size, night=0) as drawing:
        rows = {"workshops": size.workshops, "services": size.services}
        for entity in ENTITIES:
            _want(drawing, range(1, rows.get(entity, size.bookings) + 1))
            _write(drawing, entity, folder / entity / f"{entity}.parquet")


def write_changes(folder: Path, size: PlatformSize, rows: int, night: int) -> None:
    """Write what has changed on the platform since the night before, one more file per entity.

    Of `rows` about 70 in 100 are changed bookings, most of them recent, 20 new bookings, 9 new or changed
    ratings and 1 changed services; and a few workshops have a new name. Nights count from 1.
    """
    recent = min(size.bookings, size.bookings * _RECENT_DAYS // _DAYS)
    old = size.bookings - recent
    recent_changes = min(rows * 42 // 100, recent)
    changed = [
        *_draw(recent_changes, old, recent, night),
        *_draw(rows * 70 // 100 - recent_changes, 0, old, night),
    ]
    new = rows * 20 // 100
    first_new = size.bookings + 1 + (night - 1) * new
    with _open_drawing(size, night) as drawing:
        for entity, numbers, view in (
            ("workshops", _draw(5, 0, size.workshops, night), "changed_workshops"),
            ("services", _draw(rows // 100, 0, size.services, night), "changed_services"),
            ("ratings", _draw(rows * 9 // 100 * 100 // 86, 0, old, night), "changed_ratings"),
            ("bookings", changed, "changed_bookings"),
            ("bookings", range(first_new, first_new + new), "new_bookings"),
        ):
            _want(drawing, numbers)
            _write(drawing, view, folder / entity / f"{view}-{night:03}.parquet")


def _open_drawing(size: PlatformSize, night: int) -> duckdb.DuckDBPyConnection:
    drawing = connect(None, options=DatabaseOptions("4GB"))
    variables = {
        "bookings": size.bookings,
        "workshops": size.workshops,
        "services": size.services,
        "days": _DAYS,
        "night": night,
    }
    for name, value in variables.items():
        drawing.execute(f"SET VARIABLE {name} = {value}")
    drawing.execute(_DRAWING.read_text(encoding="utf-8"))
    return drawing


def _draw(count: int, after: int, rows: int, night: int) -> list[int]:
    """Up to `count` numbers, in order, drawn from the `rows` numbers that come after `after`."""
    numbers = range(after + 1, after + rows + 1)
    return sorted(Random(night).sample(numbers, min(count, rows)))  # noqa: S311


def _want(drawing: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> None:
    drawing.execute("DELETE FROM wanted")
    if isinstance(numbers, range):
        bounds = {"first": numbers.start, "beyond": numbers.stop}
        drawing.execute("INSERT INTO wanted SELECT range FROM range($first, $beyond)", bounds)
    else:
        drawing.execute("INSERT INTO wanted SELECT unnest($numbers::BIGINT[])", {"numbers": numbers})


def _write(drawing: duckdb.DuckDBPyConnection, view: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.view(view).write_parquet(str(path), compression="zstd")
