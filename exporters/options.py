"""The options of exporting: where jobs and files live and how long things last."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from exporters.storage import S3Options
from warehouse.database import DatabaseOptions


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
