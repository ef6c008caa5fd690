"""Faults of a PostgreSQL source are told and land nothing; a type lands without loss or is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import psycopg
import pytest
from pydantic import ValidationError

from pipelines.sources import postgresql
from tests.integration.test_postgresql_source import Database, read_parquet
from tests.worker_processes import wait_until
from warehouse.landing import Days
from warehouse.sources import TableEntity

SECRET = "hunter2 of the shop"


@pytest.fixture
def jobs(pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Three jobs, landed once."""
    monkeypatch.setattr(postgresql, "_PAUSE", 0.1)
    database = Database(pg_url, tmp_path)
    database.run("CREATE TABLE jobs (id bigint PRIMARY KEY, what text, changed timestamptz)")
    database.run(
        "INSERT INTO jobs SELECT g, 'job ' || g, timestamptz '2026-03-01' FROM generate_series(1, 3) g"
    )
    assert database.load().status == "loaded"
    return database


def refused(jobs: Database, *words: str) -> str:
    """Load; the verdict is failed with these words, nothing is landed, what was there stays."""
    before, as_of = jobs.loads, jobs.landing.verdict("shop", "jobs")
    verdict = jobs.load()
    assert verdict.status == "failed"
    for word in words:
        assert word in verdict.detail, verdict.detail
    assert "\n" not in verdict.detail
    assert jobs.loads == before
    assert as_of is not None
    assert verdict.data_as_of == as_of.data_as_of
    assert not [*jobs.landing.entity_folder("shop", "jobs").glob(".unfinished/*")]
    for path in jobs.landing.root.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    return verdict.detail


def use_url(jobs: Database, url: str) -> None:
    secrets = jobs.folder / "secrets.toml"
    secrets.write_text(f'[shop]\nurl = "{url}"\n', encoding="utf-8")


