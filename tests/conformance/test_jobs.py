"""The job records on each database: every transition, who wins a job, and what its history says."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporters.jobs import (
    LEASE_LOST,
    Event,
    EventName,
    IllegalTransition,
    Job,
    JobCancelled,
    JobError,
    JobExists,
    JobNotFound,
    JobStore,
    LeaseLost,
    Status,
)
from tests.conformance.conftest import Clock

LEASE = timedelta(seconds=30)
RETENTION = timedelta(days=7)
PENDING, PROCESSING, COMPLETED, FAILED, EXPIRED, CANCELLED = Status
LEGAL = {
    (PENDING, PROCESSING),
    (PENDING, CANCELLED),
    (PROCESSING, PROCESSING),
    (PROCESSING, COMPLETED),
    (PROCESSING, FAILED),
    (PROCESSING, CANCELLED),
    (COMPLETED, EXPIRED),
}


def create(store: JobStore, workshop_id: str = "w1", max_attempts: int = 3) -> Job:
    return store.create(workshop_id, "bookings", "csv", {"status": "COMPLETED"}, max_attempts=max_attempts)


def claim(store: JobStore, job_id: str | None = None, owner: str = "worker") -> Job:
    job = store.claim(owner, LEASE, job_id)
    assert job is not None
    return job


def complete(store: JobStore, job: Job) -> Job:
    return store.complete(
        job,
        file_key="files/a.csv",
        file_name="a.csv",
        media_type="text/csv",
        size_bytes=12,
        sha256="ab" * 32,
        manifest_key="manifests/a.json",
        rows=3,
        generation="g1",
        retention=RETENTION,
    )


MOVES: dict[Status, Callable[[JobStore, Job], Job | None]] = {
    PENDING: lambda store, job: store.create("w1", "bookings", "csv", {}, max_attempts=3, job_id=job.job_id),
    PROCESSING: lambda store, job: store.claim("other", LEASE, job.job_id),
    COMPLETED: complete,
    FAILED: lambda store, job: store.fail(job, "EXPORT_FAILED", "no place"),
    EXPIRED: lambda store, job: store.expire(job.job_id),
    CANCELLED: lambda store, job: store.cancel(job.job_id),
}


def reach(store: JobStore, status: Status) -> Job:
    """A job in `status`, as the worker that once claimed it holds it."""
    job = create(store)
    if status == PENDING:
        return job
    job = claim(store, job.job_id)
    if status == EXPIRED:
        complete(store, job)
    if status != PROCESSING:
        MOVES[status](store, job)
    return job


def refusal(start: Status, end: Status) -> type[JobError]:
    if end == PENDING:
        return JobExists
    if end in {COMPLETED, FAILED}:
        return JobCancelled if start == CANCELLED else LeaseLost
    return IllegalTransition


@pytest.mark.parametrize("end", Status)
@pytest.mark.parametrize("start", Status)
def test_each_pair_of_states(store: JobStore, clock: Clock, start: Status, end: Status) -> None:
    job = reach(store, start)
    before, events = store.get(job.job_id), store.events(job.job_id)
    assert before.status == start
    clock.advance(LEASE)

    if (start, end) in LEGAL:
        after = MOVES[end](store, job)
        assert after == store.get(job.job_id)
        assert after is not None
        assert after.status == end
        *earlier, last = store.events(job.job_id)
        assert tuple(earlier) == events
        assert (last.from_status, last.to_status, last.at) == (start, end, clock.now)
        return
    if end == PROCESSING:
        assert MOVES[end](store, job) is None
    else:
        with pytest.raises(refusal(start, end), match=job.job_id):
            MOVES[end](store, job)
    assert store.get(job.job_id) == before
    assert store.events(job.job_id) == events


@pytest.mark.parametrize("start", [PENDING, COMPLETED, FAILED, EXPIRED, CANCELLED])
def test_only_a_held_job_is_released_or_reported(store: JobStore, start: Status) -> None:
    job = reach(store, start)
    before = store.get(job.job_id)
    acts: list[Callable[[], Job]] = [
        lambda: store.release(job, "X", "x"),
        lambda: store.hand_back(job),
        lambda: store.heartbeat(job, LEASE, 1, 2),
    ]
    for act in acts:
        with pytest.raises(JobCancelled if start == CANCELLED else LeaseLost):
            act()
    assert store.get(job.job_id) == before


def test_a_refused_cancel_tells_the_state(store: JobStore) -> None:
    job = reach(store, COMPLETED)
    with pytest.raises(IllegalTransition, match="is completed and cannot become cancelled") as caught:
        store.cancel(job.job_id)
    assert caught.value.status == "completed"


def test_a_completed_job_carries_its_file_until_it_expires(store: JobStore, clock: Clock) -> None:
    job = complete(store, claim(store, create(store).job_id))
    assert (job.progress, job.file_key, job.rows_written, job.generation) == (100, "files/a.csv", 3, "g1")
    assert (job.lease_owner, job.lease_token, job.lease_until, job.error_code) == (None, None, None, None)
    assert (job.finished_at, job.expires_at) == (clock.now, clock.now + RETENTION)

    later = complete(store, claim(store, create(store).job_id))
    assert store.expirable(clock.now + RETENTION - timedelta(microseconds=1)) == ()
    due = store.expirable(clock.now + RETENTION)
    assert {each.job_id for each in due} == {job.job_id, later.job_id}
    expired = store.expire(job.job_id)
    assert (expired.file_key, expired.progress, expired.sha256) == (None, 100, job.sha256)
    assert store.events(job.job_id)[-1].detail == {"file_key": "files/a.csv"}
    assert store.expirable(clock.now + RETENTION) == (later,)


def test_the_oldest_free_job_comes_first(store: JobStore, clock: Clock) -> None:
    first = create(store)
    clock.advance(timedelta(seconds=1))
    second = create(store)
    assert claim(store).job_id == first.job_id
    assert claim(store).job_id == second.job_id
    assert store.claim("worker", LEASE) is None
    clock.advance(LEASE)
    third = create(store)
    assert [claim(store).job_id for _ in range(3)] == [first.job_id, second.job_id, third.job_id]


def test_a_lease_holds_until_its_last_instant(store: JobStore, clock: Clock) -> None:
    job = claim(store, create(store).job_id)
    clock.advance(LEASE - timedelta(microseconds=1))
    assert store.claim("other", LEASE, job.job_id) is None
    job = store.heartbeat(job, LEASE, 1, 10)
    clock.advance(timedelta(seconds=1))
    assert store.claim("other", LEASE) is None
    clock.advance(LEASE)
    taken = claim(store, owner="other")
    assert (taken.job_id, taken.attempt, taken.lease_owner) == (job.job_id, 2, "other")
    assert taken.lease_token != job.lease_token
    assert (taken.progress, taken.rows_written, taken.started_at) == (10, 0, job.started_at)


def test_a_stale_worker_changes_nothing(store: JobStore, clock: Clock) -> None:
    stale = claim(store, create(store).job_id)
    clock.advance(LEASE)
    taken = claim(store, stale.job_id, "other")
    events = store.events(stale.job_id)
    acts: list[Callable[[], Job]] = [
        lambda: store.heartbeat(stale, LEASE, 9, 10),
        lambda: complete(store, stale),
        lambda: store.fail(stale, "X", "x"),
        lambda: store.release(stale, "X", "x"),
        lambda: store.hand_back(stale),
    ]
    for act in acts:
        with pytest.raises(LeaseLost, match="discard"):
            act()
    assert store.get(stale.job_id) == taken
    assert store.events(stale.job_id) == events
    assert complete(store, taken).status == COMPLETED


def test_a_worker_learns_of_the_cancel(store: JobStore) -> None:
    job = claim(store, create(store).job_id)
    store.cancel(job.job_id, "w1")
    with pytest.raises(JobCancelled):
        store.heartbeat(job, LEASE, 1)
    with pytest.raises(JobCancelled):
        complete(store, job)


def test_a_released_job_is_tried_again_and_then_fails(store: JobStore) -> None:
    job = claim(store, create(store, max_attempts=2).job_id)
    released = store.release(job, "STORE_BUSY", "try later")
    assert (released.status, released.lease_token, released.error_code) == (PROCESSING, None, None)
    with pytest.raises(LeaseLost):
        store.heartbeat(job, LEASE, 1)
    with pytest.raises(LeaseLost):
        store.heartbeat(released, LEASE, 1)
    last = store.release(claim(store), "STORE_BUSY", "still busy")
    assert (last.status, last.error_code, last.error_message) == (FAILED, "STORE_BUSY", "still busy")
    names = [event.event.value for event in store.events(job.job_id)]
    assert names == ["created", "claimed", "retried", "reclaimed", "failed"]
    assert store.events(job.job_id)[2].detail == {"code": "STORE_BUSY", "message": "try later"}


def test_a_job_lost_in_its_last_try_fails(store: JobStore, clock: Clock) -> None:
    lost = [claim(store, create(store, max_attempts=1).job_id) for _ in range(3)]
    assert store.fail_lost() == ()
    clock.advance(LEASE)
    assert store.claim("other", LEASE, lost[0].job_id) is None
    assert [store.get(job.job_id).status for job in lost] == [FAILED, PROCESSING, PROCESSING]
    assert store.claim("other", LEASE) is None
    for job in map(store.get, [job.job_id for job in lost]):
        assert (job.status, job.error_code, job.finished_at) == (FAILED, LEASE_LOST, clock.now)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tries=st.lists(
        st.lists(st.tuples(st.integers(0, 10**12), st.none() | st.integers(0, 1000)), max_size=6),
        min_size=1,
        max_size=3,
    )
)
def test_progress_never_falls(store: JobStore, tries: list[list[tuple[int, int | None]]]) -> None:
    job = create(store, max_attempts=len(tries))
    seen = [job.progress]
    for reports in tries:
        job = claim(store, job.job_id)
        seen.append(job.progress)
        for written, expected in reports:
            job = store.heartbeat(job, LEASE, written, expected)
            assert (job.rows_written, job.rows_expected) == (written, expected)
            if expected:
                assert job.progress >= min(99, written * 100 // expected)
            seen.append(job.progress)
        if reports is not tries[-1]:
            store.release(job, "X", "x")
    assert seen == sorted(seen)
    assert seen[-1] < 100
    assert complete(store, job).progress == 100


STEPS: dict[str, Callable[[JobStore, Clock, list[Job], int], Any]] = {
    "create": lambda store, _clock, _held, n: create(store, max_attempts=1 + n % 3),
    "claim": lambda store, _clock, _held, _n: store.claim("worker", LEASE),
    "wait": lambda _store, clock, _held, _n: clock.advance(LEASE / 2),
    "heartbeat": lambda store, _clock, held, n: store.heartbeat(held[n % len(held)], LEASE, n, 20),
    "complete": lambda store, _clock, held, n: complete(store, held[n % len(held)]),
    "fail": lambda store, _clock, held, n: store.fail(held[n % len(held)], "X", "x"),
    "release": lambda store, _clock, held, n: store.release(held[n % len(held)], "X", "x"),
    "hand_back": lambda store, _clock, held, n: store.hand_back(held[n % len(held)]),
    "free_owned": lambda store, _clock, _held, _n: store.free_owned("worker"),
    "cancel": lambda store, _clock, held, n: store.cancel(held[n % len(held)].job_id),
    "expire": lambda store, _clock, held, n: store.expire(held[n % len(held)].job_id),
    "fail_lost": lambda store, _clock, _held, _n: store.fail_lost(),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 20)), max_size=25))
def test_history_is_a_legal_path_to_the_record(
    store: JobStore, clock: Clock, steps: list[tuple[str, int]]
) -> None:
    job = create(store, max_attempts=2)
    held = [job]  # every copy ever seen, so that stale ones are used too
    for name, number in steps:
        try:
            result = STEPS[name](store, clock, held, number)
        except (IllegalTransition, LeaseLost, JobCancelled):
            continue
        if isinstance(result, Job):
            held.append(result)
    for job_id in {each.job_id for each in held}:
        assert_consistent(store.get(job_id), store.events(job_id))


def assert_consistent(job: Job, events: tuple[Event, ...]) -> None:
    created, *later = events
    assert (created.event, created.from_status, created.to_status) == (EventName.CREATED, None, PENDING)
    for earlier, event in pairwise(events):
        assert event.from_status == earlier.to_status
        assert (event.from_status, event.to_status) in LEGAL
        assert event.at >= earlier.at
    tries = 0
    for event in later:
        if event.event in {EventName.CLAIMED, EventName.RECLAIMED}:
            tries += 1
        tries -= event.event is EventName.RETURNED
        assert event.attempt == tries
    assert job.attempt == tries
    assert job.attempt <= job.max_attempts
    assert job.status == events[-1].to_status
    assert (job.status == COMPLETED) == (job.file_key is not None)
    assert (job.status == FAILED) == (job.error_code is not None)
    assert (job.finished_at is None) == (job.status in {PENDING, PROCESSING})


def test_threads_claim_each_job_once(store: JobStore) -> None:
    created = {create(store).job_id for _ in range(200)}
    claimed: list[str] = []

    def work() -> None:
        while job := store.claim("worker", LEASE):
            claimed.append(job.job_id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 200
    assert set(claimed) == created
    assert {job.attempt for job in store.list(limit=200)} == {1}


def test_cancel_and_complete_at_once_have_one_winner(store: JobStore) -> None:
    for _ in range(10):
        job = claim(store, create(store).job_id)
        barrier = threading.Barrier(2)
        outcomes: list[object] = []

        def run(act: Callable[[], Job], barrier: threading.Barrier, outcomes: list[object]) -> None:
            barrier.wait()
            try:
                outcomes.append(act().status)
            except JobError as error:
                outcomes.append(type(error))

        acts: list[Callable[[], Job]] = [
            lambda job=job: complete(store, job),  # type: ignore[misc]
            lambda job=job: store.cancel(job.job_id),  # type: ignore[misc]
        ]
        threads = [threading.Thread(target=run, args=(act, barrier, outcomes)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(outcomes) in ({COMPLETED, IllegalTransition}, {CANCELLED, JobCancelled})
        assert len(store.events(job.job_id)) == 3


def test_a_job_of_another_workshop_is_not_found(store: JobStore) -> None:
    job = create(store, "w1")
    assert store.get(job.job_id, "w1") == job
    for act in (
        lambda: store.get(job.job_id, "w2"),
        lambda: store.cancel(job.job_id, "w2"),
        lambda: store.list("w2", before=job.job_id),
        lambda: store.get(str(uuid.uuid4())),
        lambda: store.get("nonsense\0"),
        lambda: store.events(str(uuid.uuid4())),
        lambda: store.expire(str(uuid.uuid4())),
    ):
        with pytest.raises(JobNotFound, match="does not exist"):
            act()
    assert store.list("w2") == ()
    assert store.get(job.job_id) == job


def test_pages_are_newest_first_and_lose_nothing(store: JobStore, clock: Clock) -> None:
    created = []
    for number in range(23):
        created.append(create(store, f"w{number % 2}"))
        if number % 8 == 0:  # so that pages end among jobs of one instant
            clock.advance(timedelta(seconds=1))
    store.cancel(created[4].job_id)
    pages: list[Job] = []
    while page := store.list("w0", limit=5, before=pages[-1].job_id if pages else None):
        pages.extend(page)
    own = [store.get(job.job_id) for job in created if job.workshop_id == "w0"]
    assert pages == sorted(own, key=lambda job: (job.created_at, job.job_id), reverse=True)
    assert [job.job_id for job in store.list(status=CANCELLED)] == [created[4].job_id]
    assert len(store.list()) == 23


def test_what_was_asked_is_kept_exactly(store: JobStore, clock: Clock) -> None:
    clock.now = datetime(2026, 7, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    filters = {
        "date_from": "2026-01-01",
        "only_public": True,
        "ids": [1, 2**40],
        "name": "Kjøl 🚗",
        "end": None,
    }
    job_id = str(uuid.uuid4())
    job = store.create("w1", "ratings", "xlsx", filters, max_attempts=1, job_id=job_id.upper())
    assert job == store.get(job_id)
    assert job.filters == filters
    assert (job.job_id, job.report_type, job.format) == (job_id, "ratings", "xlsx")
    assert job.created_at.isoformat() == "2026-06-30T23:30:00.123456+00:00"


def test_bad_input_is_refused(store: JobStore, clock: Clock) -> None:
    def ask(
        workshop_id: str = "w", filters: Any = None, max_attempts: int = 1, job_id: str | None = None
    ) -> Job:
        return store.create(
            workshop_id, "bookings", "csv", filters or {}, max_attempts=max_attempts, job_id=job_id
        )

    for act, message in (
        (lambda: ask(workshop_id=""), "workshop_id"),
        (lambda: ask(filters={"on": datetime(2026, 1, 1, tzinfo=UTC)}), "not JSON"),
        (lambda: ask(filters={"price": float("nan")}), "not JSON"),
        (lambda: ask(filters={"name": "a\0b"}), "NUL"),
        (lambda: ask(filters={"name": "\ud800"}), "surrogates"),
        (lambda: ask(max_attempts=0), "at least one try"),
        (lambda: ask(job_id="7"), "not a UUID"),
        (lambda: store.claim("worker", timedelta(0)), "lease"),
        (lambda: store.list(limit=0), "limit"),
        (lambda: store.expirable(datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001
    ):
        with pytest.raises(ValueError, match=message):
            act()
    clock.now = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        ask()
    assert store.list() == ()


def test_any_error_text_can_be_recorded(store: JobStore) -> None:
    job = store.fail(claim(store, create(store).job_id), "BAD", "byte \0 and half \ud83d of a pair")
    assert store.get(job.job_id).error_message == "byte \\x00 and half \\ud83d of a pair"
