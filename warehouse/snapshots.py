"""Snapshots for a process that opens many: one database instance per generation, a cursor per snapshot."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from warehouse.database import DatabaseOptions
from warehouse.generations import Snapshot, open_generation, open_served, pointer_stamp


class Snapshots:
    """Opens snapshots of the served generation of a warehouse folder; any number of threads may use it.

    The memory limit and the threads of the options are those of all its snapshots together.
    """

    def __init__(self, folder: Path, options: DatabaseOptions | None = None) -> None:
        self._folder = folder
        self._options = options
        self._lock = threading.Lock()
        self._served: _Instance | None = None

    @contextmanager
    def open(self) -> Iterator[Snapshot]:
        """Open the served generation; the snapshot stays on it until the block ends.

        Raises:
            NoGenerationError: nothing has been published yet.
            WarehouseError: the generation's file cannot be opened.
        """
        with self._lock:
            instance = self._follow_pointer()
            snapshot = instance.fork()
        try:
            with closing(snapshot):
                yield snapshot
        finally:
            with self._lock:
                instance.give_back()

    def close(self) -> None:
        """Let go of the served generation; snapshots that are open keep it until they end."""
        with self._lock:
            self._replace(None)

    def _follow_pointer(self) -> "_Instance":
        # Taken before the pointer is read: if that is replaced in between, the next call looks again.
        stamp = pointer_stamp(self._folder)
        if self._served is not None and self._served.stamp == stamp:
            return self._served
        whole = open_served(self._folder, lambda served: open_generation(served, self._options))
        instance = _Instance(stamp, whole)
        self._replace(instance)
        return instance

    def _replace(self, instance: "_Instance | None") -> None:
        before, self._served = self._served, instance
        if before is not None:
            before.give_back()


class _Instance:
    """An open generation; it is closed when neither `Snapshots` nor a snapshot has it any more."""

    def __init__(self, stamp: tuple[int, ...], whole: Snapshot) -> None:
        self.stamp = stamp
        self._whole = whole
        self._holders = 1

    def fork(self) -> Snapshot:
        """A snapshot of its own, to be closed and given back."""
        snapshot = self._whole.fork()
        self._holders += 1
        return snapshot

    def give_back(self) -> None:
        """One holder less."""
        self._holders -= 1
        if not self._holders:
            self._whole.close()
