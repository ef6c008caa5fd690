"""Open Repair: eight organisations' files, no money and no ratings; figures equal a second computation."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.acceptance.independent import Books, check_figures, check_rows, month_edges, random_periods
from tests.acceptance.raw_files import read_openrepair, read_records
from tests.built import REAL_DATA
from warehouse.database import DatabaseOptions
from warehouse.figures import list_workshops, overview, ratings_by_month
from warehouse.generations import Snapshot, open_snapshot
from warehouse.period import Period

FIRST, LAST = date(2017, 1, 1), date(2025, 7, 31)


@pytest.fixture(scope="module")
def snapshot(real_data: Callable[[str], Path]) -> Iterator[Snapshot]:
    with open_snapshot(real_data("openrepair") / "warehouse", DatabaseOptions(threads=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def books(snapshot: Snapshot) -> Books:
    return read_openrepair(REAL_DATA / "openrepair")


def test_each_row_is_accounted_for(snapshot: Snapshot, books: Books) -> None:
    check_rows(snapshot, books)
    assert books.accounts["entity", "workshops"] == (707, 707, 0, 0)
    assert books.accounts["entity", "bookings"] == (121_692, 121_692, 0, 0)


def test_text_arrives_as_written(snapshot: Snapshot) -> None:
    paths = (REAL_DATA / "openrepair").glob("OpenRepairData_*.csv")
    written = {row["id"]: row["problem"] or None for path in paths for row in read_records(path)}
    assert dict(snapshot.rows("SELECT booking_id, notes FROM bookings")) == written
    assert sum('"' in text or not text.isascii() for text in written.values() if text) > 1000


def test_one_name_in_two_organisations_is_two_workshops(snapshot: Snapshot) -> None:
    rows = snapshot.rows("SELECT name FROM workshops GROUP BY name HAVING count(*) > 1 ORDER BY name")
    assert [name for (name,) in rows] == ["Maakbaar Leuven", "Repair Café Kruisem", "Repair Café Roeselare"]


def test_unknown_statuses_are_reported_and_neither_done_nor_cancelled(
    snapshot: Snapshot, books: Books
) -> None:
    rows = snapshot.rows("SELECT status, outcome, count(*) FROM bookings GROUP BY ALL ORDER BY status")
    assert rows == [
        ("CANCELLED", "cancelled", 28_390),
        ("COMPLETED", "done", 66_323),
        ("CONFIRMED", "active", 17_950),
        ("UNKNOWN", "unknown", 9_029),
    ]
    assert {status: count for status, _, count in rows} == Counter(job.status for job in books.jobs)
    sums = snapshot.rows("SELECT sum(bookings), sum(done), sum(active), sum(cancelled) FROM booking_days")
    assert sums == [(121_692, 66_323, 17_950, 28_390)]


def test_no_workshop_has_money_or_ratings(snapshot: Snapshot, books: Books) -> None:
    done = 0
    for workshop in list_workshops(snapshot.figures):
        figures = overview(snapshot.figures, workshop.workshop_id)
        assert figures == books.overview(workshop.workshop_id, Period())
        assert (workshop.currency, figures.currency, figures.revenue) == (None, None, None)
        assert (figures.rating_count, figures.rating_average) == (0, None)
        done += figures.done
    assert done == 66_323


@pytest.mark.parametrize("place", [0, 1, 2, 100, 353, 706])
def test_figures_equal_the_second_computation(snapshot: Snapshot, books: Books, place: int) -> None:
    sizes = Counter(job.workshop for job in books.jobs)
    workshop = sorted(sizes, key=lambda shop: (-sizes[shop], shop))[place]
    days = [job.day for job in books.jobs if job.workshop == workshop]
    periods = [Period(day, day) for day in sorted(set(days))[:10]] + [Period(max(days), None)]
    periods += [*month_edges(date(2019, 1, 1), date(2019, 12, 31)), *random_periods(FIRST, LAST, 20)]
    check_figures(snapshot, books, workshop, periods)
    assert overview(snapshot.figures, workshop, Period(date(1990, 1, 1), date(1990, 12, 31))).revenue is None
    assert ratings_by_month(snapshot.figures, workshop) == []
