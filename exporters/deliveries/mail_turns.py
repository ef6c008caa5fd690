"""The turns of mails: however much one account orders, others' mails do not wait for all of it."""

from collections.abc import Collection
from datetime import datetime
from threading import Lock

from sqlalchemy import ColumnElement, Connection, select

from exporters.deliveries.orders import Channel
from exporters.deliveries.records import State
from exporters.deliveries.tables import deliveries


class MailTurns:
    """Accounts take turns in the order of their names, one mail each. Safe to share between threads.

    Each process goes its own round, from wherever it began: that is as fair as one round for all, and needs
    no record.
    """

    def __init__(self) -> None:
        self._last = ""
        self._lock = Lock()

    def next_account(
        self, connection: Connection, now: datetime, _busy: Collection[str]
    ) -> ColumnElement[bool] | None:
        """What waits for the account whose turn it is; None: nothing is due, or this only reads."""
        if connection.get_execution_options().get("reading", False):
            return None
        with self._lock:
            found = _first_after(connection, now, self._last) or _first_after(connection, now, "")
            if found is None:
                return None
            self._last = found
        return deliveries.c.account == found


def _first_after(connection: Connection, now: datetime, account: str) -> str | None:
    """The first account after this one that a mail is due for."""
    due = select(deliveries.c.account).where(
        deliveries.c.channel == Channel.EMAIL,
        deliveries.c.state == State.QUEUED,
        deliveries.c.account > account,
        deliveries.c.due_at <= now,
    )
    return connection.execute(due.order_by(deliveries.c.account).limit(1)).scalar_one_or_none()
