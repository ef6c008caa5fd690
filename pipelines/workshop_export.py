"""A workshop exported whole: all that is kept about it, copied to a folder with an index."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from exporters.access.audit import AuditLog
from exporters.access.keys import KeyStore
from exporters.database import open_database
from exporters.erasure import every_job, stored_files
from exporters.exports import Exports, open_exports
from exporters.workshop_records import read_records
from pipelines.project import Project
from warehouse.erasure import LandingErasure
from warehouse.erasures import Erasure, ErasureError
from warehouse.errors import NoGenerationError, WarehouseError
from warehouse.generations import Snapshot, open_snapshot

INDEX = "index.json"
_ORGANISATION = "SELECT org_number FROM workshops WHERE workshop_id = $id"
_LEASE = ("lease_owner", "lease_token", "lease_until")
_TABLES = """
SELECT table_name FROM duckdb_columns()
WHERE schema_name = 'main' AND column_name = 'workshop_id' AND NOT internal ORDER BY table_name
"""


def export_workshop(project: Project, workshop_id: str, folder: Path) -> dict[str, Any]:
    """Copy to `folder`, empty or not there yet, all that is kept about a workshop; returns the index.

    `tables/` has its rows of the published tables, `landed/` its rows as its sources delivered them,
    `jobs.json` its export jobs with their history, `files/` its report files with their manifests,
    `keys.json` what is on record of its API keys, `audit.json` its part of the audit log, and the other
    records have a file for each table, such as `definitions.json` and `deliveries.json`. The index, written
    last, tells size, digest and rows of each file.

    Raises:
        ErasureError: nothing is kept of such a workshop.
        WarehouseError: the folder is not empty, or what is kept cannot be read.
    """
    if folder.exists() and any(folder.iterdir()):
        raise WarehouseError(f"{folder}: is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[Path, int | None] = {}
    generation = _copy_tables(project, workshop_id, folder / "tables", rows)
    _copy_landed(project, workshop_id, folder / "landed", rows)
    with open_exports(project.settings.exports) as exports:
        _copy_exports(exports, workshop_id, folder, rows)
    _copy_access(project, workshop_id, folder, rows)
    if not any(count or path.parent.name != "tables" for path, count in rows.items()):
        shutil.rmtree(folder)
        raise ErasureError(f"nothing is kept of workshop {workshop_id}")
    index = {
        "workshop_id": workshop_id,
        "exported_at": datetime.now(UTC).isoformat(),
        "generation": generation,
        "files": [_describe(path, folder, count) for path, count in sorted(rows.items())],
    }
    _write(folder / INDEX, index)
    return index


def _copy_tables(
    project: Project, workshop_id: str, folder: Path, rows: dict[Path, int | None]
) -> str | None:
    try:
        with open_snapshot(project.warehouse_folder, project.settings.database) as served:
            folder.mkdir()
            for (table,) in served.rows(_TABLES):
                rows[folder / f"{table}.parquet"] = _copy_table(served, table, workshop_id, folder)
            return served.generation.generation
    except NoGenerationError:
        return None


def _copy_table(served: Snapshot, table: str, workshop_id: str, folder: Path) -> int:
    count = 0
    # The name comes from the generation's own catalogue.
    batches = served.batches(f'SELECT * FROM "{table}" WHERE workshop_id = $id', {"id": workshop_id})  # noqa: S608
    with pq.ParquetWriter(folder / f"{table}.parquet", batches.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _copy_landed(project: Project, workshop_id: str, folder: Path, rows: dict[Path, int | None]) -> None:
    asked = Erasure(
        number=0, kind="workshop", workshop_id=workshop_id, sources=(), asked_at=datetime.now(UTC)
    )
    with project.open_build():  # nobody lands meanwhile
        landing = LandingErasure(project.landing, project.sources, project.settings.database)
        rows |= landing.copy_rows(asked, folder)


def _copy_exports(exports: Exports, workshop_id: str, folder: Path, rows: dict[Path, int | None]) -> None:
    records = [
        {
            **{name: value for name, value in asdict(job).items() if name not in _LEASE},
            "events": [asdict(event) for event in exports.jobs.events(job.job_id)],
        }
        for job in every_job(exports, workshop_id)
    ]
    if records:
        _write(folder / "jobs.json", records)
        rows[folder / "jobs.json"] = len(records)
    for key in stored_files(exports, workshop_id):
        target = folder / "files" / Path(*key.split("/")[2:])
        target.parent.mkdir(parents=True, exist_ok=True)
        with exports.store.open(key) as stream, target.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
        rows[target] = None


def _copy_access(project: Project, workshop_id: str, folder: Path, rows: dict[Path, int | None]) -> None:
    """Of a key that is for others, too, only what is the workshop's own business is told."""
    with closing(open_database(project.settings.jobs_database)) as database:
        keys = KeyStore(database).list(workshop_id, organisation=_organisation(project, workshop_id))
        audit = AuditLog(database).list(workshop_id=workshop_id)
        records = read_records(database, workshop_id)
    kept: dict[str, list[dict[str, Any]]] = {
        "keys.json": [
            {**asdict(key), "scopes": sorted(key.scopes), "workshops": sorted(key.workshops & {workshop_id})}
            for key in keys
        ],
        "audit.json": [asdict(row) for row in audit],
    }
    kept |= {f"{table}.json": found for table, found in records.items()}
    for name, told in kept.items():
        if told:
            _write(folder / name, told)
            rows[folder / name] = len(told)


def _organisation(project: Project, workshop_id: str) -> str | None:
    """The number of the workshop's organisation in the served data."""
    with suppress(NoGenerationError), open_snapshot(project.warehouse_folder) as served:
        for (number,) in served.rows(_ORGANISATION, {"id": workshop_id}):
            return None if number is None else str(number)
    return None


def _describe(path: Path, folder: Path, rows: int | None) -> Mapping[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    name = path.relative_to(folder).as_posix()
    return {"path": name, "rows": rows, "size_bytes": path.stat().st_size, "sha256": digest}


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
