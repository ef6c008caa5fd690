"""Batches under measure: a thousand one-page PDFs and their zip, beside plain fpdf2 in a loop."""

import io
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pikepdf import Pdf

from bench.measure import run_step
from bench.platform_data import PlatformSize
from bench.product import Process
from bench.serving import publish_platform
from bench.serving_exports import IDLE_SECONDS, SLOTS
from bench.serving_work import find_workshops
from exporters.access.callers import BATCHES_SCOPE, REPORTS_SCOPE

ITEMS = 1_000
POISONED = ITEMS // 20
"""Items of an organisation number that nobody has."""
BUSIEST = 300
"""Workshops that are left out: their bookings of a week fill more than a page."""
SIZE = PlatformSize(2_000 * (BUSIEST + ITEMS))
"""So many bookings make so many workshops."""
FIRST_DAY, LAST_DAY = "2025-03-03", "2025-03-09"
FONTS = ("embedded", "core")
_BATCHES = "/apps/reporting/batches"
_UNDER_WAY = {"Initializing", "Scheduled", "Executing"}
_FIRST_NUMBER = 900_000_001
"""Organisation number of the first workshop, the busiest; the others follow."""
_NOBODY = 100_000_000
_WARM_UP_ITEMS = 40


@dataclass(frozen=True)
class Batch:
    """One batch, from its request to the last byte of its zip."""

    items: int
    failed: int
    accepted: float
    """Seconds until the request was answered."""
    finished: float
    """Seconds from the request until every item had ended."""
    downloaded: float
    """Seconds that the zip took."""
    zip_bytes: int
    files: int
    """PDFs in the zip."""
    memory: tuple[int, int, int]
    """Bytes of API and worker at the beginning, at the end of the making, and at the end of the download."""

    @property
    def per_second(self) -> float:
        """Items that ended in a second, the zip's making included."""
        return self.items / (self.finished + self.downloaded)


@dataclass(frozen=True)
class BatchFigures:
    """What was measured."""

    whole: Batch
    poisoned: Batch
    """With items that cannot be made among the others."""
    again: Batch
    """The whole one again, by the same processes: their memory must not have grown."""
    covered: Batch
    """The whole one as the usual PDFs, whose first page is a cover with charts."""
    peers: Mapping[str, float]
    """By font, items in a second by the loop."""


def measure_batches(folder: Path, tell: Callable[[str], None]) -> BatchFigures:
    """Publish a platform, make batches of its workshops, and make the same by the loop.

    Raises:
        RuntimeError: a step failed, or a batch ended otherwise than it must.
    """
    product = publish_platform(folder, SIZE, tell)
    key = product.new_key(find_workshops(product).ids, scopes=[REPORTS_SCOPE, BATCHES_SCOPE])
    numbers = [_FIRST_NUMBER + BUSIEST + number for number in range(ITEMS)]
    poisoned = [_NOBODY + n if n < POISONED else number for n, number in enumerate(numbers)]
    with product.serving() as api, product.working(SLOTS) as worker:
        time.sleep(IDLE_SECONDS)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{api.port}", headers={"lasso-api-key": key}, timeout=600
        ) as client:
            run = _Runner(client, (api, worker), folder / "batch.zip")
            run.make(numbers[:_WARM_UP_ITEMS], 0)
            tell(f"A batch of {ITEMS:,} items")
            whole = run.make(numbers, 0)
            tell(f"{POISONED} of {ITEMS:,} items poisoned")
            spoiled = run.make(poisoned, POISONED)
            again = run.make(numbers, 0)
            tell("With covers")
            covered = run.make(numbers, 0, "pdf", pages=2)
    peers = {}
    for font in FONTS:
        tell(f"fpdf2 in a loop, font {font}")
        step = run_step("bench.batches_peer", folder, BUSIEST, ITEMS, FIRST_DAY, LAST_DAY, font)
        peers[font] = ITEMS / step.told["seconds"]
    return BatchFigures(whole, spoiled, again, covered, peers)


class _Runner:
    def __init__(self, client: httpx.Client, parts: tuple[Process, Process], place: Path) -> None:
        self._client = client
        self._parts = parts
        self._place = place

    def make(
        self, numbers: list[int], failed: int, output_format: str = "pdf;brief", *, pages: int = 1
    ) -> Batch:
        """Make one batch and download its zip.

        Raises:
            RuntimeError: it ended with other files than it must have.
        """
        before = self._memory()
        begun = time.perf_counter()
        batch = self._ask(
            "POST",
            _BATCHES,
            json={
                "batchName": "benchmark",
                "type": "bookings",
                "format": "{cvr}-{name}",
                "outputFormat": output_format,
                "language": "nb",
                "filters": {"date_from": FIRST_DAY, "date_to": LAST_DAY},
                "items": [{"cvr": number} for number in numbers],
            },
        )
        accepted = time.perf_counter() - begun
        path = f"{_BATCHES}/{batch['id']}"
        while batch["status"] in _UNDER_WAY:
            time.sleep(0.1)
            batch = self._ask("GET", path)
        finished = time.perf_counter() - begun
        made = self._memory()
        size = self._download(f"{path}/download")
        downloaded = time.perf_counter() - begun - finished
        counts = _count_pages(self._place)
        self._place.unlink()
        files = len(counts)
        if files != len(numbers) - failed or set(counts) != {pages}:
            raise RuntimeError(f"the zip of {len(numbers)} items has {files} PDFs of {set(counts)} pages")
        return Batch(
            len(numbers), failed, accepted, finished, downloaded, size, files, (before, made, self._memory())
        )

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._client.request(method, path, **options)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def _download(self, path: str) -> int:
        with self._client.stream("GET", path) as answer, self._place.open("wb") as out:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                out.write(piece)
        return self._place.stat().st_size

    def _memory(self) -> int:
        return sum(part.memory for part in self._parts)


def _count_pages(place: Path) -> list[int]:
    """Of each PDF of a zip."""
    pages = []
    with zipfile.ZipFile(place) as bundle:
        for name in bundle.namelist():
            if name.endswith(".pdf"):
                with Pdf.open(io.BytesIO(bundle.read(name))) as document:
                    pages.append(len(document.pages))
    return pages
