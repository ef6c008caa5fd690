"""The job records' database: schema, several processes, crashes, and what its failures say."""

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

import exporters
from exporters.database import Database, DatabaseUnavailable, SchemaTooNew, migrations
from exporters.database.migrations import VERSION_TABLE
from exporters.database.schema import metadata
from exporters.jobs import Status, open_jobs

LEASE = timedelta(seconds=30)
BACKENDS = ["sqlite", "postgresql"]


@pytest.fixture(params=BACKENDS)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the URL of a database that is not there yet (SQLite) or is empty (PostgreSQL)."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tempfile.mkdtemp(dir=tmp_path)}/records/jobs.sqlite"
    make: Callable[[], str] = request.getfixturevalue("new_pg_url")
    return make


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own that runs `script`, and speaks over its pipes."""
    paths = [str(Path(exporters.__file__).parents[1]), *sys.path]
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def test_opening_twice_changes_nothing(url: str) -> None:
    with closing(open_jobs(url)) as store:
        job = store.create("w1", "bookings", "csv", {}, max_attempts=1)
    with closing(open_jobs(url)) as again:
        assert again.list() == (job,)


def test_the_migrated_schema_is_the_declared_one(new_url: Callable[[], str]) -> None:
    migrated_url, declared_url = new_url(), new_url()
    open_jobs(migrated_url).close()
    open_jobs(declared_url).close()  # makes the folder
    migrated, declared = engine_of(migrated_url), engine_of(declared_url)
    with migrated.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    metadata.drop_all(declared)
    metadata.create_all(declared)
    # Alembic compares neither checks nor the names of keys.
    for table in metadata.tables:
        assert inspect(migrated).get_pk_constraint(table) == inspect(declared).get_pk_constraint(table)
        assert inspect(migrated).get_foreign_keys(table) == inspect(declared).get_foreign_keys(table)
        made, wanted = (
            {check["name"]: check["sqltext"] for check in inspect(engine).get_check_constraints(table)}
            for engine in (migrated, declared)
        )
        assert made == wanted
    assert len(inspect(migrated).get_check_constraints("jobs")) == 10
    migrated.dispose()
    declared.dispose()


def test_jobs_of_the_first_schema_are_kept_and_speak_english(url: str) -> None:
    job_id = "5f1e2a60-3c5e-4b36-8a2c-6a6e1c3b9a70"
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO jobs (job_id, workshop_id, report_type, format, filters, status, progress,"
                " rows_written, attempt, max_attempts, created_at)"
                " VALUES (:job_id, 'w1', 'bookings', 'csv', '{}', 'pending', 0, 0, 0, 1, :now)"
            ),
            {"job_id": job_id, "now": "2026-01-01 00:00:00.000000"},
        )
    database.close()
    with closing(open_jobs(url)) as store:
        job = store.get(job_id)
    assert (job.language, job.name_template, job.rows_estimated) == ("en", None, None)


def test_a_newer_database_is_refused_and_left_alone(url: str) -> None:
    open_jobs(url).close()
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match=r"revision 9999.*install the newer version"):
        open_jobs(url)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() == "9999"
    engine.dispose()


OPEN_AND_WORK = """
import sys
from datetime import timedelta
from exporters.jobs import open_jobs
def wait(said):
    print(said, flush=True)
    sys.stdin.readline()
for url in sys.argv[1:]:
    wait("ready")
    store = open_jobs(url)
for _ in range(20):
    store.create("w1", "bookings", "csv", {}, max_attempts=1)
wait("filled")
while job := store.claim("worker", timedelta(seconds=60)):
    print(job.job_id)
"""


def test_processes_open_at_once_and_claim_each_job_once(new_url: Callable[[], str]) -> None:
    urls = [new_url() for _ in range(5)]  # several, as a race is not met each time
    workers = [start(OPEN_AND_WORK, *urls) for _ in range(4)]
    for said in [*["ready\n"] * len(urls), "filled\n"]:
        assert [worker.stdout and worker.stdout.readline() for worker in workers] == [said] * 4
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
    outputs = [worker.communicate(timeout=60) for worker in workers]
    assert [errors for _, errors in outputs] == [""] * 4
    claimed = [job_id for output, _ in outputs for job_id in output.split()]
    assert len(claimed) == 80
    with closing(open_jobs(urls[-1])) as store:
        assert set(claimed) == {job.job_id for job in store.list(status=Status.PROCESSING)}


CLAIM_AND_DIE = """
import os, sys
from datetime import timedelta
from exporters.jobs import open_jobs
job = open_jobs(sys.argv[1]).claim("doomed", timedelta(seconds=30))
os._exit(9 if job else 1)
"""


def test_a_killed_worker_loses_its_job_after_the_lease(url: str) -> None:
    shift = timedelta(0)
    with closing(open_jobs(url, clock=lambda: datetime.now(UTC) + shift)) as store:
        job = store.create("w1", "bookings", "csv", {}, max_attempts=2)
        worker = start(CLAIM_AND_DIE, url)
        worker.communicate(timeout=60)
        assert worker.returncode == 9
        assert store.get(job.job_id).lease_owner == "doomed"
        assert store.claim("heir", LEASE) is None
        shift = timedelta(seconds=31)
        taken = store.claim("heir", LEASE)
        assert taken is not None
        assert (taken.job_id, taken.attempt, taken.lease_owner) == (job.job_id, 2, "heir")


DIE_WITHIN_A_CLAIM = """
import os, sys
from datetime import timedelta
from sqlalchemy import Engine, event
from exporters.jobs import open_jobs
store = open_jobs(sys.argv[1])
def die(connection, cursor, statement, *_):
    if "INSERT INTO job_events" in statement:
        os._exit(9)
