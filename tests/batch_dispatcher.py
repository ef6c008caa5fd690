"""A dispatcher of batches for tests: does their errands until it is killed."""

import time
from pathlib import Path

from exporters.batches.running import follow_ended, listen_all, start
from tests.batch_world import open_world


def dispatch(folder: Path, warehouse: Path, records_url: str) -> None:
    """Do the errands, again and again."""
    with open_world(folder, warehouse, records_url) as world:
        while True:
            start(world.room)
            follow_ended(world.room)
            listen_all(world.room)
            time.sleep(0.002)
