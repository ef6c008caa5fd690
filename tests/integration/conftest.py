"""Fixtures of the integration tests: the command line, and exports with nothing in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.exports import Exports, open_exports
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
