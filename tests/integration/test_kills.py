"""Nights killed at any moment: what is served is always whole, and in the end nothing is lost or doubled.

A process runs one night after another over a platform that changes before each, and is killed; the next one
goes on in the same folder. By hand, with 200 kills and the seed 1:
`python -c "from tests.integration.test_kills import main; main(200, 1)"`.
"""

import random
import tempfile
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.forked import fork
from tests.integration.test_incremental import restated_days
from tests.night_world import Record, rows_built_whole, served_rows
from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, SmallWarehouse
from warehouse.durable_files import write_atomically
from warehouse.figures import overview, ratings_by_month

KILLS = 8
LONGEST_LIFE = 2
"""Nights until a process is killed, at most, by the time that one takes here; its beginning is part of it."""
ENTITIES = ("workshops", "services", "bookings", "ratings")
MARKER = "900"
"""A workshop without bookings, whose name tells how often the platform had changed."""


class Platform:
    """The platform after so many changes; the same for the same seed and number."""

    def __init__(self, seed: int, changes: int) -> None:
        self.bookings: dict[int, Record] = {}
        self.ratings: dict[int, Record] = {}
        self.services = {1, 2, 3}
        self.changes = changes
        for number in range(30):
            self._put(random.Random(number), number, 0)
        for change in range(1, changes + 1):
            self._change(random.Random(f"{seed} {change}"), change)

    def write(self, warehouse: SmallWarehouse) -> None:
        """Write its files."""
        shops = [{**WORKSHOP, "id": "101"}, {**WORKSHOP, "id": "102", "time_zone": "America/New_York"}]
        shops.append({**WORKSHOP, "id": MARKER, "name": str(self.changes)})
        services = [{**SERVICE, "id": n, "workshop_id": 101 + n % 2} for n in sorted(self.services)]
        warehouse.write_sample(
            workshops=shops,
            services=services,
            bookings=self._of_month("01"),
            ratings=[*self.ratings.values()],
        )
        warehouse.write_bookings("bookings/bookings-2026-02.csv", self._of_month("02"))

    def figures(self) -> dict[str, tuple[int, Decimal, int, Decimal]]:
        """Per workshop: done bookings, their revenue, ratings and the sum of their values."""
        found: dict[str, tuple[int, Decimal, int, Decimal]] = {}
        for shop in ("101", "102"):
            own = {n: row for n, row in self.bookings.items() if row["workshop_id"] == shop}
            done = [Decimal(row["price"]) for row in own.values() if row["status"] == "COMPLETED"]
            values = [Decimal(row["service_rating"]) for n, row in self.ratings.items() if n in own]
            found[shop] = (len(done), sum(done, Decimal(0)), len(values), sum(values, Decimal(0)))
        return found

    def _change(self, rng: random.Random, change: int) -> None:
        for _ in range(rng.randint(0, 4)):
            self._put(rng, rng.randrange(40), change)
        if rng.random() < 0.3:
            self.bookings.pop(rng.randrange(40), None)
        for number in rng.sample(sorted(self.bookings), 2):
            self.ratings[number] = {
                **RATING,
                "id": number,
                "booking_id": number,
                "service_rating": rng.randint(2, 10) / 2,
                "updated_at": _instant(change),
            }
        if rng.random() < 0.3:
            self.services ^= {3}

    def _put(self, rng: random.Random, number: int, change: int) -> None:
        service = rng.choice([1, 2])
        self.bookings[number] = {
            **BOOKING,
            "id": str(number),
            "workshop_id": str(101 + service % 2),
            "service_id": str(service),
            "status": rng.choice(["COMPLETED", "COMPLETED", "CANCELLED", "PENDING"]),
            "start_time": f"2026-0{rng.randint(1, 2)}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:30:00Z",
            "price": f"{rng.randint(1, 900)}.50",
            "updated_at": _instant(change),
        }

    def _of_month(self, month: str) -> list[Record]:
        return [row for row in self.bookings.values() if row["start_time"][5:7] == month]


def live(folder: str, seed: int) -> None:
    """Change the platform and run the night, again and again; ends by being killed."""
    warehouse = SmallWarehouse(Path(folder))
    while True:
        run_one_night(warehouse, seed)


