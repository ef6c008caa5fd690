"""Measures how much of a bare reading loop's speed the loader of REST sources keeps, landing included.

`python -m bench.rest_pages` prints pages a second of both and their ratio. Both read the same 200-row pages
of services of many workshops from one test server, a process of its own that answers from memory, at the same
concurrency; the loader's pace is not limited. The first figures are of a server that takes some milliseconds
for a page, as every platform does; those named `at_once` are of one that takes none, so that both sides are
bound by their own work alone.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from pipelines.sources.rest import EntityPages
from tests.loopback_server import Recorded, Reply
from tests.portal_server import PortalServer, booking_row
from warehouse.landing import Landing
from warehouse.sources import RestEntity, RestSource

WORKSHOPS, CONCURRENCY, PAGE = 40, 8, 200
SERVICES = "/api/ws/services"


class MeasuredPortal(PortalServer):
    """The portal, answering from memory after a set time."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps_answers = True
        self.latency = 0.0
        """Seconds that each answer takes."""

    def answer(self, request: Recorded) -> Reply:
        """See LoopbackServer."""
        if self.latency:
            time.sleep(self.latency)
        return super().answer(request)


def serve(pages: int, secrets: Path, control: Connection) -> None:
    """Run the portal; the other end of `control` sends the latency, or None at the end."""
    with MeasuredPortal() as portal:
        for number in range(WORKSHOPS):
            workshop = portal.add_workshop(str(101 + number))
            # As wide as bookings, the widest rows there are.
            workshop.services = [
                booking_row(row, title=f"Oljeskift {row:06d}") for row in range(pages * PAGE)
            ]
        portal.write_secrets(secrets)
        control.send((portal.url, [one.access_token for one in portal.workshops.values()]))
        while (latency := control.recv()) is not None:
            portal.latency = latency


def read_bare(url: str, tokens: list[str], pages: int) -> None:
    """Fetch and parse every page, and nothing else."""
    with httpx.Client(timeout=20) as client:

        def read(token: str) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            for page in range(1, pages + 1):
                query = {"page": str(page), "page_size": str(PAGE), "sort": "title"}
                answer = client.get(f"{url}{SERVICES}", params=query, headers=headers)
                if len(json.loads(answer.content)["items"]) != PAGE:
                    raise SystemExit(f"page {page} is not whole")

        with ThreadPoolExecutor(CONCURRENCY) as pool:
            list(pool.map(read, tokens))


def load(url: str, secrets: Path, pages: int) -> None:
    """Read and land every page as the product does."""
    entity = RestEntity(
        resource="services", key=["workshop_id", "id"], watermark="updated_at",
        columns=["workshop_id", "id", "title", "price", "updated_at"],
    )  # fmt: skip
    source = RestSource(
        type="rest",
        api="workshop_portal",
        url=url,
        time_zone="Europe/Oslo",
        requests_per_second=10_000,
        concurrency=CONCURRENCY,
        entities={"services": entity},
    )
    with tempfile.TemporaryDirectory() as folder:
        verdict = EntityPages(Landing(Path(folder)), "portal", source, "services", secrets).load()
        expected = f"{WORKSHOPS * pages * PAGE} rows from {WORKSHOPS} of {WORKSHOPS} inputs"
        if verdict.detail != expected:
            raise SystemExit(f"not all was landed: {verdict.detail}")


def timed(work: Callable[[], None]) -> float:
    """Seconds that the work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Measure, and print the medians as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pages", type=int, default=20, help="pages of each workshop")
    arguments.add_argument("--repeats", type=int, default=7)
    arguments.add_argument(
        "--latency", type=float, default=10, help="milliseconds that a page takes the server"
    )
    chosen = arguments.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        secrets = Path(folder) / "secrets.toml"
        server = context.Process(target=serve, args=(chosen.pages, secrets, there), daemon=True)
        server.start()
        try:
            url, tokens = here.recv()
            measure(url, tokens, secrets, chosen.pages, 1)  # warms the server's memory
            here.send(chosen.latency / 1000)
            figures = measure(url, tokens, secrets, chosen.pages, chosen.repeats)
            here.send(0.0)
            at_once = measure(url, tokens, secrets, chosen.pages, chosen.repeats)
        finally:
            here.send(None)
            server.join(10)
    figures |= {"latency_ms": chosen.latency, **{f"{name}_at_once": at for name, at in at_once.items()}}
    print(json.dumps(figures))  # noqa: T201


def measure(url: str, tokens: list[str], secrets: Path, pages: int, repeats: int) -> dict[str, float]:
    """Both loops in turn, so that what else the machine does slows both; medians."""
    bare, ours = [], []
    for _ in range(repeats):
        bare.append(timed(lambda: read_bare(url, tokens, pages)))
        ours.append(timed(lambda: load(url, secrets, pages)))
    total = pages * WORKSHOPS
    bare_speed, own_speed = (total / statistics.median(times) for times in (bare, ours))
    return {
        "bare_pages_per_s": round(bare_speed, 1),
        "loader_pages_per_s": round(own_speed, 1),
        "ratio": round(own_speed / bare_speed, 3),
    }


if __name__ == "__main__":
    main()
