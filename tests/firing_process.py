"""A process that fires definitions and makes their files, until it is killed."""

import time
from datetime import datetime
from multiprocessing.context import ForkServerProcess

from exporters.database.values import utc_now
from exporters.options import ExportOptions
from tests.forked import fork
from tests.report_definitions import World, open_world


class RunningClock:
    """A clock that runs on from `begin`, the same in every process."""

    def __init__(self, begin: datetime) -> None:
        self._ahead = begin - utc_now()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead


def start_firing(options: ExportOptions, clock: RunningClock) -> ForkServerProcess:
    """Start such a process."""
    return fork(_fire_on, options, clock)


def _fire_on(options: ExportOptions, clock: RunningClock) -> None:
    with open_world(options, clock) as world:
        while True:
            if not step(world):
                time.sleep(0.02)


def step(world: World) -> bool:
    """Do a part of all that is to be done; whether there was anything."""
    found = world.firing.fire_due() + world.firing.follow_ended()
    return world.exports.try_once() is not None or bool(found)
