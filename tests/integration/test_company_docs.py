"""The calls of the documentation's section on company reports work as printed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_server import ApiServer, run_api
from tests.built import ROOT


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    with run_api(sample_data, tmp_path_factory.mktemp("company"), "--slots", "1") as server:
        yield server


def test_a_report_by_mail(api: ApiServer, tmp_path: Path) -> None:
    section = (ROOT / "docs" / "api.md").read_text().partition("\n## Company reports\n")[2]
    calls = section.split("```sh\n")[2].partition("```")[0]
    assert "--scope definitions" in section.split("```sh\n")[1]
    key = api.new_key("101", scopes=["definitions"])
    environment = {"API": api.url, "KEY": key, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["bash", "-euc", calls],
        cwd=tmp_path,
        env=environment,
        timeout=60,
        check=True,
        capture_output=True,
        text=True,
    )
    assert '"name":"Queue - Missed"' in done.stdout
    assert '"value":"nb_NO"' in done.stdout
    [file] = tmp_path.iterdir()
    assert file.name.startswith("minbil-bookings-")
    assert file.suffix == ".csv"
