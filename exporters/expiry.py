"""Expiry: removes the files whose retention has passed and what killed runs left; the records stay."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from exporters.jobs import IllegalTransition, JobNotFound, JobStore, Status
from exporters.storage import Store, StoredFile, StoreError

_ABANDONED_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Expired:
    """What an expiry removed."""

    jobs: int
    """Jobs whose file is gone and whose record stays."""
    leftovers: int
    """Files that killed or cancelled runs had left behind."""


class Expiry:
    """Removes files that nobody may want any more. Any number of processes may do so at once."""

    def __init__(self, jobs: JobStore, store: Store, retention: timedelta) -> None:
        self._jobs = jobs
        self._store = store
        self._retention = retention

    def expire_due(self) -> int:
        """Expire the completed jobs whose retention has passed, and fail those whose last worker vanished.

        Returns how many expired. A file that cannot be removed now does not stop the others; it is left over.

        Raises:
            StoreError: the first of what could not be removed.
        """
        faults: list[StoreError] = []
        expired = 0
        for due in self._jobs.expirable(datetime.now(UTC)):
            try:
                self._jobs.expire(due.job_id)
            except IllegalTransition:  # another process was faster
                continue
            # The record first: a link that is still shown must lead to a file.
            for key in (due.file_key, due.manifest_key):
                if key:
                    self._remove(key, faults)
            expired += 1
        self._jobs.fail_lost()
        self._jobs.purge_keys()
        if faults:
            raise faults[0]
        return expired

    def remove_leftovers(self) -> int:
        """Remove what killed and cancelled runs left, and say how many files; looks at every file stored.

        Raises:
            StoreError: the first of what could not be removed.
        """
        faults: list[StoreError] = []
        leftovers = [stored.key for stored in self._store.list("exports/") if not self._is_wanted(stored)]
        for key in leftovers:
            self._remove(key, faults)
        swept = self._store.sweep(_ABANDONED_AFTER)
        if faults:
            raise faults[0]
        return len(leftovers) + swept

    def _remove(self, key: str, faults: list[StoreError]) -> None:
        try:
            self._store.delete(key)
        except StoreError as error:
            faults.append(error)

    def _is_wanted(self, stored: StoredFile) -> bool:
        """Whether a file under `exports/` is a completed job's, or of a try that is under way."""
        parts = stored.key.split("/")
        if len(parts) != 5:  # no run wrote it
            return True
        _, _, job_id, attempt, _ = parts
        try:
            job = self._jobs.get(job_id)
        except JobNotFound:
            # Records that were moved or lost must not take every file with them at once.
            return datetime.now(UTC) - stored.modified < self._retention + _ABANDONED_AFTER
        if job.status is Status.PROCESSING:
            return attempt == str(job.attempt)
        return job.status is Status.COMPLETED and stored.key in {job.file_key, job.manifest_key}
