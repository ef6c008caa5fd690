"""Load on a server: clients at work at once, each a process of its own, and how long they waited."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

_START_SECONDS = 1.5
"""Until all clients have started and are connected."""


@dataclass(frozen=True)
class Load:
    """What clients found in one round."""

    done: Sequence[Mapping[str, Any]]
    """Of each item of work: `seconds`, `status`, and `job_id` of an export."""
    seconds: float
    """How long the round was."""

    @property
    def per_second(self) -> float:
        """Items done in a second."""
        return len(self.done) / self.seconds

    def share(self, part: float) -> float:
        """The seconds within which this part of the items was done."""
        waited = sorted(item["seconds"] for item in self.done)
        return float(waited[ceil(part * len(waited)) - 1])


@dataclass(frozen=True)
class Rounds:
    """The same load several times."""

    loads: Sequence[Load]

    @property
    def per_second(self) -> float:
        """Median of the items in a second."""
        return median(load.per_second for load in self.loads)

    @property
    def per_second_spread(self) -> tuple[float, float]:
        """The slowest and the fastest round."""
        rates = [load.per_second for load in self.loads]
        return min(rates), max(rates)

    def share(self, part: float) -> float:
        """Median of the rounds' seconds within which this part was done."""
        return median(load.share(part) for load in self.loads)

    def worst_share(self, part: float) -> float:
        """The most of the rounds' seconds within which this part was done."""
        return max(load.share(part) for load in self.loads)


def run_clients(port: int, work: Sequence[Sequence[Mapping[str, Any]]], seconds: float, good: object) -> Load:
    """Run a client for each list of work against the port, all at once, for so long.

    Raises:
        RuntimeError: a client failed, or an item's status is not `good`.
    """
    start = time.time() + _START_SECONDS
    command = [sys.executable, "-m", "bench.client", str(port), str(start), str(seconds)]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        for _ in work
    ]
    for client, items in zip(clients, work, strict=True):
        assert client.stdin is not None  # noqa: S101
        client.stdin.write(json.dumps(items).encode())
        client.stdin.close()
    done: list[Mapping[str, Any]] = []
    for client in clients:
        assert client.stdout is not None  # noqa: S101
        printed = client.stdout.read()
        if client.wait():
            raise RuntimeError(f"a client ended with {client.returncode}")
        done += json.loads(printed)
    ended = max(time.time() - start, seconds)
    bad = {str(item["status"]) for item in done if item["status"] != good}
    if bad:
        raise RuntimeError(f"not every answer was {good}: {', '.join(sorted(bad))}")
    return Load(done, ended)
