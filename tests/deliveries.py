"""Deliveries for tests: options, orders, jobs with a file, and a sender that is stepped by hand."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exporters.database import Database
from exporters.deliveries.files import DeliveredFile
from exporters.deliveries.options import DeliveryOptions, MailPatience, SmtpOptions
from exporters.deliveries.orders import Channel, Order
from exporters.deliveries.outbox import queue
from exporters.deliveries.records import Delivery, State
from exporters.deliveries.store import DeliveryStore
from exporters.seal import Seal

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""Of tests alone."""
NOW = datetime(2026, 2, 1, 9, tzinfo=UTC)
QUICK = MailPatience(connecting=2.0, answer=1.0, whole=5.0)
"""With a server that falls silent."""
PATIENT = MailPatience(connecting=60.0, answer=60.0, whole=300.0)
"""With one that answers, however busy the machine is."""


def delivery_options(port: int | None = None, **smtp: Any) -> DeliveryOptions:
    """Options with the mail server at `port` of this machine, without encryption unless `smtp` says so."""
    server = None
    if port is not None:
        known = {"security": "none", "user": None, "password": None, "host": "127.0.0.1", "patience": PATIENT}
        server = SmtpOptions(port=port, **(known | smtp))
    return DeliveryOptions(
        seal=Seal(KEY),
        smtp=server,
        sender="reports@sender.test",
        public_url="https://reports.example",
        attachment_limit=1_000_000,
    )


def order(recipient: str = "kari@verksted.example", **changes: Any) -> Order:
    """An order of a mail without a file."""
    known = Order(
        workshop_id="101",
        account="organisation:1",
        subject="definition:7",
        occasion="2026-02-01T05:00:00+00:00",
        channel=Channel.EMAIL,
        recipient=recipient,
        format="pdf",
        job_id=None,
        language="en",
        content={
            "title": "Bookings",
            "name": "Bookings of the week",
            "workshop": "Fjord Bil",
            "date_from": "2026-01-26",
            "date_to": "2026-02-01",
            "rows": 1234,
            "as_of": "2026-02-01T02:15:00+00:00",
        },
    )
    return replace(known, **changes)


def place(database: Database, *orders: Order, now: datetime = NOW) -> list[str]:
    """Queue the orders; the ids of all queued deliveries, in no order."""
    with database.writing() as connection:
        queue(connection, now, orders)
    return [each.delivery_id for each in DeliveryStore(database).list(state=State.QUEUED, limit=10_000)]


def delivery(**changes: Any) -> Delivery:
    """A delivery that a sender has."""
    asked = order()
    known = Delivery(
        **{name: getattr(asked, name) for name in asked.__dataclass_fields__},
        delivery_id="0c6f6b1e-6f5f-4b53-9d2f-3f0f4a1d2e77",
        repeat=0,
        state=State.SENDING,
        attempt=1,
        due_at=None,
        lease_owner="me",
        lease_token="token",
        lease_until=NOW + timedelta(minutes=1),
        created_at=NOW,
        finished_at=None,
        code=None,
        message=None,
        reason=None,
    )
    return replace(known, **changes)


def stored(
    data: bytes = b"a;b\r\n1;2\r\n",
    name: str = "bookings.csv",
    media_type: str = "text/csv; charset=utf-8",
    **changes: Any,
) -> DeliveredFile:
    """A file of these bytes."""
    open_data: Callable[[], io.BytesIO] = lambda: io.BytesIO(data)  # noqa: E731
    known = DeliveredFile(
        name=name,
        size=len(data),
        media_type=media_type,
        rows=1,
        expires_at=NOW + timedelta(days=7),
        key="key",
        open=open_data,
        as_of=lambda: NOW,
    )
    return replace(known, **changes)
