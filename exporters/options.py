"""The options of exporting: where jobs and files live and how long things last."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.storage import S3Options
from warehouse.database import DatabaseOptions

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.deliveries.options import DeliveryOptions
    from exporters.formats.table import Language


@dataclass(frozen=True)
class Quotas:
    """What each workshop may have at most, looked at when an export is asked for; None: any amount."""

    rows: int | None = None
    """Rows of the exports asked for in the last 24 hours."""
    bytes: int | None = None
    """Bytes of the files stored now. The size of a file is not known before it is made, so the last one
    asked for within the quota may exceed it."""
    pending: int | None = None
    """Jobs that wait for a worker."""


@dataclass(frozen=True)
class ExportOptions:
    """Where exports live and how long things last."""

    store_url: str
    s3: S3Options
    jobs_url: str = field(repr=False)
    warehouse_folder: Path
    database: DatabaseOptions
    lease: timedelta
    max_attempts: int
    retention: timedelta
    language: "Language"
    """Of files for which none was asked."""
    brand_folder: Path | None
    """Where `exporters.brands` finds brands; None: nowhere."""
    quotas: Quotas = Quotas()
    """Of each workshop."""
    record_retention: timedelta = timedelta(days=365)
    """How long deliveries and fires that have ended stay on record."""
    deliveries: "DeliveryOptions | None" = None
    """None: nothing is delivered."""
