"""The options of exporting: where jobs and files live and how long things last."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.storage import S3Options
from warehouse.database import DatabaseOptions

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language


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
