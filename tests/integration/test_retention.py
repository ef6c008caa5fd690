"""The landing is pruned of what newer loads have replaced; what the nights after go by is not touched."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.small_warehouse import BOOKING, RATING, SERVICE, SmallWarehouse
from warehouse.database import connect
from warehouse.landing import Days, LandedFile, Landing
from warehouse.retention import Pruned, prune_landing

DAYS = timedelta(days=30)
LATER = datetime.now(UTC) + timedelta(days=31)


def prune(small: SmallWarehouse, now: datetime = LATER) -> Pruned:
    return prune_landing(small.landing, small.sources, small.warehouse_folder, DAYS, now)


def write_nights(small: SmallWarehouse, nights: int) -> None:
    """Nights in which bookings and ratings come anew each time, and a service vanishes in the second."""
    other = {**SERVICE, "id": 2002, "title": "Dekkskift"}
    for night in range(nights):
        services = [SERVICE, other] if night == 0 else [{**SERVICE, "price": f"{night}.00"}]
        bookings = [{**BOOKING, "price": f"{night + 1}.00"}, {**BOOKING, "id": "2", "service_id": "2002"}]
        small.write_sample(services=services, bookings=bookings, ratings=[{**RATING, "id": 500001 + night}])
        small.night()


def state(small: SmallWarehouse) -> Mapping[str, Any]:
    tables = ("workshops", "services", "bookings", "ratings", "booking_days", "rating_days", "category_days")
    return {table: sorted(map(str, small.rows(f"SELECT * FROM {table}"))) for table in tables}


def loads(small: SmallWarehouse, entity: str) -> list[int]:
    return [load.number for load in small.landing.loads("sample", entity)]


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def small(tmp_path: Path) -> SmallWarehouse:
    small = SmallWarehouse(tmp_path)
    write_nights(small, 5)
    return small


def test_replaced_loads_go_after_their_time(small: SmallWarehouse) -> None:
    before = state(small)
    assert prune(small, datetime.now(UTC)) == Pruned(), "nothing is old yet"
    assert loads(small, "bookings") == [1, 2, 3, 4, 5]
    on_disk = sum(path.stat().st_size for path in files(small.landing.root))
    pruned = prune(small)
    assert loads(small, "bookings") == [5]
    assert loads(small, "ratings") == [5]
    # The vanished service lies in the first load, and the second tells since when it is gone.
    assert loads(small, "services") == [1, 2, 5]
    assert loads(small, "workshops") == [1]
    assert (pruned.parts, pruned.loads) == (10, 10)
    assert pruned.size_bytes == on_disk - sum(path.stat().st_size for path in files(small.landing.root))
    assert prune(small) == Pruned()
    [(since,)] = small.rows("SELECT deleted_at FROM services WHERE service_id = '2002'")
    small.night()
    assert state(small) == before
    write_nights(small, 1)
    assert loads(small, "bookings") == [5, 6], "a number never comes again"
    assert since is not None


def test_a_warehouse_built_anew_from_a_pruned_landing_is_the_same(small: SmallWarehouse) -> None:
    before = state(small)
    prune(small)
    for path in small.warehouse_folder.rglob("*.*"):
        if path.is_file():
            path.unlink()
    small.night()
    assert state(small) == before


def test_loads_of_days_go_with_what_replaced_them(small: SmallWarehouse) -> None:
    small.load("bookings", Days(date(2026, 1, 1), date(2026, 1, 31)))
    assert small.landing.loads("sample", "bookings")[-1].changes
    small.night()
    prune(small)
    assert loads(small, "bookings") == [5, 6]
    small.write_bookings("bookings/bookings-2026-01.csv", [BOOKING])
    small.night()
    prune(small)
    assert loads(small, "bookings") == [7]


def test_nothing_goes_while_a_build_is_under_way_or_nothing_is_served(small: SmallWarehouse) -> None:
    with small.open() as build:
        build.create_raw("sample", "bookings")
    assert prune(small) == Pruned()
    (small.warehouse_folder / "build.duckdb").unlink()
    pointer = small.warehouse_folder / "current.json"
    served = pointer.read_text()
    pointer.unlink()
    assert prune(small) == Pruned()
    pointer.write_text("{}")
    assert prune(small) == Pruned()
    pointer.write_text(served)
    assert prune(small).parts == 10


def write_changes(landing: Landing, rows: str, *, changes: bool, deleted: str = "") -> None:
    """A load of bookings with the ids and vanished keys of SQL lists, as a database's loader lands them."""
    connection = connect(None)
    with landing.write_load("sample", "bookings", changes=changes) as writer:
        if rows:
            part = writer.part_path()
            connection.execute(f"COPY (SELECT unnest({rows}) AS id) TO '{part}' (FORMAT parquet)")
            writer.files.append(LandedFile("table", "f", part.name, 1, 0))
        if deleted:
            connection.execute(
                f"COPY (SELECT unnest({deleted}) AS id) TO '{writer.deleted_path}' (FORMAT parquet)"
            )
            writer.deleted = 1
        writer.watermark = "mark"
    connection.close()


