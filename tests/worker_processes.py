"""Workers for tests: `reports worker` in a process of its own, on the test's own job records and store."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from exporters.options import ExportOptions
from tests.built import ROOT, night_environment

PATIENCE = 120
"""Seconds after which a test no longer waits."""


def wait_until(done: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return when `done` gives something true; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class WorkerProcess:
    """A running `reports worker` on the data, the records and the store of `options`."""

    def __init__(self, options: ExportOptions, log: Path, *, slots: int = 2, grace: float = 30) -> None:
        settings = {
            "JOBS_URL": options.jobs_url,
            "STORE_URL": options.store_url,
            "LEASE_SECONDS": str(options.lease.total_seconds()),
            "MAX_ATTEMPTS": str(options.max_attempts),
            "THREADS": "1",
        }
        if options.s3.endpoint_url:
            settings |= {
                "S3_ENDPOINT": options.s3.endpoint_url,
                "S3_ACCESS_KEY": str(options.s3.access_key),
                "S3_SECRET_KEY": str(options.s3.secret_key),
            }
        command = [sys.executable, "-m", "api.cli", "worker", "--slots", str(slots), "--grace", str(grace)]
        self._log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=night_environment(options.warehouse_folder.parent, settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def said(self) -> str:
        """What the worker has written so far."""
        return self._log.read_text(errors="replace")

    def children(self) -> set[int]:
        """The processes that the worker has started and that still run."""
        return {pid for pid in processes() if parent_of(pid) == self.process.pid}

    def kill_slot(self, owner: str | None) -> bool:
        """Kill the slot that the records name as the owner, if it is one of this worker's."""
        pid = int((owner or ":0").rpartition(":")[2])
        if parent_of(pid) != self.process.pid:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def stop(self, seconds: float = PATIENCE) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it at once; its slots end when they have seen it."""
        children = self.children()
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not any(parent_of(pid) is not None for pid in children))


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def parent_of(pid: int) -> int | None:
    """None: there is no such process, or it has ended and nobody has asked how."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(parent)


def unfinished(items: Any) -> list[Any]:
    """The jobs that have not ended."""
    return [job for job in items if job.finished_at is None]
