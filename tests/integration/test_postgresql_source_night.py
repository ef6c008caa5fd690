"""A night of the platform: from its PostgreSQL tables, or Parquet files of their shape, to the warehouse."""

from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.built import run_night
from warehouse.generations import open_snapshot

TABLES = """
CREATE TABLE workshops (id bigint PRIMARY KEY, org_number text, name text NOT NULL, time_zone text,
                        currency text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE categories (id bigint PRIMARY KEY, name text);
CREATE TABLE booking_statuses (code text PRIMARY KEY, label text, allowed_transitions text[], color text,
                               icon text);
CREATE TABLE services (id bigint PRIMARY KEY, workshop_id bigint, title text, description text,
                       price numeric(12,2), is_active boolean, category_ids bigint[],
                       duration_minutes integer, created_at timestamptz,
                       updated_at timestamptz, deleted_at timestamptz);
CREATE TABLE bookings (id bigint PRIMARY KEY, group_id bigint, workshop_id bigint, service_id bigint,
                       customer_id bigint, customer_name text, registration_number text, status text,
                       start_time timestamptz, end_time timestamptz, completed_at timestamptz,
                       cancelled_at timestamptz, cancellation_reason text, price numeric, currency text,
                       walk_in boolean, notes text, created_at timestamptz, updated_at timestamptz);
CREATE TABLE ratings (id bigint, booking_id bigint PRIMARY KEY, service_rating numeric(2,1),
                      service_rating_message text, private_service_rating boolean, created_at timestamptz,
                      updated_at timestamptz);
INSERT INTO workshops
VALUES (101, '999888777', 'Nordre Bilverksted', 'Europe/Oslo', 'NOK', '2020-01-01', '2020-01-08');
INSERT INTO categories VALUES (1, 'Olje'), (2, 'Dekk');
INSERT INTO booking_statuses VALUES ('PENDING', 'Venter', '{CONFIRMED,CANCELLED}', 'grey', 'clock'),
                                    ('COMPLETED', 'Ferdig', '{}', 'green', 'check');
INSERT INTO services
VALUES (2001, 101, 'Oljeskift', NULL, 990.00, true, '{1,2}', 60, '2020-01-01', '2020-01-01', NULL),
       (2002, 101, 'Dekkskift', NULL, 500, true, '{2}', 30, '2020-01-01', '2020-01-01', NULL);
INSERT INTO bookings
SELECT g, 7, 101, 2001 + g % 2, 30001, 'Kari Åsnes', 'EV12345', 'COMPLETED',
       timestamptz '2026-01-15 23:30+00', NULL, NULL, NULL, NULL, g + 0.10, 'NOK', false, NULL, '2026-01-10',
       timestamptz '2026-01-16' + g * interval '1 hour'
FROM generate_series(1, 4) g;
INSERT INTO ratings VALUES (500001, 1, 4.5, NULL, NULL, '2026-01-16', '2026-01-16');
"""


@pytest.fixture
def platform(pg_url: str, tmp_path: Path) -> psycopg.Connection[Any]:
    """The platform's database and its secrets."""
    secrets = tmp_path / "secrets.toml"
    secrets.touch(mode=0o600)
    secrets.write_text(f'[platform]\nurl = "{pg_url}"\n', encoding="utf-8")
    connection = psycopg.connect(pg_url, autocommit=True)
    connection.execute(TABLES)
    return connection


def night(tmp_path: Path, **settings: str) -> str:
    ran = run_night(
        tmp_path / "data",
        check=False,
        SOURCES="platform",
        SOURCE_SECRETS=str(tmp_path / "secrets.toml"),
        **settings,
    )
    assert ran.returncode in (0, 3), ran.stdout + ran.stderr
    return ran.stdout


def published(tmp_path: Path, query: str) -> list[tuple[Any, ...]]:
    with open_snapshot(tmp_path / "data" / "warehouse") as snapshot:
        return snapshot.rows(query)


BOOKINGS = "SELECT booking_id, service_title, categories, day::VARCHAR, price FROM bookings ORDER BY ALL"


def test_a_platform_night_follows_its_tables(platform: psycopg.Connection[Any], tmp_path: Path) -> None:
    assert night(tmp_path).count("│ loaded ") == 6
    rows = published(tmp_path, BOOKINGS)
    assert [str(value) for value in rows[0]] == ["1", "Dekkskift", "Dekk", "2026-01-16", "1.10"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    [(transitions,)] = published(
        tmp_path, "SELECT allowed_transitions FROM booking_statuses WHERE code = 'PENDING'"
    )
    assert transitions == ["CONFIRMED", "CANCELLED"]
    assert published(tmp_path, "SELECT rating::VARCHAR, is_private FROM ratings") == [("4.5", False)]
    assert night(tmp_path).count("│ unchanged ") == 6
    platform.execute("DELETE FROM bookings WHERE id = 4")
    platform.execute("DELETE FROM services WHERE id = 2002")
    platform.execute("UPDATE bookings SET price = 'NaN', updated_at = '2026-02-01' WHERE id = 3")
    platform.execute("UPDATE bookings SET price = 2.125, updated_at = '2026-02-01' WHERE id = 2")
    platform.execute("UPDATE bookings SET price = 77, updated_at = '2026-02-01' WHERE id = 1")
    assert night(tmp_path).count("│ loaded ") == 2
    assert [(row[0], row[1], str(row[4])) for row in published(tmp_path, BOOKINGS)] == [
        ("1", "Dekkskift", "77.00")
    ]
    reasons = published(tmp_path, "SELECT reason FROM quarantine WHERE entity = 'bookings' ORDER BY ALL")
    assert reasons == [("price '2.125' has too many decimals",), ("price 'NaN' is not DECIMAL(18,2)",)]


def test_parquet_files_of_the_same_shape_give_the_same_warehouse(
    platform: psycopg.Connection[Any], tmp_path: Path
) -> None:
    night(tmp_path)
    tables = published(tmp_path, BOOKINGS)
    files = tmp_path / "files"
    files.mkdir()
    declared = (Path(__file__).parents[2] / "sources.toml").read_text(encoding="utf-8")
    block = declared[declared.index("[platform]") :].split("\n# ")[0]
    block = block.replace('type = "postgresql"', f'path = "{files}"')
    for line in {line for line in block.splitlines() if line.startswith(("table =", "overlap ="))}:
        name = line.partition('"')[2].partition('"')[0]
        file = f'files = "{name}.parquet"\nformat = "parquet"' if name else ""
        block = block.replace(f"{line}\n", f"{file}\n")
        if not name:
            continue
        [part] = (tmp_path / "data" / "landing" / "platform" / name).glob("load=*/part-*.parquet")
        price = " REPLACE (price::DECIMAL(18,2) AS price)" if name in ("bookings", "services") else ""
        duckdb.execute(
            f"COPY (SELECT *{price} FROM read_parquet('{part}', hive_partitioning = false))"
            f" TO '{files / name}.parquet' (FORMAT parquet)"
        )
    config = tmp_path / "sources.toml"
    config.write_text(block, encoding="utf-8")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "secrets.toml").touch(mode=0o600)
    assert night(fresh, SOURCE_CONFIG=str(config)).count("│ loaded ") == 6
    assert published(fresh, BOOKINGS) == tables
    assert published(fresh, "SELECT * FROM quarantine") == []
