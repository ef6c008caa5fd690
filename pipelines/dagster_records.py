"""What Dagster has recorded of nights and exports: rows, and names of workshops, which can be forgotten."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg

from pipelines.export_names import JOB_TAG, has_own_process
from pipelines.instance import find_instance, recording, records_folder

_WAIT_SECONDS = 30


def forget_runs(data_folder: Path) -> int:
    """Remove what Dagster has recorded of ended runs, and of assets; returns how many runs are under way.

    The runs of the next nights are recorded as ever; what those under way have recorded stays.
    """
    storage = records_folder(data_folder)
    if not storage.exists():
        return 0
    alive = 0
    with recording(data_folder), dg.DagsterInstance.from_ref(find_instance(data_folder)) as instance:
        for run in instance.get_runs():
            if run.is_finished or _waits_for_worker(run):
                instance.delete_run(run.run_id)
            else:
                alive += 1
        if not alive:
            instance.wipe_assets(list(instance.all_asset_keys()))
    for path in storage.rglob("*.db"):
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM")  # removed rows stay in the file until then
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return alive


def _waits_for_worker(run: dg.DagsterRun) -> bool:
    """Whether the run shows an export that no process of its own makes: it is recorded when that ends."""
    return JOB_TAG in run.tags and not has_own_process(run)
