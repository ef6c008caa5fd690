"""The dispatcher: a process of the worker that does what is due beside the making of files."""

import logging
import os
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection

from exporters.batches import running as batches
from exporters.definitions import firing as definitions
from exporters.definitions.store import DefinitionStore
from exporters.deliveries import sender
from exporters.errands import Errand, run_errands
from exporters.exports import Exports, open_exports
from exporters.options import ExportOptions
from exporters.worker_orders import READY


def serve_dispatch(options: ExportOptions, orders: Connection) -> None:
    """Run the errands of an installation until the supervisor says to stop, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_listen, args=(orders, stop), name="orders", daemon=True).start()
    with open_exports(options) as exports:
        orders.send(READY)
        run_errands(_list_errands(exports, options), stop)
    logging.shutdown()
    # What an errand waits for, such as a server that does not answer, is not waited for: it is tried again.
    os._exit(0)


def _listen(orders: Connection, stop: threading.Event) -> None:
    with suppress(EOFError, OSError):
        orders.recv()  # either order says to end
    stop.set()


def _list_errands(exports: Exports, options: ExportOptions) -> list[Errand]:
    database = exports.jobs.database
    errands = [
        *definitions.make_errands(exports, DefinitionStore(database), options),
        *batches.make_errands(exports, options),
    ]
    if options.deliveries is not None:
        errands += sender.make_errands(database, exports.store, options.deliveries)
    return errands
