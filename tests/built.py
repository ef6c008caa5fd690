"""Warehouses for tests: the pipeline run on a source, once per session and source."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipelines.sources.sample import generate_sample

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"


def run_night(
    data_folder: Path, *arguments: str, check: bool = True, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the night in a process of its own on `data_folder`, with settings such as SOURCES="olist"."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines", "night", *arguments],
        cwd=ROOT,
        env=night_environment(data_folder, settings),
        check=check,
        capture_output=True,
        text=True,
        timeout=900,
    )


def night_environment(data_folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Environment of a process that works on `data_folder`, without the caller's own settings."""
    ours = ("REPORTS_", "DAGSTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"REPORTS_DATA_FOLDER": str(data_folder)} | {f"REPORTS_{k}": v for k, v in settings.items()}


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """A folder that the first of several test processes fills and all of them use."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            build(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated sample source; tests must not change it."""
    return build_once(tmp_path_factory, "sources", lambda root: generate_sample(root / "sample")) / "sample"


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory, sample_files: Path) -> Path:
    """Data folder whose warehouse holds the published sample; tests must not change it."""
    root = str(sample_files.parent)
    return build_once(tmp_path_factory, "sample_data", lambda folder: run_night(folder, SOURCE_ROOT=root))


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the data folder of a published real source; skips where the real data is not there."""

    def build(source: str) -> Path:
        if not (REAL_DATA / source).is_dir():
            pytest.skip(f"the real data of {source} is not beside this checkout")
        root = str(REAL_DATA)
        return build_once(
            tmp_path_factory,
            f"{source}_data",
            lambda folder: run_night(folder, SOURCES=source, SOURCE_ROOT=root),
        )

    return build
