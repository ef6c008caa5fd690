"""What commands work with, opened as the settings say: the warehouse, exports, job records."""

# A command that does not need them does not wait for their imports.
# ruff: noqa: PLC0415

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporters.exports import Exports
    from exporters.jobs import JobStore
    from exporters.storage import Store
    from warehouse.generations import Snapshot


@contextmanager
def open_warehouse() -> "Iterator[Snapshot]":
    """The served generation."""
    from settings import load_settings
    from warehouse.generations import open_snapshot

    settings = load_settings()
    with open_snapshot(settings.warehouse_folder, settings.database) as snapshot:
        yield snapshot


@contextmanager
def open_exports() -> "Iterator[Exports]":
    """Exports, which can make files."""
    from exporters.exports import open_exports
    from settings import load_settings

    with open_exports(load_settings().exports) as exports:
        yield exports


@contextmanager
def open_records() -> "Iterator[tuple[JobStore, Store]]":
    """The job records and the store alone: without what makes files, they open in half the time."""
    from exporters.jobs import open_jobs
    from exporters.storage import open_store
    from settings import load_settings

    settings = load_settings()
    store = open_store(settings.store_location, s3=settings.s3)
    records = open_jobs(settings.jobs_database)
    try:
        yield records, store
    finally:
        records.close()
