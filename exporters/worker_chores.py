"""The chores of a worker: what one of all workers does from time to time, and what dead processes leave."""

import logging
import threading
from datetime import timedelta

from exporters.database import RecordError
from exporters.database.values import utc_now
from exporters.deliveries.store import DeliveryStore
from exporters.errands import News
from exporters.expiry import Expiry
from exporters.jobs import open_jobs
from exporters.lease import name_owner
from exporters.old_records import remove_old_records
from exporters.options import ExportOptions
from exporters.storage import StoreError, open_store

_DUE_EVERY, _LEFTOVERS_EVERY, _OLD_EVERY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_GLANCE = 5.0
"""Seconds between two looks at whether a chore is due."""

_log = logging.getLogger(__name__)


class Chores:
    """What hangs on no other program, since a worker does it.

    Raises:
        DatabaseUnavailable, StoreError: the records or the store cannot be opened.
    """

    def __init__(self, options: ExportOptions) -> None:
        self._jobs = open_jobs(options.jobs_url)
        self._deliveries = DeliveryStore(self._jobs.database)
        self._record_retention = options.record_retention
        self._expiry = Expiry(self._jobs, open_store(options.store_url, s3=options.s3), options.retention)

    def work(self, stop: threading.Event) -> None:
        """Do the chores as they come, until `stop` is set."""
        news = News()
        while not stop.is_set():
            try:
                if self._jobs.take_chore("expire_due", _DUE_EVERY):
                    self._expiry.expire_due()
                if self._jobs.take_chore("remove_leftovers", _LEFTOVERS_EVERY):
                    self._expiry.remove_leftovers()
                if self._jobs.take_chore("remove_old_records", _OLD_EVERY):
                    remove_old_records(self._jobs.database, utc_now() - self._record_retention)
            except (RecordError, StoreError) as error:
                if news.is_new(str(error)):
                    _log.warning("the chores wait: %s", error)
            except Exception:  # noqa: BLE001  the next turn is none the worse for it
                _log.exception("the chores go on after an unexpected error")
            else:
                news.is_new(None)
            stop.wait(_GLANCE)

    def free_leases_of(self, process_id: int) -> None:
        """Free the jobs and deliveries that a dead process held, before its leases end."""
        owner = name_owner(process_id)
        try:
            self._jobs.free_owned(owner)
            self._deliveries.free_owned(owner)
        except RecordError as error:
            _log.warning("%s; what a dead process held is free when its leases end", error)

    def close(self) -> None:
        """Close the records."""
        self._jobs.close()
