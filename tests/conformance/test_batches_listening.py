"""Listener batches on both databases: each change of an item's data makes one new run of it, once."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from exporters.batches.errors import BatchError
from exporters.batches.records import Batch, BatchState
from exporters.batches.tables import batches as batch_table
from tests.batch_world import ACCOUNT, ACTOR, BatchWorld, RepeatedWarehouse, open_world, write_workshops
from tests.small_warehouse import SmallWarehouse

COUNT = 4


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the nights that the tests have in common."""
    return tmp_path_factory.mktemp("nights")


@pytest.fixture
def warehouse(tmp_path: Path, nights: Path) -> SmallWarehouse:
    small = RepeatedWarehouse(tmp_path / "data", nights=nights)
    write_workshops(small, COUNT)
    small.night()
    return small


@pytest.fixture
def world(tmp_path: Path, warehouse: SmallWarehouse, records_url: str) -> Iterator[BatchWorld]:
    with open_world(tmp_path, warehouse.root, records_url) as opened:
        yield opened


def rate(warehouse: SmallWarehouse, **ratings: float) -> None:
    """A night with ratings that are not 4.5, by workshop such as w1."""
    write_workshops(warehouse, COUNT, rated={int(name[1:]): value for name, value in ratings.items()})
    warehouse.night()


def listener(world: BatchWorld, *items: int | str, **changes: object) -> Batch:
    batch = world.create(items or (1, 2), **{"type": "ReelleEjere", "is_listener": True, **changes})  # type: ignore[arg-type]
    return world.finish(batch)


def runs(world: BatchWorld, batch: Batch) -> list[tuple[str | None, int]]:
    return sorted((item.workshop_id, item.run) for item in world.items(batch))


def state_of(world: BatchWorld, batch: Batch) -> BatchState:
    return world.batches.get(batch.batch_id, ACCOUNT).state


