"""The build file: the pipeline's own database, held by one process at a time.

It begins as a copy of the served generation, is changed step by step, and becomes the next generation when it
is published. Beside the published tables it holds the schema `pipeline`: what the next build goes on from.
"""

import fcntl
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.build import Build
from warehouse.database import DatabaseOptions, connect, quote_name
from warehouse.errors import WarehouseBusyError, WarehouseError
from warehouse.generations import current_generation
from warehouse.inbox import create_inbox, forget_unknown
from warehouse.landing import Landing
from warehouse.load_report import create_reports
from warehouse.models import Model
from warehouse.present import create_state
from warehouse.raw import create_sources
from warehouse.restatements import begin_comparing
from warehouse.sources import Source

_WAIT_SECONDS = 30
"""How long a step waits for another process's step to end."""
_LAYOUT = 2
"""Raised when what the schema `pipeline` or the reports hold changes: everything is built anew then."""


@contextmanager
def open_build(
    path: Path,
    landing: Landing,
    sources: Mapping[str, Source],
    models: Mapping[str, Model],
    options: DatabaseOptions,
) -> Iterator[Build]:
    """Open the build file for writing; while another process has it, wait for a while.

    Raises:
        WarehouseBusyError: another process has been writing all the while.
        WarehouseError: the file cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _hold(path):
        _begin_from_served(path)
        connection = connect(path, options=options)
        try:
            _create_layout(connection)
            forget_unknown(connection, models)
            begin_comparing(connection, _served(path))
            create_sources(connection, sources)
            yield Build(path, connection, landing, sources, models)
        except duckdb.Error as error:
            raise WarehouseError(f"{path}: {error}") from error
        finally:
            connection.close()


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    """Keep other processes from the build file; the lock goes with the process, however that ends."""
    end = time.monotonic() + _WAIT_SECONDS
    with path.with_suffix(".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise WarehouseBusyError(
                        f"{path}: another process is writing to this file; wait for it to end and try again"
                    ) from None
                time.sleep(0.1)
        yield


def _begin_from_served(path: Path) -> None:
    """Copy the served generation to be the build file, unless a build is under way or nothing is served."""
    if path.exists():
        return
    # The log of a file that is gone must not be taken for that of the copy.
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    try:
        served = current_generation(path.parent).path
    except WarehouseError:  # what cannot be read is built anew
        return
    if not served.exists():
        return
    beside = path.with_suffix(".copying")
    try:
        shutil.copyfile(served, beside)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise WarehouseError(f"{path}: the served generation cannot be copied: {error.strerror}") from error


def _served(path: Path) -> str | None:
    try:
        return current_generation(path.parent).generation
    except WarehouseError:
        return None


def _create_layout(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the pipeline's own tables; those of another layout are dropped, and all is built anew."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS pipeline")
    connection.execute("CREATE TABLE IF NOT EXISTS pipeline.layout (number BIGINT)")
    if connection.execute("SELECT number FROM pipeline.layout").fetchall() != [(_LAYOUT,)]:
        connection.execute("DROP SCHEMA pipeline CASCADE")
        for name, type_ in connection.execute(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'main'"
            " AND table_catalog = current_database()"
        ).fetchall():
            kind = "VIEW" if type_ == "VIEW" else "TABLE"
            connection.execute(f"DROP {kind} {quote_name(name)}")
        connection.execute("CREATE SCHEMA pipeline")
        connection.execute("CREATE TABLE pipeline.layout AS SELECT ?::BIGINT AS number", [_LAYOUT])
    create_state(connection)
    create_inbox(connection)
    create_reports(connection)
