"""Schema drift: new columns are kept and told, lost and unreadable ones stop their entity only."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app
from pipelines.night import run_night
from pipelines.project import load_project
from settings import Settings
from tests.small_warehouse import BOOKING, RATING, ROOT, SERVICE, SmallWarehouse, csv_text
from warehouse.generations import open_snapshot
from warehouse.sources import load_sources

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")

DISCOUNTED = {**BOOKING, "id": "2", "discount": "10"}
SERVICES = "SELECT service_id, title, price FROM services ORDER BY ALL"
BOOKINGS = "SELECT booking_id, service_id, service_title, price, categories FROM bookings ORDER BY ALL"
FIGURES = "SELECT day, done, revenue FROM booking_days ORDER BY ALL"


def figures(warehouse: SmallWarehouse) -> dict[str, list[tuple[object, ...]]]:
    return {query: warehouse.rows(query) for query in (SERVICES, BOOKINGS, FIGURES)}


def statuses(warehouse: SmallWarehouse) -> dict[str, str]:
    """How each source entity's last load ended, as analysts see it."""
    return dict(warehouse.rows("SELECT entity, status FROM load_report WHERE stage = 'source'"))


def detail(warehouse: SmallWarehouse, entity: str) -> str:
    verdict = warehouse.landing.verdict("sample", entity)
    assert verdict is not None
    return verdict.detail


def raw(warehouse: SmallWarehouse, entity: str, columns: str) -> list[tuple[object, ...]]:
    """Rows of a raw table, as the staging models read it."""
    with warehouse.open() as build:
        build.create_raw("sample", entity)
        query = f"SELECT {columns} FROM raw_sample__{entity} ORDER BY ALL"
        return build.connection.execute(query).fetchall()


def write_services(
    warehouse: SmallWarehouse, columns: Mapping[str, pl.Series], name: str = "services.parquet"
) -> None:
    """A file of one service, with some columns as given."""
    warehouse.write_sample()
    path = warehouse.file("services.parquet")
    frame = pl.read_parquet(path).with_columns(**columns)
    path.unlink()
    frame.write_parquet(path.with_name(name))


def text(value: object) -> pl.Series:
    return pl.Series([str(value)])


def metadata(result: dg.ExecuteInProcessResult, entity: str, key: str) -> object:
    [event] = [
        event
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["sample", entity])
    ]
    return event.materialization.metadata[key].value


def test_a_new_column_is_kept_and_told_as_long_as_it_is_there(tmp_path: Path) -> None:
    files = SmallWarehouse(tmp_path)
    files.write_sample()
    data = tmp_path / "data"
    settings = Settings(
        data_folder=data, source_root=tmp_path / "sources", source_config=ROOT / "sources.toml"
    )
    project = load_project(settings)

    def night() -> tuple[object, ...]:
        """What is told of the bookings' new columns: by Dagster, and by the load report to analysts."""
        result = run_night(project, {})
        assert result.success
        with open_snapshot(data / "warehouse") as snapshot:
            [(columns,)] = snapshot.rows(
                "SELECT new_columns FROM load_report WHERE stage = 'source' AND entity = 'bookings'"
            )
        return metadata(result, "bookings", "new_columns"), columns

    assert night() == ("none", [])
    text = csv_text([DISCOUNTED], [*BOOKING, "discount", "Rabatt, %"])
    files.write("bookings/bookings-2026-02.csv", text)
    assert night() == ("discount, Rabatt, %", ["discount", "Rabatt, %"])
    with project.open_build() as build:
        build.create_raw("sample", "bookings")
        kept = build.connection.execute("SELECT id, discount FROM raw_sample__bookings ORDER BY id")
        assert kept.fetchall() == [("1", None), ("2", "10")]
    with open_snapshot(data / "warehouse") as snapshot:
        assert snapshot.rows("SELECT done, revenue FROM booking_days") == [(2, 2000)]
    files.write_bookings("bookings/bookings-2026-02.csv", [{**BOOKING, "id": "2"}])
    assert night() == ("none", [])


