"""Fixtures of the integration tests: the command line."""

from pathlib import Path

import pytest

from tests.command_line import Cli


@pytest.fixture
def cli(
    sample_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Cli:
    return Cli(sample_data, tmp_path, capsys, monkeypatch)
