"""Publishing: readers in other processes see whole generations only, whatever the writer does or suffers."""

import random
import resource
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.small_warehouse import BOOKING, ROOT, Row, SmallWarehouse
from warehouse.database import connect
from warehouse.errors import CheckFailedError, NoGenerationError, WarehouseBusyError, WarehouseError
from warehouse.figures import overview
from warehouse.generations import FIGURES_SUFFIX, current_generation, open_snapshot
from warehouse.publishing import publish

READERS = 2
SEEN = 3
"""Generations that each reader is to see."""


def bookings(count: int) -> list[Row]:
    """Done bookings on different days, each with the number of them all as its price."""
    return [
        {**BOOKING, "id": str(n), "price": str(count), "start_time": f"2026-01-{n % 28 + 1:02}T10:00:00Z"}
        for n in range(1, count + 1)
    ]


def publish_count(warehouse: SmallWarehouse, count: int, **options: object) -> str:
    """Publish a generation of `count` bookings; returns its name."""
    warehouse.write_bookings("bookings/bookings-2026-01.csv", bookings(count))
    return warehouse.night(**options).generation  # type: ignore[arg-type]


def served_count(warehouse: SmallWarehouse) -> int:
    [(count,)] = warehouse.rows("SELECT count(*) FROM bookings")
    return int(count)


def left_files(warehouse: SmallWarehouse) -> set[Path]:
    """Every file beside the generations."""
    return set((warehouse.warehouse_folder / "generations").iterdir())


def start(task: str, *arguments: object) -> "subprocess.Popen[str]":
    """This file's task of that name in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, task, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def write_generations(folder: str) -> None:
    """Task: publish generations until standard input ends, keeping none of the older ones."""
    warehouse = SmallWarehouse(Path(folder))
    count = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        count += 1
        publish_count(warehouse, count, keep=1, grace=timedelta(0))
    print(count)


def read_generations(folder: str, seed: str) -> None:
    """Task: read figures until standard input ends; fails when they do not agree within one snapshot.

    Prints the name of each generation when it is read first.
    """
    warehouse, rng = SmallWarehouse(Path(folder)), random.Random(seed)
    seen = set()
    while not select.select([sys.stdin], [], [], 0)[0]:
        with warehouse.snapshot() as snapshot:
            [(count, highest, lowest)] = snapshot.rows(
                "SELECT count(*), max(price), min(price) FROM bookings"
            )
            time.sleep(rng.random() / 20)
            [(rolled_up,)] = snapshot.rows("SELECT sum(bookings) FROM booking_days")
            figures = overview(snapshot.figures, "101")
            [(named,)] = snapshot.rows("SELECT generation FROM generation")
        assert count == highest == lowest == rolled_up == figures.done, (count, highest, rolled_up, figures)
        assert figures.revenue == count * count
        assert named == snapshot.generation.generation
        if named not in seen:
            seen.add(named)
            print(named, flush=True)


def hold_build(folder: str) -> None:
    """Task: keep the build file open until a line comes, and a moment longer."""
    with SmallWarehouse(Path(folder)).open():
        print("open", flush=True)
        sys.stdin.readline()
        time.sleep(0.5)


def publish_on_a_full_disk(folder: str) -> None:
    """Task: build in peace, then publish where no file can grow any more."""
    warehouse = SmallWarehouse(Path(folder))
    with warehouse.open() as build:
        warehouse.build_all(build)
        build.connection.execute("CHECKPOINT")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            publish(build, warehouse.warehouse_folder, keep=3, grace=timedelta(0))
        except WarehouseError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a warehouse with one published booking."""
    warehouse = SmallWarehouse(tmp_path_factory.mktemp("published"))
    warehouse.write_sample(bookings=bookings(1))
    warehouse.night()
    return warehouse.root


