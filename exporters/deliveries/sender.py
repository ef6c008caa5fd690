"""The sender: takes what is due under a lease, hands it to its channel and writes what became of it."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from sqlalchemy import ColumnElement, Connection

from exporters.database import Database, DatabaseUnavailable
from exporters.database.values import utc_now
from exporters.deliveries import mail, transitions, webhook
from exporters.deliveries.endpoint_transitions import (
    busy_endpoints,
    disable_failing,
    next_endpoint,
    settle,
)
from exporters.deliveries.errors import SendingLost
from exporters.deliveries.files import DeliveredFile, FileNotReady, Files
from exporters.deliveries.mail_turns import MailTurns
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, retry
from exporters.deliveries.records import Delivery
from exporters.errands import Errand
from exporters.jobs import JobStore
from exporters.lease import name_owner
from exporters.seal import SealError
from exporters.storage import Store, StoreError

LEASE = timedelta(seconds=60)
"""How long a sender that falls silent keeps its delivery."""
_EVERY_SECONDS = 1.0
_ENDPOINTS_EVERY_SECONDS = 60.0
_WRITING_SECONDS, _WRITING_PAUSE = 600.0, 1.0
"""How long, and how often, an outcome is tried to be written: one that is lost is a mail sent twice."""

_log = logging.getLogger(__name__)


class Send(Protocol):
    """Hands a delivery over, once. An exception is an outcome, too: another try may do better."""

    def __call__(
        self, delivery: Delivery, file: DeliveredFile | None, options: DeliveryOptions, /
    ) -> Outcome: ...


@dataclass(frozen=True)
class Way:
    """A channel as the sender sees it."""

    send: Send
    busy: Callable[[Connection, datetime], Collection[str]] = lambda _connection, _now: ()
    """The recipients of whom nothing more is to be begun now, lest a slow one holds up the others."""
    settle: Callable[[Connection, datetime, Delivery, Outcome], None] = lambda *_: None
    """Writes what an outcome means beside, in its transaction."""
    turn: Callable[[Connection, datetime, Collection[str]], ColumnElement[bool] | None] = lambda *_: None
    """What waits for the one whose turn it is, of those that are not busy; None: nobody waits for a turn.

    A transaction that only reads uses up no turn.
    """


def make_ways(database: Database) -> Mapping[Channel, Way]:
    """How each channel is used."""
    return {
        Channel.EMAIL: Way(mail.send, turn=MailTurns().next_account),
        Channel.WEBHOOK: Way(partial(webhook.send, database=database), busy_endpoints, settle, next_endpoint),
    }


class Sender:
    """Sends what is due, one delivery at each call. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        files: Files,
        options: DeliveryOptions,
        *,
        ways: Mapping[Channel, Way] | None = None,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._files = files
        self._options = options
        self._ways = ways or make_ways(database)
        self._lease = lease
        self._clock = clock

    def send_due(self, channel: Channel) -> int:
        """Send the delivery of a channel that is due longest, by turns; 0: none is due.

        Raises:
            DatabaseUnavailable: the records failed; what was sent meanwhile is sent again after the lease.
        """
        delivery = self._claim(channel)
        if delivery is None:
            return 0
        way = self._ways[channel]
        with self._held(delivery):
            outcome = self._try(way, delivery)
        self._write(way, delivery, outcome)
        _log.info("%s %s: %s %s", channel, delivery.delivery_id, outcome.verdict, outcome.code)
        return 1

    def _claim(self, channel: Channel) -> Delivery | None:
        way = self._ways[channel]
        with self._database.reading() as connection:
            now = self._clock()
            busy = way.busy(connection, now)
            turn = way.turn(connection, now, busy)
            if not transitions.is_any_due(connection, now, channel, busy, turn):
                return None
        with self._database.writing() as connection:
            now = self._clock()
            busy = way.busy(connection, now)
            return transitions.claim(
                connection,
                now,
                channel,
                name_owner(),
                lease=self._lease,
                busy=busy,
                turn=way.turn(connection, now, busy),
            )

    def _try(self, way: Way, delivery: Delivery) -> Outcome:
        try:
            return way.send(delivery, self._files.find(delivery), self._options)
        except FileNotReady:
            return retry("FILE_NOT_READY", "the file is not made yet")
        except (StoreError, OSError) as error:
            _log.warning("delivery %s: the file cannot be read: %s", delivery.delivery_id, error)
            return retry("STORE", "the file cannot be read from the store")
        except SealError as error:
            return retry("SEALED", str(error))
        except DatabaseUnavailable as error:
            _log.warning("delivery %s: %s", delivery.delivery_id, error)
            return retry("RECORDS", "the records could not be read")
        except Exception as error:  # noqa: BLE001  the delivery is not lost, nor are those after it
            _log.exception("delivery %s failed unexpectedly", delivery.delivery_id)
            return retry("INTERNAL", type(error).__name__)

    def _write(self, way: Way, delivery: Delivery, outcome: Outcome) -> None:
        end = time.monotonic() + _WRITING_SECONDS
        while True:
            try:
                with self._database.writing() as connection:
                    now = self._clock()
                    transitions.finish(connection, now, delivery, outcome)
                    way.settle(connection, now, delivery, outcome)
            except SendingLost:
                _log.warning("delivery %s was another sender's by its end", delivery.delivery_id)
            except DatabaseUnavailable:
                # Also beyond the lease: while the records are away, nobody else can take the delivery either.
                if time.monotonic() >= end:
                    raise
                time.sleep(_WRITING_PAUSE)
                continue
            return

    @contextmanager
    def _held(self, delivery: Delivery) -> Iterator[None]:
        """The lease is renewed while the block lasts, however long the other side takes."""
        ended = threading.Event()
        thread = threading.Thread(
            target=self._renew, args=(delivery, ended), name=f"lease of {delivery.delivery_id}", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _renew(self, delivery: Delivery, ended: threading.Event) -> None:
        while not ended.wait(self._lease.total_seconds() / 3):
            try:
                with self._database.writing() as connection:
                    transitions.renew(connection, self._clock(), delivery, self._lease)
            except SendingLost:
                return
            except DatabaseUnavailable as error:
                _log.warning("delivery %s: %s", delivery.delivery_id, error)


def make_errands(
    database: Database,
    store: Store,
    options: DeliveryOptions,
    *,
    senders: int = 8,
    lease: timedelta = LEASE,
) -> list[Errand]:
    """What sends deliveries: so many senders of mails and as many of webhooks, each a thread of its own.

    The two do not wait for each other.
    """
    sender = Sender(database, Files(JobStore(database), store), options, lease=lease)

    def look_after_endpoints() -> int:
        with database.writing() as connection:
            return disable_failing(connection, utc_now())

    return [
        *(
            Errand(channel, _EVERY_SECONDS, partial(sender.send_due, channel), hands=senders)
            for channel in Channel
        ),
        Errand("endpoints", _ENDPOINTS_EVERY_SECONDS, look_after_endpoints),
    ]
