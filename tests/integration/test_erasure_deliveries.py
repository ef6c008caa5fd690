"""Erasure and age: definitions, fires, deliveries, batches and endpoints go, with every address they name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exporters.access.callers import Caller
from exporters.batches.door import Batches
from exporters.batches.drafts import BatchDraft, ItemDraft
from exporters.batches.running import follow_ended, start
from exporters.batches.workroom import open_workroom
from exporters.database import Database
from exporters.database.schema import metadata
from exporters.database.values import utc_now
from exporters.definitions.conditions import Condition
from exporters.definitions.records import Definition
from exporters.deliveries import transitions
from exporters.deliveries.endpoints import Endpoints
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, Verdict
from exporters.old_records import Removed, remove_old_records
from pipelines.erasures import erase_customer, erase_workshop
from tests.built import build_once
from tests.integration.test_erasure import KARI, WORKSHOPS, House, copy_house, new_house
from tests.report_definitions import World, draft, open_world

MARKER = "slettes-snart"
"""In every address that is to go."""
ADDRESS = f"kari@{MARKER}.example"
STAYING = "ola@blir.example"
NUMBERS = {str(workshop["id"]): str(workshop["org_number"]) for workshop in WORKSHOPS}
ROOMS: tuple[str, ...] = (
    "definitions",
    "definition_arguments",
    "fires",
    "fire_events",
    "fire_jobs",
    "deliveries",
)
ROOMS += ("delivery_events", "endpoints", "endpoint_events", "batches", "batch_items", "batch_events")


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> House:
    return copy_house(build_once(tmp_path_factory, "new_house", new_house), tmp_path / "data")


@pytest.fixture
def world(house: House) -> Iterator[World]:
    with open_world(house.project.settings.exports, utc_now) as world:
        yield world


def mail_report(world: World, workshop: str, address: str, condition: Condition | None = None) -> Definition:
    """A definition that has fired once, until its mail is ordered."""
    arguments = (("format", "csv"), ("email", address))
    made = world.definitions.create(
        workshop, draft(arguments=arguments, owner=address, description=address, condition=condition)
    )
    make_due(world.database)
    world.fire_and_make()
    return made


def make_due(database: Database, at: datetime = datetime(2026, 1, 1, 5, tzinfo=UTC)) -> None:
    definitions = metadata.tables["definitions"]
    with database.writing() as connection:
        connection.execute(definitions.update().values(next_fire_at=at))


def make_batch(world: World, account: str, address: str, *numbers: str) -> str:
    """A batch that has ended, with its mails and calls ordered."""
    asked = BatchDraft(
        name=f"of {address}",
        type="Revision",
        name_template="<cvr>",
        items=[ItemDraft(cvr=number) for number in numbers],
        notification_email=address,
        webhook_url=f"https://{address.partition('@')[2]}/hook",
    )
    made = Batches(world.exports, world.options).create(account, NUMBERS, asked, actor="key:test")
    room = open_workroom(world.exports, world.options)
    while start(room) or world.exports.run() or follow_ended(room):
        pass
    follow_ended(room)
    return made.batch_id


def counts(database: Database, *rooms: str) -> dict[str, int]:
    with database.reading() as connection:
        return {
            room: connection.execute(select(func.count()).select_from(metadata.tables[room])).scalar_one()
            for room in rooms
        }


def account_of(*workshops: str) -> str:
    return Caller("", frozenset(workshops), frozenset()).account


def test_of_an_erased_workshop_no_address_is_left(house: House, world: World) -> None:
    mail_report(world, "102", ADDRESS)
    make_batch(world, account_of("102"), ADDRESS, NUMBERS["102"], "123456789")
    assert {type(each.workshop_id) for each in world.mails()} == {str, type(None)}
    before = counts(world.database, *ROOMS)
    assert min(before.values()) > 0, before
    assert house.places_of(MARKER) != []
    erase_workshop(house.project, "102", "asked for")
    assert counts(world.database, *ROOMS) == dict.fromkeys(ROOMS, 0)
    world.database.close()
    assert house.places_of(MARKER) == []


def test_what_others_have_stays_when_a_workshop_is_erased(house: House, world: World) -> None:
    mail_report(world, "101", STAYING)
    alone = make_batch(world, account_of("101"), STAYING, NUMBERS["101"])
    before = counts(world.database, *ROOMS)
    mail_report(world, "102", ADDRESS)
    make_batch(world, account_of("102"), ADDRESS, NUMBERS["102"])
    assert counts(world.database, *ROOMS) != before
    erase_workshop(house.project, "102", "asked for")
    assert counts(world.database, *ROOMS) == before
    batches = Batches(world.exports, world.options)
    assert [each.batch_id for each in batches.list(None)] == [alone]
    [endpoint] = Endpoints(world.database, world.options.deliveries.seal).list()  # type: ignore[union-attr]
    assert endpoint.account == account_of("101")


def test_an_erased_customer_is_in_no_definition_delivery_or_batch(house: House, world: World) -> None:
    mail_report(world, "101", STAYING)
    make_batch(world, account_of("101"), STAYING, NUMBERS["101"])
    before = counts(world.database, *ROOMS)
    erase_customer(house.project, "101", KARI, "asked for")
    assert counts(world.database, *ROOMS) == before
    with world.database.reading() as connection:
        held = [str(connection.execute(metadata.tables[room].select()).all()) for room in ROOMS]
    assert not [text for text in held if KARI in text]


def deliver_all(database: Database, now: datetime) -> None:
    """Every queued delivery is taken by its other side."""
    for channel in Channel:
        while True:
            with database.writing() as connection:
                held = transitions.claim(connection, now, channel, "me", lease=timedelta(minutes=1))
                if held is None:
                    break
                transitions.finish(connection, now, held, Outcome(Verdict.DELIVERED, "250", "ok"))


def test_old_deliveries_and_fires_go_and_what_is_still_needed_stays(world: World) -> None:
    plain = mail_report(world, "102", ADDRESS)
    compared = mail_report(world, "102", ADDRESS, Condition("changed", None, None))
    now = utc_now()
    assert remove_old_records(world.database, now + timedelta(seconds=1)).deliveries == 0, "they wait"
    deliver_all(world.database, now)
    assert remove_old_records(world.database, now - timedelta(days=1)) == Removed(0, 0, 0)
    world.definitions.send(plain.definition_id, "102", "key:test")
    world.fire()  # its job is not made
    later = utc_now() + timedelta(seconds=1)
    assert remove_old_records(world.database, later).deliveries == 2
    assert world.mails() == []
    assert counts(world.database, "delivery_events") == {"delivery_events": 0}
    assert world.states(plain) == ["making"]
    [kept] = world.fires(compared)
    assert (kept.plan, kept.state) == (None, "sent")
    assert kept.digest is not None
    assert remove_old_records(world.database, later) == Removed(0, 0, 0)
