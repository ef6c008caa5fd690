"""Erasure and age: definitions, fires, deliveries, batches and endpoints go, with every address they name."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exporters.access.callers import Caller
from exporters.batches.door import Batches
from exporters.batches.drafts import BatchDraft, ItemDraft
from exporters.batches.running import follow_ended, start
from exporters.batches.workroom import open_workroom
from exporters.database import Database, open_database
from exporters.database.schema import metadata
from exporters.database.values import utc_now
from exporters.definitions.conditions import Condition
from exporters.definitions.definitions import Definitions
from exporters.definitions.states import FireState
from exporters.definitions.store import DefinitionStore
from exporters.deliveries import transitions
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, Verdict
from exporters.deliveries.store import DeliveryStore
from exporters.exports import Exports
from exporters.old_records import Removed, remove_old_records
from pipelines.erasures import erase_customer, erase_workshop
from tests.integration.test_erasure import BOOKINGS, RATINGS, SERVICES, WORKSHOPS, House, open_house
from tests.records import MovedClock
from tests.report_definitions import World, draft, open_world

MARKER = "slettes-snart"
"""In every address that is to go."""
ADDRESS = f"kari@{MARKER}.example"
ACCOUNT = Caller("", frozenset({"102"}), frozenset()).account


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = open_house(tmp_path / "data")
    house.small.write_sample(workshops=WORKSHOPS, services=SERVICES, bookings=BOOKINGS, ratings=RATINGS)
    house.small.night()
    return house


@contextmanager
def opened(house: House) -> Iterator[tuple[Exports, Database]]:
    with house.exports() as exports, closing(open_database(house.project.settings.jobs_database)) as database:
        yield exports, database


def mail_report(exports: Exports, database: Database, workshop: str, address: str) -> str:
    """A definition that is sent by hand, until its mail is ordered."""
    store = DefinitionStore(database)
    definitions = Definitions(exports, store)
    arguments = (("format", "csv"), ("email", address))
    made = definitions.create(workshop, draft(arguments=arguments, owner=address))
    definitions.send(made.definition_id, workshop, "test")
    with open_world(exports_options(exports), utc_now) as world:
        world.fire_and_make()
    assert [fire.state for fire in store.fires(made.definition_id)] == [FireState.SENT]
    return made.definition_id


def exports_options(exports: Exports) -> object:
    return exports._options  # noqa: SLF001
