"""Processes for tests that begin in some milliseconds: forks of a server that has imported what they need."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess

_FORKED = multiprocessing.get_context("forkserver")
_NEEDED = [
    "tests.batch_dispatcher",
    "tests.delivery_processes",
    "tests.exporting_process",
    "tests.firing_process",
    "tests.integration.test_erasure",
    "tests.integration.test_kills",
    "tests.integration.test_webhook_kills",
    "tests.webhook_world",
]
"""There is one server for a test run: what is imported before its first process begins serves all of them."""


def fork(target: Callable[..., object], *given: object) -> ForkServerProcess:
    """Start a process that calls `target`."""
    _FORKED.set_forkserver_preload(_NEEDED)
    process = _FORKED.Process(target=target, args=given, daemon=True)
    process.start()
    return process