def test_lists_of_vanished_keys_stay_while_there_are_older_rows(small: SmallWarehouse) -> None:
    landing = small.landing
    folder = landing.entity_folder("sample", "bookings")
    for load in folder.glob("load=*"):
        for path in load.iterdir():
            path.unlink()
        load.rmdir()
    write_changes(landing, "['1', '2']", changes=False)
    write_changes(landing, "['3']", changes=True, deleted="['1']")
    write_changes(landing, "", changes=True)
    write_changes(landing, "", changes=True, deleted="['3']")
    prune(small)
    assert [(load.number, load.deleted, len(load.files)) for load in landing.loads("sample", "bookings")] == [
        (1, 0, 1),
        (2, 1, 1),
        (4, 1, 0),
    ]
    write_changes(landing, "['2']", changes=False)
    write_changes(landing, "", changes=True, deleted="['2']")
    prune(small)
    assert [(load.number, load.deleted, len(load.files)) for load in landing.loads("sample", "bookings")] == [
        (5, 0, 1),
        (6, 1, 0),
    ]
    assert landing.watermark("sample", "bookings") == "mark"


def test_unreadable_records_go_with_their_input(tmp_path: Path) -> None:
    small = SmallWarehouse(tmp_path)
    small.write_sample()
    header = small.file("bookings/bookings-2026-01.csv").read_text().splitlines()[0]
    for name in ("a", "b"):
        small.write(f"bookings/{name}.csv", f'{header}\n{name},"broken\n')
    small.night()
    small.write_bookings("bookings/a.csv", [{**BOOKING, "id": "3"}])
    small.night()
    prune(small)
    assert [file.file for file in small.landing.loads("sample", "bookings")[0].files] == [
        "bookings/b.csv",
        "bookings/bookings-2026-01.csv",
    ]
    assert small.rows("SELECT file FROM quarantine WHERE stage = 'source'") == [("bookings/b.csv",)]
    rejected = small.landing.entity_folder("sample", "bookings") / "load=000001" / "rejected.parquet"
    connection = connect(None)
    assert connection.execute(f"SELECT DISTINCT file FROM '{rejected}'").fetchall() == [("bookings/b.csv",)]
    connection.close()


KILLED = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tests.integration.test_retention import prune
from tests.small_warehouse import SmallWarehouse
steps = int(sys.argv[2])
def count(frame, event, argument):
    global steps
    watched = ("unlink", "rename", "rewrite_load", "rmtree", "sync_file")
    if event == "call" and frame.f_code.co_name in watched:
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
small = SmallWarehouse(Path(sys.argv[1]))
sys.setprofile(count)
prune(small)
"""


def test_a_pruning_that_was_killed_leaves_a_landing_that_reads_right(small: SmallWarehouse) -> None:
    before = state(small)
    root = Path(__file__).parents[2]
    killed = 0
    for steps in (0, 1, 2, 3, 5, 8):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(small.root), str(steps)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=False,
            capture_output=True,
        )
        killed += done.returncode == -signal.SIGKILL
        small.landing.loads("sample", "bookings")
    assert killed >= 4
    prune(small)
    assert loads(small, "services") == [1, 2, 5]
    assert loads(small, "bookings") == [5]
    leftovers = [path.name for path in small.landing.root.rglob(".removed*")]
    assert leftovers == []
    small.night()
    assert state(small) == before
