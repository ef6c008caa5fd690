"""Programs by other hands that read our files.

LibreOffice, the Open XML SDK, poppler, qpdf, PDFBox and Chromium; `tests/install_tools.sh` installs them.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.built import ROOT

_PATIENCE = 120
"""Seconds after which a program is ended."""

_JAVA = Path("/usr/share/java")
_PREFLIGHT = (
    "preflight",
    "pdfbox2",
    "fontbox2",
    "xmpbox",
    "commons-logging",
    "jaxb-api",
    "javax.activation",
)
"""Java has left out what preflight reads metadata by, so it is beside."""
_OFFLINE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
    "--net-log-capture-mode=Everything",
    "--dump-dom",
)
_NO_PAGE = "not an origin"
"""What Chromium's log names as the origin of its own requests."""
_OOXML = ROOT / ".venv" / "ooxml" / "node_modules" / "@xarsh"


def find_tool(name: str) -> str:
    """The program's path; the test that asks is skipped where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run_tool(name: str, *arguments: str | Path) -> str:
    """What the program prints, as `find_tool` finds it; the test fails when the program does."""
    command = [find_tool(name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    return done.stdout


def convert(files: Sequence[Path], form: str, into: Path, reads: str = "") -> list[Path]:
    """The files as LibreOffice, started once, converts them to `form`, such as `xlsx`, in the folder `into`.

    `reads` are the options with which it reads them, as in `CSV:44,34,76`.
    """
    with tempfile.TemporaryDirectory() as profile:
        options = [f"-env:UserInstallation=file://{profile}", "--headless"]
        options += [f"--infilter={reads}"] if reads else []
        run_tool("soffice", *options, "--convert-to", form, "--outdir", into, *files)
    ending = "." + form.partition(":")[0]
    return [into / file.with_suffix(ending).name for file in files]


def validate_workbook(file: Path) -> list[Any]:
    """The faults that the Open XML SDK finds in the workbook."""
    found = sorted(_OOXML.glob("ooxml-validator-*/ooxml-validator*"))
    if not found:
        pytest.skip("the Open XML validator is not installed")
    done = subprocess.run([found[0], file], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.stdout, done.stderr
    return list(json.loads(done.stdout)["errors"])


def check_archival(files: Sequence[Path]) -> list[str]:
    """What keeps the PDFs from being PDF/A-1b, by Apache PDFBox's preflight; one line for each fault."""
    java = find_tool("java")
    jars = [_JAVA / f"{name}.jar" for name in _PREFLIGHT]
    if not all(jar.exists() for jar in jars):
        pytest.skip("Apache PDFBox preflight is not installed")
    path = ":".join(map(str, jars))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"{file}\n" for file in files))
        listed.flush()
        # It ends with a fault of its own when it finds one in a file.
        done = subprocess.run(
            [java, "-cp", path, "org.apache.pdfbox.preflight.Validator_A1b", "group", listed.name],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if line]
    valid = [line for line in lines if line.endswith(" is a valid PDF/A-1b file")]
    assert len(valid) + sum(" is not a valid PDF/A-1b file" in line for line in lines) == len(files), done
    return [line for line in lines if line not in valid]


@dataclass(frozen=True)
class Opened:
    """A page as Chromium opened it."""

    page: str
    """As HTML, as the browser has understood it."""
    console: tuple[str, ...]
    """What it says to developers: errors, and what the page's content security policy forbade."""
    requests: tuple[str, ...]
    """Addresses that the page asked for."""


def open_in_browser(file: Path) -> Opened:
    """Opens an HTML file in Chromium, which finds no host but those named by number."""
    browser = find_tool("chromium")
    with tempfile.TemporaryDirectory() as profile:
        log = Path(profile) / "requests.json"
        done = subprocess.run(
            [browser, *_OFFLINE, f"--user-data-dir={profile}", f"--log-net-log={log}", file.as_uri()],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
        known = json.loads(log.read_text())
    begins = known["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [event["params"] for event in known["events"] if event["type"] == begins and "params" in event]
    return Opened(
        page=done.stdout,
        console=tuple(line for line in done.stderr.splitlines() if ":CONSOLE:" in line),
        # What the browser asks for on its own account comes from no page.
        requests=tuple(one["url"] for one in asked if one.get("initiator", _NO_PAGE) != _NO_PAGE),
    )
