"""A whole worker killed again and again while it fires, makes, mails and calls: all comes, nothing twice."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from exporters.batches.directory import Directories
from exporters.batches.door import Batches
from exporters.batches.drafts import BatchDraft, ItemDraft
from exporters.batches.records import BatchState
from exporters.database import Database
from exporters.database.schema import metadata
from exporters.database.values import utc_now
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import Delivery, State
from exporters.deliveries.store import DeliveryStore
from exporters.jobs import Job, Status
from settings import Settings
from tests.built import ROOT, night_environment
from tests.deliveries import KEY
from tests.report_definitions import World, draft, open_world
from tests.smtp_server import Received, SmtpServer
from tests.webhook_receiver import Behaviour, Call, WebhookReceiver
from tests.worker_processes import wait_until

KILLS = 5
FIRES_OF_A_KILL, ITEMS_OF_A_KILL = 3, 3
SURE_STEPS = 3 * 2 * (FIRES_OF_A_KILL + ITEMS_OF_A_KILL)
"""That come of what is asked for before a kill: three of each export and of each delivery."""
A_DAY = timedelta(days=1)
HISTORIES = ("fire_events", "job_events", "delivery_events", "batch_events")


@contextmanager
def run_worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of two slots and a dispatcher, all in a group of processes that is killed at the end."""
    with log.open("ab") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "worker", "--slots", "2"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def count_steps(database: Database) -> int:
    """How many steps are in the histories of all records."""
    with database.reading() as connection:
        return sum(
            connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in HISTORIES
        )


def has_steps(database: Database, wanted: int) -> bool:
    """Whether the worker has come so far."""
    return count_steps(database) >= wanted


def end_leases(database: Database) -> None:
    """As if the time had passed for which the work of a vanished worker is left to it."""
    with database.writing() as connection:
        for table in (metadata.tables[name] for name in ("fires", "jobs", "deliveries")):
            is_left = table.c.lease_until.is_not(None)
            connection.execute(update(table).where(is_left).values(lease_until=utc_now()))


class Installation:
    """An installation whose records are asked for more and more, and judged at the end."""

    def __init__(self, world: World, receiver: WebhookReceiver, chance: random.Random) -> None:
        self.world = world
        self.batches = Batches(world.exports, world.options)
        self._receiver = receiver
        self._chance = chance
        members = Directories(world.exports.snapshots).current().members.values()
        known = Counter(each.number for each in members)
        self._numbers = {each.workshop_id: str(each.number) for each in members if known[each.number] == 1}
        self.definitions: list[str] = []

    def ask_for_more(self) -> None:
        """Definitions that are due, and a batch."""
        definitions = metadata.tables["definitions"]
        for _ in range(FIRES_OF_A_KILL):
            workshop = self._chance.choice(sorted(self._numbers))
            address = f"n{len(self.definitions)}@verksted.example"
            asked = draft(arguments=(("format", "csv"), ("email", address)), name=address)
            made = self.world.definitions.create(workshop, asked)
            self.definitions.append(made.definition_id)
            with self.world.database.writing() as connection:
                this = definitions.c.definition_id == int(made.definition_id)
                connection.execute(update(definitions).where(this).values(next_fire_at=utc_now() - A_DAY))
        numbers = self._chance.sample(sorted(self._numbers.values()), ITEMS_OF_A_KILL)
        asked_batch = BatchDraft(
            name="killed",
            type="Revision",
            format="csv",
            name_template="{cvr}",
            items=[ItemDraft(cvr=number) for number in numbers],
            webhook_url=self._receiver.url,
        )
        self.batches.create("organisation:1", frozenset(self._numbers), asked_batch, actor="key:test")

    def is_done(self) -> bool:
        """Whether nothing waits any more."""
        done = {BatchState.FINISHED, BatchState.FINISHED_WITH_WARNING}
        return (
            all(batch.state in done for batch in self.batches.list(None))
            and all("sent" in {fire.state for fire in self.fires(each)} for each in self.definitions)
            and all(each.state is State.DELIVERED for each in self.world.mails())
        )

    def fires(self, definition_id: str) -> Any:
        """The newest first; the definition was due for a day, so one before may be recorded as missed."""
        return self.world.store.fires(definition_id, limit=1000)

    def delivered(self, channel: Channel) -> dict[str, Delivery]:
        """By id."""
        found = DeliveryStore(self.world.database).list(channel=channel, limit=10_000)
        return {each.delivery_id: each for each in found}


