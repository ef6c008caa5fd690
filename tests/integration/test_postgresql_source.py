"""A table of a real PostgreSQL lands whole, then by changes: late, equal, moved and deleted rows."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sources.postgresql import TableLoader
from warehouse.landing import Days, Landing, Load
from warehouse.sources import DatabaseSource, TableEntity


def read_parquet(path: Path) -> str:
    """SQL that reads the file alone, whatever its folder is called."""
    return f"read_parquet('{path}', hive_partitioning = false)"


class Database:
    """A database, a table in it declared as the entity `jobs`, and a landing."""

    def __init__(self, url: str, folder: Path, **entity: Any) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.url, self.folder = url, folder
        self.landing = Landing(folder / "landing")
        secrets = folder / "secrets.toml"
        secrets.touch(mode=0o600)
        secrets.write_text(f'[shop]\nurl = "{url}"\n', encoding="utf-8")
        columns = {"table": "jobs", "key": ["id"], "columns": ["id", "changed"], "watermark": "changed"}
        declared = TableEntity.model_validate(columns | entity)
        source = DatabaseSource(type="postgresql", time_zone="Europe/Oslo", entities={"jobs": declared})
        self.loader = TableLoader(self.landing, "shop", source, "jobs", secrets)
        self.load = self.loader.load

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    @property
    def loads(self) -> list[Load]:
        return self.landing.loads("shop", "jobs")

    def live(self, columns: str = "*") -> list[tuple[Any, ...]]:
        """The live rows as the landing's laws say, worked out by a query of its own."""
        parts = self.landing.live_parts("shop", "jobs")
        declared = self.loader.declared
        landed = " UNION ALL BY NAME ".join(
            f"SELECT *, {part.load} AS _load FROM {read_parquet(part.path)}" for part in parts
        )
        gone = " UNION ALL BY NAME ".join(
            f"SELECT *, {load.number} AS _gone FROM {read_parquet(load.deleted_path)}"
            for load in self.loads
            if load.deleted
        )
        key, watermark = ", ".join(declared.key), declared.watermark or "NULL"
        on = "gone.id = landed.id AND gone._gone > landed._load"
        buried = f"ANTI JOIN ({gone}) AS gone ON {on}" if gone else ""
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(
                f"SELECT {columns} FROM (SELECT * EXCLUDE (_load) FROM ({landed}) AS landed {buried} QUALIFY"
                f" row_number() OVER (PARTITION BY {key} ORDER BY {watermark} DESC NULLS LAST,"
                " _load DESC) = 1) ORDER BY ALL"
            ).fetchall()


@pytest.fixture
def jobs(pg_url: str, tmp_path: Path) -> Iterator[Database]:
    """Three jobs."""
    database = Database(pg_url, tmp_path)
    database.run("CREATE TABLE jobs (id bigint PRIMARY KEY, what text, changed timestamptz)")
    database.run(
        "INSERT INTO jobs SELECT g, 'job ' || g, timestamptz '2026-03-01' + g * interval '1 day'"
        " FROM generate_series(1, 3) g"
    )
    yield database
    database.connection.close()


def ids(database: Database) -> list[int]:
    return [row[0] for row in database.live("id")]


def test_the_first_load_is_whole_and_the_next_lands_nothing(jobs: Database) -> None:
    verdict = jobs.load()
    assert (verdict.status, verdict.detail) == ("loaded", "jobs: 3 rows read whole")
    [load] = jobs.loads
    assert (load.changes, load.watermark) == (False, "changed 2026-03-04T00:00:00+00:00")
    assert [(file.file, file.rows, file.columns) for file in load.files] == [
        ("jobs", 3, ("id", "what", "changed"))
    ]
    assert jobs.load().status == "unchanged"
    assert len(jobs.loads) == 1


def test_changes_alone_are_landed_after_it(jobs: Database) -> None:
    jobs.load()
    jobs.run("UPDATE jobs SET what = 'moved', changed = '2026-03-05' WHERE id = 1")
    jobs.run("INSERT INTO jobs VALUES (4, 'new', '2026-03-06')")
    assert jobs.load().detail == "jobs: 2 rows changed"
    assert jobs.loads[-1].changes
    assert jobs.live("id, what") == [(1, "moved"), (2, "job 2"), (3, "job 3"), (4, "new")]


def test_a_late_commit_within_the_overlap_is_found_and_nothing_else_landed_again(jobs: Database) -> None:
    with psycopg.connect(jobs.url) as late:
        late.execute("INSERT INTO jobs VALUES (9, 'late', timestamptz '2026-03-03 23:30+00')")
        assert jobs.load().detail == "jobs: 3 rows read whole"
        late.commit()
    assert jobs.load().detail == "jobs: 1 rows changed"
    assert ids(jobs) == [1, 2, 3, 9]


def test_an_update_with_an_equal_watermark_is_found(jobs: Database) -> None:
    jobs.load()
    for what in ("other", "job 3"):
        jobs.run("UPDATE jobs SET what = %s WHERE id = 3", what)
        assert jobs.load().detail == "jobs: 1 rows changed"
        assert jobs.live("what")[-1:] == [(what,)]


