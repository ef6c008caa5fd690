"""The Dagster sensor fires report definitions, beside any worker, and says what it did."""

from contextlib import closing
from pathlib import Path

import dagster as dg

from exporters.database import open_database
from exporters.definitions.definitions import Definitions
from exporters.definitions.states import FireState
from exporters.definitions.store import DefinitionStore
from exporters.deliveries.store import DeliveryStore
from tests.dagster_world import World, new_world
from tests.report_definitions import draft


def tick(world: World) -> str:
    sensor = world.definitions.resolve_sensor_def("due_definitions")
    with dg.build_sensor_context(instance=world.instance) as context:
        return str(sensor.evaluate_tick(context).skip_message)


def test_a_tick_fires_what_is_due(tmp_path: Path, sample_data: Path) -> None:
    with (
        new_world(tmp_path / "data", sample_data / "warehouse") as world,
        closing(open_database(world.settings.jobs_database)) as database,
    ):
        store = DefinitionStore(database)
        definition = Definitions(world.exports, store).create("101", draft())
        assert tick(world) == "no report definition is due"
        with database.writing() as connection:
            connection.exec_driver_sql("UPDATE definitions SET next_fire_at = '2026-01-01 05:00:00.000000'")
        assert tick(world) == "report definitions: 2 steps were done"
        assert store.fires(definition.definition_id)[0].state is FireState.MAKING
        assert world.exports.run() is not None
        assert tick(world) == "report definitions: 1 steps were done"
        assert store.fires(definition.definition_id)[0].state is FireState.SENT
        assert len(DeliveryStore(database).list()) == 1
        assert tick(world) == "no report definition is due"