event.listen(Engine, "before_cursor_execute", die)
store.claim("doomed", timedelta(seconds=30))
"""


def test_a_worker_killed_within_a_transition_leaves_nothing_of_it(url: str) -> None:
    with closing(open_jobs(url)) as store:
        job = store.create("w1", "bookings", "csv", {}, max_attempts=1)
        worker = start(DIE_WITHIN_A_CLAIM, url)
        worker.communicate(timeout=60)
        assert worker.returncode == 9
        assert store.get(job.job_id) == job
        assert len(store.events(job.job_id)) == 1
        assert store.claim("heir", LEASE) is not None


def test_what_a_reader_sees_is_of_one_moment(url: str) -> None:
    with closing(open_jobs(url)) as store:
        count = text("SELECT count(*) FROM jobs")
        with store.database.reading() as connection:
            assert connection.execute(count).scalar() == 0
            store.create("w1", "bookings", "csv", {}, max_attempts=1)
            assert connection.execute(count).scalar() == 0
        with store.database.reading() as connection:
            assert connection.execute(count).scalar() == 1


def test_the_store_outlives_its_connections(pg_url: str) -> None:
    with closing(open_jobs(pg_url)) as store:
        job = store.create("w1", "bookings", "csv", {}, max_attempts=1)
        with psycopg.connect(pg_url) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert store.get(job.job_id) == job


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@127.0.0.1:1/db?sslpassword=hunter2",
        "postgresql://u:hunter2@127.0.0.1:hunter2/db",
        "postgresql://u:p@hunter2@127.0.0.1/db",
        "postgresql://u:p@127.0.0.1/hunter2@db",
        "postgresql://127.0.0.1:1/db?password=hunter2",
        "postgresql+asyncpg://u:hunter2@127.0.0.1/db",
        "mysql://u:hunter2@127.0.0.1/db",
        "hunter2",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_does_not_work_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        open_jobs(url)
    assert "job records" in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value, chain=True)).replace(url, "")


def test_a_store_shows_where_it_is_and_no_secret(pg_url: str, tmp_path: Path) -> None:
    with closing(open_jobs(pg_url.replace("postgres@", "postgres:hunter2@"))) as store:
        assert "PostgreSQL database test_" in repr(store)
        assert "hunter2" not in repr(store)
    with closing(open_jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as store:
        assert repr(store) == f"JobStore(SQLite file {tmp_path}/jobs.sqlite)"


def test_a_path_that_cannot_be_a_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is not a database, only some text " * 100)
    for path, message in (
        (tmp_path / "file" / "jobs.sqlite", "folder cannot be made"),
        (tmp_path, "unable to open"),
        (tmp_path / "file", "not a database"),
    ):
        with pytest.raises(DatabaseUnavailable, match=message) as caught:
            open_jobs(f"sqlite:///{path}")
        assert str(path) in str(caught.value)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_read_only_file_is_told(open_folder: Path) -> None:
    url = f"sqlite:///{open_folder}/jobs.sqlite"
    open_jobs(url).close()
    (open_folder / "jobs.sqlite").chmod(0o444)
    open_folder.chmod(0o555)
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)  # modes do not bind root
    try:
        with (
            pytest.raises(DatabaseUnavailable, match=r"jobs\.sqlite.*can be written"),
            closing(open_jobs(url)) as store,
        ):
            store.create("w1", "bookings", "csv", {}, max_attempts=1)
    finally:
        os.seteuid(own)
        open_folder.chmod(0o755)


FILL_THE_DISK = """
import resource, sys
from exporters.database import DatabaseUnavailable
from exporters.jobs import open_jobs
store = open_jobs(sys.argv[1])
def create():
    return store.create("w1", "bookings", "csv", {"text": "x" * 2000}, max_attempts=1)
made = [create() for _ in range(3)]
size, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
try:
    while True:
        made.append(create())
except DatabaseUnavailable as error:
    print(error)
assert {job.job_id for job in store.list(limit=1000)} == {job.job_id for job in made}
resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
made.append(create())
assert {job.job_id for job in store.list(limit=1000)} == {job.job_id for job in made}
assert all(len(store.events(job.job_id)) == 1 for job in made)
"""


def test_a_disk_that_is_full_is_told_and_loses_nothing(tmp_path: Path) -> None:
    output, errors = start(FILL_THE_DISK, f"sqlite:///{tmp_path}/jobs.sqlite").communicate(timeout=60)
    assert errors == ""
    assert "jobs.sqlite" in output
    assert "disk has room" in output
