"""Tests of senders that are killed while they call: every webhook comes at least once, under one id."""

import random
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from exporters.database import Database, open_database
from exporters.deliveries import webhook
from exporters.deliveries.endpoint_transitions import busy_endpoints, settle
from exporters.deliveries.files import Files
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import EventName, State
from exporters.deliveries.sender import Sender, Way
from exporters.deliveries.tables import deliveries, delivery_events
from exporters.jobs import JobStore
from exporters.storage import open_store
from tests.forked import fork
from tests.records import MovedClock
from tests.webhook_receiver import Behaviour, WebhookReceiver
from tests.webhook_world import World, make_options
from tests.worker_processes import PATIENCE

KILLS = 25
LEASE = timedelta(seconds=1)


def send_on(url: str, folder: Path) -> None:
    """A sender that goes on until it is killed."""
    with closing(open_database(url)) as database:
        way = Way(partial(webhook.send, database=database), busy_endpoints, settle)
        files = Files(JobStore(database), open_store(f"file://{folder}/store"))
        sender = Sender(database, files, make_options(folder), ways={Channel.WEBHOOK: way}, lease=LEASE)
        while True:
            if not sender.send_due(Channel.WEBHOOK):
                time.sleep(0.02)


def test_senders_that_are_killed_send_all_at_least_once_under_one_id(
    records_url: str, tmp_path: Path, moved_clock: MovedClock
) -> None:
    chance = random.Random(6)
    with (
        closing(open_database(records_url)) as database,
        WebhookReceiver(lambda _call: Behaviour(delay=chance.uniform(0, 0.04))) as receiver,
    ):
        world = World(database, moved_clock, make_options(tmp_path), tmp_path)
        accounts = [f"organisation:{number}" for number in range(4)]
        ids = [world.add_endpoint(receiver.url, account=account) for account in accounts]
        for kill in range(KILLS):
            for number, (account, endpoint_id) in enumerate(zip(accounts, ids, strict=True)):
                world.order(endpoint_id, f"{kill}-{number}", account=account)
            process = fork(send_on, records_url, tmp_path)
            _wait_for_a_call(receiver, len(receiver.calls))
            time.sleep(chance.choice([0, chance.uniform(0, 0.2)]))
            process.kill()
            process.join()
        last = fork(send_on, records_url, tmp_path)
        _wait_for_the_end(database)
        last.kill()
        last.join()
        found = world.all()
        with database.reading() as connection:
            reclaimed = connection.execute(
                select(func.count())
                .select_from(delivery_events)
                .where(delivery_events.c.event == EventName.RECLAIMED)
            ).scalar_one()
    assert len(found) == 4 * KILLS
    assert Counter((delivery.state, delivery.code) for delivery in found) == {
        (State.DELIVERED, "200"): len(found)
    }
    came = Counter(call.webhook_id for call in receiver.calls)
    assert set(came) == {delivery.delivery_id for delivery in found}, "each at least once, and no other id"
    repeated = sum(came.values()) - len(found)
    assert reclaimed > 0, "some were killed in the middle"
    assert repeated <= reclaimed, "only those come twice"


def _wait_for_a_call(receiver: WebhookReceiver, before: int) -> None:
    """Return while a delivery is called that did not come often: one that is cut each time is given up."""
    deadline = time.monotonic() + PATIENCE
    while True:
        often = Counter(call.webhook_id for call in receiver.calls)
        if any(often[call.webhook_id] < 3 for call in receiver.calls[before:]):
            return
        assert time.monotonic() < deadline, "the sender does nothing"
        time.sleep(0.002)


def _wait_for_the_end(database: Database) -> None:
    deadline = time.monotonic() + PATIENCE
    left = select(func.count()).where(deliveries.c.state.in_([State.QUEUED, State.SENDING]))
    while True:
        with database.reading() as connection:
            if connection.execute(left).scalar_one() == 0:
                return
        assert time.monotonic() < deadline, "not all were sent"
        time.sleep(0.05)
