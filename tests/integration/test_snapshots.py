"""Snapshots and figures in a process that serves many: each of one generation, whatever is published."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.small_warehouse import BOOKING, SmallWarehouse
from tests.worker_processes import wait_until
from warehouse.database import DatabaseOptions
from warehouse.errors import NoGenerationError, WarehouseError
from warehouse.figures import ServedFigures, overview, ratings_by_month, services_by_category
from warehouse.generations import current_generation
from warehouse.snapshots import Snapshots

OPTIONS = DatabaseOptions("512MB", threads=1)
SLOW = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) % 1000003 = 7"
GENERATIONS = 3
READERS = 3


def publish_count(warehouse: SmallWarehouse, count: int) -> None:
    """Publish a generation of `count` done bookings, each with `count` as its price, and keep no other."""
    rows = [
        {**BOOKING, "id": str(n), "price": str(count), "start_time": f"2026-01-{n % 28 + 1:02}T10:00:00Z"}
        for n in range(1, count + 1)
    ]
    warehouse.write_bookings("bookings/bookings-2026-01.csv", rows)
    warehouse.night(keep=1, grace=timedelta(0))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a warehouse with one published booking."""
    warehouse = SmallWarehouse(tmp_path_factory.mktemp("published"))
    warehouse.write_sample()
    publish_count(warehouse, 1)
    return warehouse.root


@pytest.fixture
def warehouse(published: Path, tmp_path: Path) -> SmallWarehouse:
    """A copy of it: many times faster than a night."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    return SmallWarehouse(tmp_path)


def open_databases() -> set[str]:
    """Database files that this process has open; the names of removed ones end in `(deleted)`."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            continue
    return {name for name in found if "/generations/" in name and ".duckdb" in name}


def run_threads(task: Callable[[threading.Event], int], count: int, work: Callable[[], None]) -> list[int]:
    """What `count` threads return that run the task while the work is done; a thread's fault is raised."""
    ended = threading.Event()
    results: list[int] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            results.append(task(ended))
        except BaseException as fault:  # noqa: BLE001  raised by the caller
            faults.append(fault)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
    if faults:
        raise faults[0]
    return results


def publish_all(warehouse: SmallWarehouse, seen: list[set[str]]) -> None:
    """Publish more and more bookings, each time when all who read have seen those before."""

    def is_seen_by_all() -> bool:
        current = current_generation(warehouse.warehouse_folder).generation
        return len(seen) == READERS and all(current in each for each in seen)

    for count in range(2, GENERATIONS + 2):
        wait_until(is_seen_by_all)
        publish_count(warehouse, count)


def test_figures_follow_the_pointer_while_threads_read(warehouse: SmallWarehouse) -> None:
    served = ServedFigures(warehouse.warehouse_folder)

    seen: list[set[str]] = []

    def read(ended: threading.Event) -> int:
        last, mine = 0, set[str]()
        seen.append(mine)
        while not ended.is_set():
            figures = served.current()
            told = overview(figures, "101")
            assert told.revenue == told.done**2
            assert [row.booked_count for row in services_by_category(figures, "101")] == [told.done]
            assert sum(point.count for point in ratings_by_month(figures, "101")) == 1
            assert told.done >= last, "an older generation after a newer one"
            last = told.done
            mine.add(figures.generation.generation)
            time.sleep(0.01)
        return len(mine)

    assert min(run_threads(read, READERS, lambda: publish_all(warehouse, seen))) >= GENERATIONS
    assert overview(served.current(), "101").done == GENERATIONS + 1
    assert served.current() is served.current(), "opened once"


def test_snapshots_follow_the_pointer_while_threads_read(warehouse: SmallWarehouse) -> None:
    snapshots = Snapshots(warehouse.warehouse_folder, OPTIONS)

    seen: list[set[str]] = []

    def read(ended: threading.Event) -> int:
        mine = set[str]()
        seen.append(mine)
        while not ended.is_set():
            with snapshots.open() as snapshot:
                [(before,)] = snapshot.rows("SELECT count(*) FROM bookings")
                time.sleep(0.02)
                [(named,)] = snapshot.rows("SELECT generation FROM generation")
                told = overview(snapshot.figures, "101")
                reader = snapshot.batches("SELECT price FROM bookings")
                assert next(iter(reader)).num_rows > 0  # and the reader is left open
            assert named == snapshot.generation.generation == snapshot.figures.generation.generation
            assert (told.done, told.revenue) == (before, before**2)
            mine.add(named)
        return len(mine)

    assert min(run_threads(read, READERS, lambda: publish_all(warehouse, seen))) >= GENERATIONS
    with snapshots.open() as snapshot:
        assert snapshot.rows("SELECT count(*) FROM bookings") == [(GENERATIONS + 1,)]
    current = str(current_generation(warehouse.warehouse_folder).path)
    assert open_databases() == {current}, "those of older generations are closed"
    snapshots.close()
    assert open_databases() == set()