def may_enter(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_wrong_password_is_told_without_it(jobs: Database, pg_server: Path) -> None:
    rules = pg_server / "data" / "pg_hba.conf"
    kept = rules.read_text()
    jobs.run("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    rules.write_text(f"local all guarded scram-sha-256\n{kept}")
    try:
        jobs.run("SELECT pg_reload_conf()")
        wait_until(lambda: not may_enter(jobs.url.replace("postgres@", "guarded:wrong@")))
        quoted = SECRET.replace(" ", "%20")
        use_url(jobs, jobs.url.replace("postgres@", f"guarded:{quoted}@"))
        detail = refused(jobs, "password authentication failed")
        assert SECRET not in detail
        use_url(jobs, jobs.url.replace("postgres@", "guarded:right@"))
        refused(jobs, "the user may not read the column id, changed: grant SELECT on it")
        jobs.run("GRANT SELECT (id, what) ON jobs TO guarded")
        refused(jobs, "the user may not read the column changed")
        jobs.run("GRANT SELECT ON jobs TO guarded")
        jobs.run("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
        refused(jobs, "there is no such table or view in the search path: name its schema, grant USAGE on it")
        jobs.run("GRANT USAGE ON SCHEMA public TO guarded")
        assert jobs.load().status == "unchanged"
    finally:
        rules.write_text(kept)
        jobs.run("SELECT pg_reload_conf()")
        jobs.run("DROP OWNED BY guarded")
        jobs.run("DROP ROLE guarded")


def test_an_unreachable_server_a_wrong_database_and_a_wrong_url_are_told(jobs: Database) -> None:
    use_url(jobs, f"postgresql://u:{SECRET}@127.0.0.1:9/shop".replace(" ", "%20"))
    refused(jobs, "127.0.0.1", "Connection refused")
    use_url(jobs, "postgresql://postgres@/nosuch?host=" + jobs.url.partition("host=")[2])
    refused(jobs, 'database "nosuch" does not exist')
    use_url(jobs, f"mysql://u:{SECRET}@host/shop")
    refused(jobs, "postgresql://user:password@host/database")
    (jobs.folder / "secrets.toml").write_text("[shop]\n")
    refused(jobs, 'has no url = "postgresql://')
    (jobs.folder / "secrets.toml").unlink()
    refused(jobs, "secrets.toml")


def test_a_lost_table_or_column_stops_the_entity(jobs: Database) -> None:
    jobs.run("ALTER TABLE jobs RENAME COLUMN changed TO altered")
    refused(jobs, "jobs: lacks the column changed; it has id, what, altered")
    jobs.run("ALTER TABLE jobs RENAME TO work")
    refused(jobs, "jobs: there is no such table or view")
    jobs.run("CREATE VIEW jobs AS SELECT id, what, altered AS changed FROM work")
    assert jobs.load().status in ("loaded", "unchanged")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER COLUMN changed TYPE text", "the watermark changed is no timestamp or date"),
        ("ADD COLUMN _row int", "the column _row has a name that the landing uses"),
        ('ADD COLUMN "What" int', "the columns what, What differ in case alone"),
        ("ADD COLUMN until timestamptz DEFAULT 'infinity'", "the column until holds infinity"),
        ("ADD COLUMN until date DEFAULT '-infinity'", "the column until holds -infinity"),
        ("ADD COLUMN until timestamp DEFAULT '294276-12-31'", "the column until holds 294276-12-31"),
        ("ADD COLUMN grid int[] DEFAULT '{{1,2},{3,4}}'", "the column grid holds {{1,2},{3,4}}"),
        ("ADD COLUMN shifted int[] DEFAULT '[5:6]={1,2}'", "the column shifted holds [5:6]={1,2}"),
    ],
)
def test_what_cannot_be_landed_rightly_is_refused_by_name(jobs: Database, change: str, words: str) -> None:
    jobs.run(f"ALTER TABLE jobs {change}")
    refused(jobs, "jobs: ", words)


def test_a_statement_timeout_is_told(jobs: Database) -> None:
    jobs.run("ALTER TABLE jobs RENAME TO work")
    jobs.run("CREATE VIEW jobs AS SELECT id, what, changed, pg_sleep(0.5)::text AS slept FROM work")
    [(name,)] = jobs.run("SELECT current_database()")
    jobs.run(f"ALTER DATABASE {name} SET statement_timeout = '300ms'")
    refused(jobs, "statement_timeout")


def test_a_table_declares_no_watermark_format() -> None:
    declared = {"table": "a", "key": ["id"], "columns": ["id"], "watermark": "id", "watermark_format": "%Y"}
    with pytest.raises(ValidationError, match="leave watermark_format out"):
        TableEntity.model_validate(declared)
    for table in ("", "a.b.c", "a."):
        with pytest.raises(ValidationError):
            TableEntity.model_validate({**declared, "watermark_format": None, "table": table})


@contextmanager
def killing(jobs: Database, times: int) -> Iterator[list[int]]:
    """End the server's process behind a running bulk read, so many times; the list holds those ended."""
    ended: list[int] = []
    stop = Event()

    def kill() -> None:
        with psycopg.connect(jobs.url, autocommit=True) as connection:
            while not stop.is_set() and len(ended) < times:
                found = connection.execute(
                    "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active'"
                    " AND datname = current_database() AND query LIKE 'COPY%%what%%'"
                    " AND query_start < clock_timestamp() - interval '30 ms'"
                ).fetchall()
                ended.extend(pid for pid, _ in found if pid not in ended)
                stop.wait(0.01)

    thread = Thread(target=kill)
    thread.start()
    try:
        yield ended
    finally:
        stop.set()
        thread.join()


def test_a_server_that_goes_away_while_rows_are_read(jobs: Database) -> None:
    jobs.run(
        "INSERT INTO jobs SELECT g, repeat(md5(g::text), 20), '2026-03-02' FROM generate_series(4, 300000) g"
    )
    with killing(jobs, times=100) as ended:
        refused(jobs, "was lost")
    assert len(set(ended)) == 2
    with killing(jobs, times=1) as ended:
        verdict = jobs.load()
    assert len(ended) == 1
    assert verdict.detail == "jobs: 299997 rows changed"
    assert jobs.live("count(*)") == [(300_000,)]


def test_a_whole_read_cut_short_lands_nothing_and_the_next_is_whole(pg_url: str, tmp_path: Path) -> None:
    fresh = Database(pg_url, tmp_path)
    fresh.run("CREATE TABLE jobs (id bigint PRIMARY KEY, what text, changed timestamptz)")
    fresh.run(
        "INSERT INTO jobs SELECT g, repeat(md5(g::text), 20), '2026-03-02' FROM generate_series(1, 300000) g"
    )
    with killing(fresh, times=100):
        assert fresh.load().status == "failed"
    assert fresh.loads == []
    assert fresh.load().detail == "jobs: 300000 rows read whole"


def test_every_type_lands_without_loss(pg_url: str, tmp_path: Path) -> None:
    table = Database(pg_url, tmp_path, watermark=None, columns=["id"])
    table.run("CREATE TYPE mood AS ENUM ('glad', 'cross')")
    table.run("CREATE TYPE pair AS (x int, y text)")
    table.run("CREATE DOMAIN price AS numeric(12, 2)")
    landed = {
        "numeric(12,2)": ("12.30", "12.30"),
        "numeric": ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"),
        "NUMERIC": ("NaN", "NaN"),
        "price": ("-0.10", "-0.10"),
        "money": ("3.50", "3.50"),
        "bigint": ("-9223372036854775808", "-9223372036854775808"),
        "boolean": ("f", "false"),
        "text": ("æøå 'n' \" ł", "æøå 'n' \" ł"),
        "varchar": ("", ""),
        "char(3)": ("x", "x  "),
        "uuid": ("55b45000-7cb2-4d5f-8ed9-0eed4de3f2d3", "55b45000-7cb2-4d5f-8ed9-0eed4de3f2d3"),
        "json": ('{"b": 1.0, "a": 1}', '{"b": 1.0, "a": 1}'),
        "jsonb": ('{"b": 1.0}', '{"b": 1.0}'),
        "mood": ("cross", "cross"),
        "pair": ("(1,x)", "(1,x)"),
        "bytea": ("\\x00ff", "\\x00\\xFF"),
        "timestamptz": ("2026-03-29 03:30:00.123456+02", "2026-03-29 01:30:00.123456+00"),
        "TIMESTAMPTZ": ("0044-03-15 00:00+00 BC", "0044-03-15 (BC) 00:00:00+00"),
        "timestamp": ("2026-03-29 02:30:00", "2026-03-29 02:30:00"),
        "date": ("0044-03-15 BC", "0044-03-15 (BC)"),
        "time": ("24:00", "24:00:00"),
        "timetz": ("10:00+02", "10:00:00+02"),
        "interval": ("1 mon 2 days 03:00", "1 mon 2 days 03:00:00"),
        "bigint[]": ("{1,2,NULL}", "[1, 2, NULL]"),
        "BIGINT[]": ("{}", "[]"),
        "text[]": ('{a,NULL,"b c"}', "[a, NULL, b c]"),
        "numeric[]": ("{1.50}", "{1.50}"),
        "inet": ("10.0.0.1", "10.0.0.1/32"),
        "int4range": ("[1,3)", "[1,3)"),
        "oid": ("4000000000", "4000000000"),
        "double precision": ("0.1", "0.1"),
        "DOUBLE PRECISION": ("NaN", "nan"),
        "bit(3)": ("101", "101"),
    }
    columns = ", ".join(f"c{place} {name}" for place, name in enumerate(landed))
    table.run(f"CREATE TABLE jobs (id int, {columns})")
    values = ", ".join(f"{psycopg.sql.quote(value)}" for value, _ in landed.values())
    table.run(f"INSERT INTO jobs VALUES (1, {values}), (2{', NULL' * len(landed)})".replace("%", "%%"))
    assert table.load().status == "loaded"
    shown = ", ".join(f"c{place}::VARCHAR" for place in range(len(landed)))
    [full, empty] = table.live(f"id, {shown}")
    assert dict(zip(landed, full[1:], strict=True)) == {name: text for name, (_, text) in landed.items()}
    assert empty == (2, *[None] * len(landed))


def test_money_and_instants_keep_their_types(jobs: Database) -> None:
    jobs.run(
        "ALTER TABLE jobs ADD COLUMN price numeric(12,2) DEFAULT 9.90,"
        " ADD COLUMN parts bigint[] DEFAULT '{1}'"
    )
    jobs.load()
    part = jobs.landing.live_parts("shop", "jobs")[0].path
    described = duckdb.execute(f"DESCRIBE FROM {read_parquet(part)}").fetchall()
    types: dict[str, Any] = {row[0]: row[1] for row in described}
    assert types == {
        "id": "BIGINT",
        "what": "VARCHAR",
        "changed": "TIMESTAMP WITH TIME ZONE",
        "price": "VARCHAR",
        "parts": "BIGINT[]",
    }


def test_days_are_refused_where_the_columns_have_changed(jobs: Database) -> None:
    jobs.run("ALTER TABLE jobs ALTER COLUMN what TYPE int USING 1")
    verdict = jobs.load(Days(date(2026, 3, 1), date(2026, 3, 1)))
    assert verdict.status == "failed"
    assert "load it without days first" in verdict.detail
