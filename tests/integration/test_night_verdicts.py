"""Whole nights with faulty sources and disks: each fault has its verdict, and holds up no other source."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from tests.built import ROOT, night_environment, run_night
from tests.integration.test_night import contents, copy
from tests.integration.test_postgresql_source_night import TABLES
from tests.portal_server import PortalServer, booking_row, rating_row, service_row
from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, SmallWarehouse
from warehouse.generations import current_generation, open_snapshot

ENTITIES = {"workshops", "categories", "booking_statuses", "services", "bookings", "ratings"}
TOKEN = "access-of-301"


@pytest.fixture
def portal() -> Iterator[PortalServer]:
    """A portal with the workshop 301."""
    with PortalServer() as portal:
        workshop = portal.add_workshop("301", "Søndre Bilverksted")
        workshop.bookings = [booking_row(number) for number in range(1, 6)]
        workshop.services = [service_row(2001)]
        workshop.ratings = [rating_row(1)]
        yield portal


@pytest.fixture
def platform(pg_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A platform's database with the workshop 101."""
    with psycopg.connect(pg_url, autocommit=True) as connection:
        connection.execute(TABLES)
        yield connection


@pytest.fixture
def files(tmp_path: Path) -> SmallWarehouse:
    """The files of a platform with the workshop 201."""
    files = SmallWarehouse(tmp_path)
    files.write_sample(
        workshops=[{**WORKSHOP, "id": "201"}],
        services=[{**SERVICE, "workshop_id": 201}],
        bookings=[{**BOOKING, "workshop_id": "201"}],
        ratings=[RATING],
    )
    return files


def configure(root: Path, portal: PortalServer, pg_url: str) -> dict[str, str]:
    """Settings under which all three kinds of sources are active."""
    declared = (ROOT / "sources.toml").read_text(encoding="utf-8")
    (root / "sources.toml").write_text(
        declared.replace("https://api.minbil.no", portal.url), encoding="utf-8"
    )
    secrets = portal.write_secrets(root / "secrets.toml")
    secrets.write_text(f'{secrets.read_text()}\n[platform]\nurl = "{pg_url}"\n', encoding="utf-8")
    return {
        "SOURCES": "sample,portal,platform",
        "SOURCE_ROOT": str(root / "sources"),
        "SOURCE_CONFIG": str(root / "sources.toml"),
        "SOURCE_SECRETS": str(secrets),
    }


