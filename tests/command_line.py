"""The command line for tests: run in this process or its own, on a published warehouse."""

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from api.cli import execute
from exporters.database import open_database
from exporters.jobs import JobStore, open_jobs
from tests.built import ROOT, night_environment

WORKSHOP = "101"
UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"
EXPORT = ("export", WORKSHOP, "ratings", "--format", "csv")


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Stdout, which must be one JSON document; numbers as Decimal."""
        return json.loads(self.out, parse_float=Decimal)

    @property
    def error(self) -> Any:
        return self.document["error"]


@cache
def _records() -> bytes:
    """A file of records without any row: to make one takes longer than most commands."""
    with TemporaryDirectory() as folder:
        open_database(f"sqlite:///{folder}/jobs.db").close()
        return (Path(folder) / "jobs.db").read_bytes()


class Cli:
    """The command line in this process, on a data folder, with job records and a store of its own."""

    def __init__(
        self, data: Path, own: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.folder = own
        self.store = own / "store"
        own.mkdir(parents=True, exist_ok=True)
        if not (own / "jobs.db").exists():
            (own / "jobs.db").write_bytes(_records())
        self._capture = capture
        self._patch = patch
        self.settings = {"JOBS_URL": f"sqlite:///{own / 'jobs.db'}", "STORE_URL": f"file://{self.store}"}
        self.environment = night_environment(data, self.settings)
        for name in os.environ:
            if name.startswith("REPORTS_"):
                patch.delenv(name)
        patch.setenv("REPORTS_DATA_FOLDER", str(data))
        for name, value in self.settings.items():
            self.set(name, value)

    def set(self, setting: str, value: str) -> None:
        self._patch.setenv(f"REPORTS_{setting}", value)

    def __call__(self, *arguments: str) -> Answer:
        self._capture.readouterr()
        code = execute(arguments)
        out, err = self._capture.readouterr()
        return Answer(code, out, err)

    def ask(self, *arguments: str) -> Any:
        """The document of a command that must succeed."""
        answer = self(*arguments, "--json")
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.document

    def subprocess(self, *arguments: str) -> Answer:
        """The same in a process of its own, whose locale knows ASCII only."""
        extra = {"PYTHONIOENCODING": "ascii"}
        ended = subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            cwd=ROOT,
            env=self.environment | extra,
            check=False,
            capture_output=True,
            timeout=120,
        )
        return Answer(ended.returncode, ended.stdout.decode("ascii"), ended.stderr.decode())

    def records(self) -> closing[JobStore]:
        return closing(open_jobs(self.settings["JOBS_URL"]))

    def stored(self) -> list[Path]:
        return [path for path in self.store.rglob("*") if path.is_file()]


def pending(cli: Cli) -> str:
    return str(cli.ask("export", WORKSHOP, "revenue", "--format", "csv", "--no-wait")["job"]["job_id"])
