"""The feed of ended jobs on each database: every end once, in one order, whoever writes meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from exporters.database import Database, open_database
from exporters.database.values import utc_now
from exporters.jobs import EventName, JobStore, Status
from exporters.jobs.feed import FeedPage, JobFeed
from exporters.jobs.tables import job_events

LEASE = timedelta(seconds=30)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/jobs.db"
    else:
        make: Callable[[], str] = request.getfixturevalue("new_pg_url")
        url = make()
    with closing(open_database(url)) as opened:
        yield opened


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database, utc_now)


def end(store: JobStore, how: EventName = EventName.FAILED) -> str:
    """The id of a new job that ended so."""
    job = store.create("w1", "bookings", "csv", {}, max_attempts=1)
    if how is EventName.CANCELLED:
        return store.cancel(job.job_id, reason="asked").job_id
    claimed = store.claim("worker", LEASE, job.job_id)
    assert claimed is not None
    if how is EventName.FAILED:
        return store.fail(claimed, "EXPORT_FAILED", "no place").job_id
    return store.complete(
        claimed,
        file_key=f"files/{job.job_id}",
        file_name="a.csv",
        media_type="text/csv",
        size_bytes=12,
        sha256="ab" * 32,
        manifest_key=f"files/{job.job_id}.json",
        rows=3,
        generation="g1",
        retention=LEASE,
    ).job_id


def test_ends_come_in_order_with_their_job_and_history_and_nothing_else_comes(
    database: Database, store: JobStore
) -> None:
    feed = JobFeed(database)
    assert feed.read(0, 10).ends == ()
    ways = (EventName.COMPLETED, EventName.FAILED, EventName.CANCELLED)
    ids = [end(store, way) for way in ways]
    store.create("w1", "bookings", "csv", {}, max_attempts=1)  # is only pending
    store.expire(ids[0])
    page = feed.read(0, 10)
    assert [(one.job.job_id, one.event.event) for one in page.ends] == list(zip(ids, ways, strict=True))
    assert [one.job.status for one in page.ends] == [Status.EXPIRED, Status.FAILED, Status.CANCELLED]
    assert [one.number for one in page.ends] == sorted(one.number for one in page.ends)
    history = [event.event for event in page.ends[0].history]
    assert history == [EventName.CREATED, EventName.CLAIMED, EventName.COMPLETED, EventName.EXPIRED]
    assert page.ends[2].event.detail == {"reason": "asked"}
    assert page.cursor == feed.newest()
    assert feed.read(page.cursor, 10) == FeedPage((), page.cursor)


def test_pages_join_without_a_gap(database: Database, store: JobStore) -> None:
    ids = [end(store) for _ in range(7)]
    feed, seen, cursor = JobFeed(database), list[str](), 0
    for size in (3, 3, 1, 0):
        page = feed.read(cursor, 3)
        assert len(page.ends) == size
        seen += [one.job.job_id for one in page.ends]
        cursor = page.cursor
    assert seen == ids
    with pytest.raises(ValueError, match="at least one"):
        feed.read(0, 0)


def test_a_reader_that_begins_now_sees_only_what_ends_later(database: Database, store: JobStore) -> None:
    feed = JobFeed(database)
    end(store)
    cursor = feed.newest()
    later = end(store)
    assert [one.job.job_id for one in feed.read(cursor, 10).ends] == [later]


def test_the_jobs_of_a_forgotten_workshop_are_left_out(database: Database, store: JobStore) -> None:
    gone = end(store)
    other = store.create("w2", "bookings", "csv", {}, max_attempts=1)
    store.cancel(other.job_id)
    store.forget_workshop("w1")
    found = [one.job.job_id for one in JobFeed(database).read(0, 10).ends]
    assert found == [other.job_id]
    assert gone not in found


def test_what_ends_after_a_workshop_was_forgotten_is_not_missed(database: Database, store: JobStore) -> None:
    feed = JobFeed(database)
    end(store)
    cursor = feed.read(0, 10).cursor
    store.forget_workshop("w1")
    later = end(store)
    assert [one.job.job_id for one in feed.read(cursor, 10).ends] == [later]


def test_none_is_missed_or_given_twice_while_others_write(database: Database, store: JobStore) -> None:
    """The reader follows as closely as it can, which is when an order that is not one would show."""
    made: list[list[str]] = [[] for _ in range(4)]
    writing = [
        threading.Thread(target=lambda own=own: own.extend(end(store) for _ in range(25))) for own in made
    ]
    feed, seen, cursor = JobFeed(database), list[str](), 0
    for thread in writing:
        thread.start()
    while any(thread.is_alive() for thread in writing) or cursor < feed.newest():
        page = feed.read(cursor, 5)
        seen += [one.job.job_id for one in page.ends]
        cursor = page.cursor
        time.sleep(0.001)
    for thread in writing:
        thread.join()
    assert len(seen) == len(set(seen))
    assert set(seen) == {job_id for own in made for job_id in own}


def test_a_later_event_waits_for_an_earlier_one_that_is_not_committed(new_pg_url: Callable[[], str]) -> None:
    """Only PostgreSQL has this: numbers are given before the commit, and commits come in any order."""
    with closing(open_database(new_pg_url())) as database:
        store, feed = JobStore(database, utc_now), JobFeed(database)
        slow = store.create("w1", "bookings", "csv", {}, max_attempts=1)
        fast = store.create("w1", "bookings", "csv", {}, max_attempts=1)
        cursor = feed.newest()
        with database.writing() as connection:
            connection.execute(
                insert(job_events).values(
                    job_id=slow.job_id,
                    at=utc_now(),
                    event=EventName.CANCELLED,
                    from_status=Status.PENDING,
                    to_status=Status.CANCELLED,
                    attempt=0,
                    detail={},
                )
            )
            store.cancel(fast.job_id)  # a higher number, committed first
            assert feed.read(cursor, 10) == FeedPage((), cursor)
        assert [one.job.job_id for one in feed.read(cursor, 10).ends] == [slow.job_id, fast.job_id]


def test_a_write_that_is_rolled_back_holds_nothing_up(new_pg_url: Callable[[], str]) -> None:
    with closing(open_database(new_pg_url())) as database:
        store, feed = JobStore(database, utc_now), JobFeed(database)
        job_id = end(store)
        with suppress(ZeroDivisionError), database.writing() as connection:
            connection.execute(job_events.delete())
            raise ZeroDivisionError
        assert [one.job.job_id for one in feed.read(0, 10).ends] == [job_id]
