"""What stands out of definitions, deliveries and batches is counted, and how late it is: both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from exporters.batches.door import Batches
from exporters.batches.drafts import BatchDraft, ItemDraft
from exporters.database.schema import metadata
from exporters.database.values import utc_now
from exporters.deliveries import transitions
from exporters.deliveries.endpoints import Endpoints
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, Verdict
from exporters.outstanding import look_at_outstanding
from settings import Settings
from tests.deliveries import KEY, order, place
from tests.report_definitions import World, draft, open_world

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(tmp_path: Path, sample_data: Path, records_url: str) -> Iterator[World]:
    given: dict[str, Any] = {"jobs_url": records_url, "store_url": f"file://{tmp_path / 'store'}"}
    settings = Settings(data_folder=sample_data, seal_key=SecretStr(KEY), **given)
    with open_world(settings.exports, utc_now) as world:
        yield world


def test_nothing_stands_out_of_an_empty_installation(world: World) -> None:
    found = look_at_outstanding(world.database, utc_now())
    assert {*found.fires.values(), *found.deliveries.values(), *found.batches.values()} == {0}
    assert {found.fires_due, found.batches_due, *found.deliveries_due.values()} == {None}


def test_a_definition_is_late_until_its_fire_is_taken_up(world: World) -> None:
    made = world.definitions.create("101", draft())
    assert look_at_outstanding(world.database, utc_now()).definitions_due == 0
    definitions = metadata.tables["definitions"]
    due = utc_now() - timedelta(days=1)
    with world.database.writing() as connection:
        connection.execute(update(definitions).values(next_fire_at=due))
    found = look_at_outstanding(world.database, utc_now())
    assert (found.definitions_due, found.fires_due) == (1, due)
    world.fire()
    found = look_at_outstanding(world.database, utc_now())
    assert (found.definitions_due, found.fires_due) == (0, None)
    assert found.fires == {"due": 0, "making": 1, "missed": len(world.states(made)) - 1, "failed": 0}


def test_a_delivery_is_late_when_its_try_is_due_or_its_sender_gone(world: World) -> None:
    now = utc_now()
    place(world.database, order("a@b.example"), order("c@d.example"), now=now - 3 * MINUTE)
    found = look_at_outstanding(world.database, now)
    assert found.deliveries["email", "queued"] == 2
    assert found.deliveries_due == {"email": now - 3 * MINUTE, "webhook": None}
    with world.database.writing() as connection:
        for answer in (Outcome(Verdict.RETRY, "451", "later"), Outcome(Verdict.REFUSED, "550", "nobody")):
            held = transitions.claim(connection, now, Channel.EMAIL, "me", lease=MINUTE)
            assert held is not None
            transitions.finish(connection, now, held, answer)
    found = look_at_outstanding(world.database, now)
    assert (found.deliveries["email", "queued"], found.deliveries["email", "refused"]) == (1, 1)
    assert found.deliveries_due["email"] is None, "it waits for its time"
    later = now + 10 * MINUTE
    with world.database.writing() as connection:
        assert transitions.claim(connection, later, Channel.EMAIL, "me", lease=MINUTE) is not None
    found = look_at_outstanding(world.database, later + 5 * MINUTE)
    assert (found.deliveries["email", "sending"], found.deliveries_due["email"]) == (1, later + MINUTE)


def test_batches_and_disabled_endpoints_are_counted(world: World) -> None:
    batches = Batches(world.exports, world.options)
    asked = BatchDraft(
        name="a", type="Revision", name_template="{cvr}", items=[ItemDraft(cvr="987654321")] * 3
    )
    batches.create("organisation:1", {"101"}, asked, actor="key:test")
    found = look_at_outstanding(world.database, utc_now())
    assert (found.batches["Initializing"], found.items) == (1, {"waiting": 3, "making": 0})
    assert world.options.deliveries is not None
    endpoints = Endpoints(world.database, world.options.deliveries.seal)
    with world.database.writing() as connection:
        made = endpoints.find_or_create(
            connection, "organisation:1", "https://hooks.example.com/a", None, None
        )
    assert look_at_outstanding(world.database, utc_now()).endpoints_disabled == 0
    endpoints.disable(made, "cli")
    assert look_at_outstanding(world.database, utc_now()).endpoints_disabled == 1


def test_no_look_reads_a_whole_table(world: World) -> None:
    if not world.database.is_sqlite:
        pytest.skip("its plans go by the size of the tables")
    asked: list[str] = []
    with world.database.reading() as connection:
        connection.connection.driver_connection.set_trace_callback(asked.append)  # type: ignore[union-attr]
    look_at_outstanding(world.database, utc_now())
    with world.database.reading() as connection:
        explained = [text(f"EXPLAIN QUERY PLAN {each}") for each in asked if "SELECT" in each]
        plans = [str(connection.execute(each).all()) for each in explained]
    assert len(plans) > 15
    assert [plan for plan in plans if "SCAN" in plan] == []
