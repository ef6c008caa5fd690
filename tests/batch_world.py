"""A world for batches: a warehouse of many workshops, exports on it, and errands that are run by hand."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from exporters.batches.door import Batches
from exporters.batches.drafts import BatchDraft, ItemDraft
from exporters.batches.records import Batch, Item, ItemState
from exporters.batches.running import follow_ended, listen_all, start
from exporters.batches.workroom import Workroom, open_workroom
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.tables import deliveries
from exporters.exports import Exports
from exporters.jobs import Job, open_jobs
from exporters.options import ExportOptions
from exporters.seal import Seal
from exporters.storage import open_store
from tests.exported import options_for
from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, SmallWarehouse
from warehouse.durable_files import write_atomically
from warehouse.generations import GENERATIONS, POINTER, Generation, current_generation

ACCOUNT = "workshops:test"
ACTOR = "key:test"


def number_of(workshop: int) -> str:
    """The organisation number of a workshop."""
    return str(900_000_000 + workshop)


def build_workshops(
    folder: Path, count: int, names: Callable[[int], str] = "Verksted {}".format
) -> SmallWarehouse:
    """A warehouse of so many workshops, 1 to `count`, of which each has one booking and one rating."""
    warehouse = SmallWarehouse(folder)
    write_workshops(warehouse, count, names)
    warehouse.night()
    return warehouse


def write_workshops(
    warehouse: SmallWarehouse,
    count: int,
    names: Callable[[int], str] = "Verksted {}".format,
    *,
    rated: dict[int, float] | None = None,
    renumbered: dict[int, str] | None = None,
) -> None:
    """Write the files of a warehouse; `rated`: values of ratings, by workshop, that are not 4.5."""
    numbers = range(1, count + 1)
    warehouse.write_sample(
        workshops=[
            {
                **WORKSHOP,
                "id": str(n),
                "org_number": (renumbered or {}).get(n, number_of(n)),
                "name": names(n),
            }
            for n in numbers
        ],
        services=[{**SERVICE, "id": n, "workshop_id": n} for n in numbers],
        bookings=[
            {**BOOKING, "id": str(n), "group_id": f"g{n}", "workshop_id": str(n), "service_id": str(n)}
            for n in numbers
        ],
        ratings=[
            {**RATING, "id": n, "booking_id": n, "service_rating": (rated or {}).get(n, 4.5)} for n in numbers
        ],
    )


@dataclass
class RepeatedWarehouse(SmallWarehouse):
    """A warehouse whose nights are run once for several tests: what the same one made before is copied."""

    nights: Path = field(kw_only=True)
    """Folder of the nights, which the tests share."""

    def night(self, **options: Any) -> Generation:
        """As the night does, after the same nights and with the same files as once before."""
        pointer = self.warehouse_folder / POINTER
        before = hashlib.sha256(pointer.read_bytes() if pointer.exists() else b"")
        for path in sorted((self.root / "sources").rglob("*.*")):
            before.update(
                f"{path.relative_to(self.root)} {path.stat().st_size} ".encode() + path.read_bytes()
            )
        made = self.nights / before.hexdigest()
        if made.exists():
            # Readers have the older generations open.
            served = {path.name for path in (self.warehouse_folder / GENERATIONS).glob("*")} | {POINTER}
            shutil.copytree(
                made, self.root, ignore=lambda _, names: served.intersection(names), dirs_exist_ok=True
            )
            write_atomically(pointer, (made / "warehouse" / POINTER).read_text(encoding="utf-8"))
            return current_generation(self.warehouse_folder)
        generation = super().night(**options)
        shutil.copytree(self.root, made)
        return generation


@dataclass
class BatchWorld:
    """Batches on a warehouse; what a dispatcher and a worker do is done when a test says so."""

    exports: Exports
    options: ExportOptions
    batches: Batches
    room: Workroom
    workshops: frozenset[str]
    """Of the account."""

    def create(self, items: Sequence[ItemDraft | int | str], account: str = ACCOUNT, **changes: Any) -> Batch:
        """A new batch; an item may be given by its workshop or, as text, by its organisation number."""
        draft = self.draft(items, **changes)
        return self.batches.create(account, self.workshops, draft, actor=ACTOR)

    def draft(self, items: Sequence[ItemDraft | int | str], **changes: Any) -> BatchDraft:
        """A batch as it is asked for."""
        drafts = [item if isinstance(item, ItemDraft) else item_of(item) for item in items]
        asked = {"name": "Q1", "type": "revenue", "format": "csv", "name_template": "{cvr}-{name}"}
        return BatchDraft(items=drafts, **{**asked, **changes})

    def start(self) -> None:
        """Make jobs of everything that is due."""
        while start(self.room):
            pass

    def run_jobs(self) -> int:
        """Run every free job to its end; returns how many there were."""
        done = 0
        while self.exports.try_once() is not None:
            done += 1
        return done

    def end_jobs(self, outcome: Callable[[Job], Any] | None = None, most: int = 10_000) -> list[Job]:
        """End at most so many free jobs as a worker would, without a file in the store.

        `outcome` gives for a job a code, with which it fails, or what of its completion is not as usual.
        """
        ended: list[Job] = []
        while len(ended) < most and (job := self.exports.jobs.claim("test", timedelta(hours=1))):
            told = outcome(job) if outcome else None
            if isinstance(told, str):
                ended.append(self.exports.jobs.fail(job, told, "it fails in this test"))
                continue
            result = {
                "file_key": f"exports/{job.job_id}",
                "file_name": "a.csv",
                "media_type": "text/csv",
                "size_bytes": 10,
                "sha256": "ab" * 32,
                "manifest_key": "m.json",
                "rows": 1,
                "generation": "g",
                "retention": timedelta(days=7),
            }
            ended.append(self.exports.jobs.complete(job, **{**result, **(told or {})}))
        return ended

    def follow(self) -> None:
        """Follow all jobs that have ended."""
        while follow_ended(self.room):
            pass

    def listen(self) -> int:
        """Let the listeners hear of the newest generation."""
        return listen_all(self.room)

    def finish(self, batch: Batch) -> Batch:
        """Do all that is to do, and read the batch."""
        self.start()
        self.run_jobs()
        self.follow()
        return self.batches.get(batch.batch_id, batch.account)

    def items(self, batch: Batch, state: ItemState | None = None, limit: int = 1000) -> list[Item]:
        """All ended items, page by page."""
        found: list[Item] = []
        token = None
        while True:
            page = self.batches.items(batch.batch_id, batch.account, state, token, limit)
            found += page.items
            token = page.token
            if token is None:
                return found

    def orders(self) -> list[Any]:
        """What waits in the outbox."""
        with self.room.database.reading() as connection:
            return list(connection.execute(select(deliveries).order_by(deliveries.c.created_at)))


def item_of(workshop: int | str, **changes: Any) -> ItemDraft:
    """An item by its workshop or, as text, by its organisation number."""
    return ItemDraft(cvr=number_of(workshop) if isinstance(workshop, int) else workshop, **changes)


def with_deliveries(options: ExportOptions, folder: Path) -> ExportOptions:
    """The options, with an outbox that nobody empties."""
    sending = DeliveryOptions(
        seal=Seal(folder / "seal.key"),
        smtp=None,
        sender="reports@example.com",
        public_url="http://127.0.0.1:1",
        attachment_limit=1_000_000,
    )
    return replace(options, deliveries=sending)


@contextmanager
def open_world(
    folder: Path,
    warehouse: Path,
    records_url: str,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    workshops: Sequence[int] = range(1, 10_000),
    **changes: Any,
) -> Iterator[BatchWorld]:
    """Open a world whose records are at the URL; a clock that stands still has jobs that never expire."""
    base = options_for(folder, warehouse, jobs_url=records_url, **changes)
    options = with_deliveries(base, folder)
    with ExitStack() as stack:
        jobs = open_jobs(records_url, clock=clock)
        stack.callback(jobs.close)
        exports = Exports(options, jobs, open_store(options.store_url, s3=options.s3))
        stack.callback(exports.snapshots.close)
        yield BatchWorld(
            exports,
            options,
            Batches(exports, options, clock),
            open_workroom(exports, options, clock),
            frozenset(map(str, workshops)),
        )
