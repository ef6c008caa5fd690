"""Nights in succession, at once, and killed: what is served is always whole, and the next night is right."""

import csv
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.sample import generate_sample
from tests.built import ROOT, build_once, night_environment, run_night
from tests.integration.test_night import contents, copy
from tests.small_warehouse import SmallWarehouse
from tests.worker_processes import wait_until
from warehouse.figures import list_workshops, overview, ratings_by_month, services_by_category
from warehouse.generations import open_snapshot

MOMENTS = ("landing", "warehouse", "landing", "warehouse")
"""Where a night that is killed has begun to write, one after another."""
UPDATE = "bookings/bookings-update.csv"


def state(data: Path) -> dict[str, tuple[int, int]]:
    """Rows and digest of every published table but the one that tells of the generations on the way."""
    return {table: found for table, found in contents(data).items() if table != "restatements"}


@pytest.fixture(scope="session")
def small_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample twice: `old` without the later versions of some bookings, `new` with them."""

    def generate(folder: Path) -> None:
        generate_sample(folder / "new" / "sample", workshops=3, years=1)
        shutil.copytree(folder / "new", folder / "old")
        (folder / "old" / "sample" / UPDATE).unlink()

    return build_once(tmp_path_factory, "small_sources", generate)


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory, small_sources: Path) -> Path:
    """Data folder of the published `old`; tests must not change it. seconds.txt tells how long it took."""

    def build(folder: Path) -> None:
        began = time.monotonic()
        run_night(folder, SOURCE_ROOT=str(small_sources / "old"))
        (folder / "seconds.txt").write_text(str(time.monotonic() - began), encoding="utf-8")

    return build_once(tmp_path_factory, "small_data", build)


@pytest.fixture(scope="session")
def small_new(tmp_path_factory: pytest.TempPathFactory, small_sources: Path) -> Path:
    """Folder of the published `new`, loaded at once, by the same parts in one process."""

    def build(folder: Path) -> None:
        shutil.copytree(small_sources / "new" / "sample", folder / "sources" / "sample")
        SmallWarehouse(folder).night()

    return build_once(tmp_path_factory, "small_new", build)


def figures(data: Path) -> dict[str, Any]:
    """Every figure of every workshop, read from one snapshot."""
    with open_snapshot(data / "warehouse") as snapshot:
        [(rolled_up, rows)] = snapshot.rows(
            "SELECT (SELECT sum(bookings) FROM booking_days), (SELECT count(*) FROM bookings)"
        )
        assert rolled_up == rows
        return {
            shop.workshop_id: (
                overview(snapshot.figures, shop.workshop_id),
                services_by_category(snapshot.figures, shop.workshop_id),
                ratings_by_month(snapshot.figures, shop.workshop_id),
            )
            for shop in list_workshops(snapshot.figures)
        }


def test_later_versions_move_their_rows_as_if_all_had_come_at_once(
    small_sources: Path, small_data: Path, small_new: Path, tmp_path: Path
) -> None:
    data = copy(small_data, tmp_path / "data")
    night = run_night(data, SOURCE_ROOT=str(small_sources / "new"))
    assert night.stdout.count("unchanged") == 5
    assert state(data) == state(small_new) != state(small_data)
    with (small_sources / "new" / "sample" / UPDATE).open(encoding="utf-8", newline="") as stream:
        versions = list(csv.DictReader(stream))
    assert len(versions) == 37
    with open_snapshot(data / "warehouse") as snapshot:
        loaded = {
            booking: (status, price)
            for booking, status, price in snapshot.rows("SELECT booking_id, status, price FROM bookings")
        }
    for version in versions:
        assert loaded[version["id"]] == (version["status"], Decimal(version["price"]))


def test_two_nights_at_once_take_turns(small_sources: Path, small_new: Path, tmp_path: Path) -> None:
    environment = night_environment(tmp_path, {"SOURCE_ROOT": str(small_sources / "new")})
    nights = [
        subprocess.Popen(
            [sys.executable, "-m", "pipelines", "night"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for night in nights:
        _, err = night.communicate(timeout=600)
        assert night.returncode == 0, err
    assert state(tmp_path) == state(small_new)


def test_a_night_killed_at_any_moment_leaves_a_whole_generation_and_the_next_one_is_right(
    small_sources: Path, small_data: Path, small_new: Path, tmp_path: Path
) -> None:
    """Four nights killed one after another, at moments spread over their length; then one that ends."""
    rng, data = random.Random(1), copy(small_data, tmp_path / "data")
    whole = [figures(small_data), figures(small_new)]
    assert whole[0] != whole[1]
    seconds = float((small_data / "seconds.txt").read_text(encoding="utf-8"))
    environment = night_environment(data, {"SOURCE_ROOT": str(small_sources / "new")})
    for folder in MOMENTS:
        before = newest(data / folder)
        night = subprocess.Popen(
            [sys.executable, "-m", "pipelines", "night"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(partial(is_written, data / folder, before), 300)
            time.sleep(seconds * rng.uniform(0, 0.3))
        finally:
            night.kill()
            assert night.wait() in {-signal.SIGKILL, 0}  # it may have ended just then
        assert figures(data) in whole
    run_night(data, SOURCE_ROOT=str(small_sources / "new"))
    assert state(data) == state(small_new)
    assert figures(data) == whole[1]
    left = [path.name for folder in ("warehouse", "landing") for path in (data / folder).rglob(".*")]
    assert [name for name in left if name.startswith((".writing-", ".publishing-"))] == []


def is_written(folder: Path, before: int) -> bool:
    """Whether anything below the folder was written to since."""
    return newest(folder) > before


def newest(folder: Path) -> int:
    """When anything below the folder was last written to."""
    times = [0]
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            times.append(path.stat().st_mtime_ns)
    return max(times)
