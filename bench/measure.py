"""Measuring a step in a process of its own: wall seconds, peak memory, and what it tells of itself."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Run:
    """One run of a step, from the start of its process to the end."""

    seconds: float
    """Wall seconds."""
    peak_bytes: int
    """Most memory that the process held."""
    told: Mapping[str, float]
    """What the step printed."""


@dataclass(frozen=True)
class Runs:
    """Runs of one step under the same conditions."""

    runs: Sequence[Run]

    @property
    def seconds(self) -> float:
        """Median of the wall seconds."""
        return median(run.seconds for run in self.runs)

    @property
    def peak_bytes(self) -> int:
        """Highest of the peaks."""
        return max(run.peak_bytes for run in self.runs)

    def told(self, name: str) -> float:
        """Median of a number that the step printed."""
        return median(run.told[name] for run in self.runs)


def run_step(module: str, *arguments: object) -> Run:
    """Run a module of this package with arguments, in a process of its own.

    Raises:
        RuntimeError: the process failed; what it wrote to its standard error was shown.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        printed = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[1:])}: ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss * 1024, json.loads(printed or b"{}"))
