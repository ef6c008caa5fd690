"""The benchmarks compare like with like, and see what goes wrong."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.build import PlatformWarehouse
from bench.comparison import differing_tables
from bench.hand_written import run_script
from bench.load import Load, Rounds, run_clients
from bench.platform_data import PlatformSize, write_changes, write_platform
from bench.postgres_rollups import load_rollups
from bench.product import Product
from bench.serving import publish_platform
from bench.serving_work import ENDPOINTS, find_workshops
from bench.soak import measure_soak
from warehouse.database import DatabaseOptions, connect, quote_name
from warehouse.generations import open_snapshot

SIZE = PlatformSize(bookings=1_000)
CHANGES = 100
OPTIONS = DatabaseOptions("1GB", threads=2)
ROLLUPS = (
    "SELECT workshop_id, day, done, revenue FROM booking_days ORDER BY workshop_id, day",
    "SELECT workshop_id, day, ratings FROM rating_days ORDER BY workshop_id, day",
    "SELECT day, sum(bookings) FROM category_days GROUP BY day ORDER BY day",
    "SELECT workshop_id FROM workshops ORDER BY workshop_id",
)


def read_tables(path: Path, tables: list[str]) -> dict[str, tuple[list[str], list[Any]]]:
    """Columns with their types, and every row in its order, of the tables of a database file."""
    found = {}
    connection = connect(path, read_only=True, options=OPTIONS)
    for table in tables:
        described = connection.execute(f"DESCRIBE {quote_name(table)}").fetchall()
        rows = connection.execute(f"SELECT * FROM {quote_name(table)}").fetchall()
        found[table] = [f"{row[0]} {row[1]}" for row in described], rows
    connection.close()
    return found


def in_any_order(read: dict[str, tuple[list[str], list[Any]]]) -> dict[str, tuple[list[str], list[Any]]]:
    """The same with the rows sorted: a night adds rows to a table without sorting all of it again."""
    return {table: (columns, sorted(rows, key=repr)) for table, (columns, rows) in read.items()}


def read_files(platform: PlatformWarehouse, entity: str) -> list[dict[str, Any]]:
    """The rows of an entity's first file."""
    connection = connect(None, options=OPTIONS)
    path = platform.files / entity / f"{entity}.parquet"
    rows: list[dict[str, Any]] = connection.read_parquet(str(path)).to_arrow_table().to_pylist()
    connection.close()
    return rows


@pytest.fixture
def platform(tmp_path: Path) -> PlatformWarehouse:
    """The platform's first files, not yet landed."""
    platform = PlatformWarehouse(tmp_path, OPTIONS)
    write_platform(platform.files, SIZE)
    return platform


def test_script_and_night_make_the_same_tables(platform: PlatformWarehouse) -> None:
    tables = platform.tables
    platform.land()
    first, first_script = platform.build(), platform.folder / "first.duckdb"
    run_script(platform.files, first_script, "1GB", newest=False)
    made = read_tables(first, tables)
    assert made == read_tables(first_script, tables)
    assert all(rows for _, rows in made.values())
    assert len(made["bookings"][1]) == SIZE.bookings
    assert differing_tables(first, first_script, tables) == []

    for night in (1, 2):
        write_changes(platform.files, SIZE, CHANGES, night)
        platform.land()
        last = platform.build()
    last_script = platform.folder / "last.duckdb"
    run_script(platform.files, last_script, "1GB", newest=True)
    made = read_tables(last, tables)
    assert in_any_order(made) == in_any_order(read_tables(last_script, tables))
    assert len(made["bookings"][1]) == SIZE.bookings + 2 * CHANGES * 20 // 100
    assert differing_tables(last, last_script, tables) == []
    differing = {text.partition(" ")[0] for text in differing_tables(last, first_script, tables)}
    assert differing == set(tables) - {"categories", "booking_statuses"}


def test_generated_rows_are_ones_that_the_platform_can_hold(platform: PlatformWarehouse) -> None:
    bookings = read_files(platform, "bookings")
    done = {row["id"] for row in bookings if row["status"] == "COMPLETED"}
    assert len({row["id"] for row in bookings}) == SIZE.bookings
    assert all(row["price"] is not None for row in bookings if row["id"] in done)
    assert any(row["price"] is None for row in bookings)
    assert {row["booking_id"] for row in read_files(platform, "ratings")} < done


def test_generated_files_are_the_same_again(platform: PlatformWarehouse) -> None:
    again = PlatformWarehouse(platform.folder / "again", OPTIONS)
    write_platform(again.files, SIZE)
    for entity in ("services", "bookings", "ratings"):
        assert read_files(again, entity) == read_files(platform, entity)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The product on a small platform."""
    return publish_platform(tmp_path_factory.mktemp("product"), SIZE, lambda _: None)


def test_load_tells_within_how_long_a_part_was_done() -> None:
    load = Load([{"seconds": float(number)} for number in (4, 1, 3, 2)], seconds=2)
    assert (load.per_second, load.share(0.5), load.share(0.51), load.share(1)) == (2, 2, 3, 4)
    rounds = Rounds([load, Load(load.done[:2], 1), Load(load.done, 1)])
    assert (rounds.per_second, rounds.per_second_spread) == (2, (2, 4))
    assert (rounds.share(0.5), rounds.worst_share(1)) == (2, 4)


def test_rollups_in_postgresql_are_those_of_the_warehouse(product: Product, pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as postgres:
        load_rollups(product.folder / "warehouse", postgres)
        copied = [postgres.execute(query).fetchall() for query in ROLLUPS]
    with open_snapshot(product.folder / "warehouse") as snapshot:
        published = [snapshot.rows(query.replace("revenue", "revenue * 100")) for query in ROLLUPS]
    assert copied == published


def test_clients_work_through_the_api_and_a_refusal_is_no_result(product: Product) -> None:
    workshops = find_workshops(product)
    work = workshops.figures(ENDPOINTS["overview"], 2)
    with product.serving() as api:
        load = run_clients(api.port, work, 0.5, good=200)
        assert load.per_second > 0
        assert {item["status"] for item in load.done} == {200}
        with pytest.raises(RuntimeError, match="401"):
            run_clients(api.port, [[work[0][0] | {"key": "none"}]], 0.1, good=200)


def test_soak_finds_each_job_made_once(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"IDLE_SECONDS": 0, "_WARM_UP_SECONDS": 1, "SLOTS": 1}.items():
        monkeypatch.setattr(f"bench.soak.{name}", value)
    soak = measure_soak(product, find_workshops(product), 2, lambda _: None)
    assert soak.is_consistent, soak.histories
    assert soak.asked >= len(soak.load.done) > 0
    assert soak.memory("api", 0) > 50e6
    assert soak.memory("worker", 2) > 50e6
