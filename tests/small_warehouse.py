"""A warehouse of a few rows in the test's own process: the sample platform's files, landed and built."""

import csv
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from exporters.storage import S3Options
from pipelines.sources.files import EntityFiles, open_folder
from warehouse.build import Build
from warehouse.build_file import open_build
from warehouse.checks import CheckResult
from warehouse.database import DatabaseOptions
from warehouse.front_matter import SQL_ROOT
from warehouse.generations import Generation, Snapshot, open_snapshot
from warehouse.landing import Days, Landing, Verdict
from warehouse.models import Model, load_models
from warehouse.publishing import publish
from warehouse.sources import FileSource, Source, load_sources

ROOT = Path(__file__).resolve().parent.parent
NO_S3 = S3Options(None, "us-east-1", None, None)

Row = Mapping[str, object]

WORKSHOP: Row = {
    "id": "101",
    "org_number": "999888777",
    "name": "Nordre Bilverksted",
    "time_zone": "Europe/Oslo",
    "currency": "NOK",
    "created_at": "2020-01-01T00:00:00Z",
    "updated_at": "2020-01-08T00:00:00Z",
}
BOOKING: Row = {
    "id": "1",
    "group_id": "g-1",
    "workshop_id": "101",
    "service_id": "2001",
    "customer_id": "71940013",
    "customer_name": "Kari Åsnes",
    "registration_number": "EV12345",
    "status": "COMPLETED",
    "start_time": "2026-01-15T10:00:00Z",
    "end_time": "2026-01-15T11:00:00Z",
    "completed_at": "2026-01-15T11:05:00Z",
    "cancelled_at": "",
    "cancellation_reason": "",
    "price": "1000.00",
    "currency": "NOK",
    "walk_in": "false",
    "notes": "",
    "created_at": "2026-01-10T08:00:00Z",
    "updated_at": "2026-01-15T11:05:00Z",
}
RATING: Row = {
    "id": 500001,
    "booking_id": 1,
    "service_rating": 4.5,
    "service_rating_message": None,
    "private_service_rating": False,
    "created_at": "2026-01-16T09:00:00Z",
    "updated_at": "2026-01-16T09:00:00Z",
}
SERVICE: Row = {
    "id": 2001,
    "workshop_id": 101,
    "title": "Oljeskift",
    "price": "990.00",
    "is_active": True,
    "category_ids": [1],
    "duration_minutes": 60,
    "description": None,
    "created_at": datetime(2020, 1, 1, tzinfo=UTC),
    "updated_at": datetime(2020, 1, 1, tzinfo=UTC),
    "deleted_at": None,
}
_INSTANT = pl.Datetime("us", "UTC")
_SERVICE_TYPES = {
    "id": pl.Int64(),
    "workshop_id": pl.Int64(),
    "price": pl.Decimal(18, 2),
    "category_ids": pl.List(pl.Int64()),
    "duration_minutes": pl.Int64(),
    "description": pl.String(),
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
    "deleted_at": _INSTANT,
}


