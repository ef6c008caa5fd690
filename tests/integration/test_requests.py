"""Requests with an idempotency key, on both databases: one job for each key, whoever asks."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exporters
from exporters.catalogue import RequestError
from exporters.exports import Exports
from exporters.jobs import Asked, Job, JobNotFound, JobStore, KeyReused, RequestRunning, Status, open_jobs
from exporters.storage import open_store
from tests.exported import options_for
from warehouse.errors import UnknownWorkshopError

BODY: dict[str, Any] = {"workshop_id": "101", "report_type": "bookings", "format_name": "csv", "filters": {}}
DAY = timedelta(hours=24)


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def url(records_url: str) -> str:
    return records_url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exports(url: str, tmp_path: Path, sample_data: Path, clock: Clock) -> Iterator[Exports]:
    options = options_for(tmp_path, sample_data, jobs_url=url)
    with closing(open_jobs(url, clock=clock)) as jobs:
        opened = Exports(options, jobs, open_store(options.store_url, s3=options.s3))
        with closing(opened.snapshots):
            yield opened


def ask(exports: Exports, key: str | None, **changes: Any) -> tuple[Job, bool]:
    admitted = exports.request_once(**{**BODY, **changes}, idempotency_key=key)
    return admitted.job, admitted.replayed


def test_a_key_stands_for_its_job_through_24_hours(exports: Exports, clock: Clock) -> None:
    first, replayed = ask(exports, "k")
    assert not replayed
    clock.now += DAY - timedelta(microseconds=1)
    assert ask(exports, "k") == (first, True)
    clock.now += timedelta(microseconds=1)
    second, replayed = ask(exports, "k")
    assert (second.job_id == first.job_id, replayed) == (False, False)
    assert ask(exports, "k") == (second, True)
    assert len(exports.jobs.list()) == 2


def test_the_answer_stays_while_the_job_goes_on(exports: Exports) -> None:
    first, _ = ask(exports, "k")
    ended = exports.run(first.job_id)
    assert ended is not None
    assert ended.status is Status.COMPLETED
    again, replayed = ask(exports, "k")
    assert replayed
    for told in ("job_id", "created_at", "estimated_completion"):
        assert getattr(again, told) == getattr(first, told)


@pytest.mark.parametrize(
    "changes",
    [
        {"report_type": "revenue"},
        {"format_name": "xlsx"},
        {"format_name": "csv;gzip"},
        {"filters": {"date_from": "2026-01-01"}},
        {"language": "nb"},
        {"name_template": "{type}"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_body_is_refused(exports: Exports, changes: dict[str, Any]) -> None:
    first, _ = ask(exports, "k")
    with pytest.raises(KeyReused, match=first.job_id) as caught:
        ask(exports, "k", **changes)
    assert caught.value.job_id == first.job_id
    assert exports.jobs.list() == (first,)
    assert ask(exports, "k") == (first, True)


def test_bodies_are_the_same_by_their_meaning(exports: Exports) -> None:
    first, _ = ask(exports, "k", filters={"date_from": "2026-01-01", "status": None})
    assert ask(exports, "k", filters={"status": "", "date_from": "2026-01-01"}, language="en") == (
        first,
        True,
    )


def test_without_a_key_each_request_is_a_job(exports: Exports) -> None:
    assert len({ask(exports, None)[0].job_id for _ in range(3)}) == 3


def test_a_key_is_its_workshops_own(exports: Exports) -> None:
    mine, _ = ask(exports, "k")
    theirs, replayed = ask(exports, "k", workshop_id="102", report_type="revenue")
    assert not replayed
    assert (mine.workshop_id, theirs.workshop_id) == ("101", "102")


@pytest.mark.parametrize("key", ["", "x" * 256, "ø", "a\tb", "a\nb", "a\0", "\x7f"], ids=ascii)
def test_a_key_that_is_none_is_refused(exports: Exports, key: str) -> None:
    with pytest.raises(RequestError, match="1 to 255 printable ASCII") as caught:
        ask(exports, key)
    assert caught.value.code == "VALIDATION_ERROR"
    assert exports.jobs.list() == ()


def test_the_longest_key_and_every_character_are_taken(exports: Exports) -> None:
    for key in ("x" * 255, "".join(map(chr, range(32, 127)))):
        assert ask(exports, key)[1] is False
        assert ask(exports, key)[1] is True


def test_a_refused_request_leaves_its_key_free(exports: Exports) -> None:
    with pytest.raises(UnknownWorkshopError):
        ask(exports, "k", workshop_id="999")
    with pytest.raises(RequestError):
        ask(exports, "k", report_type="invoices")
    assert ask(exports, "k")[1] is False


def test_expiry_removes_old_keys_and_erasure_those_of_a_workshop(
    exports: Exports, clock: Clock, url: str
) -> None:
    ask(exports, "old")
    clock.now += DAY
    kept, _ = ask(exports, "new")
    assert exports.jobs.purge_keys() == 1
    ask(exports, "other", workshop_id="102")
    clock.now += DAY
    exports.jobs.create("101", "bookings", "csv", {}, max_attempts=1)
    exports.expire()
    assert exports.jobs.purge_keys() == 0
    ask(exports, "again")
    assert exports.jobs.forget_workshop("101") == 4
    with pytest.raises(JobNotFound):
        exports.jobs.get(kept.job_id)
    assert ask(exports, "again")[1] is False


def test_threads_with_one_key_make_one_job(exports: Exports) -> None:
    """Through one door each thread is answered at once: the job, or that the request is under way."""
    answers: list[str] = []
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(5):
            try:
                answers.append(ask(exports, "k")[0].job_id)
            except RequestRunning:
                answers.append("running")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [job] = exports.jobs.list()
    assert set(answers) <= {job.job_id, "running"}
    assert job.job_id in answers
    assert len(answers) == 40


def test_a_key_under_way_in_this_process_is_told(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()
    replay = JobStore.replay

    def hold(jobs: JobStore, asked: Asked, key: str) -> Job | None:
        inside.set()
        assert go_on.wait(30)
        return replay(jobs, asked, key)

    monkeypatch.setattr(JobStore, "replay", hold)
    made: list[tuple[Job, bool]] = []
    thread = threading.Thread(target=lambda: made.append(ask(exports, "k")))
    thread.start()
    assert inside.wait(30)
    with pytest.raises(RequestRunning):
        ask(exports, "k")
    go_on.set()
    thread.join()
    assert ask(exports, "k") == (made[0][0], True)


ADMIT = """
import sys
from exporters.jobs import Asked, open_jobs
store = open_jobs(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    asked = Asked(workshop_id="w", report_type="bookings", format="csv", filters={}, max_attempts=1)
    admitted = store.admit(asked, key=f"key-{number}")
    print(number, admitted.job.job_id, admitted.replayed, flush=True)
"""

DIE_WITHIN = """
import os, sys
from sqlalchemy import Engine, event
from exporters.jobs import Asked, open_jobs
store = open_jobs(sys.argv[1])
def die(connection, cursor, statement, *_):
    if "INSERT INTO request_keys" in statement:
        os._exit(9)
event.listen(Engine, sys.argv[2], die)
asked = Asked(workshop_id="w", report_type="bookings", format="csv", filters={}, max_attempts=1)
store.admit(asked, key="k")
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    paths = [str(Path(exporters.__file__).parents[1]), *sys.path]
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def test_processes_with_one_key_make_one_job(url: str) -> None:
    open_jobs(url).close()
    processes = [start(ADMIT, url) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [errors for _, errors in outputs] == [""] * 4
    answers = [line.split() for output, _ in outputs for line in output.splitlines()]
    assert len(answers) == 80
    assert len({(number, job_id) for number, job_id, _ in answers}) == 20
    assert Counter(replayed for _, _, replayed in answers) == {"False": 20, "True": 60}
    with closing(open_jobs(url)) as store:
        assert {job.job_id for job in store.list()} == {job_id for _, job_id, _ in answers}


@pytest.mark.parametrize("moment", ["before_cursor_execute", "after_cursor_execute"])
def test_a_process_killed_while_it_asks_leaves_neither_job_nor_key(url: str, moment: str) -> None:
    open_jobs(url).close()
    process = start(DIE_WITHIN, url, moment)
    process.communicate(timeout=60)
    assert process.returncode == 9
    asked = Asked(workshop_id="w", report_type="bookings", format="csv", filters={}, max_attempts=1)
    with closing(open_jobs(url)) as store:
        assert store.list() == ()
        assert store.admit(asked, key="k").replayed is False


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["w1", "w2"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["bookings", "revenue"]),
        st.sampled_from([0, 1, 11, 12, 13, 23, 24]),
        st.booleans(),
    ),
    max_size=25,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('requests')}/jobs.db"
    new: Callable[[], str] = request.getfixturevalue("new_pg_url")
    return new()


