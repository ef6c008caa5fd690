"""Exports under load: asked for over the API, made by a warm worker; and beside it a process for each."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.dagster_exports import run_in_processes
from bench.load import Load, Rounds, run_clients
from bench.product import Product
from bench.serving_work import Workshops

CLIENTS, SLOTS = 20, 4
ROWS, SMALL_ROWS = 10_000, 200
IDLE_SECONDS = 15.0
"""For which a worker has been there, as ever: its slots have loaded what they need."""
_ROUNDS = 5
_SECONDS = 10.0
_WARM_UP_SECONDS = 5.0
_PROCESSES_ALONE, _PROCESSES_AT_ONCE = 3, 12


@dataclass(frozen=True)
class ExportLoads:
    """From a request to the moment when its client sees the file completed."""

    large: Rounds
    """CSV files of ROWS rows."""
    alone: Rounds
    """The same with one client alone."""
    small: Rounds
    """Files of SMALL_ROWS rows in all formats."""
    process_alone: Load
    """A Dagster process for each of the large files, one after another."""
    processes: Load
    """As many of them at once as the worker has slots."""


def measure_exports(product: Product, workshops: Workshops, tell: Callable[[str], None]) -> ExportLoads:
    """Measure exports by a warm worker, then by processes.

    Raises:
        RuntimeError: an export was refused or not completed.
    """
    work = workshops.exports(ROWS, CLIENTS)
    small_work = workshops.small_exports(SMALL_ROWS, CLIENTS)
    with product.serving() as api, product.working(SLOTS):
        time.sleep(IDLE_SECONDS)
        tell(f"Exports of {ROWS:,} rows")
        large = _measure(api.port, work)
        alone = _measure(api.port, work[:1])
        tell("Small exports in all formats")
        small = _measure(api.port, small_work)
    tell("Exports by a Dagster process for each")
    items = [items[0] for items in work]
    process_alone = run_in_processes(product, items[:_PROCESSES_ALONE], at_once=1)
    processes = run_in_processes(product, items[:_PROCESSES_AT_ONCE], at_once=SLOTS)
    return ExportLoads(large, alone, small, process_alone, processes)


def _measure(port: int, work: Sequence[Sequence[Mapping[str, Any]]]) -> Rounds:
    run_clients(port, work, _WARM_UP_SECONDS, good="completed")
    return Rounds([run_clients(port, work, _SECONDS, good="completed") for _ in range(_ROUNDS)])
