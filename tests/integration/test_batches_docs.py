"""The calls and commands of the documentation of batches work as printed."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import ApiServer, run_api
from tests.built import ROOT
from warehouse.generations import open_snapshot

_PAGE = (ROOT / "docs" / "batches.md").read_text()
_SHELL = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    with run_api(sample_data, tmp_path_factory.mktemp("batches"), "--slots", "1") as server:
        yield server


@pytest.fixture
def number(sample_data: Path) -> str:
    """The organisation number of workshop 101."""
    with open_snapshot(sample_data / "warehouse") as snapshot:
        [(found,)] = snapshot.rows("select org_number from workshops where workshop_id = '101'")
    return str(found)


def run(script: str, folder: Path, **environment: str) -> str:
    """What a script prints."""
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=60,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_calls(api: ApiServer, number: str, tmp_path: Path) -> None:
    key = api.new_key("101", scopes=["batches"])
    out = run(_SHELL[1], tmp_path, API=api.url, KEY=key, CVR=number)
    assert '"name":"VIP-11223344#error"' in out
    with zipfile.ZipFile(tmp_path / "Q1 portfolio.zip") as found:
        [pdf] = [name for name in found.namelist() if name.endswith(".pdf")]
    assert pdf.startswith(f"77-{number}-")


def test_the_commands(api: ApiServer, number: str, tmp_path: Path) -> None:
    command = f'reports() {{ PYTHONPATH={ROOT} {sys.executable} -m api.cli "$@"; }}\n'
    run(command + _SHELL[0], tmp_path, **api.environment)
    out = run(command + _SHELL[2], tmp_path, CVR=number, **api.environment)
    assert "name: Q1" in out
