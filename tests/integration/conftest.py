"""Fixtures of the integration tests: the command line, and exports with nothing in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.exports import Exports, open_exports
from tests.api_server import ApiServer, run_api
from tests.command_line import Cli
from tests.exported import options_for


@pytest.fixture
def cli(
    sample_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Cli:
    return Cli(sample_data, tmp_path, capsys, monkeypatch)


@pytest.fixture
def fresh(tmp_path: Path, sample_data: Path) -> Iterator[Exports]:
    """Exports with an empty store and no records."""
    with open_exports(options_for(tmp_path, sample_data)) as opened:
        yield opened


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    """The API on the published sample, one for each file of tests."""
    with run_api(sample_data, tmp_path_factory.mktemp("api"), RATE_PER_MINUTE="1000000") as server:
        yield server
