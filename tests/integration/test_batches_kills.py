"""Dispatchers of batches killed at random, on both databases: no item is lost, and none is made twice."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exporters.batches.records import BatchState, ItemState
from exporters.batches.transitions import AT_REST
from exporters.jobs import Status
from tests.batch_dispatcher import dispatch
from tests.batch_world import ACCOUNT, build_workshops, open_world
from tests.forked import fork

WORKSHOPS, BATCHES, ITEMS = 30, 16, 20
KILLS = 20
PATIENCE = 900


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    build_workshops(folder, WORKSHOPS)
    return folder


def test_killed_dispatchers_lose_nothing_and_make_nothing_twice(
    tmp_path: Path, warehouse: Path, records_url: str
) -> None:
    chance = random.Random(records_url)
    with open_world(tmp_path, warehouse, records_url) as world:
        made = [
            world.create(
                [*(1 + (first + n) % WORKSHOPS for n in range(ITEMS - 1)), "0"],
                notification_email="all@acme.example",
                name_template="{name}",
            )
            for first in range(BATCHES)
        ]
        members: list[Any] = []
        kills = 0
        known: list[Any] = []
        deadline = time.monotonic() + PATIENCE
        while any(batch.state not in AT_REST for batch in world.batches.list(ACCOUNT)):
            batches = world.batches.list(ACCOUNT)
            assert time.monotonic() < deadline, Counter(batch.state for batch in batches)
            while len(members) < 3:
                members.append(fork(dispatch, tmp_path, warehouse, records_url))
            time.sleep(chance.uniform(0.05, 0.3))
            world.end_jobs(lambda job: "X" if job.workshop_id == "7" else None, most=12)
            # However slow the machine is: between two kills something was done.
            if kills < KILLS and known != (known := [(one.state, one.counts.left) for one in batches]):
                victim = members.pop(chance.randrange(len(members)))
                victim.kill()
                victim.join()
                kills += 1
        for member in members:
            member.kill()
            member.join()
        assert kills >= 10

        jobs = world.exports.jobs.list(limit=10_000)
        assert len(jobs) == BATCHES * (ITEMS - 1)
        assert {job.status for job in jobs} == {Status.COMPLETED, Status.FAILED}
        told = Counter(order.subject for order in world.orders())
        seen = set()
        for batch in world.batches.list(ACCOUNT):
            items = world.items(batch)
            assert batch.state is BatchState.FINISHED_WITH_ERRORS
            assert (len(items), batch.counts.left) == (ITEMS, 0)
            assert sorted(item.position for item in items) == list(range(ITEMS))
            assert len({str(item.name).lower() for item in items}) == ITEMS
            seen |= {item.job_id for item in items if item.job_id}
            for item in items:
                is_bad = item.workshop_id in (None, "7")
                assert item.state is (ItemState.FAILED if is_bad else ItemState.COMPLETED)
                assert told[f"item:{item.item_id}"] == 1
        assert seen == {job.job_id for job in jobs}
        assert len(told) == BATCHES * ITEMS
        assert len(made) == BATCHES