def verdicts(data: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Status and detail of each source entity in the served load report."""
    with open_snapshot(data / "warehouse") as snapshot:
        rows = snapshot.rows("SELECT source, entity, status, detail FROM load_report WHERE stage = 'source'")
    return {(source, entity): (status, detail) for source, entity, status, detail in rows}


def failed(data: Path) -> dict[tuple[str, str], str]:
    """The detail of each failed verdict."""
    return {place: detail for place, (status, detail) in verdicts(data).items() if status == "failed"}


def prices(data: Path, workshop: str) -> dict[str, float]:
    """Price of each served booking of a workshop."""
    with open_snapshot(data / "warehouse") as snapshot:
        rows = snapshot.rows(
            "SELECT booking_id, price FROM bookings WHERE workshop_id = $shop", {"shop": workshop}
        )
    return {booking: float(price) for booking, price in rows}


@contextmanager
def crashing(pg_url: str) -> Iterator[list[int]]:
    """Kill the server's process behind each bulk read: the server ends all others and restarts."""
    killed: list[int] = []
    stop = Event()
    reads = (
        "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE 'COPY%'"
        " AND query_start < clock_timestamp() - interval '100 ms'"
    )

    def kill() -> None:
        while not stop.wait(0.02):
            try:
                with psycopg.connect(pg_url, autocommit=True) as connection:
                    for (pid,) in connection.execute(reads).fetchall():
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
            except psycopg.OperationalError:
                continue

    thread = Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def test_three_kinds_of_sources_of_which_one_at_a_time_fails(
    portal: PortalServer,
    platform: psycopg.Connection[Any],
    pg_url: str,
    files: SmallWarehouse,
    tmp_path: Path,
) -> None:
    data, settings = tmp_path / "data", configure(tmp_path, portal, pg_url)
    first = run_night(data, check=True, **settings)
    assert {status for status, _ in verdicts(data).values()} == {"loaded"}
    assert verdicts(data).keys() == {(s, e) for s in ("sample", "portal", "platform") for e in ENTITIES}
    assert len(prices(data, "301")) == 5, first.stdout

    # The portal refuses bookings and breaks off services; the others have news.
    portal.workshops["301"].bookings[0] |= {"price": 7, "updated_at": "2026-03-01T00:00:00Z"}
    portal.misbehave("/api/ws/v2/bookings", status=500, times=1000, retry_after="0")
    portal.misbehave("/api/ws/services", cut=True, times=1000, retry_after="0")
    platform.execute("UPDATE bookings SET price = 77, updated_at = '2026-02-01' WHERE id = 1")
    files.write_bookings(
        "bookings/bookings-2026-02.csv", [{**BOOKING, "id": "2", "workshop_id": "201", "price": "5"}]
    )
    night = run_night(data, check=False, **settings)
    assert night.returncode == 3, night.stdout + night.stderr
    told = failed(data)
    assert told.keys() == {("portal", "bookings"), ("portal", "services")}, told
    assert "500" in told["portal", "bookings"]
    assert night.stdout.count("│ failed ") == 2
    assert TOKEN not in night.stdout + night.stderr + str(told)
    assert prices(data, "301")["1"] == 1000.5, "what was there stays"
    assert prices(data, "101")["1"] == 77
    assert prices(data, "201") == {"1": 1000, "2": 5}

    # PostgreSQL crashes and restarts whenever bookings are read; the portal is well again.
    portal.behave()
    platform.execute("ALTER TABLE bookings RENAME TO kept")
    platform.execute("CREATE VIEW bookings AS SELECT *, pg_sleep(5)::text AS slept FROM kept")
    platform.execute("UPDATE kept SET price = 88, updated_at = '2026-02-02' WHERE id = 1")
    with crashing(pg_url) as killed:
        night = run_night(data, check=False, **settings)
    assert night.returncode == 3, night.stdout + night.stderr
    assert killed, "the read was cut"
    told = failed(data)
    assert told.keys() >= {("platform", "bookings")}
    assert {source for source, _ in told} == {"platform"}
    assert "bookings: " in told["platform", "bookings"]
    assert prices(data, "301")["1"] == 7
    assert prices(data, "101")["1"] == 77, "what was there stays"


def write_more(files: SmallWarehouse) -> None:
    """Many new bookings that do not compress well, and a new value of the rating."""
    rows = [
        {**BOOKING, "id": str(n), "workshop_id": "201", "notes": os.urandom(200).hex()} for n in range(3000)
    ]
    files.write_bookings("bookings/bookings-2026-02.csv", rows)
    files.write_ratings([{**RATING, "service_rating": 1, "updated_at": "2026-02-01T00:00:00Z"}])


def night_on_a_disk(mount: str, data: Path) -> "subprocess.CompletedProcess[str]":
    """Run a night of the sample after `mount`, a shell command for which the landing is $0."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no way to mount a disk here")
    inside = [unshare, "--map-root-user", "--mount", "sh", "-c", f'({mount}) || exit 77; exec "$@"']
    night = subprocess.run(
        [*inside, str(data / "landing"), sys.executable, "-m", "pipelines", "night"],
        cwd=ROOT,
        env=night_environment(data, {}),
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if night.returncode == 77 or (night.returncode == 1 and "unshare" in night.stderr):
        pytest.skip("no permission to mount a disk here")
    return night


def test_a_landing_that_refuses_writes_keeps_what_is_served(files: SmallWarehouse, tmp_path: Path) -> None:
    data, served, before = tmp_path, files.night(), contents(tmp_path)
    write_more(files)

    # Nothing can be written at all: not even a verdict.
    night = night_on_a_disk('mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"', data)
    assert night.returncode == 1, night.stdout + night.stderr
    assert "Read-only file system" in night.stderr
    assert "published generation" not in night.stdout
    assert current_generation(data / "warehouse") == served
    assert contents(data) == before

    # The bookings do not fit, the rating does.
    kept = copy(data / "landing", tmp_path / "kept")
    free = sum(4096 for path in kept.rglob("*")) + 200_000
    mount = f'mount -t tmpfs -o size={free} tmpfs "$0" && cp -a {kept}/. "$0"'
    night = night_on_a_disk(mount, data)
    assert night.returncode == 3, night.stdout + night.stderr
    told = failed(data)
    assert told.keys() == {("sample", "bookings")}
    assert "No space left on device" in told["sample", "bookings"]
    after = contents(data)
    assert after["bookings"] == before["bookings"]
    assert after["ratings"] != before["ratings"]
