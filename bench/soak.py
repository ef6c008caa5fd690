"""A soak: the API and a worker under clients who never pause, and what is left of it on record."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from threading import Event, Thread

from bench.load import Load, run_clients
from bench.product import Process, Product
from bench.serving_exports import CLIENTS, IDLE_SECONDS, SLOTS, SMALL_ROWS
from bench.serving_work import Workshops
from exporters.database import open_database
from exporters.jobs.feed import JobFeed
from exporters.manifest import manifest_key
from exporters.storage import open_store

_WARM_UP_SECONDS = 5.0
_SAMPLES = 60
_FEED_PAGE = 1_000


@dataclass(frozen=True)
class Sample:
    """Memory at one moment."""

    seconds: float
    """Since the soak began."""
    api: int
    """Bytes."""
    worker: int
    """Bytes of all its slots."""


@dataclass(frozen=True)
class Soak:
    """What the soak showed."""

    load: Load
    samples: Sequence[Sample]
    asked: int
    """Jobs that clients have asked for, those of the warm-up among them."""
    histories: Mapping[str, int]
    """How many jobs went through which events."""
    files: int
    """Files in the store that have their manifest."""

    @property
    def is_consistent(self) -> bool:
        """Whether each job was made once, at the first try, and has its file."""
        return self.histories == {"created, claimed, completed": self.asked} and self.files == self.asked

    def memory(self, part: str, third: int) -> float:
        """Median of the bytes that a part held in a third of the soak."""
        size = max(1, len(self.samples) // 3)
        chosen = self.samples[third * size : (third + 1) * size] or self.samples
        return float(median(getattr(sample, part) for sample in chosen))


def measure_soak(product: Product, workshops: Workshops, seconds: float, tell: Callable[[str], None]) -> Soak:
    """Make small exports in all formats for so long, on records and a store that are empty; download each.

    Raises:
        RuntimeError: an export failed, or a file was not what its record says.
    """
    work = [
        [item | {"download": True} for item in items]
        for items in workshops.small_exports(SMALL_ROWS, CLIENTS)
    ]
    with product.serving() as api, product.working(SLOTS) as worker:
        time.sleep(IDLE_SECONDS)
        warm_up = run_clients(api.port, work, _WARM_UP_SECONDS, good="completed")
        tell(f"Soak of {seconds:,.0f} seconds")
        samples: list[Sample] = []
        done = Event()
        sampling = Thread(target=_sample, args=(api, worker, samples, done, seconds / _SAMPLES))
        sampling.start()
        try:
            load = run_clients(api.port, work, seconds, good="completed")
        finally:
            done.set()
            sampling.join()
    asked = len(warm_up.done) + len(load.done)
    return Soak(load, samples, asked, _read_histories(product), _count_files(product))


def _sample(api: Process, worker: Process, samples: list[Sample], done: Event, pause: float) -> None:
    begun = time.monotonic()
    while not done.is_set():
        samples.append(Sample(time.monotonic() - begun, api.memory, worker.memory))
        done.wait(pause)


def _read_histories(product: Product) -> Mapping[str, int]:
    """Of every job, which events it has; a job that has not ended is found by no end."""
    found: Counter[str] = Counter()
    with closing(open_database(product.jobs_url)) as database:
        feed, cursor = JobFeed(database), 0
        while (page := feed.read(cursor, _FEED_PAGE)).ends:
            found.update(", ".join(event.event for event in end.history) for end in page.ends)
            cursor = page.cursor
    return found


def _count_files(product: Product) -> int:
    store = open_store(f"file://{product.folder / 'store'}")
    keys = {file.key for file in store.list()}
    return sum(manifest_key(key) in keys for key in keys)
