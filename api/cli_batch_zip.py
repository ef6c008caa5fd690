"""Writing the zip of a batch to where `--output` says: seen under its name only when it is whole."""

import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from api.cli_copy import Target
from api.cli_errors import ExitCode, Failure
from exporters.access.audit_events import Action, record_event
from exporters.batches.archive import ArchiveCut, walk_items, write_archive
from exporters.batches.door import Batches
from exporters.batches.records import Batch, Item
from exporters.database import Database
from exporters.database.values import utc_now
from exporters.file_names import fit_stem
from exporters.storage import Store


def save_archive(batches: Batches, database: Database, store: Store, batch: Batch, target: Target) -> Path:
    """Write the zip, replacing a file that is there; returns where it is.

    Raises:
        Failure: no report has finished, a stored file is not the recorded one, or the zip cannot be written.
        StoreError: a stored file cannot be read.
    """
    if not batches.items(batch.batch_id, None, limit=1).items:
        raise Failure(
            ExitCode.CONFLICT,
            "NO_FILE",
            f"batch {batch.batch_id}: no report has finished yet; try again later",
        )
    path = target.path / f"{fit_stem(batch.name)}.zip" if target.is_folder else target.path

    def tell(items: Sequence[Item]) -> None:
        with database.writing() as connection:
            for item in items:
                detail = {"batch_id": item.batch_id}
                record_event(
                    connection,
                    utc_now(),
                    Action.DOWNLOADED,
                    "cli",
                    item.workshop_id,
                    job_id=item.job_id,
                    detail=detail,
                )

    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("xb") as out:
            out.writelines(write_archive(walk_items(batches, batch.batch_id, None), store, tell))
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except ArchiveCut as error:
        raise Failure(ExitCode.UNAVAILABLE, "CHECKSUM_MISMATCH", str(error)) from error
    except OSError as error:
        raise Failure(
            ExitCode.UNAVAILABLE,
            "OUTPUT_FAILED",
            f"{path}: the zip cannot be written: {error.strerror or error}",
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return path