def test_deleted_rows_and_moved_keys_are_told(jobs: Database) -> None:
    jobs.load()
    jobs.run("DELETE FROM jobs WHERE id = 1")
    jobs.run("UPDATE jobs SET id = 20, changed = '2026-03-09' WHERE id = 2")
    assert jobs.load().detail == "jobs: 1 rows changed, 2 keys gone"
    deleted = pq.read_table(jobs.loads[-1].deleted_path)
    assert sorted(deleted["id"].to_pylist()) == [1, 2]
    assert str(deleted.schema.field("id").type) == "int64"
    assert ids(jobs) == [3, 20]
    assert jobs.load().status == "unchanged"
    jobs.run("INSERT INTO jobs VALUES (20, 'as before', '2026-03-09') ON CONFLICT DO NOTHING")
    jobs.run("DELETE FROM jobs WHERE id = 20")
    jobs.load()
    jobs.run("INSERT INTO jobs VALUES (20, 'job 2', '2026-03-09')")
    jobs.load()
    assert ids(jobs) == [3, 20]


def test_a_row_that_comes_back_as_it_was_is_landed_again(jobs: Database) -> None:
    jobs.run("INSERT INTO jobs VALUES (4, 'newest', '2026-03-04')")
    jobs.load()
    jobs.run("DELETE FROM jobs WHERE id = 3")
    assert jobs.load().detail == "jobs: 0 rows changed, 1 keys gone"
    jobs.run("INSERT INTO jobs VALUES (3, 'job 3', '2026-03-04')")
    assert jobs.load().detail == "jobs: 1 rows changed"
    assert ids(jobs) == [1, 2, 3, 4]


def test_rows_without_a_watermark_are_read_every_time(jobs: Database) -> None:
    jobs.run("INSERT INTO jobs VALUES (5, 'first', NULL)")
    jobs.load()
    assert jobs.load().status == "unchanged"
    jobs.run("UPDATE jobs SET what = 'second' WHERE id = 5")
    assert jobs.load().detail == "jobs: 1 rows changed"
    assert (5, "second") in jobs.live("id, what")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO jobs VALUES (7, 'an old row comes', '2020-01-01')",
        "UPDATE jobs SET what = 'restored', changed = '2026-02-01' WHERE id = 3",
        "UPDATE jobs SET what = 'undated', changed = NULL WHERE id = 2",
        "ALTER TABLE jobs ADD COLUMN note text DEFAULT 'for all rows'",
        "ALTER TABLE jobs ALTER COLUMN what TYPE varchar(9) USING upper(what), ALTER COLUMN id TYPE integer",
        "INSERT INTO jobs (id) VALUES (8); UPDATE jobs SET changed = '2026-03-01' WHERE id = 3",
    ],
)
def test_what_the_watermark_does_not_tell_is_read_whole(jobs: Database, statement: str) -> None:
    jobs.load()
    for part in statement.split("; "):
        jobs.run(part)
    assert "read whole" in jobs.load().detail
    assert jobs.live() == jobs.run("SELECT * FROM jobs ORDER BY id")
    assert jobs.load().status == "unchanged"


def test_a_row_dated_in_the_future_hides_no_changes(jobs: Database) -> None:
    jobs.run("INSERT INTO jobs VALUES (5, 'in the year 2999', '2999-01-01')")
    jobs.load()
    jobs.run("UPDATE jobs SET what = 'now', changed = now() WHERE id = 1")
    assert jobs.load().detail == "jobs: 1 rows changed"


def test_without_a_watermark_a_table_is_landed_whole_when_it_changed(pg_url: str, tmp_path: Path) -> None:
    jobs = Database(pg_url, tmp_path, watermark=None, columns=["id"], table="public.jobs")
    jobs.run("CREATE TABLE jobs (id text, name text)")
    jobs.run("INSERT INTO jobs VALUES ('a', 'x'), ('b', 'y')")
    assert jobs.load().detail == "public.jobs: 2 rows read whole"
    jobs.run("DELETE FROM jobs WHERE id = 'a'")
    jobs.run("INSERT INTO jobs VALUES ('a', 'x')")  # elsewhere in the table, the same content
    assert jobs.load().status == "unchanged"
    jobs.run("DELETE FROM jobs")
    assert jobs.load().detail == "public.jobs: 0 rows read whole"
    assert jobs.live() == []


def test_days_are_the_sources_local_days(jobs: Database) -> None:
    jobs.load()
    jobs.run(
        "INSERT INTO jobs VALUES (10, 'before', '2026-03-29 22:59+00'), (11, 'first', '2026-02-28 23:00+00')"
    )
    verdict = jobs.load(Days(date(2026, 3, 1), date(2026, 3, 2)))
    assert (verdict.status, verdict.detail) == ("loaded", "jobs: 2 rows changed")
    load = jobs.loads[-1]
    assert load.changes
    assert load.watermark is None
    assert sorted(pq.read_table(load.folder / load.files[0].part)["id"].to_pylist()) == [1, 11]