def test_a_snapshot_and_its_figures_outlive_their_generation(warehouse: SmallWarehouse) -> None:
    snapshots = Snapshots(warehouse.warehouse_folder, OPTIONS)
    with snapshots.open() as first:
        publish_count(warehouse, 5)
        assert not first.generation.path.exists()
        assert not first.generation.figures_path.exists()
        with snapshots.open() as second:
            assert second.rows("SELECT count(*) FROM bookings") == [(5,)]
        snapshots.close()
        assert overview(first.figures, "101").done == 1
        assert first.rows("SELECT count(*) FROM bookings") == [(1,)]
    assert open_databases() == set()
    with snapshots.open() as again:
        assert again.rows("SELECT count(*) FROM bookings") == [(5,)]
    snapshots.close()


def test_interrupting_a_snapshot_leaves_the_others(warehouse: SmallWarehouse) -> None:
    snapshots = Snapshots(warehouse.warehouse_folder, OPTIONS)
    other = "SELECT count(*) FROM range(3000) a, range(2000) b WHERE hash(a.range + b.range) % 1000003 = 7"
    with snapshots.open() as slow, snapshots.open() as steady:
        expected = steady.rows(other)
        is_interrupted = threading.Event()

        def interrupt() -> None:
            while not is_interrupted.wait(0.3):  # one that comes before the query is for nothing
                slow.interrupt()

        def read(ended: threading.Event) -> int:
            while not ended.is_set():
                assert steady.rows(other) == expected
            return 1

        def be_interrupted() -> None:
            interrupting = threading.Thread(target=interrupt)
            interrupting.start()
            with pytest.raises(WarehouseError, match="INTERRUPT"):
                slow.rows(SLOW)
            is_interrupted.set()
            interrupting.join()

        assert run_threads(read, 1, be_interrupted) == [1]
        assert slow.rows("SELECT 1") == [(1,)]
    snapshots.close()


def test_every_snapshot_runs_in_utc_and_within_the_options(
    warehouse: SmallWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        snapshots = Snapshots(warehouse.warehouse_folder, OPTIONS)
        with snapshots.open() as first, snapshots.open() as second:
            for snapshot in (first, second):
                assert snapshot.rows(
                    "SELECT current_setting('TimeZone'), current_setting('threads'),"
                    " '2026-01-01 10:00:00'::TIMESTAMPTZ::VARCHAR"
                ) == [("UTC", 1, "2026-01-01 10:00:00+00")]
        snapshots.close()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_nothing_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoGenerationError, match="run the nightly pipeline first"):
        ServedFigures(tmp_path).current()
    with pytest.raises(NoGenerationError), Snapshots(tmp_path).open():
        pass


def test_a_generation_without_figures_is_told_and_readable(warehouse: SmallWarehouse) -> None:
    current_generation(warehouse.warehouse_folder).figures_path.unlink()
    served = ServedFigures(warehouse.warehouse_folder)
    with pytest.raises(WarehouseError, match="no figures file; run the night"):
        served.current()
    with warehouse.snapshot() as snapshot:
        assert snapshot.rows("SELECT count(*) FROM bookings") == [(1,)]
        with pytest.raises(WarehouseError, match="no figures file; run the night"):
            overview(snapshot.figures, "101")
    publish_count(warehouse, 2)
    assert overview(served.current(), "101").done == 2


def test_figures_cut_short_are_never_served(warehouse: SmallWarehouse) -> None:
    path = current_generation(warehouse.warehouse_folder).figures_path
    whole = path.read_bytes()
    for size in [*range(0, len(whole), 997), *range(len(whole) - 12, len(whole))]:
        path.unlink()
        path.write_bytes(whole[:size])
        with pytest.raises(WarehouseError, match=rf"{path.name}: the figures cannot be read"):
            ServedFigures(warehouse.warehouse_folder).current()
