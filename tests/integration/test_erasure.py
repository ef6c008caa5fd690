"""A workshop or a customer is erased: nothing of it is left, nothing else changes, nothing comes back."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl
import pytest

from exporters.exports import Exports, open_exports
from exporters.jobs import Status
from pipelines.erasures import erase_customer, erase_workshop, finish_erasures
from pipelines.project import Project
from settings import Settings
from tests.built import build_once
from tests.forked import fork
from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, Row, SmallWarehouse
from warehouse.database import connect
from warehouse.erasures import ErasureError, Register
from warehouse.figures import list_workshops, overview, ratings_by_month, services_by_category
from warehouse.screening import ScreenedLanding

MARKER = "Sletteverkstedet"
KARI, OLA = "71940013", "30002"


def text(marker: str) -> Row:
    return {"notes": f"{marker} notat", "customer_name": f"{marker} kunde"}


WORKSHOPS = (WORKSHOP, {**WORKSHOP, "id": "102", "name": f"{MARKER} AS", "org_number": "111222333"})
SERVICES = (SERVICE, {**SERVICE, "id": 2002, "workshop_id": 102, "title": f"{MARKER} service"})
THEIRS = {**BOOKING, "workshop_id": "102", "service_id": "2002", "customer_id": "30009", **text(MARKER)}
BOOKINGS = (
    BOOKING,
    {**BOOKING, "id": "2", "customer_id": OLA, "customer_name": "Ola", "price": "500.00"},
    {**THEIRS, "id": "11"},
    {**THEIRS, "id": "12", "status": "CANCELLED"},
)
RATINGS = (
    {**RATING, "service_rating_message": "Karis ord"},
    {**RATING, "id": 500002, "booking_id": 2, "service_rating_message": "Olas ord"},
    {**RATING, "id": 500011, "booking_id": 11, "service_rating_message": f"{MARKER} ros"},
)


@dataclass
class House:
    """A data folder with a small warehouse, its exports and the project that works on it."""

    small: SmallWarehouse
    project: Project

    @property
    def data(self) -> Path:
        return self.small.root

    @property
    def register(self) -> Register:
        return Register(self.small.landing.root)

    def exports(self) -> Any:
        return open_exports(self.project.settings.exports)

    def figures(self, workshop_id: str) -> Any:
        with self.small.snapshot() as served:
            return (
                overview(served.figures, workshop_id),
                services_by_category(served.figures, workshop_id),
                ratings_by_month(served.figures, workshop_id),
            )

    def places_of(self, *words: str) -> list[str]:
        """Every file below the data folder, but the inputs, that holds one of the words in any shape."""
        found = []
        for path in sorted(self.data.rglob("*")):
            if path.is_file() and self.data / "sources" not in path.parents:
                texts = list(contents(path))
                held = [word for word in words if any(word in one for one in texts)]
                if held:
                    found.append(f"{path.relative_to(self.data)}: {held}")
        return found


def contents(path: Path) -> Iterator[str]:
    """The bytes of a file as text, and the values of its tables where it has any."""
    yield path.read_bytes().decode("utf-8", "ignore")
    if path.suffix == ".parquet":
        yield str(pl.read_parquet(path).rows())
    if path.suffix == ".duckdb":
        with closing(connect(path, read_only=True)) as connection:
            tables = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall()
            for schema, table in tables:
                yield str(connection.execute(f'FROM "{schema}"."{table}"').fetchall())


def open_house(data: Path) -> House:
    small = SmallWarehouse(data)
    landing = ScreenedLanding(data / "landing", small.sources)
    small.landing = landing
    settings = Settings(data_folder=data, memory_limit="1GB", threads=2)
    return House(small, Project(settings, small.sources, small.models, landing))


def copy_house(template: Path, data: Path) -> House:
    """A house like one that was built before."""
    shutil.copytree(template, data)
    return open_house(data)


def new_house(data: Path) -> House:
    """Two workshops, published."""
    house = open_house(data)
    house.small.write_sample(workshops=WORKSHOPS, services=SERVICES, bookings=BOOKINGS, ratings=RATINGS)
    house.small.night()
    return house


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> House:
    """Two workshops, landed three times with changes, with two generations and exports."""
    template = build_once(tmp_path_factory, "changed_house", build_changed)
    return copy_house(template, tmp_path / "data")


def build_changed(data: Path) -> None:
    house = new_house(data)
    small = house.small
    older = [{**row, "notes": row["notes"] or "eldre"} for row in BOOKINGS]
    for row in (older[1], older[2]):  # one of each workshop: their figures move
        row["price"] = "700.00"
    small.write_bookings("bookings/bookings-2026-01.csv", older)
    small.write_ratings([{**row, "updated_at": "2026-01-17T09:00:00Z"} for row in RATINGS])
    small.file("bookings/bookings-2026-02.csv").write_text(
        small.file("bookings/bookings-2026-01.csv").read_text().splitlines()[0]
        + f'\n99,g,102,"{MARKER} broken line\n'
    )
    small.night()
    with house.exports() as exports:
        for workshop in ("101", "102"):
            for report in ("bookings", "ratings", "revenue"):
                export(exports, workshop, report)
        exports.request("102", "bookings", "csv", {})
    assert len(house.places_of(MARKER)) > 10


def export(exports: Exports, workshop: str, report: str, **filters: str) -> str:
    job = exports.run(exports.request(workshop, report, "csv", filters).job_id)
    assert job is not None
    assert job.status is Status.COMPLETED
    return job.job_id


def test_nothing_is_left_of_an_erased_workshop_and_nothing_else_changes(house: House) -> None:
    before = house.figures("101")
    erasure = erase_workshop(house.project, "102", "asked for")
    assert house.places_of(MARKER) == []
    assert house.figures("101") == before
    with house.small.snapshot() as served:
        assert [shop.workshop_id for shop in list_workshops(served.figures)] == ["101"]
        assert served.rows("SELECT workshop_id, figure, new_value::VARCHAR FROM restatements") == [
            ("101", "revenue", "1700.00")
        ]
    assert erasure.rows == {
        "sample.workshops": 1,
        "sample.services": 1,
        "sample.bookings": 4,
        "sample.ratings": 2,
    }
    assert erasure.inputs == {
        "sample": ("bookings/bookings-2026-01.csv", "ratings.ndjson", "services.parquet", "workshops.csv")
    }
    assert (erasure.jobs, erasure.files, erasure.reason) == (4, 6, "asked for")
    assert erasure.done_at is not None
    with house.exports() as exports:
        assert exports.jobs.list("102") == ()
        assert len(exports.jobs.list("101")) == 3
        assert {stored.key.split("/")[1] for stored in exports.store.list("exports/")} == {"101"}


def test_later_loads_do_not_bring_a_workshop_back(house: House) -> None:
    erase_workshop(house.project, "102", "")
    small = house.small
    newer = [{**row, "updated_at": "2026-03-01T00:00:00Z", "notes": f"{row['notes']} ny"} for row in BOOKINGS]
    small.write_sample(
        workshops=WORKSHOPS,
        services=[*SERVICES, {**SERVICES[1], "id": 2003}],
        bookings=[*newer, {**THEIRS, "id": "13"}],
        ratings=[*RATINGS, {**RATINGS[2], "id": 500012, "booking_id": 13}],
    )
    small.night()
    assert house.places_of(MARKER) == []
    assert small.rows("SELECT DISTINCT workshop_id FROM bookings") == [("101",)]
    assert small.rows("SELECT count(*) FROM bookings WHERE notes LIKE '% ny'") == [(2,)]


def test_a_rating_that_came_before_its_booking_goes_when_the_booking_comes(house: House) -> None:
    erase_workshop(house.project, "102", "")
    small = house.small
    small.write_ratings([*RATINGS, {**RATINGS[2], "id": 500012, "booking_id": 13}])
    small.night()
    assert house.places_of(MARKER) != [], "nothing tells whose it is yet"
    small.write_bookings("bookings/bookings-2026-03.csv", [{**THEIRS, "id": "13"}])
    small.night()
    assert [erasure.done_at for erasure in house.register.read()] == [None]
    [erasure] = finish_erasures(house.project)
    assert erasure.done_at is not None
    assert house.places_of(MARKER) == []


def test_a_reader_finishes_on_the_generation_it_has_open(house: House) -> None:
    with house.small.snapshot() as served:
        erase_workshop(house.project, "102", "")
        assert served.rows("SELECT count(*) FROM bookings WHERE workshop_id = '102'") == [(2,)]
    assert house.small.rows("SELECT count(*) FROM bookings WHERE workshop_id = '102'") == [(0,)]


def test_an_unknown_workshop_is_refused_and_leaves_no_record(house: House) -> None:
    with pytest.raises(ErasureError, match="nothing is kept of workshop 7"):
        erase_workshop(house.project, "7", "")
    with pytest.raises(ErasureError, match="nothing is kept of customer 7 of workshop 101"):
        erase_customer(house.project, "101", "7", "")
    assert house.register.read() == []


def test_a_source_with_rows_of_nobody_is_refused(house: House) -> None:
    sample = house.small.file_source("sample")
    ratings = sample.entities["ratings"].model_copy(update={"belongs_to": None, "personal": []})
    house.small.sources["sample"] = sample.model_copy(
        update={"entities": {**sample.entities, "ratings": ratings}}
    )
    project = replace(house.project, sources=house.small.sources)
    with pytest.raises(ErasureError, match="source sample: nothing declares whose the rows of ratings are"):
        erase_workshop(project, "102", "")
    assert house.register.read() == []


def test_a_customer_is_erased_and_the_bookings_and_figures_stay(house: House) -> None:
    before = house.figures("101")
    with house.exports() as exports:
        other_days = export(exports, "101", "bookings", date_from="2026-02-01", date_to="2026-02-28")
        that_day = export(exports, "101", "bookings", date_from="2026-01-15", date_to="2026-01-15")
    erasure = erase_customer(house.project, "101", KARI, "letter of 3 May")
    assert erasure.rows == {"sample.bookings": 2, "sample.ratings": 2}
    words = ("Kari Åsnes", "Karis ord", KARI)
    assert [place for place in house.places_of(*words) if not place.startswith("landing/erasures.json")] == []
    assert house.figures("101") == before
    assert house.small.rows(
        "SELECT booking_id, customer_id, customer_name, registration_number, notes FROM bookings"
        " WHERE workshop_id = '101' ORDER BY 1"
    ) == [("1", None, None, None, None), ("2", OLA, "Ola", "EV12345", "eldre")]
    assert house.small.rows("SELECT booking_id, message, rating::VARCHAR FROM ratings ORDER BY 1") == [
        ("1", None, "4.5"),
        ("11", f"{MARKER} ros", "4.5"),
        ("2", "Olas ord", "4.5"),
    ]
    with house.exports() as exports:
        by_id = {job.job_id: job for job in exports.jobs.list("101")}
        voided = {job.job_id for job in by_id.values() if job.status is Status.EXPIRED}
        assert voided == set(erasure.voided)
        assert {by_id[job_id].report_type for job_id in voided} == {"bookings", "ratings"}
        assert by_id[other_days].status is Status.COMPLETED
        assert that_day in voided
        for job_id in voided:
            assert exports.jobs.events(job_id)[-1].detail["reason"] == "erasure 1"
        kept = {stored.key.split("/")[2] for stored in exports.store.list("exports/101")}
        assert kept == by_id.keys() - voided
    assert house.register.read()[0].days == ()


def test_later_loads_do_not_bring_a_customer_back(house: House) -> None:
    erase_customer(house.project, "101", KARI, "")
    newer = {**BOOKING, "updated_at": "2026-03-01T00:00:00Z", "price": "1100.00"}
    nameless = {**BOOKING, "updated_at": "2026-03-02T00:00:00Z", "customer_id": ""}
    house.small.write_bookings("bookings/bookings-2026-03.csv", [newer, {**newer, "id": "5"}])
    house.small.write_bookings("bookings/bookings-2026-04.csv", [nameless])
    house.small.write_ratings([{**RATINGS[0], "updated_at": "2026-03-03T00:00:00Z"}, RATINGS[1]])
    house.small.night()
    places = house.places_of("Kari Åsnes", "Karis ord", KARI)
    assert [place for place in places if not place.startswith("landing/erasures.json")] == []
    assert house.small.rows(
        "SELECT booking_id, price::VARCHAR FROM bookings WHERE booking_id IN ('1', '5')"
    ) == [
        ("1", "1000.00"),
        ("5", "1100.00"),
    ]


STEPS = {
    *("rewrite_load", "drop_rows", "write_atomically", "sync_file", "begin_anew", "publish_anew"),
    *("build_model", "remove_older", "_replace_parquet", "write_keys", "sweep_load"),
}
"""Functions of the warehouse at whose beginning an erasure is killed."""


def erase_until(steps: int, data: Path) -> None:
    """Erase workshop 102; the process is killed after so many steps."""
    left = iter(range(steps))

    def count(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        is_step = event == "call" and "/warehouse/" in code.co_filename and code.co_name in STEPS
        if is_step and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    house = open_house(data)
    sys.setprofile(count)
    erase_workshop(house.project, "102", "cut short")
    os._exit(0)


@pytest.mark.parametrize("steps", [3, 14, 28, 60])
def test_an_erasure_that_was_killed_is_completed_by_the_next(house: House, steps: int) -> None:
    before = house.figures("101")
    process = fork(erase_until, steps, house.data)
    process.join()
    assert process.exitcode != 0
    if steps > 8:
        assert [erasure.done_at for erasure in house.register.read()] == [None]
        finish_erasures(house.project)
    else:
        erase_workshop(house.project, "102", "again")
    assert house.places_of(MARKER) == []
    assert house.figures("101") == before
    house.small.night(grace=timedelta(0))
    assert house.places_of(MARKER) == []
    assert house.figures("101") == before


def test_erasing_twice_changes_nothing(house: House) -> None:
    first = erase_workshop(house.project, "102", "asked for")
    landed = {
        path: path.read_bytes()
        for path in (house.data / "landing").rglob("*.parquet")
        if "load=" in str(path)
    }
    second = erase_workshop(house.project, "102", "again")
    assert second.model_copy(update={"done_at": first.done_at}) == first
    assert all(path.read_bytes() == content for path, content in landed.items())


def test_parts_keep_the_types_that_they_were_landed_with(house: House) -> None:
    [load] = house.small.landing.loads("sample", "services")
    before = pl.read_parquet(load.folder / load.files[0].part)
    erase_workshop(house.project, "102", "")
    [load] = house.small.landing.loads("sample", "services")
    after = pl.read_parquet(load.folder / load.files[0].part)
    assert after.equals(before.filter(pl.col("workshop_id") == 101))
    assert after.schema == before.schema
    assert load.files[0].rows == 1