def csv_text(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@dataclass
class SmallWarehouse:
    """Files, landing and build file of a test, below one folder."""

    root: Path
    sources: dict[str, Source] = field(
        default_factory=lambda: dict(load_sources(ROOT / "sources.toml", ["sample"]))
    )
    sql_root: Path = SQL_ROOT

    def __post_init__(self) -> None:
        self.landing = Landing(self.root / "landing")
        self.warehouse_folder = self.root / "warehouse"
        self.models: dict[str, Model] = load_models(self.sources, self.sql_root)

    def add_source(self, name: str) -> None:
        """A second source of the sample platform's shape."""
        own = self.root / "sql"
        if not own.exists():
            shutil.copytree(self.sql_root, own)
            self.sql_root = own
        for path in list((own / "staging").glob("stg_sample__*.sql")):
            text = path.read_text(encoding="utf-8").replace("raw_sample__", f"raw_{name}__")
            path.with_name(path.name.replace("stg_sample__", f"stg_{name}__")).write_text(text, "utf-8")
        self.sources[name] = self.file_source("sample").model_copy(update={"path": name})
        self.models = load_models(self.sources, self.sql_root)

    def file_source(self, name: str) -> FileSource:
        """A declared source, which delivers files."""
        source = self.sources[name]
        assert isinstance(source, FileSource)
        return source

    def file(self, name: str, source: str = "sample") -> Path:
        """An input file; its folder is made."""
        path = self.root / "sources" / self.file_source(source).path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str, content: str | bytes, source: str = "sample") -> None:
        """Write an input file."""
        raw = content.encode() if isinstance(content, str) else content
        self.file(name, source).write_bytes(raw)

    def write_sample(
        self,
        *,
        source: str = "sample",
        workshops: Sequence[Row] = (WORKSHOP,),
        services: Sequence[Row] = (SERVICE,),
        bookings: Sequence[Row] = (BOOKING,),
        ratings: Sequence[Row] = (RATING,),
    ) -> None:
        """Write every file of the sample platform."""
        self.write("workshops.csv", csv_text(workshops, list(WORKSHOP)), source)
        self.write("categories.csv", "id,name\n1,Motor\n2,Dekk\n", source)
        statuses = ["PENDING", "CONFIRMED", "COMPLETED", "CANCELLED"]
        lines = "".join(f"{code},{code.title()},,#000,x\n" for code in statuses)
        self.write("booking_statuses.csv", f"code,label,allowed_transitions,color,icon\n{lines}", source)
        frame = pl.DataFrame(
            [{**row, "price": str(row["price"])} for row in services], infer_schema_length=None
        )
        typed = [pl.col(name).cast(dtype) for name, dtype in _SERVICE_TYPES.items()]
        frame.with_columns(typed).write_parquet(self.file("services.parquet", source))
        self.write_bookings("bookings/bookings-2026-01.csv", bookings, source)
        self.write_ratings(ratings, source)

    def write_bookings(self, name: str, bookings: Sequence[Row], source: str = "sample") -> None:
        """Write one file of bookings."""
        self.write(name, csv_text(bookings, list(BOOKING)), source)

    def write_ratings(self, ratings: Sequence[Row], source: str = "sample") -> None:
        """Write the file of ratings."""
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ratings)
        self.write("ratings.ndjson", lines or "\n", source)

    def entity_files(self, entity: str, source: str = "sample") -> EntityFiles:
        """The files of one entity."""
        declared = self.file_source(source)
        folder = open_folder(declared, self.root / "sources", NO_S3)
        return EntityFiles(self.landing, folder, source, declared, entity)

    def load(self, entity: str, days: Days | None = None, source: str = "sample") -> Verdict:
        """Land one entity."""
        return self.entity_files(entity, source).load(days)

    @contextmanager
    def open(self) -> Iterator[Build]:
        """The build file, open for writing."""
        path = self.warehouse_folder / "build.duckdb"
        options = DatabaseOptions("1GB", threads=2)
        with open_build(path, self.landing, self.sources, self.models, options) as build:
            yield build

    def night(self, *, keep: int = 3, grace: timedelta = timedelta(hours=1)) -> Generation:
        """Load, build and publish everything, as the night does."""
        with self.open() as build:
            self.build_all(build)
            return publish(build, self.warehouse_folder, keep=keep, grace=grace)

    def build_all(self, build: Build) -> dict[str, list[CheckResult]]:
        """Load and build everything; returns the outcome of every model's checks."""
        for name, source in self.sources.items():
            for entity in source.entities:
                self.load(entity, source=name)
                build.create_raw(name, entity)
        checks = {}
        for model in self.models:
            checks[model] = build.build_model(model)
        return checks

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The published generation."""
        with open_snapshot(self.warehouse_folder, DatabaseOptions("1GB", threads=1)) as snapshot:
            yield snapshot

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query over the published generation."""
        with self.snapshot() as snapshot:
            return snapshot.rows(sql, parameters)
