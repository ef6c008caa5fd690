"""On each database: in which order jobs are claimed, when they are free again, how workers learn of them."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporters.jobs import Asked, EventName, Job, JobStore, Status, open_jobs, watching
from tests.conformance.conftest import Clock
from tests.worker_processes import PATIENCE

LEASE = timedelta(seconds=30)
LIGHT, HEAVY = 1_000, 1_000_000


def ask(store: JobStore, workshop_id: str, rows: int | None = LIGHT, max_attempts: int = 3) -> Job:
    asked = Asked(
        workshop_id=workshop_id,
        report_type="bookings",
        format="csv",
        filters={},
        max_attempts=max_attempts,
        rows_estimated=rows,
    )
    return store.admit(asked).job


def take(store: JobStore, job_id: str | None = None) -> Job:
    job = store.claim("worker", LEASE, job_id)
    assert job is not None
    return job


def take_all(store: JobStore) -> Iterator[Job]:
    while job := store.claim("worker", LEASE):
        yield job


def test_a_workshop_with_many_jobs_does_not_hold_up_another(store: JobStore) -> None:
    for _ in range(60):
        ask(store, "many")
    for _ in range(10):
        take(store)
    single = ask(store, "single")
    assert single.job_id in {take(store).job_id for _ in range(2)}


def test_workshops_take_turns_whoever_asked_first(store: JobStore) -> None:
    for workshop_id in ("a", "b", "c"):
        for _ in range(20):
            ask(store, workshop_id)
    served = [job.workshop_id for job in take_all(store)]
    for count in (6, 15, 30, 60):
        assert max(Counter(served[:count]).values()) <= count / 3 + 1


def test_what_a_workshop_had_while_nobody_waited_is_not_held_against_it(
    store: JobStore, clock: Clock
) -> None:
    for _ in range(50):
        ask(store, "a")
    assert len(list(take_all(store))) == 50
    clock.advance(timedelta(seconds=1))
    for _ in range(10):
        ask(store, "b")
        ask(store, "a")
    assert Counter(job.workshop_id for job in [take(store) for _ in range(10)]) == {"a": 5, "b": 5}


def test_small_files_come_before_large_ones(store: JobStore) -> None:
    asked = [
        ask(store, workshop, rows).job_id for workshop in ("a", "b") for rows in (HEAVY, None, LIGHT, LIGHT)
    ]
    sizes = [(HEAVY, None, LIGHT, LIGHT)[asked.index(job.job_id) % 4] for job in take_all(store)]
    assert sizes == [LIGHT] * 4 + [None] * 2 + [HEAVY] * 2


@pytest.mark.parametrize("others", [1, 7], ids=["one other workshop", "seven"])
def test_a_large_file_is_overtaken_only_so_often(store: JobStore, others: int) -> None:
    large = ask(store, "large", HEAVY)
    overtaken = 0
    while True:
        for number in range(others):
            ask(store, f"w{number}")
        taken = [take(store).job_id for _ in range(others)]
        if large.job_id in taken:
            break
        overtaken += 1
        assert overtaken <= 10


def test_jobs_begun_before_come_first(store: JobStore, clock: Clock) -> None:
    begun = take(store, ask(store, "a").job_id)
    for _ in range(5):
        ask(store, "b")
    store.release(begun, "STORE_FAILED", "no answer")
    assert take(store).job_id == begun.job_id
    clock.advance(LEASE)
    assert take(store).job_id == begun.job_id


def test_a_job_claimed_by_name_leaves_the_order_as_it_is(store: JobStore) -> None:
    many = [ask(store, "many") for _ in range(20)]
    take(store, many[-1].job_id)
    assert take(store).job_id == many[0].job_id
    single = ask(store, "single")
    assert single.job_id in {take(store).job_id for _ in range(2)}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=8))
def test_while_a_job_waits_no_other_workshop_is_served_more_often_than_its_own(
    store: JobStore, clock: Clock, steps: list[tuple[int, int]]
) -> None:
    """Each step asks for some jobs of one workshop and takes half as many; the last are taken at the end."""
    clock.advance(timedelta(seconds=1))
    waiting: dict[str, Job] = {}
    served: Counter[str] = Counter()
    at_first: dict[str, Counter[str]] = {}

    def check(job: Job) -> None:
        served[job.workshop_id] += 1
        since = served - at_first.pop(waiting.pop(job.job_id).job_id)
        own = since.pop(job.workshop_id)
        assert max(since.values(), default=0) <= own + 1

    for workshop, count in steps:
        for _ in range(count):
            job = ask(store, f"w{workshop}")
            waiting[job.job_id], at_first[job.job_id] = job, Counter(served)
        for _ in range(count // 2):
            check(take(store))
    for job in take_all(store):
        check(job)
    assert not waiting


def test_a_job_given_back_after_a_fault_is_free_when_the_pause_has_passed(
    store: JobStore, clock: Clock
) -> None:
    job = take(store, ask(store, "a").job_id)
    store.release(job, "STORE_FAILED", "no answer", pause=timedelta(seconds=5))
    clock.advance(timedelta(seconds=4.9))
    assert not store.is_any_free()
    assert store.claim("other", LEASE) is None
    assert store.claim("other", LEASE, job.job_id) is None
    other = ask(store, "a")
    assert take(store).job_id == other.job_id
    clock.advance(timedelta(seconds=0.1))
    assert store.is_any_free()
    assert (take(store).job_id, store.get(job.job_id).attempt) == (job.job_id, 2)


def test_a_job_given_back_by_a_worker_that_stops_has_lost_no_try(store: JobStore) -> None:
    job = ask(store, "a", max_attempts=1)
    for _ in range(3):
        held = take(store)
        assert held.attempt == 1
        back = store.hand_back(held)
        assert (back.status, back.attempt, back.lease_token) == (Status.PROCESSING, 0, None)
    assert store.get(take(store).job_id).attempt == 1
    names = [event.event for event in store.events(job.job_id)]
    assert names == [
        EventName.CREATED,
        EventName.CLAIMED,
        *[EventName.RETURNED, EventName.RECLAIMED] * 3,
    ]
    assert store.events(job.job_id)[2].detail == {"owner": "worker"}


def test_the_jobs_of_a_dead_worker_are_free_at_once(store: JobStore) -> None:
    first, last = ask(store, "a"), ask(store, "b", max_attempts=1)
    held = [take(store, first.job_id), take(store, last.job_id)]
    other = store.claim("other", LEASE, ask(store, "c").job_id)
    assert other is not None
    assert (store.free_owned("worker"), store.free_owned("worker")) == (2, 0)
    assert take(store).job_id == first.job_id
    assert store.get(last.job_id).error_code == "LEASE_LOST"
    assert store.heartbeat(other, LEASE, 1).lease_owner == "other"
    assert {job.attempt for job in held} == {1}


def test_a_chore_is_done_by_one_of_all_workers_at_a_time(
    store: JobStore, jobs_url: str, clock: Clock
) -> None:
    with closing(open_jobs(jobs_url, clock=clock)) as other:
        name = f"chore of {time.monotonic()}"
        for _ in range(3):
            barrier = threading.Barrier(8)
            won: list[bool] = []

            def race(own: JobStore, barrier: threading.Barrier, won: list[bool]) -> None:
                barrier.wait()
                won.append(own.take_chore(name, timedelta(minutes=1)))

            threads = [
                threading.Thread(target=race, args=((store, other)[number % 2], barrier, won))
                for number in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(won) == [False] * 7 + [True]
            assert not store.take_chore(name, timedelta(minutes=1))
            clock.advance(timedelta(minutes=1))


@pytest.fixture
def waiter(jobs_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStore]:
    """The records as another process sees them, by the machine's own clock; no wait ends by itself soon."""
    monkeypatch.setattr(watching, "_LONGEST", 10.0 * PATIENCE)
    with closing(open_jobs(jobs_url)) as opened:
        yield opened


