"""Processes that fire definitions are killed at random moments: every fire is still made and mailed once."""

import random
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import event, func, select, update

from exporters.database import open_database
from exporters.definitions.states import FireEventName, FireState
from exporters.definitions.tables import fire_jobs
from exporters.jobs import Status
from exporters.jobs.tables import jobs
from exporters.options import ExportOptions
from tests.exported import options_for
from tests.firing_process import RunningClock, start_firing
from tests.records import MovedClock
from tests.report_definitions import World, open_world, with_arguments
from tests.worker_processes import wait_until

MORNING = datetime(2026, 2, 2, 5, tzinfo=UTC)
WORKSHOPS = ("101", "104", "105")
EACH, KILLS = 6, 10
RECIPIENTS = ("kari@verksted.example", "ola@verksted.example")
FORMATS = ("csv", "html")


def make_definitions(world: World) -> list[str]:
    asked = with_arguments(("format", "html"), ("email", RECIPIENTS[1]))
    return [world.definitions.create(one, asked).definition_id for one in WORKSHOPS for _ in range(EACH)]


def all_ended(world: World, definition_ids: list[str]) -> bool:
    found = (world.store.fires(one) for one in definition_ids)
    return all(fires and fires[0].finished_at for fires in found)


def finished(world: World) -> int:
    """How many files are made."""
    with world.database.reading() as connection:
        query = select(func.count()).select_from(jobs).where(jobs.c.status == Status.COMPLETED)
        return connection.execute(query).scalar_one()


def has_gone_on(world: World, definition_ids: list[str], made: int) -> bool:
    """Whether there are more than `made` files, or all that there will be."""
    return finished(world) > min(made, len(definition_ids) * len(FORMATS) - 1)


def check_once(world: World, definition_ids: list[str]) -> None:
    """Each definition has one fire, each fire its jobs, each job its mails; and there is nothing else."""
    for definition_id in definition_ids:
        [fire] = world.store.fires(definition_id)
        assert (fire.fire_at, fire.state) == (MORNING, FireState.SENT)
        events = [event.event for event in world.store.fire_events(fire.fire_id)]
        assert events == [FireEventName.RECORDED, FireEventName.BEGUN, FireEventName.SENT]
    with world.database.reading() as connection:
        made = connection.execute(select(fire_jobs)).all()
    assert Counter(Counter(row.fire_id for row in made).values()) == {len(FORMATS): len(definition_ids)}
    assert {row.job_id for row in made} == {job.job_id for job in world.jobs()}
    assert {job.status for job in world.jobs()} == {Status.COMPLETED}
    mails = Counter((mail.job_id, mail.recipient) for mail in world.mails())
    assert mails == {(row.job_id, recipient): 1 for row in made for recipient in RECIPIENTS}


def test_two_processes_and_random_kills_still_fire_once(
    records_url: str, tmp_path: Path, sample_data: Path
) -> None:
    options = options_for(
        tmp_path, sample_data, jobs_url=records_url, lease=timedelta(seconds=2), max_attempts=50
    )
    before = MovedClock()
    with open_world(options, before) as world:
        definition_ids = make_definitions(world)
    chance, busy = random.Random(7), 0
    clock = RunningClock(MORNING + timedelta(seconds=1))
    processes = [start_firing(options, clock) for _ in range(2)]
    try:
        with open_world(options, clock) as world:
            for _ in range(KILLS):
                wait_until(partial(has_gone_on, world, definition_ids, finished(world)), 300)
                time.sleep(chance.uniform(0, 0.1))
                busy += not all_ended(world, definition_ids)
                victim = processes.pop(0)
                victim.kill()
                victim.join()
                processes.append(start_firing(options, clock))
            wait_until(lambda: all_ended(world, definition_ids), 300)
            check_once(world, definition_ids)
    finally:
        for process in processes:
            process.kill()
            process.join()
    assert busy >= KILLS // 3, "the kills came too late to do harm"


def test_a_kill_after_any_step_is_made_up_for(records_url: str, tmp_path: Path, sample_data: Path) -> None:
    """Every write is lost once: the process ends right before it is kept, and another goes on."""
    options = options_for(tmp_path, sample_data, jobs_url=records_url, max_attempts=50)
    clock = MovedClock()
    with open_world(options, clock) as world:
        definition_id = world.definitions.create(
            "101", with_arguments(("format", "html"), ("email", RECIPIENTS[1]))
        ).definition_id
    clock.now = MORNING
    steps = 0
    while True:
        steps += 1
        with open_world(options, clock) as world:
            _end_before_commit(world, steps)
            try:
                world.fire_and_make()
            except _KilledError:
                # By then what the process held is free; jobs are held by the real clock.
                clock.advance(minutes=1)
                _end_leases(options)
                continue
        break
    assert steps > 4
    with open_world(options, clock) as world:
        check_once(world, [definition_id])


class _KilledError(BaseException):
    """The process ends here."""


def _end_leases(options: ExportOptions) -> None:
    past = datetime(2000, 1, 1, tzinfo=UTC)
    with closing(open_database(options.jobs_url)) as database, database.writing() as connection:
        connection.execute(update(jobs).where(jobs.c.status == Status.PROCESSING).values(lease_until=past))


def _end_before_commit(world: World, step: int) -> None:
    """End right before the commit of the given number."""
    count = 0

    def commit(_connection: object) -> None:
        nonlocal count
        count += 1
        if count == step:
            raise _KilledError

    event.listen(world.database.engine, "commit", commit)