def run_one_night(warehouse: SmallWarehouse, seed: int) -> None:
    """Change the platform once more and run the night."""
    counter = warehouse.root / "changes"
    changes = int(counter.read_text()) + 1 if counter.exists() else 0
    write_atomically(counter, str(changes))
    Platform(seed, changes).write(warehouse)
    warehouse.night(keep=10, grace=timedelta(0))


def check_served(warehouse: SmallWarehouse, seed: int) -> None:
    """The served generation holds the platform as it was at one moment, whole."""
    [(changes,)] = warehouse.rows(f"SELECT name FROM workshops WHERE workshop_id = '{MARKER}'")
    platform = Platform(seed, int(changes))
    bookings = Counter(int(booking) for (booking,) in warehouse.rows("SELECT booking_id FROM bookings"))
    assert bookings == Counter(platform.bookings.keys())
    with warehouse.snapshot() as snapshot:
        for shop, (done, revenue, ratings, total) in platform.figures().items():
            shown, points = overview(snapshot.figures, shop), ratings_by_month(snapshot.figures, shop)
            assert (shown.done, shown.revenue, shown.rating_count) == (done, revenue, ratings)
            assert sum(point.count for point in points) == ratings
            if ratings:
                assert points[0].average == (total / ratings).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def replay(warehouse: SmallWarehouse, figures: dict[tuple[Any, ...], Any], known: set[str]) -> None:
    """Apply every restatement to `figures`: each finds the old value and comes from a `known` generation."""
    told = warehouse.rows(
        "SELECT generation, previous_generation, workshop_id, day, figure, old_value, new_value"
        " FROM restatements ORDER BY generation"
    )
    previous = {generation: before for generation, before, *_ in told}
    assert known >= {*previous, *previous.values()}, "told by generations that never were"
    assert len(set(previous.values())) == len(previous), "two generations follow one"
    for _, _, workshop, day, figure, old, new in told:
        assert figures.get((workshop, day, figure)) == old
        figures[workshop, day, figure] = new


def check_kills(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill so many processes one after another; returns what they left behind."""
    rng = random.Random(seed)
    warehouse, left = SmallWarehouse(folder), Counter[str]()
    run_one_night(warehouse, seed)
    figures, known = figures_of(warehouse), set[str]()
    began = time.monotonic()
    run_one_night(warehouse, seed)
    longest = (time.monotonic() - began) * LONGEST_LIFE
    for _ in range(kills):
        process = fork(live, str(folder), seed)
        process.join(rng.random() * longest)
        assert process.exitcode is None, "it ended by itself"
        process.kill()
        process.join()
        known |= {path.stem for path in (warehouse.warehouse_folder / "generations").iterdir()}
        left.update(strays(folder))
        check_served(warehouse, seed)
    run_one_night(warehouse, seed)
    known |= {path.stem for path in (warehouse.warehouse_folder / "generations").iterdir()}
    assert int((folder / "changes").read_text()) > 3, "nights began between the kills"
    check_served(warehouse, seed)
    assert served_rows(warehouse) == rows_built_whole(warehouse)
    replay(warehouse, figures, known)
    assert {key: value for key, value in figures.items() if value is not None} == figures_of(warehouse)
    # A half-written load goes when its entity is landed next; small texts stay, hidden and unread.
    half = (".writing", ".verdict.json.", ".current.json.", ".load.json.")
    assert [name for name in strays(folder) if not name.startswith(half)] == []
    return left


def figures_of(warehouse: SmallWarehouse) -> dict[tuple[Any, ...], Any]:
    """Every restated figure that is served and known."""
    return {key: value for key, value in restated_days(warehouse).items() if value is not None}


def strays(folder: Path) -> list[str]:
    """What a killed process left that a night which ends leaves not."""
    names = [path for path in (folder / "warehouse").iterdir() if path.suffix not in (".lock", ".json")]
    names += [path for path in (folder / "landing").rglob(".*") if path.name != ".spill"]
    return [path.name.partition("-")[0] for path in names if path.name != "generations"]


def _instant(change: int) -> str:
    return f"2026-03-01T{change // 60:02}:{change % 60:02}:00Z"


def test_killed_nights_lose_and_double_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, KILLS, seed=1)


def main(kills: int, seed: int) -> None:
    """Kill so many, and tell what was left behind."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        left = check_kills(Path(folder), kills, seed)
    print(f"{kills} kills in {time.monotonic() - began:.0f} s; left behind at times: {dict(left)}")