def wait_once(waiter: JobStore, stop: threading.Event) -> None:
    with closing(waiter.watch()) as watch:
        watch.wait(stop)


@contextmanager
def waiting(waiter: JobStore) -> Iterator[threading.Event]:
    """Another thread waits, until it learns of what is done within, or is told to stop by the event."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        try:
            ended = pool.submit(wait_once, waiter, stop)
            time.sleep(0.3)
            assert not ended.done()
            yield stop
            ended.result(PATIENCE)
        finally:
            stop.set()


def test_a_waiting_worker_learns_of_a_new_job_at_once(waiter: JobStore, jobs_url: str) -> None:
    with closing(open_jobs(jobs_url)) as asking:
        with waiting(waiter):
            ask(asking, "a")
        job = take(asking)
        with waiting(waiter):
            asking.hand_back(job)


def test_a_waiting_worker_stops_when_told_and_wakes_by_itself(
    waiter: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with waiting(waiter) as stop:
        stop.set()
    monkeypatch.setattr(watching, "_LONGEST", 0.1)
    begun = time.monotonic()
    wait_once(waiter, threading.Event())
    assert time.monotonic() - begun >= 0.1


def test_a_watch_does_not_wait_while_a_job_is_free(waiter: JobStore) -> None:
    ask(waiter, "a")
    begun = time.monotonic()
    wait_once(waiter, threading.Event())
    assert time.monotonic() - begun < PATIENCE


def test_a_watch_outlives_its_connection(pg_url: str) -> None:
    with closing(open_jobs(pg_url)) as store, closing(store.watch()) as watch:
        stop = threading.Event()
        watch.wait(stop)
        with psycopg.connect(pg_url) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        with pytest.raises(Exception, match="job records in PostgreSQL"):
            watch.wait(stop)
        ask(store, "a")
        watch.wait(stop)
        assert take(store)


def test_a_claim_does_not_wait_for_another_one(pg_url: str) -> None:
    # A claim that waited would fail after a while.
    with closing(open_jobs(f"{pg_url}&options=-c%20lock_timeout%3D5s")) as store:
        first, second = ask(store, "a"), ask(store, "a")
        with psycopg.connect(pg_url) as other:
            other.execute("SELECT * FROM jobs WHERE job_id = %s FOR UPDATE", [first.job_id])
            assert take(store).job_id == second.job_id
            assert store.claim("worker", LEASE) is None
        assert take(store).job_id == first.job_id
