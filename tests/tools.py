"""Programs by other hands that read our files: LibreOffice, the Open XML SDK, poppler, qpdf, PDFBox."""

import json
import shutil
import subprocess
import tempfile
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
    "commons-io",
    "jaxb-api",
    "javax.activation",
)
"""Java has left out what preflight reads metadata by, so it is beside."""
_OOXML = ROOT / ".venv" / "ooxml" / "node_modules" / "@xarsh"


def find_tool(name: str) -> str:
    """The program's path; the test that asks is skipped where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run_tool(*command: str | Path) -> str:
    """What the program prints; the test fails when the program does."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def convert(file: Path, form: str) -> Path:
    """The file as LibreOffice converts it to `form`, such as `csv` or `pdf`, in the file's folder."""
    office = find_tool("soffice")
    with tempfile.TemporaryDirectory() as profile:
        run_tool(
            office,
            f"-env:UserInstallation=file://{profile}",
            "--headless",
            "--convert-to",
            form,
            "--outdir",
            file.parent,
            file,
        )
    return file.with_suffix("." + form.partition(":")[0])


def validate_workbook(file: Path) -> list[Any]:
    """The faults that the Open XML SDK finds in the workbook."""
    found = sorted(_OOXML.glob("ooxml-validator-*/ooxml-validator*"))
    if not found:
        pytest.skip("the Open XML validator is not installed")
    done = subprocess.run(
        [found[0], file], capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    assert done.stdout, done.stderr
    return list(json.loads(done.stdout)["errors"])


def check_archival(file: Path) -> list[str]:
    """What keeps the PDF from being PDF/A-1b, as Apache PDFBox's preflight finds."""
    java = find_tool("java")
    jars = [_JAVA / f"{name}.jar" for name in _PREFLIGHT]
    if not all(jar.exists() for jar in jars):
        pytest.skip("Apache PDFBox preflight is not installed")
    done = subprocess.run(
        [java, "-cp", ":".join(map(str, jars)), "org.apache.pdfbox.preflight.Validator_A1b", file],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if "is a valid PDF/A-1b file" in done.stdout:
        return []
    lines = done.stdout.splitlines()
    assert any("is not" in line for line in lines), done.stderr
    return [line for line in lines if "is not" not in line]
