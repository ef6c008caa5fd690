"""The calls of the documentation's section on company reports work as printed."""

import os
import subprocess
from pathlib import Path

from tests.api_server import ApiServer
from tests.built import ROOT


def test_a_report_by_mail(working_api: ApiServer, tmp_path: Path) -> None:
    section = (ROOT / "docs" / "api.md").read_text().partition("\n## Company reports\n")[2]
    calls = section.split("```sh\n")[2].partition("```")[0]
    assert "--scope definitions" in section.split("```sh\n")[1]
    key = working_api.new_key("103", scopes=["definitions"])
    environment = {"API": working_api.url, "KEY": key, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["bash", "-euc", calls],
        cwd=tmp_path,
        env=environment,
        timeout=300,
        check=True,
        capture_output=True,
        text=True,
    )
    assert '"name":"Queue - Missed"' in done.stdout
    assert '"value":"nb_NO"' in done.stdout
    [file] = tmp_path.iterdir()
    assert file.name.startswith("minbil-bookings-")
    assert file.suffix == ".csv"
