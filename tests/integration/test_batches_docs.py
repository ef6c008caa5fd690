"""The calls and commands of the documentation of batches work as printed."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.api_server import ApiServer
from tests.built import ROOT
from warehouse.generations import open_snapshot

_PAGE = (ROOT / "docs" / "batches.md").read_text()
_SHELL = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def number(company_data: Path) -> str:
    """The organisation number of workshop 104."""
    with open_snapshot(company_data / "warehouse") as snapshot:
        [(found,)] = snapshot.rows("select org_number from workshops where workshop_id = '104'")
    return str(found)


def run(script: str, folder: Path, **environment: str) -> str:
    """What a script prints."""
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=300,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_calls(working_api: ApiServer, number: str, tmp_path: Path) -> None:
    key = working_api.new_key("104", scopes=["batches"])
    out = run(_SHELL[1], tmp_path, API=working_api.url, KEY=key, CVR=number)
    assert '"name":"VIP-11223344#error"' in out
    with zipfile.ZipFile(tmp_path / "Q1 portfolio.zip") as found:
        [pdf] = [name for name in found.namelist() if name.endswith(".pdf")]
    assert pdf.startswith(f"77-{number}-")


def test_the_commands(working_api: ApiServer, number: str, tmp_path: Path) -> None:
    command = f'reports() {{ PYTHONPATH={ROOT} {sys.executable} -m api.cli "$@"; }}\n'
    run(command + _SHELL[0], tmp_path, **working_api.environment)
    out = run(command + _SHELL[2], tmp_path, CVR=number, **working_api.environment)
    assert "name: Q1" in out
