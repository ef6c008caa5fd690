"""Warehouses for tests: the pipeline run on a source, once per session and source."""

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
        timeout=300,
    )


def night_environment(data_folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Environment of a process that works on `data_folder`; nothing of the caller's own settings is in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REPORTS_", "DAGSTER_"))}
    return kept | {"REPORTS_DATA_FOLDER": str(data_folder)} | {f"REPORTS_{k}": v for k, v in settings.items()}


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated sample source; tests must not change it."""
    folder = tmp_path_factory.mktemp("sample_source") / "sample"
    generate_sample(folder)
    return folder


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory, sample_files: Path) -> Path:
    """Data folder whose warehouse holds the published sample; tests must not change it."""
    folder = tmp_path_factory.mktemp("sample_data")
    run_night(folder, SOURCE_ROOT=str(sample_files.parent))
    return folder


@pytest.fixture(scope="session")
def real_data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the data folder of a published real source; skips where the real data is not there."""
    built: dict[str, Path] = {}

    def build(source: str) -> Path:
        if not (REAL_DATA / source).is_dir():
            pytest.skip(f"the real data of {source} is not beside this checkout")
        if source not in built:
            built[source] = tmp_path_factory.mktemp(f"{source}_data")
            run_night(built[source], SOURCES=source, SOURCE_ROOT=str(REAL_DATA))
        return built[source]

    return build