def test_the_night_prints_new_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = SmallWarehouse(tmp_path)
    files.write_sample()
    files.write("bookings/bookings-2026-02.csv", csv_text([DISCOUNTED], [*BOOKING, "discount"]))
    monkeypatch.setenv("REPORTS_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("REPORTS_SOURCE_ROOT", str(tmp_path / "sources"))
    ran = CliRunner().invoke(app, ["night"])
    assert [line for line in ran.stdout.splitlines() if line.startswith("new column")] == [
        "new column: sample.bookings: discount"
    ]


def test_new_columns_of_every_format_are_noted(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample(ratings=[RATING, {**RATING, "booking_id": 2, "id": 2, "stars": 5}])
    services = warehouse.file("services.parquet")
    pl.read_parquet(services).with_columns(bay=pl.lit(3)).write_parquet(services)
    warehouse.write("categories.csv", "id,name,colour\n")
    new = {}
    for entity in ("ratings", "services", "categories", "workshops"):
        warehouse.load(entity)
        declared = warehouse.sources["sample"].entities[entity].columns
        noted = warehouse.landing.note_new_columns("sample", entity, declared)
        assert warehouse.landing.verdict("sample", entity) == noted
        new[entity] = noted.new_columns
    expected = {"ratings": ("stars",), "services": ("bay",), "categories": ("colour",), "workshops": ()}
    assert new == expected
    for entity, columns in expected.items():
        assert warehouse.load(entity).new_columns == columns, "unchanged files have the columns that they had"


def test_a_lost_column_stops_its_entity_only(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    warehouse.night()
    before = figures(warehouse)
    renamed = csv_text([BOOKING], list(BOOKING)).replace("customer_name", "client", 1)
    warehouse.write("bookings/bookings-2026-01.csv", renamed)
    warehouse.write_ratings([{**RATING, "service_rating": 1.0}])
    warehouse.night()
    assert {status for entity, status in statuses(warehouse).items() if entity != "bookings"} == {
        "loaded",
        "unchanged",
    }
    assert statuses(warehouse)["bookings"] == "failed"
    assert "lacks the column customer_name; it has id," in detail(warehouse, "bookings")
    assert figures(warehouse) == before
    assert warehouse.rows("SELECT rating FROM ratings") == [(1,)]


def test_an_emptied_column_is_null_and_breaks_nothing(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    warehouse.night()
    before = figures(warehouse)
    no_list = pl.Series([None], dtype=pl.List(pl.Int64()))
    no_price = pl.Series([None], dtype=pl.Decimal(18, 2))
    write_services(warehouse, {"category_ids": no_list, "price": no_price})
    warehouse.write_bookings("bookings/bookings-2026-01.csv", [{**BOOKING, "notes": "", "price": ""}])
    warehouse.night()
    assert (statuses(warehouse)["services"], statuses(warehouse)["bookings"]) == ("loaded", "loaded")
    assert warehouse.rows(SERVICES) == [("2001", "Oljeskift", None)]
    assert warehouse.rows("SELECT price, categories FROM bookings") == [(None, None)]
    warehouse.write_sample()
    warehouse.night()
    assert figures(warehouse) == before


@pytest.mark.parametrize(
    "retyped",
    [
        {"id": text(SERVICE["id"]), "workshop_id": text(101), "duration_minutes": text(60)},
        {"price": pl.Series([990.0]), "is_active": text("true")},
        {"created_at": text(SERVICE["created_at"]), "updated_at": text(SERVICE["updated_at"])},
    ],
    ids="-".join,
)
def test_a_retyped_column_of_the_same_values_moves_no_figure(
    tmp_path: Path, retyped: dict[str, pl.Series]
) -> None:
    """The new rows are read together with those they replace, which vanished rows are found among."""
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    warehouse.night()
    before = figures(warehouse)
    write_services(warehouse, retyped)
    warehouse.night()
    assert statuses(warehouse)["services"] == "loaded"
    assert figures(warehouse) == before


def with_several_files(root: Path) -> SmallWarehouse:
    """A warehouse in whose source the services come in several files."""
    declared = (ROOT / "sources.toml").read_text(encoding="utf-8")
    config = root / "sources.toml"
    config.write_text(declared.replace('"services.parquet"', '"services*.parquet"', 1), encoding="utf-8")
    return SmallWarehouse(root, dict(load_sources(config, ["sample"])))


def test_files_with_different_types_of_a_column_are_read_as_one(tmp_path: Path) -> None:
    warehouse = with_several_files(tmp_path)
    write_services(warehouse, {"id": text(2002), "title": text("Dekkskift")}, "services-2.parquet")
    write_services(warehouse, {}, "services-1.parquet")
    warehouse.night()
    assert raw(warehouse, "services", "id, typeof(id)") == [("2001", "VARCHAR"), ("2002", "VARCHAR")]
    assert [row[:2] for row in warehouse.rows(SERVICES)] == [("2001", "Oljeskift"), ("2002", "Dekkskift")]
    assert warehouse.rows("SELECT service_title FROM bookings") == [("Oljeskift",)]


@pytest.mark.parametrize(
    ("column", "values", "types"),
    [
        ("category_ids", pl.Series(["Motor"]), "is now string and was list"),
        ("category_ids", pl.Series([1]), "is now int64 and was list"),
        ("updated_at", pl.Series([1_577_836_800]), "is now int64 and was timestamp"),
    ],
)
def test_a_type_that_cannot_be_read_with_the_earlier_one_stops_its_entity_only(
    tmp_path: Path, column: str, values: pl.Series, types: str
) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    warehouse.night()
    before = figures(warehouse)
    write_services(warehouse, {column: values})
    warehouse.write_ratings([{**RATING, "service_rating": 1.0}])
    warehouse.night()
    assert statuses(warehouse)["services"] == "failed"
    assert detail(warehouse, "services").startswith(f"services.parquet: the column {column} {types}")
    assert figures(warehouse) == before
    assert warehouse.rows("SELECT rating FROM ratings") == [(1,)]
    write_services(warehouse, {"title": text("Oljeskift pluss")})
    warehouse.night()
    assert statuses(warehouse)["services"] == "loaded"
    assert warehouse.rows("SELECT title FROM services") == [("Oljeskift pluss",)]


def test_of_the_files_of_a_load_the_one_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    warehouse = with_several_files(tmp_path)
    write_services(warehouse, {"id": text(2002), "category_ids": text("Motor")}, "services-2.parquet")
    write_services(warehouse, {}, "services-1.parquet")
    warehouse.night()
    assert statuses(warehouse)["services"] == "failed"
    assert detail(warehouse, "services").startswith("services-2.parquet: the column category_ids ")
    assert [row[0] for row in warehouse.rows(SERVICES)] == ["2001"]
