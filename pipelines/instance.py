"""The Dagster instance of a data folder: where its records are, and whose turn it is to change some."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster._core.instance.ref import InstanceRef

_ROOT = Path(__file__).resolve().parent.parent

# As dagster.yaml has it, which knows no data folder but the usual one.
_STORAGE = {
    "run_storage": ("dagster._core.storage.runs", "SqliteRunStorage", "history"),
    "event_log_storage": ("dagster._core.storage.event_log", "ConsolidatedSqliteEventLogStorage", "history"),
    "schedule_storage": ("dagster._core.storage.schedules", "SqliteScheduleStorage", "schedules"),
}


def records_folder(data_folder: Path) -> Path:
    """Where Dagster keeps its records."""
    return data_folder.resolve() / "dagster"


def find_instance(data_folder: Path) -> InstanceRef:
    """The instance that dagster.yaml describes, with its records in the data folder."""
    folder = records_folder(data_folder)
    storage = {
        name: {"module": module, "class": class_, "config": {"base_dir": str(folder / place)}}
        for name, (module, class_, place) in _STORAGE.items()
    }
    return InstanceRef.from_dir(str(folder), config_dir=str(_ROOT), overrides=storage)


@contextmanager
def recording(data_folder: Path) -> Iterator[None]:
    """Wait for one's turn to write or forget what Dagster shows of exports.

    The lock goes with the process, however that ends.
    """
    folder = records_folder(data_folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "exports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
