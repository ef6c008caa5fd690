"""The audit log on each database: nothing done is missing, what is read is counted, and failing is told."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from exporters.access.audit import AuditLog, AuditRow
from exporters.access.audit_events import Action
from exporters.database import Database, DatabaseUnavailable, open_database
from tests.records import MovedClock, statements_of_this_thread
from tests.worker_processes import wait_until

JOB = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def audit(records: Database, moved_clock: MovedClock) -> Iterator[AuditLog]:
    with closing(AuditLog(records, moved_clock)) as log:
        yield log


def counts(audit: AuditLog) -> dict[tuple[str, str | None, str | None], int]:
    return {(row.actor, row.workshop_id, row.what): row.count for row in audit.list()}


def test_what_was_done_is_on_record_when_the_call_returns(
    audit: AuditLog, records_url: str, moved_clock: MovedClock
) -> None:
    audit.record(Action.MADE, "key:1", "101", "r-1", JOB, type="bookings", rows=7, language=None)
    moved_clock.advance(seconds=1)
    audit.record(Action.DOWNLOADED, "token:ann", "102", "r-2")
    with closing(open_database(records_url)) as other:
        rows = AuditLog(other).list()
    made_at = moved_clock.now - timedelta(seconds=1)
    detail = {"type": "bookings", "rows": 7, "language": None}
    assert rows == [
        AuditRow(moved_clock.now, "downloaded", "token:ann", "102", None, 1, None, "r-2", {}),
        AuditRow(made_at, "made", "key:1", "101", None, 1, JOB, "r-1", detail),
    ]


def test_what_is_read_is_counted_by_caller_workshop_kind_and_minute(
    audit: AuditLog, moved_clock: MovedClock
) -> None:
    moved_clock.advance(seconds=59)
    for _ in range(3):
        audit.read("overview", "key:1", "101")
    audit.flush()
    for reading in (("overview", "key:1", "101"), ("overview", "key:2", "101"), ("list", "key:1", "101")):
        audit.read(*reading)
    audit.read("types", "key:1")
    audit.flush()
    minute = moved_clock.now.replace(second=0)
    moved_clock.advance(seconds=1)
    audit.read("overview", "key:1", "101")
    audit.flush()
    rows = audit.list()
    assert {row.action for row in rows} == {"read"}
    assert [(row.at, row.count) for row in rows if (row.actor, row.what) == ("key:1", "overview")] == [
        (moved_clock.now, 1),
        (minute, 4),
    ]
    assert sorted((row.actor, row.workshop_id or "", row.what, row.count) for row in rows[1:]) == [
        ("key:1", "", "types", 1),
        ("key:1", "101", "list", 1),
        ("key:1", "101", "overview", 4),
        ("key:2", "101", "overview", 1),
    ]


def test_it_is_written_within_a_second_and_at_the_close(records: Database, moved_clock: MovedClock) -> None:
    audit = AuditLog(records, moved_clock)
    audit.read("overview", "key:1", "101")
    wait_until(audit.list)
    assert counts(audit) == {("key:1", "101", "overview"): 1}
    audit.read("overview", "key:1", "101")
    audit.close()
    assert counts(audit) == {("key:1", "101", "overview"): 2}
    assert "audit-log" not in {thread.name for thread in threading.enumerate()}


def test_two_processes_and_many_threads_lose_no_count(
    records: Database, records_url: str, moved_clock: MovedClock
) -> None:
    with closing(open_database(records_url)) as other:
        logs = [AuditLog(records, moved_clock), AuditLog(other, moved_clock)]

        def go_on(log: AuditLog) -> None:
            for number in range(200):
                log.read(f"kind {number % 5}", "key:1", "101")
                if number % 50 == 0:
                    log.flush()

        threads = [threading.Thread(target=go_on, args=(log,)) for log in logs * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for log in logs:
            log.close()
        assert counts(logs[0]) == {("key:1", "101", f"kind {number}"): 240 for number in range(5)}


def test_more_distinct_reads_than_are_held_are_told_as_lost(
    records: Database, moved_clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(AuditLog(records, moved_clock, most_reads=3)) as audit:
        for number in range(5):
            audit.read("overview", f"key:{number}", "101")
        audit.read("overview", "key:0", "101")
        audit.flush()
        assert sorted(counts(audit).values()) == [1, 1, 2]
    assert "the audit log lost 2 reads" in caplog.text


def test_texts_that_a_database_refuses_do_not_lose_the_row(audit: AuditLog) -> None:
    audit.record(Action.CANCELLED, "token:\0", "10\ud8001", "r\0", JOB, why="\ud800 and \0")
    audit.read("overview\0", "token:\0", "\ud800")
    audit.flush()
    read, done = sorted(audit.list(), key=lambda row: -row.count * (row.action == "read"))
    assert (done.actor, done.workshop_id, done.detail) == (
        "token:\\x00",
        "10\\ud8001",
        {"why": "\\ud800 and \\x00"},
    )
    assert (read.what, read.workshop_id) == ("overview\\x00", "\\ud800")


def test_the_list_is_filtered(audit: AuditLog, moved_clock: MovedClock) -> None:
    begun = moved_clock.now
    for number in range(4):
        audit.record(Action.MADE, f"key:{number % 2}", f"{101 + number // 2}", f"r-{number}")
        audit.read("overview", f"key:{number % 2}", f"{101 + number // 2}")
        moved_clock.advance(hours=1)
    audit.flush()
    assert len(audit.list()) == 8
    assert {row.workshop_id for row in audit.list(workshop_id="102")} == {"102"}
    assert len(audit.list(actor="key:1")) == 4
    assert len(audit.list(since=begun + timedelta(hours=2))) == 4
    assert len(audit.list(workshop_id="101", actor="key:0", since=begun, limit=1)) == 1
    assert audit.list(workshop_id="") == []
    times = [row.at for row in audit.list(limit=5)]
    assert times == sorted(times, reverse=True)


def test_what_is_old_is_removed(audit: AuditLog, moved_clock: MovedClock) -> None:
    audit.record(Action.MADE, "key:1", "101", "r-1")
    audit.read("overview", "key:1", "101")
    audit.flush()
    moved_clock.advance(days=2)
    audit.record(Action.MADE, "key:1", "101", "r-2")
    assert audit.expire(moved_clock.now - timedelta(days=1)) == 2
    assert [row.request_id for row in audit.list()] == ["r-2"]
    assert audit.expire(moved_clock.now - timedelta(days=1)) == 0


def test_a_database_that_fails_stops_what_must_be_told_and_not_what_is_read(
    tmp_path: Path, moved_clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, away = tmp_path / "records.db", tmp_path / "away.db"
    with closing(open_database(f"sqlite:///{path}")) as database:
        audit = AuditLog(database, moved_clock)
        audit.read("overview", "key:1", "101")
        audit.flush()
        database.close()
        path.rename(away)
        path.write_bytes(b"no database" * 1000)
        for _ in range(3):
            audit.read("overview", "key:1", "101")
            audit.flush()
        assert [record.levelname for record in caplog.records] == ["ERROR"], "told once, not each second"
        assert "its reads wait in memory" in caplog.text
        with pytest.raises(DatabaseUnavailable):
            audit.record(Action.DOWNLOADED, "key:1", "101", "r-1")
        database.close()
        away.rename(path)
        audit.flush()
        assert counts(audit) == {("key:1", "101", "overview"): 4}
        audit.close()


def test_a_read_costs_the_request_no_statement(audit: AuditLog, records: Database) -> None:
    with statements_of_this_thread(records) as statements:
        for _ in range(100):
            audit.read("overview", "key:1", "101")
        assert statements == []
        audit.flush()
        assert statements, "what is written is seen"
