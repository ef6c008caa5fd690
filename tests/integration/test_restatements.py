"""Restatements: a generation tells exactly the figures that moved since the one served before it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_incremental import check_night, check_restatements, restated_days
from tests.night_world import Edit, NightFailedError, NightWorld, following
from tests.small_warehouse import BOOKING, RATING, SmallWarehouse
from warehouse import publishing
from warehouse.errors import WarehouseError

STEPS = 22
"""Of a night: six source entities, six staging models, six entities, four marts."""
NEXT_DAY = "2026-01-16T10:00:00Z"


@pytest.fixture(params=["followed", "whole"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NightWorld]:
    """A published world whose models follow changes, or are built whole each time."""
    with following(never=request.param == "whole") as counts:
        world = NightWorld(tmp_path)
        world.night()
        yield world
        assert bool(counts["followed"]) == (request.param == "followed")


def booking(number: int = 1, **changes: str | None) -> Edit:
    """A booking of the first night, with some of its values changed."""
    row = {name: str(value) or None for name, value in BOOKING.items()}
    return Edit(
        "bookings",
        "put",
        row | {"id": str(number), "service_id": str(number), "workshop_id": "101"} | changes,
    )


def rating(number: int, **changes: str) -> Edit:
    """A rating of the first night, with some of its values changed."""
    row = {name: None if value is None else str(value) for name, value in RATING.items()}
    fixed = {"id": str(number), "booking_id": str(number), "private_service_rating": "false"}
    return Edit("ratings", "put", row | fixed | changes)


def told(world: NightWorld) -> dict[tuple[str, str], tuple[Any, Any]]:
    """What the served generation restates of the workshop 101, by day and figure."""
    with world.warehouse.snapshot() as snapshot:
        rows = snapshot.rows(
            "SELECT CAST(day AS VARCHAR), figure, old_value, new_value FROM restatements"
            " WHERE workshop_id = '101' AND generation = (SELECT generation FROM generation)"
        )
    return {(day, figure): (old, new) for day, figure, old, new in rows}


def test_a_booking_that_moves_restates_both_days_and_a_quiet_night_nothing(world: NightWorld) -> None:
    assert told(world) == {}, "the first generation has nothing to restate"
    world.edit(booking(start_time=NEXT_DAY, price="250.00"))
    world.edit(rating(2, service_rating="2.5"))
    world.night()
    assert told(world) == {
        ("2026-01-15", "bookings"): (2, 1),
        ("2026-01-15", "done"): (2, 1),
        ("2026-01-15", "revenue"): (2000, 1000),
        ("2026-01-16", "bookings"): (None, 1),
        ("2026-01-16", "done"): (None, 1),
        ("2026-01-16", "active"): (None, 0),
        ("2026-01-16", "cancelled"): (None, 0),
        ("2026-01-16", "revenue"): (None, 250),
        ("2026-01-16", "rating_sum"): (9, 7),
    }
    world.night()
    assert told(world) == {}
    with world.warehouse.snapshot() as snapshot:
        [(kept,)] = snapshot.rows("SELECT count(*) FROM restatements")
    assert kept == 9, "what the generation before restated stays"
    world.edit(booking())
    world.night()
    assert told(world)["2026-01-16", "revenue"] == (250, None), "the day has no booking any more"


def test_a_changed_zone_restates_the_days_its_bookings_leave_and_reach(world: NightWorld) -> None:
    world.edit(booking(start_time="2026-01-15T23:30:00Z"))
    world.night()
    before = restated_days(world.warehouse)
    [row] = [row for row in world.rows("workshops") if row["id"] == "101"]
    world.edit(Edit("workshops", "put", {**row, "time_zone": "America/New_York"}))
    world.night()
    check_restatements(world.warehouse, before)
    assert told(world)["2026-01-16", "done"] == (1, None)
    check_night(world)


@pytest.mark.parametrize("fail_after", [19])
def test_a_night_that_fails_in_between_loses_none(world: NightWorld, fail_after: int) -> None:
    before = restated_days(world.warehouse)
    world.edit(booking(start_time=NEXT_DAY))
    world.edit(rating(2, service_rating="2.5"))
    with pytest.raises(NightFailedError):
        world.night(fail_after=fail_after)
    world.edit(booking(start_time=NEXT_DAY, price="10.00"))
    world.edit(rating(2, service_rating="3"))
    with pytest.raises(NightFailedError):
        world.night(fail_after=STEPS)
    world.edit(rating(2, service_rating="4.5"))
    world.night()
    check_restatements(world.warehouse, before)
    assert ("2026-01-16", "rating_sum") not in told(world), "it is back where it was"
    check_night(world)


def test_a_generation_that_could_not_be_put_in_place_is_none(
    world: NightWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build file is complete, and then the disk refuses it: what it would have restated is told later."""
    before = restated_days(world.warehouse)
    world.edit(booking(start_time=NEXT_DAY))

    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as full:
        full.setattr(publishing, "sync_file", refuse)
        with pytest.raises(WarehouseError, match="the served generation stays"):
            world.night()
    assert restated_days(world.warehouse) == before
    world.edit(rating(2, service_rating="3"))
    world.night()
    check_restatements(world.warehouse, before)
    with world.warehouse.snapshot() as snapshot:
        told_by = snapshot.rows("SELECT DISTINCT generation FROM restatements")
        assert told_by == snapshot.rows("SELECT generation FROM generation"), (
            "none was told by an unpublished one"
        )


def test_other_figures_may_be_restated_after_a_failed_night(world: NightWorld) -> None:
    before = restated_days(world.warehouse)
    world.edit(booking(start_time=NEXT_DAY))
    with pytest.raises(NightFailedError):
        world.night(fail_after=STEPS)
    world.edit(booking(2, start_time=NEXT_DAY.replace("16", "17")))
    world.edit_model("marts/booking_days.sql", '"done", "active", "cancelled", "revenue"]', '"revenue"]')
    world.night()
    moved = {key: value for key, value in before.items() if key[2] not in ("done", "active", "cancelled")}
    check_restatements(world.warehouse, moved)


def test_a_pointer_that_cannot_be_read_costs_no_history(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    warehouse.night()
    warehouse.write_sample(bookings=[{**BOOKING, "price": "7.00", "updated_at": "2026-02-01T00:00:00Z"}])
    warehouse.night()
    told = warehouse.rows("SELECT * FROM restatements")
    assert len(told) == 1
    with warehouse.open():  # the build begins as a copy of what is served
        pass
    (warehouse.warehouse_folder / "current.json").write_text("{", encoding="utf-8")
    warehouse.night()
    assert warehouse.rows("SELECT * FROM restatements") == told
