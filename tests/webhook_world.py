"""A world of webhooks for tests: records, a sender with a moved clock, and orders for an endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import select

from exporters.database import Database
from exporters.deliveries import webhook
from exporters.deliveries.endpoint_transitions import (
    busy_endpoints,
    disable_failing,
    next_endpoint,
    settle,
)
from exporters.deliveries.endpoints import Endpoints
from exporters.deliveries.files import Files
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.orders import Channel, Order
from exporters.deliveries.outbox import queue
from exporters.deliveries.records import Delivery
from exporters.deliveries.sender import Sender, Way
from exporters.deliveries.store import DeliveryStore
from exporters.deliveries.tables import deliveries
from exporters.deliveries.webhook_auth import Auth
from exporters.deliveries.webhook_calls import Bounds
from exporters.jobs import JobStore
from exporters.seal import Seal
from exporters.storage import open_store
from tests.records import MovedClock

ACCOUNT = "organisation:556677"
BODY = {
    "batchId": "8b0b5c0e-5a57-4b4f-9d6b-2a3f4c5d6e7f",
    "itemId": "b7f1",
    "lassoId": "CVR-1-11223344",
    "cvr": 11223344,
    "printType": "ReelleEjere",
    "status": "Failed",
    "name": "77-11223344-Smørrebrød ApS",
    "createdOn": "2026-02-01T09:00:00Z",
}
LOOPBACK = (ip_network("127.0.0.1/32"),)


def make_options(folder: Path, **changes: Any) -> DeliveryOptions:
    """Options that let webhooks lead to loopback."""
    options = DeliveryOptions(
        seal=Seal(folder / "seal.key"),
        smtp=None,
        sender="reports@example.com",
        public_url="https://reports.example",
        attachment_limit=1_000_000,
        allowed_networks=LOOPBACK,
    )
    return replace(options, **changes)


@dataclass
class World:
    """Records with what works on them."""

    database: Database
    clock: MovedClock
    options: DeliveryOptions
    folder: Path
    bounds: Bounds = field(default_factory=lambda: Bounds(connect=30, total=60))

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(self.database, self.options.seal, self.clock)

    @property
    def deliveries(self) -> DeliveryStore:
        return DeliveryStore(self.database, self.clock)

    def add_endpoint(
        self, url: str, auth: Auth | None = None, contact: str | None = None, account: str = ACCOUNT
    ) -> str:
        """An endpoint's id."""
        with self.database.writing() as connection:
            return self.endpoints.find_or_create(connection, account, url, auth, contact)

    def order(
        self, endpoint_id: str, item: str = "1", *, account: str = ACCOUNT, job_id: str | None = None
    ) -> None:
        """Order one call."""
        order = Order(
            workshop_id=None,
            account=account,
            subject=f"item:{item}",
            occasion="0",
            channel=Channel.WEBHOOK,
            recipient=endpoint_id,
            format="pdf",
            job_id=job_id,
            language="da",
            content=BODY,
        )
        with self.database.writing() as connection:
            assert queue(connection, self.clock(), [order]) == 1

    def make_sender(self) -> Sender:
        """A sender of webhooks by this world's clock."""
        send = partial(webhook.send, database=self.database, clock=self.clock, bounds=self.bounds)
        ways: Mapping[Channel, Way] = {Channel.WEBHOOK: Way(send, busy_endpoints, settle, next_endpoint)}
        files = Files(JobStore(self.database), open_store(f"file://{self.folder}/store"))
        return Sender(self.database, files, self.options, ways=ways, clock=self.clock)

    def send(self) -> int:
        """Send all webhooks that are due now, and return how many."""
        sender, sent = self.make_sender(), 0
        while sender.send_due(Channel.WEBHOOK):
            sent += 1
        return sent

    def look_after(self) -> int:
        """Disable what has failed for a day."""
        with self.database.writing() as connection:
            return disable_failing(connection, self.clock())

    def all(self, channel: Channel = Channel.WEBHOOK) -> Sequence[Delivery]:
        """The deliveries of a channel, the oldest first."""
        return list(self.deliveries.list(channel=channel, limit=1_000))[::-1]

    def next_due(self) -> datetime | None:
        """When the next try is due; None: nothing waits."""
        due = select(deliveries.c.due_at).where(
            deliveries.c.channel == Channel.WEBHOOK, deliveries.c.due_at.is_not(None)
        )
        with self.database.reading() as connection:
            return connection.execute(due.order_by(deliveries.c.due_at).limit(1)).scalar_one_or_none()
