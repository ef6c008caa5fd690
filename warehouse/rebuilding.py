"""Building everything anew and serving nothing older, after landed rows were erased."""

from datetime import timedelta
from pathlib import Path
from shutil import rmtree

from warehouse.build import Build
from warehouse.database import connect
from warehouse.errors import NoGenerationError, WarehouseError
from warehouse.generations import GENERATIONS, Generation, Snapshot, current_generation, open_snapshot
from warehouse.publishing import publish
from warehouse.restatements import RESTATEMENTS

_TABLES = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'"


def begin_anew(build: Build) -> None:
    """Make the build file an empty one, so that the next steps build whole; the build is closed then.

    It must be there: where there is none, the next step would go on from the served generation.
    """
    build.connection.close()
    for path in (build.path, build.path.with_suffix(".duckdb.wal"), build.path.with_suffix(".copying")):
        path.unlink(missing_ok=True)
    rmtree(build.path.with_suffix(".spill"), ignore_errors=True)
    connect(build.path).close()


def publish_anew(build: Build, folder: Path, without: str | None) -> Generation:
    """Build everything from the landing as it is and publish it.

    The restatements that are served stay, but of the workshop `without`; the build is closed then.

    Raises:
        WarehouseError: it cannot be built or published; the served generation stays.
    """
    for name, source in build.sources.items():
        for entity in source.entities:
            build.create_raw(name, entity)
    for model in build.models:
        build.build_model(model)
    try:
        with open_snapshot(folder) as served:
            _carry_restatements(build, served, without)
    except NoGenerationError:
        pass
    return publish(build, folder, keep=1, grace=timedelta(0), max_loss=1)


def remove_older(folder: Path) -> int:
    """Remove every generation but the served one, returns how many; readers of one finish on it."""
    served = current_generation(folder)
    removed = 0
    for path in (folder / GENERATIONS).iterdir():
        if path.name not in {served.path.name, served.figures_path.name}:
            rmtree(path) if path.is_dir() else path.unlink()
            removed += path.suffix == served.path.suffix
    return removed


def is_served(folder: Path) -> bool:
    """Whether anything is published, readable or not."""
    try:
        current_generation(folder)
    except NoGenerationError:
        return False
    except WarehouseError:
        return True
    return True


def _carry_restatements(build: Build, served: Snapshot, without: str | None) -> None:
    if not served.rows(f"{_TABLES} AND table_name = '{RESTATEMENTS}'"):
        return
    with served.batches(
        f"SELECT * FROM {RESTATEMENTS} WHERE workshop_id IS DISTINCT FROM $without", {"without": without}
    ) as kept:
        build.connection.register("kept_restatements", kept)
        build.connection.execute(f"DELETE FROM {RESTATEMENTS}")
        build.connection.execute(f"INSERT INTO {RESTATEMENTS} BY NAME FROM kept_restatements")
        build.connection.unregister("kept_restatements")
