"""A whole night of the portal, a day of changes and the night after: the published figures are right."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.sources.rest import EntityPages
from pipelines.sources.rest_client import Patience
from tests.portal_server import PortalServer, booking_row, rating_row, service_row
from tests.small_warehouse import ROOT, SmallWarehouse
from warehouse.landing import Days, Verdict
from warehouse.sources import RestSource, load_sources

QUICK = Patience(tries=2, first_wait=0.01, timeout=60)


@dataclass
class PortalWarehouse(SmallWarehouse):
    """A warehouse whose one source is the portal."""

    def load(self, entity: str, days: Days | None = None, source: str = "portal") -> Verdict:
        """Land one entity."""
        declared = self.sources[source]
        assert isinstance(declared, RestSource)
        secrets = self.root / "secrets.toml"
        return EntityPages(self.landing, source, declared, entity, secrets, patience=QUICK).load(days)


def warehouse_of(portal: PortalServer, root: Path) -> PortalWarehouse:
    """The warehouse of that portal, as the product declares it."""
    portal.write_secrets(root / "secrets.toml")
    declared = load_sources(ROOT / "sources.toml", ["portal"])["portal"]
    source = declared.model_copy(update={"url": portal.url, "requests_per_second": 5000})
    return PortalWarehouse(root, {"portal": source})


def figures(warehouse: SmallWarehouse) -> list[tuple[Any, ...]]:
    """Of each workshop: bookings, done, cancelled, revenue, ratings and their sum."""
    return warehouse.rows(
        """
        select workshop_id, bookings, done, cancelled, revenue, ratings, rating_sum from (
            select workshop_id, sum(bookings)::int as bookings, sum(done)::int as done,
                   sum(cancelled)::int as cancelled, sum(revenue)::double as revenue
            from booking_days group by workshop_id
        ) left join (
            select workshop_id, sum(ratings)::int as ratings, sum(rating_sum)::double as rating_sum
            from rating_days group by workshop_id
        ) using (workshop_id) order by workshop_id
        """
    )


def test_two_nights_and_a_day_of_changes_between_them(tmp_path: Path) -> None:
    with PortalServer() as portal:
        for number, price, start in (("101", 1000.5, 0), ("102", 20, 1000)):
            workshop = portal.add_workshop(number)
            ids = range(start + 1, start + 121)
            workshop.bookings = [booking_row(row, price=price, service_id=start + 1) for row in ids]
            workshop.services = [service_row(start + 1), service_row(start + 2)]
            workshop.ratings = [rating_row(row) for row in ids[:10]]
        warehouse = warehouse_of(portal, tmp_path)
        first = warehouse.night()
        before = [("101", 120, 120, 0, 120_060.0, 10, 45.0), ("102", 120, 120, 0, 2_400.0, 10, 45.0)]
        assert figures(warehouse) == before

        changed = portal.workshops["101"]
        changed.bookings[4] |= {"status": "CANCELLED", "updated_at": "2026-02-01T08:00:00Z"}
        changed.bookings[5] |= {"price": 0.25, "updated_at": "2026-02-01T08:00:00Z"}
        changed.bookings.append(booking_row(500, price=99, service_id=1, updated_at="2026-02-01T09:00:00Z"))
        del changed.ratings[0]
        changed.ratings[1] |= {"service_rating": 1, "updated_at": "2026-02-01T08:00:00Z"}
        del changed.services[1]
        second = warehouse.night()
        assert second.generation > first.generation
        revenue = 120_060.0 - 2 * 1000.5 + 0.25 + 99
        assert figures(warehouse) == [("101", 121, 120, 1, revenue, 9, 37.0), before[1]]
        [*_, load] = warehouse.landing.loads("portal", "bookings")
        assert [(file.file, file.rows) for file in load.files] == [("workshop=101", 3)]

        calls = len(portal.requests)
        warehouse.night()
        assert figures(warehouse) == [("101", 121, 120, 1, revenue, 9, 37.0), before[1]]
        assert len(warehouse.landing.loads("portal", "bookings")) == 2
        assert len(portal.requests) - calls < 20
