"""What Dagster has recorded of nights: previews and samples of rows, which can be forgotten."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.dagster_run import FINISHED_STATUSES

_ROOT = Path(__file__).resolve().parent.parent
_WAIT_SECONDS = 30


def forget_runs(data_folder: Path) -> int:
    """Remove what Dagster has recorded of ended runs, and of assets; returns how many runs are under way.

    The runs of the next nights are recorded as ever; what those under way have recorded stays.
    """
    storage = data_folder.resolve() / "dagster"
    if not storage.exists():
        return 0
    reference = InstanceRef.from_dir(
        str(storage),
        config_dir=str(_ROOT),
        overrides={"storage": {"sqlite": {"base_dir": str(storage)}}},
    )
    alive = 0
    with dg.DagsterInstance.from_ref(reference) as instance:
        for run in instance.get_runs():
            if run.status in FINISHED_STATUSES:
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
