"""Report definitions for tests: a world with its own records and a moved clock, and drafts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from exporters.database import Database, open_database
from exporters.definitions.definitions import Definitions
from exporters.definitions.drafts import Draft
from exporters.definitions.firing import Firing, open_firing
from exporters.definitions.records import Definition, Fire
from exporters.definitions.states import FireState
from exporters.definitions.store import DefinitionStore
from exporters.deliveries.records import Delivery
from exporters.deliveries.store import DeliveryStore
from exporters.exports import Exports
from exporters.jobs import Job, JobStore, Status
from exporters.options import ExportOptions
from exporters.storage import open_store

OWNER = "owner@verksted.example"
BOOKINGS, RATINGS = "101", "102"
"""Types of the company API."""
QUIET = "103"
"""A workshop without bookings."""


def draft(**changes: Any) -> Draft:
    """Every day's bookings as CSV to one recipient."""
    arguments = (("format", "csv"), ("email", "kari@verksted.example"))
    return replace(Draft(type_id=BOOKINGS, interval="day", name="Front desk", arguments=arguments), **changes)


def with_arguments(*more: tuple[str, object], **changes: Any) -> Draft:
    """The same with more arguments."""
    plain = draft(**changes)
    return replace(plain, arguments=(*plain.arguments, *more))


class World:
    """Definitions, what fires them, and what comes of it."""

    def __init__(self, options: ExportOptions, database: Database, clock: Callable[[], datetime]) -> None:
        self.options = options
        self.database = database
        self.store = DefinitionStore(database, clock)
        self.exports = Exports(options, JobStore(database), open_store(options.store_url, s3=options.s3))
        self.definitions = Definitions(self.exports, self.store)
        self.firing: Firing = open_firing(self.exports, self.store, options)

    def fire(self) -> None:
        """Do all that is due, but for making the files."""
        while self.firing.fire_due() or self.firing.follow_ended():
            pass

    def fire_and_make(self) -> None:
        """Do all that is due, and make the files."""
        self.fire()
        while self.exports.run():
            pass
        self.fire()

    def fires(self, definition: Definition) -> list[Fire]:
        """The oldest first."""
        return list(reversed(self.store.fires(definition.definition_id, limit=10_000)))

    def states(self, definition: Definition) -> list[FireState]:
        """Of its fires, the oldest first."""
        return [fire.state for fire in self.fires(definition)]

    def mails(self, definition: Definition | None = None) -> list[Delivery]:
        """What was ordered, of one definition or of all."""
        subject = None if definition is None else f"definition:{definition.definition_id}"
        return list(reversed(DeliveryStore(self.database).list(subject=subject, limit=10_000)))

    def jobs(self, status: Status | None = None) -> tuple[Job, ...]:
        """What was asked for."""
        return self.exports.jobs.list(status=status, limit=10_000)


@contextmanager
def open_world(options: ExportOptions, clock: Callable[[], datetime]) -> Iterator[World]:
    """A world on the records and the store that the options name."""
    database = open_database(options.jobs_url)
    world = World(options, database, clock)
    try:
        yield world
    finally:
        world.exports.snapshots.close()
        database.close()


def quick(options: ExportOptions) -> ExportOptions:
    """The same with leases that end soon."""
    return replace(options, lease=timedelta(seconds=2))