def test_a_worker_killed_at_any_moment_loses_nothing_and_fires_nothing_twice(
    tmp_path: Path, sample_data: Path, records_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(records_url.partition(":")[0])
    behave = lambda _call: Behaviour(delay=chance.uniform(0, 0.2))  # noqa: E731
    with SmtpServer(delay=0.1) as mail_server, WebhookReceiver(behave) as receiver:
        given = {
            "JOBS_URL": records_url,
            "STORE_URL": f"file://{tmp_path / 'store'}",
            "LEASE_SECONDS": "60",
            "MAX_ATTEMPTS": "30",
            "SEAL_KEY": KEY,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail_server.port),
            "SMTP_SECURITY": "none",
            "WEBHOOK_NETWORKS": "127.0.0.1/32",
        }
        environment = night_environment(sample_data, given)
        kept: dict[str, Any] = {name.lower(): value for name, value in given.items()}
        settings = Settings(data_folder=sample_data, **kept)
        log = tmp_path / "worker.log"
        with open_world(settings.exports, utc_now) as world:
            installation = Installation(world, receiver, chance)
            for asked in range(1, KILLS + 1):
                installation.ask_for_more()
                before = count_steps(world.database)
                most = max(asked * SURE_STEPS - before, SURE_STEPS)
                wanted = before + chance.randint(1, most)
                with run_worker(environment, log):
                    wait_until(partial(has_steps, world.database, wanted), 300)
                    time.sleep(chance.uniform(0, 0.1))  # not always right after a step
                end_leases(world.database)
            done_before_the_last = sum(
                each.state is State.DELIVERED for each in DeliveryStore(world.database).list(limit=10_000)
            )
            with run_worker(environment, log):
                wait_until(installation.is_done, 300)
            mails, calls = list(mail_server.mails), list(receiver.calls)
            told = judge(installation, mails, calls)
    with capsys.disabled():
        kind = records_url.partition(":")[0]
        print(f"\n{kind}: {KILLS} kills; {done_before_the_last} sent before the last; {told}")


def judge(installation: Installation, mails: list[Received], calls: list[Call]) -> str:
    """Compare what came with what is on record."""
    world = installation.world
    expected = KILLS * FIRES_OF_A_KILL
    for number in installation.definitions:
        states = Counter(fire.state for fire in installation.fires(number))
        assert (states.pop("sent"), states.keys() - {"missed"}) == (1, set()), states
    jobs: dict[str, Job] = {job.job_id: job for job in world.jobs()}
    assert len(jobs) == expected + KILLS * ITEMS_OF_A_KILL
    assert {job.status for job in jobs.values()} == {Status.COMPLETED}

    mailed, called = (installation.delivered(channel) for channel in (Channel.EMAIL, Channel.WEBHOOK))
    assert len(mailed) == expected
    assert len({each.recipient for each in mailed.values()}) == expected
    assert len(called) == KILLS * ITEMS_OF_A_KILL
    assert len({each.subject for each in called.values()}) == len(called)
    steps: Counter[str] = Counter()
    for delivery_id in (*mailed, *called):
        events = Counter(str(event.event) for event in DeliveryStore(world.database).events(delivery_id))
        assert events["queued"] == events["delivered"] == 1, events
        steps += events

    came = Counter(mail.message["Message-ID"].strip("<>").partition("@")[0] for mail in mails)
    assert came.keys() == mailed.keys(), "each at least once, and no other"
    for mail in mails:
        delivery = mailed[mail.message["Message-ID"].strip("<>").partition("@")[0]]
        assert mail.recipients == (delivery.recipient,)
        [attached] = mail.message.iter_attachments()
        content = attached.get_payload(decode=True)
        assert isinstance(content, bytes)
        assert hashlib.sha256(content).hexdigest() == jobs[str(delivery.job_id)].sha256
    heard = Counter(call.webhook_id for call in calls)
    assert heard.keys() == called.keys()
    for call in calls:
        assert called[call.webhook_id].subject == f"item:{json.loads(call.body)['itemId']}"
    twice = sum(came.values()) - len(came) + sum(heard.values()) - len(heard)
    assert twice <= steps["reclaimed"], "only those come twice whose sender was killed"
    return (
        f"{len(came)} mails and {len(heard)} calls, {twice} of them came twice, "
        f"{steps['reclaimed']} were taken over"
    )
