"""Many jobs admitted in one transaction stand as if they had been asked for one after another."""

import uuid
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from exporters.database import Database
from exporters.jobs import Asked, EventName, JobStore, QuotaExceeded
from exporters.jobs.admission import admit_many
from exporters.jobs.tables import jobs
from exporters.options import Quotas
from tests.records import MovedClock, empty

asked_for = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([None, 0, 5, 50, 30_000, 300_000])),
    max_size=8,
)
quotas_of = st.none() | st.builds(
    Quotas,
    rows=st.none() | st.sampled_from([0, 5, 60, 300_060]),
    bytes=st.none() | st.sampled_from([5, 100]),
    pending=st.none() | st.integers(0, 3),
)


def make(workshop_id: str, rows: int | None) -> Asked:
    return Asked(
        workshop_id=workshop_id,
        report_type="bookings",
        format="csv",
        filters={},
        max_attempts=2,
        rows_estimated=rows,
    )


def prepare(database: Database) -> JobStore:
    """Some jobs that wait, run and have ended."""
    empty(database)
    clock = MovedClock()
    store = JobStore(database, clock)
    for workshop_id, rows in [("a", 5), ("a", None), ("b", 300_000), ("c", 5)]:
        store.admit(make(workshop_id, rows))
        clock.advance(seconds=1)  # else chance decides who is first
    held = store.claim("test", timedelta(hours=1))
    assert held is not None
    store.complete(
        held,
        file_key="k",
        file_name="a.csv",
        media_type="text/csv",
        size_bytes=10,
        sha256="ab" * 32,
        manifest_key="m",
        rows=7,
        generation="g",
        retention=timedelta(days=1),
    )
    store.claim("test", timedelta(hours=1))
    return store


def stand(database: Database) -> list[tuple[Any, ...]]:
    query = select(jobs.c.workshop_id, jobs.c.rows_estimated, jobs.c.status, jobs.c.turn, jobs.c.weight)
    with database.reading() as connection:
        return sorted((tuple(row) for row in connection.execute(query)), key=str)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=asked_for, quotas=quotas_of)
def test_turns_and_quotas_are_those_of_one_by_one(
    records: Database, wanted: list[tuple[str, int | None]], quotas: Quotas | None
) -> None:
    store = prepare(records)
    single: list[str | None] = []
    for workshop_id, rows in wanted:
        try:
            store.admit(make(workshop_id, rows), quotas=quotas)
            single.append(None)
        except QuotaExceeded as error:
            single.append(str(error))
    one_by_one = stand(records)

    prepare(records)
    ids = [str(uuid.uuid4()) for _ in wanted]
    asked = {job_id: make(*each) for job_id, each in zip(ids, wanted, strict=True)}
    with records.writing() as connection:
        refused = admit_many(connection, MovedClock().now, asked, quotas)
    assert stand(records) == one_by_one
    assert [job_id in refused for job_id in ids] == [message is not None for message in single]
    assert {refused[job_id].what for job_id in refused} <= {"rows", "bytes", "pending"}


def test_each_has_its_history_and_a_waiting_worker_learns_of_them(records: Database) -> None:
    store = JobStore(records)
    asked = {str(uuid.uuid4()): make(workshop, 5) for workshop in ["a", "b", "a"]}
    with records.writing() as connection:
        assert admit_many(connection, MovedClock().now, asked, None) == {}
    for job_id in asked:
        assert [event.event for event in store.events(job_id)] == [EventName.CREATED]
    taken = [store.claim("test", timedelta(hours=1)) for _ in range(4)]
    workshops = [job and job.workshop_id for job in taken]
    assert workshops in (["a", "b", "a", None], ["b", "a", "a", None]), "they take turns"
    assert {job.job_id for job in taken if job} == set(asked)


def test_nothing_asked_for_is_nothing_done(records: Database) -> None:
    with records.writing() as connection:
        assert admit_many(connection, MovedClock().now, {}, Quotas(rows=1)) == {}
    assert stand(records) == []