def test_without_trigger_the_first_report_comes_with_the_first_change(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    batch = listener(world)
    assert (batch.state, batch.counts.completion, runs(world, batch)) == (BatchState.LISTENING, 1, [])
    assert world.listen() == 0
    rate(warehouse, w1=3.0, w3=2.0)
    assert world.listen() == 1
    assert state_of(world, batch) is BatchState.EXECUTING
    batch = world.finish(batch)
    assert (batch.state, batch.counts.size) == (BatchState.LISTENING, 2)
    [item] = world.items(batch)
    assert (item.workshop_id, item.run) == ("1", 1)
    with warehouse.snapshot() as snapshot:
        assert item.generation == snapshot.generation.generation
    assert world.listen() == 0


def test_with_trigger_there_is_one_at_once_and_one_with_each_change(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    batch = listener(world, 1, 2, trigger_now=True, name_template="{name}")
    assert runs(world, batch) == [("1", 0), ("2", 0)]
    for value in (3.0, 2.0):
        rate(warehouse, w2=value)
        assert world.listen() == 1
        batch = world.finish(batch)
    assert runs(world, batch) == [("1", 0), ("2", 0), ("2", 1), ("2", 2)]
    assert {item.name for item in world.items(batch)} == {
        "Verksted 1",
        "Verksted 2",
        "Verksted 2-2",
        "Verksted 2-3",
    }
    assert (batch.counts.size, batch.counts.completed) == (2, 4)


def test_a_quiet_night_and_other_figures_make_nothing(world: BatchWorld, warehouse: SmallWarehouse) -> None:
    batch = listener(world)
    warehouse.night()
    rate(warehouse, w4=1.0)  # not an item's workshop
    assert world.listen() == 0
    assert state_of(world, batch) is BatchState.LISTENING


def test_a_change_outside_the_days_of_the_filters_is_none(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    """The ratings are of 2026-01-16."""
    before = listener(world, 1, filters={"date_to": "2026-01-15"})
    within = listener(world, 1, filters={"date_from": "2026-01-16", "date_to": "2026-01-16"})
    after = listener(world, 1, filters={"date_from": "2026-01-17"})
    rate(warehouse, w1=1.0)
    assert world.listen() == 1
    found = [state_of(world, batch) for batch in (before, within, after)]
    assert found == [BatchState.LISTENING, BatchState.EXECUTING, BatchState.LISTENING]


def test_several_generations_between_two_looks_lose_nothing(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    batch = listener(world, 1, 2, 3)
    rate(warehouse, w1=1.0)
    rate(warehouse, w1=1.0, w2=2.0)
    rate(warehouse, w1=3.0, w2=2.0)
    assert world.listen() == 2
    world.finish(batch)
    assert runs(world, batch) == [("1", 1), ("2", 1)]
    assert world.listen() == 0


def test_where_restatements_may_be_gone_every_item_runs_again(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    batch = listener(world, 1, 2, "0")
    with world.room.database.writing() as connection:
        heard_at = world.room.directories.current().published_at - timedelta(days=31)
        connection.execute(update(batch_table).values(heard_at=heard_at))
    warehouse.night()
    assert world.listen() == 2
    world.finish(batch)
    assert sorted((item.workshop_id or "", item.run) for item in world.items(batch)) == [
        ("", 0),
        ("1", 1),
        ("2", 1),
    ]


def test_two_dispatchers_at_once_make_one_run(
    tmp_path: Path, warehouse: SmallWarehouse, records_url: str
) -> None:
    with ExitStack() as stack:
        worlds = [stack.enter_context(open_world(tmp_path, warehouse.root, records_url)) for _ in range(4)]
        batch = listener(worlds[0], 1, 2, 3)
        for round_ in range(1, 4):
            rate(warehouse, w1=float(round_), w2=float(round_))
            begin = threading.Barrier(len(worlds))

            def listen(world: BatchWorld, begin: threading.Barrier = begin) -> None:
                begin.wait()
                world.listen()
                world.start()

            threads = [threading.Thread(target=listen, args=(world,)) for world in worlds]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            worlds[0].listen()
            worlds[0].finish(batch)
            assert runs(worlds[0], batch) == sorted(
                (str(workshop), run) for workshop in (1, 2) for run in range(1, round_ + 1)
            )


def test_a_stopped_listener_hears_nothing_and_finishes_what_it_has(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    idle, busy = listener(world, 1), listener(world, 2)
    rate(warehouse, w2=1.0)
    world.listen()
    for batch, state in ((idle, BatchState.LISTENING_STOPPED), (busy, BatchState.EXECUTING)):
        stopped = world.batches.stop_listening(batch.batch_id, ACCOUNT, actor=ACTOR)
        assert stopped.state is state
        assert world.batches.stop_listening(batch.batch_id, ACCOUNT, actor=ACTOR) == stopped
    rate(warehouse, w1=2.0, w2=2.0)
    assert world.listen() == 0
    world.finish(busy)
    assert state_of(world, busy) is BatchState.LISTENING_STOPPED
    assert runs(world, busy) == [("2", 1)]
    with pytest.raises(BatchError, match="no listener"):
        world.batches.stop_listening(world.create([1]).batch_id, ACCOUNT, actor=ACTOR)


def test_a_listener_told_to_wait_hears_from_its_start_on(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    """What changed before the start is in the first report already."""
    batch = world.create([1], type="ratings", is_listener=True, trigger_now=True)
    rate(warehouse, w1=1.0)
    world.finish(batch)
    assert world.listen() == 0
    assert runs(world, batch) == [("1", 0)]


def test_a_workshop_that_has_left_is_not_listened_to(world: BatchWorld, warehouse: SmallWarehouse) -> None:
    batch = listener(world, 1, 2)
    write_workshops(warehouse, COUNT, rated={1: 2.0, 2: 2.0}, renumbered={2: "555"})
    warehouse.night()
    assert world.listen() == 1
    world.finish(batch)
    assert runs(world, batch) == [("1", 1)]


def test_an_unknown_number_that_a_retry_binds_is_listened_to(
    world: BatchWorld, warehouse: SmallWarehouse
) -> None:
    batch = world.batches.create(
        ACCOUNT,
        {"1"},
        world.draft([1, 2], type="ratings", is_listener=True),
        actor=ACTOR,
    )
    world.finish(batch)
    assert [item.cvr for item in world.items(batch)] == ["900000002"]
    world.batches.retry_failed(batch.batch_id, ACCOUNT, {"1", "2"}, actor=ACTOR)
    world.finish(batch)
    assert runs(world, batch) == [("2", 1)]
    rate(warehouse, w2=1.0)
    assert world.listen() == 1
    world.finish(batch)
    assert runs(world, batch) == [("2", 1), ("2", 2)]
