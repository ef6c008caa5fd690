"""Processes that send deliveries, for tests that kill them."""

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from exporters.database import open_database
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.sender import make_errands
from exporters.errands import run_errands
from exporters.storage import open_store
from tests.forked import fork


class SenderProcess:
    """A process that sends what is due in the records, with a few threads for each channel."""

    def __init__(
        self, url: str, store_url: str, make_options: Callable[..., DeliveryOptions], *given: Any
    ) -> None:
        self._process = fork(_send, url, store_url, make_options, given)

    def kill(self) -> None:
        """End it at once, wherever it is."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join(10)


def _send(
    url: str, store_url: str, make_options: Callable[..., DeliveryOptions], given: tuple[Any, ...]
) -> None:
    database = open_database(url)
    options = make_options(*given)
    errands = make_errands(database, open_store(store_url), options, senders=3, lease=timedelta(seconds=1))
    run_errands(errands, threading.Event())