@given(steps=STEPS)
@settings(max_examples=25, deadline=None)
def test_whatever_is_asked_a_key_makes_one_job_in_24_hours(
    shared_url: str, steps: list[tuple[str, str, str, int, bool]]
) -> None:
    """Against a plain model: the last job of each workshop's key, its body and its age."""
    clock = Clock()
    known: dict[tuple[str, str], tuple[Job, str]] = {}
    with closing(open_jobs(shared_url, clock=clock)) as store:
        for workshop in ("w1", "w2"):
            store.forget_workshop(workshop)
        for workshop, key, report, hours, purged in steps:
            clock.now += timedelta(hours=hours)
            if purged:
                store.purge_keys()
            asked = Asked(workshop_id=workshop, report_type=report, format="csv", filters={}, max_attempts=1)
            earlier, body = known.get((workshop, key), (None, None))
            if earlier is None or clock.now - earlier.created_at >= DAY:
                assert store.replay(asked, key) is None
                admitted = store.admit(asked, key=key)
                assert not admitted.replayed
                known[workshop, key] = (admitted.job, report)
            elif body == report:
                assert store.replay(asked, key) == earlier
                assert store.admit(asked, key=key).job == earlier
            else:
                with pytest.raises(KeyReused):
                    store.replay(asked, key)
                with pytest.raises(KeyReused):
                    store.admit(asked, key=key)


def test_pages_hold_each_job_once_while_jobs_arrive_and_go_on(exports: Exports, clock: Clock) -> None:
    """A list by pages is what it was when it began, however many jobs are asked for meanwhile."""
    known = []
    for number in range(9):
        clock.now += timedelta(seconds=number % 2)  # some at the same instant
        known.append(ask(exports, None)[0].job_id)
    listed: list[str] = []
    before = None
    while page := exports.jobs.list("101", limit=2, before=before):
        listed += [job.job_id for job in page]
        before = page[-1].job_id
        clock.now += timedelta(seconds=1)
        ask(exports, None)
        exports.jobs.cancel(before)
    assert sorted(listed) == sorted(known)
    assert len(listed) == 9
    pending = exports.jobs.list("101", Status.PENDING, limit=3)
    more = exports.jobs.list("101", Status.PENDING, before=pending[-1].job_id)
    ended = exports.jobs.list("101", Status.CANCELLED)
    assert len(pending) + len(more) + len(ended) == len(exports.jobs.list("101"))
    assert {job.status for job in (*pending, *more)} == {Status.PENDING}
    assert {job.job_id for job in ended} == set(listed[1::2]) | {listed[-1]}
