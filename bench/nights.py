"""The measured nights: the first, which builds everything, nights of changes, and the script beside them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.build import PlatformWarehouse
from bench.comparison import differing_tables
from bench.measure import Run, Runs, run_step
from bench.platform_data import PlatformSize, write_changes, write_platform
from warehouse.generations import current_generation

MEMORY, LITTLE_MEMORY = "4GB", "1GB"
_RUNS = 3
_LONG_SECONDS = 60
"""A build and a script that together take longer are measured once."""


@dataclass(frozen=True)
class NightFigures:
    """What was measured."""

    size: PlatformSize
    changes: int
    """Rows that change from one night to the next."""
    landing: Run
    full: Runs
    """Everything built from what is landed, and published."""
    full_in_little_memory: Run
    script: Runs
    """The script, from the same files to the same tables."""
    nights: Runs
    """Nights of changes: landed, built, published."""
    script_again: Run
    """The script after those nights: it knows no changes, so it makes every table anew."""


def measure_nights(folder: Path, size: PlatformSize, tell: Callable[[str], None]) -> NightFigures:
    """Measure the nights of a platform of this size, in an empty folder.

    Raises:
        RuntimeError: a step failed, or our side and the script did not make the same tables.
    """
    platform, script = PlatformWarehouse(folder), folder / "script.duckdb"
    changes = min(100_000, size.bookings // 100)
    tell(f"Generating {size.bookings:,} bookings")
    write_platform(platform.files, size)
    tell("Landing")
    landing = run_step("bench.build", "land", folder, MEMORY)
    tell(f"Building in {LITTLE_MEMORY} of memory")
    little = _build_anew(platform, LITTLE_MEMORY)
    full: list[Run] = []
    scripts: list[Run] = []
    while not full or (len(full) < _RUNS and full[0].seconds + scripts[0].seconds < _LONG_SECONDS):
        tell(f"Script and build, run {len(full) + 1}")
        scripts.append(_run_script(platform, script))
        full.append(_build_anew(platform, MEMORY))
    _refuse_differing(platform, script)
    nights = []
    for night in range(1, _RUNS + 1):
        tell(f"Night {night}: {changes:,} changes")
        write_changes(platform.files, size, changes, night)
        nights.append(run_step("bench.build", "night", folder, MEMORY))
    tell("Script after the nights")
    script_again = _run_script(platform, script, "newest")
    _refuse_differing(platform, script)
    return NightFigures(size, changes, landing, Runs(full), little, Runs(scripts), Runs(nights), script_again)


def _build_anew(platform: PlatformWarehouse, memory_limit: str) -> Run:
    shutil.rmtree(platform.warehouse_folder, ignore_errors=True)
    return run_step("bench.build", "full", platform.folder, memory_limit)


def _run_script(platform: PlatformWarehouse, database: Path, *newest: str) -> Run:
    database.unlink(missing_ok=True)
    return run_step("bench.hand_written", platform.files, database, MEMORY, *newest)


def _refuse_differing(platform: PlatformWarehouse, script: Path) -> None:
    published = current_generation(platform.warehouse_folder).path
    differing = differing_tables(published, script, platform.tables)
    if differing:
        raise RuntimeError(f"our side and the script made different tables: {'; '.join(differing)}")