def test_days_need_a_watermark(pg_url: str, tmp_path: Path) -> None:
    jobs = Database(pg_url, tmp_path, watermark=None)
    jobs.run("CREATE TABLE jobs (id int, changed date)")
    verdict = jobs.load(Days(date(2026, 3, 1), date(2026, 3, 2)))
    assert verdict.status == "failed"
    assert "has no watermark" in verdict.detail


def test_deletes_are_left_alone_where_they_are_not_asked_for(pg_url: str, tmp_path: Path) -> None:
    jobs = Database(pg_url, tmp_path, find_deleted=False)
    jobs.run("CREATE TABLE jobs (id int, changed date)")
    jobs.run("INSERT INTO jobs VALUES (1, '2026-03-01'), (2, '2026-03-02'), (3, '2026-03-02')")
    jobs.load()
    jobs.run("DELETE FROM jobs WHERE id = 1")
    jobs.run("UPDATE jobs SET changed = '2026-03-03' WHERE id = 2")
    assert jobs.load().detail == "jobs: 1 rows changed"


def test_a_key_of_several_columns_and_rows_without_one(pg_url: str, tmp_path: Path) -> None:
    jobs = Database(pg_url, tmp_path, key=["id", "site"], columns=["id", "site", "changed"])
    jobs.run('CREATE TABLE jobs (id int, site text, "odd ""name" int, changed timestamp)')
    jobs.run("INSERT INTO jobs VALUES (1, 'a', 1, '2026-03-01'), (1, 'b', 2, '2026-03-02')")
    jobs.load()
    jobs.run("DELETE FROM jobs WHERE site = 'a'")
    assert jobs.load().detail == "jobs: 0 rows changed, 1 keys gone"
    jobs.run("INSERT INTO jobs VALUES (NULL, 'a', 3, '2026-03-02')")
    assert jobs.load().detail == "jobs: 2 rows read whole"
    assert jobs.load().status == "unchanged"


def test_what_is_read_is_the_state_of_one_instant(pg_url: str, tmp_path: Path) -> None:
    """While rows are read, a writer moves money between two far apart: the sum is always kept."""
    jobs = Database(pg_url, tmp_path, overlap=10_000)
    jobs.run("CREATE TABLE jobs (id int PRIMARY KEY, money int, pad text, changed timestamptz DEFAULT now())")
    jobs.run("INSERT INTO jobs SELECT g, 100, repeat('x', 200) FROM generate_series(1, 20000) g")
    stop = Event()

    def move() -> None:
        with psycopg.connect(pg_url, autocommit=True) as writer:
            while not stop.is_set():
                writer.execute(
                    "UPDATE jobs SET money = money + CASE id WHEN 1 THEN -1 ELSE 1 END, changed = now()"
                    " WHERE id IN (1, 20000)"
                )
                writer.execute("DELETE FROM jobs WHERE id = 10000")
                writer.execute("INSERT INTO jobs VALUES (10000, 100, 'back', now()) ON CONFLICT DO NOTHING")

    writer = Thread(target=move)
    writer.start()
    try:
        for _ in range(4):
            assert jobs.load().status == "loaded"
            [(rows, money)] = jobs.live("count(*) OVER () AS n, sum(money) OVER () AS s")[:1]
            assert money == rows * 100
            assert rows in (19_999, 20_000)
    finally:
        stop.set()
        writer.join()


CHANGE = st.tuples(
    st.sampled_from(["put", "put", "put", "delete", "rename", "undate", "load"]),
    st.integers(1, 6),
    st.integers(0, 90),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGE, min_size=3, max_size=25))
def test_after_any_changes_the_live_rows_are_the_table(
    pg_url: str, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, int]]
) -> None:
    """Late commits, deletes, moved keys, lost watermarks: after each load the landing equals the table.

    A change comes at most 140 minutes after its watermark; the whole run takes up to six hours.
    """
    jobs = Database(pg_url, tmp_path_factory.mktemp("any"), overlap=150)
    with jobs.connection:
        jobs.run("DROP TABLE IF EXISTS jobs")
        jobs.run("CREATE TABLE jobs (id int PRIMARY KEY, what int, changed timestamptz)")
        for number, (change, key, minutes) in enumerate([*changes, ("load", 0, 0)]):
            instant = f"2026-03-01 {timedelta(minutes=minutes + 10 * number)}+00"
            match change:
                case "put":
                    jobs.run(
                        "INSERT INTO jobs VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE"
                        " SET what = excluded.what, changed = greatest(jobs.changed, excluded.changed)",
                        *(key, number, instant),
                    )
                case "delete":
                    jobs.run("DELETE FROM jobs WHERE id = %s", key)
                case "rename":
                    jobs.run(
                        "UPDATE jobs SET id = id + 10, changed = changed + interval '1 hour'"
                        " WHERE id = %s AND id + 10 NOT IN (SELECT id FROM jobs)",
                        key,
                    )
                case "undate":
                    jobs.run("UPDATE jobs SET changed = NULL, what = %s WHERE id = %s", number, key)
                case _:
                    verdict = jobs.load()
                    assert verdict.status in ("loaded", "unchanged"), verdict.detail
                    assert jobs.live() == jobs.run("SELECT * FROM jobs ORDER BY id, what")