@pytest.fixture
def warehouse(published: Path, tmp_path: Path) -> SmallWarehouse:
    """A copy of it: many times faster than a night."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    return SmallWarehouse(tmp_path)


def test_readers_in_other_processes_never_err_and_each_sees_one_whole_generation(
    warehouse: SmallWarehouse,
) -> None:
    readers = [start("read_generations", warehouse.root, number) for number in range(READERS)]
    writer = start("write_generations", warehouse.root)
    for reader in readers:
        assert reader.stdout is not None
        names = [reader.stdout.readline() for _ in range(SEEN)]
        assert "" not in names, finish(reader)
        assert names == sorted(names), "an older generation after a newer one"
    written = int(finish(writer))
    for reader in readers:
        finish(reader)
    assert served_count(warehouse) == written
    served = current_generation(warehouse.warehouse_folder)
    assert left_files(warehouse) == {served.path, served.figures_path}


def test_pruning_keeps_the_newest_and_those_within_the_grace(warehouse: SmallWarehouse) -> None:
    names = [publish_count(warehouse, count, keep=1) for count in (2, 3, 4)]

    def left() -> list[str]:
        return sorted(path.stem for path in left_files(warehouse) if path.suffix == ".duckdb")

    assert left()[-3:] == names
    names.append(publish_count(warehouse, 5, keep=2, grace=timedelta(0)))
    assert left() == names[-2:]
    assert {path.name.partition(".")[0] for path in left_files(warehouse)} == set(left())
    assert len(left_files(warehouse)) == 4, "a database and its figures for each"


def test_a_killed_publishing_leaves_nothing_that_is_served_or_stays(warehouse: SmallWarehouse) -> None:
    served = current_generation(warehouse.warehouse_folder)
    begun = served.figures_path.with_name(f".20990101T000000000000-abcdef{FIGURES_SUFFIX}")
    begun.write_bytes(served.figures_path.read_bytes()[:-7])
    whole = begun.with_name(begun.name.lstrip("."))
    whole.write_bytes(served.figures_path.read_bytes())
    with warehouse.snapshot() as snapshot:
        assert overview(snapshot.figures, "101").done == 1
    publish_count(warehouse, 2)
    served = current_generation(warehouse.warehouse_folder)
    assert not {begun, whole} & left_files(warehouse)
    assert {served.path, served.figures_path} <= left_files(warehouse)


@pytest.mark.parametrize("table", ["workshops", "category_days"])
def test_figures_that_cannot_be_made_leave_the_served_generation(
    warehouse: SmallWarehouse, table: str
) -> None:
    before = left_files(warehouse)
    with warehouse.open() as build:
        build.connection.execute(f"ALTER TABLE {table} RENAME COLUMN workshop_id TO other")
        with pytest.raises(WarehouseError, match="cannot be published, the served generation stays"):
            publish(build, warehouse.warehouse_folder, keep=1, grace=timedelta(0), max_loss=1)
    assert left_files(warehouse) == before
    with warehouse.snapshot() as snapshot:
        assert overview(snapshot.figures, "101").done == 1


def test_a_reader_finishes_on_the_generation_it_began_with(warehouse: SmallWarehouse) -> None:
    with warehouse.snapshot() as snapshot:
        publish_count(warehouse, 7, keep=1, grace=timedelta(0))
        assert not snapshot.generation.path.exists()
        assert snapshot.rows("SELECT count(*) FROM bookings") == [(1,)]
        assert sum(batch.num_rows for batch in snapshot.batches("SELECT * FROM booking_days")) == 1
    assert served_count(warehouse) == 7


def test_generations_sort_by_time_and_name_when_they_were_published(warehouse: SmallWarehouse) -> None:
    names = [publish_count(warehouse, count) for count in (2, 3)]
    assert names == sorted(names)
    served = current_generation(warehouse.warehouse_folder)
    [(name, published_at, as_of)] = warehouse.rows("SELECT * FROM generation")
    assert name == served.generation == names[-1]
    assert published_at == served.published_at.replace(tzinfo=None)
    verdicts = [warehouse.landing.verdict("sample", e) for e in warehouse.sources["sample"].entities]
    assert served.data_as_of == min(v.data_as_of for v in verdicts if v and v.data_as_of)
    assert as_of == served.data_as_of.replace(tzinfo=None)


def test_a_full_disk_leaves_the_served_generation(warehouse: SmallWarehouse) -> None:
    served = current_generation(warehouse.warehouse_folder)
    warehouse.write_bookings("bookings/bookings-2026-01.csv", bookings(2))
    said = finish(start("publish_on_a_full_disk", warehouse.root))
    assert "cannot be published, the served generation stays" in said
    assert "File too large" in said
    assert current_generation(warehouse.warehouse_folder) == served
    assert served_count(warehouse) == 1
    assert left_files(warehouse) == {served.path, served.figures_path}
    warehouse.night()
    assert served_count(warehouse) == 2


def test_a_second_writer_is_told_and_waits_its_turn(warehouse: SmallWarehouse) -> None:
    holder = start("hold_build", warehouse.root)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(WarehouseBusyError, match="another process is writing to this file"):
        connect(warehouse.warehouse_folder / "build.duckdb")
    assert served_count(warehouse) == 1, "readers are not kept waiting"
    assert holder.stdin is not None
    holder.stdin.write("go on\n")
    holder.stdin.flush()
    with warehouse.open() as build:
        assert build.preview("bookings", ["booking_id"]).rows == 1
    finish(holder)


def test_an_entity_that_would_lose_every_row_is_not_published(warehouse: SmallWarehouse) -> None:
    with warehouse.open() as build:
        build.connection.execute("DELETE FROM ratings")
        with pytest.raises(CheckFailedError, match=r"ratings of sample: 0 rows of 1\. If that is meant"):
            publish(build, warehouse.warehouse_folder, keep=3, grace=timedelta(0))
    assert warehouse.rows("SELECT count(*) FROM ratings") == [(1,)]


def test_nothing_published_or_a_broken_generation_is_a_clear_error(warehouse: SmallWarehouse) -> None:
    with (
        pytest.raises(NoGenerationError, match="run the nightly pipeline first"),
        open_snapshot(ROOT / "none"),
    ):
        pass
    path = current_generation(warehouse.warehouse_folder).path
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseError, match=path.name), warehouse.snapshot():
        pass
    path.unlink()
    with pytest.raises(WarehouseError, match=path.name), warehouse.snapshot():
        pass


def test_a_snapshot_cannot_be_written(warehouse: SmallWarehouse) -> None:
    before = current_generation(warehouse.warehouse_folder).path.read_bytes()
    with warehouse.snapshot() as snapshot:
        for statement in ("DELETE FROM bookings", "CREATE TABLE more (x INT)", "DROP TABLE bookings"):
            with pytest.raises(Exception, match="read-only"):
                snapshot.rows(statement)
    assert current_generation(warehouse.warehouse_folder).path.read_bytes() == before


def test_every_table_and_column_is_described_in_the_published_file(sample_data: Path) -> None:
    with open_snapshot(sample_data / "warehouse") as snapshot:
        columns = snapshot.rows(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'main'"
            " AND NOT internal"
        )
        tables = snapshot.rows("SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'main'")
    assert len(columns) > 80
    assert [(table, column) for table, column, comment in columns if not comment] == []
    assert [table for table, comment in tables if not comment] == []
    assert {"bookings", "booking_days", "load_report", "quarantine", "generation"} <= {t for t, _ in tables}


if __name__ == "__main__":
    TASKS: dict[str, Callable[..., None]] = {
        "write_generations": write_generations,
        "read_generations": read_generations,
        "hold_build": hold_build,
        "publish_on_a_full_disk": publish_on_a_full_disk,
    }
    TASKS[sys.argv[1]](*sys.argv[2:])


def test_a_source_that_loses_most_of_its_rows_is_not_published(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    rows = [{**BOOKING, "id": str(number)} for number in range(200)]
    warehouse.write_sample(bookings=rows)
    warehouse.night()
    warehouse.write_bookings("bookings/bookings-2026-01.csv", rows[:90])
    with pytest.raises(CheckFailedError, match="bookings of sample: 90 rows of 200"):
        warehouse.night()
    assert warehouse.rows("SELECT count(*) FROM bookings") == [(200,)]
    with warehouse.open() as build:
        publish(build, warehouse.warehouse_folder, keep=3, grace=timedelta(0), max_loss=1)
    assert warehouse.rows("SELECT count(*) FROM bookings") == [(90,)]


def test_a_model_older_than_what_it_reads_is_not_published(warehouse: SmallWarehouse) -> None:
    with warehouse.open() as build:
        build.build_model("bookings")
        with pytest.raises(
            CheckFailedError, match=r"booking_days, category_days, rating_days, ratings must be built"
        ):
            publish(build, warehouse.warehouse_folder, keep=3, grace=timedelta(0))
        for name in ("ratings", "booking_days", "category_days", "rating_days"):
            build.build_model(name)
        publish(build, warehouse.warehouse_folder, keep=3, grace=timedelta(0))


def test_a_broken_check_is_not_published(warehouse: SmallWarehouse) -> None:
    with warehouse.open() as build:
        build.connection.execute(
            "UPDATE check_report SET broken_rows = 3 WHERE check_name = 'bookings_add_up'"
        )
        with pytest.raises(CheckFailedError, match=r"booking_days: bookings_add_up \(3 rows\)"):
            publish(build, warehouse.warehouse_folder, keep=3, grace=timedelta(0))


def test_the_name_of_the_data_folder_changes_nothing(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path / "status=PENDING" / "data[1]" / "q'uote a*b")
    warehouse.write_sample()
    warehouse.night()
    assert warehouse.rows("SELECT status, outcome FROM bookings") == [("COMPLETED", "done")]
