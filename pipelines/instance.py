"""The Dagster instance of a data folder: where its records are, and whose turn it is to change some."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster._core.instance.ref import InstanceRef

_ROOT = Path(__file__).resolve().parent.parent


def records_folder(data_folder: Path) -> Path:
    """Where Dagster keeps its records."""
    return data_folder.resolve() / "dagster"


def find_instance(data_folder: Path) -> InstanceRef:
    """The instance that dagster.yaml describes, with its records in the data folder."""
    folder = str(records_folder(data_folder))
    storage = {"module": "pipelines.storage", "class": "OneFileStorage", "config": {"base_dir": folder}}
    return InstanceRef.from_dir(folder, config_dir=str(_ROOT), overrides={"storage": {"custom": storage}})


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
