"""Whose landed rows are: by a column, through another entity, or not told; for each source that ships."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.small_warehouse import ROOT
from warehouse.erasure import LandingErasure
from warehouse.erasures import Erasure
from warehouse.landing import LandedFile
from warehouse.owners import check_ownership, unclaimed
from warehouse.screening import ScreenedLanding
from warehouse.sources import SourceConfigError, load_sources

Row = Mapping[str, str | None]
SHIPPED = ["sample", "platform", "portal", "olist", "openrepair", "telephony"]


class Landed:
    """A landing of one source, filled with rows of few columns."""

    def __init__(self, root: Path, source: str) -> None:
        self.source = source
        self.sources = load_sources(ROOT / "sources.toml", [source])
        self.landing = ScreenedLanding(root, self.sources)

    def add(self, entity: str, *rows: Row, changes: bool = False, deleted: str = "") -> None:
        with self.landing.write_load(self.source, entity, changes=changes) as writer:
            part = writer.part_path()
            pl.DataFrame(list(rows)).write_parquet(part)
            writer.files.append(LandedFile("input", "f", part.name, len(rows), 0))
            if deleted:
                pl.DataFrame({"id": [deleted]}).write_parquet(writer.deleted_path)
                writer.deleted = 1

    def erase(self, workshop: str, customer: str | None = None) -> dict[str, int]:
        erasure = Erasure(
            number=1,
            kind="customer" if customer else "workshop",
            workshop_id=workshop,
            customer_id=customer,
            sources=(self.source,),
            asked_at=datetime.now(UTC),
        )
        erasing = LandingErasure(self.landing, self.sources)
        rows = dict(erasing.find(erasure).rows)
        erasing.erase(erasure)
        erasing.erase(erasure)
        return rows

    def values(self, entity: str, column: str) -> list[str | None]:
        return [
            value
            for load in self.landing.loads(self.source, entity)
            for file in load.files
            for value in pl.read_parquet(load.folder / file.part)[column].to_list()
        ]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_entity_of_a_source_with_workshops_says_whose_its_rows_are(name: str) -> None:
    sources = load_sources(ROOT / "sources.toml", [name])
    assert unclaimed(sources[name]) == []
    check_ownership(sources)


def test_an_order_goes_when_all_its_items_are_the_sellers(tmp_path: Path) -> None:
    olist = Landed(tmp_path, "olist")
    olist.add("sellers", {"seller_id": "a"}, {"seller_id": "b"})
    items = [("1", "a"), ("1", "a"), ("2", "a"), ("2", "b"), ("3", "b")]
    olist.add(
        "order_items",
        *({"order_id": o, "order_item_id": str(n), "seller_id": s} for n, (o, s) in enumerate(items)),
    )
    olist.add("orders", *({"order_id": o, "customer_id": f"c{o}"} for o in "1234"))
    olist.add("order_reviews", *({"review_pk": o, "order_id": o} for o in "1234"))
    counts = olist.erase("a")
    assert olist.values("sellers", "seller_id") == ["b"]
    assert olist.values("order_items", "seller_id") == ["b", "b"]
    assert olist.values("orders", "order_id") == ["2", "3", "4"]
    assert olist.values("order_reviews", "order_id") == ["2", "3", "4"]
    assert counts == {"olist.sellers": 1, "olist.order_items": 3, "olist.orders": 1, "olist.order_reviews": 1}


def test_a_customer_of_an_order_is_emptied_where_the_seller_has_a_part_in_it(tmp_path: Path) -> None:
    olist = Landed(tmp_path, "olist")
    olist.add(
        "order_items",
        {"order_id": "1", "order_item_id": "1", "seller_id": "a"},
        {"order_id": "2", "order_item_id": "1", "seller_id": "b"},
    )
    olist.add("orders", *({"order_id": o, "customer_id": "c"} for o in "12"))
    assert olist.erase("a", "c") == {"olist.orders": 1}
    assert olist.values("orders", "customer_id") == [None, "c"]


def test_several_columns_name_a_repair_group(tmp_path: Path) -> None:
    repairs = Landed(tmp_path, "openrepair")
    rows = [("1", "One", "Oslo"), ("2", "Two", "Oslo"), ("3", "One", None)]
    repairs.add("repairs", *({"id": i, "data_provider": p, "group_identifier": g} for i, p, g in rows))
    assert repairs.erase("One / Oslo") == {"openrepair.repairs": 1}
    assert repairs.values("repairs", "id") == ["2", "3"]


def test_the_portal_numbers_bookings_by_workshop(tmp_path: Path) -> None:
    portal = Landed(tmp_path, "portal")
    person = {"customer_id": "7", "customer_name": "Kari"}
    portal.add("bookings", *({"workshop_id": w, "id": "1", **person} for w in ("5", "6")))
    portal.add(
        "ratings",
        *({"workshop_id": w, "booking_id": "1", "service_rating_message": "ord"} for w in ("5", "6")),
    )
    assert portal.erase("5", "7") == {"portal.bookings": 1, "portal.ratings": 1}
    assert portal.values("bookings", "customer_name") == [None, "Kari"]
    assert portal.values("ratings", "service_rating_message") == [None, "ord"]


def test_keys_of_erased_rows_go_from_the_lists_of_vanished_ones(tmp_path: Path) -> None:
    platform = Landed(tmp_path, "platform")
    platform.add("bookings", {"id": "1", "workshop_id": "5"}, {"id": "2", "workshop_id": "6"})
    platform.add("bookings", {"id": "3", "workshop_id": "6"}, changes=True, deleted="1")
    platform.add("bookings", {"id": "4", "workshop_id": "6"}, changes=True, deleted="2")
    platform.erase("5")
    loads = platform.landing.loads("platform", "bookings")
    assert [load.deleted for load in loads] == [0, 0, 1]
    assert not loads[1].deleted_path.exists()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"workshop": ["shop"]}, "add shop"),
        ({"workshop": ["id"], "shared": True}, "nobody's"),
        ({"personal": ["id"], "belongs_to": None}, "need workshop or belongs_to"),
        ({"workshop": ["id"], "belongs_to": None, "personal": ["id"]}, "need customer or belongs_to"),
        ({"belongs_to": {"entity": "jobs", "column": "booking_id"}}, "names jobs"),
        ({"belongs_to": {"entity": "bookings", "column": "nothing"}}, "add nothing"),
        ({"belongs_to": {"entity": "ratings", "column": "booking_id"}}, "belong to each other"),
        (
            {"belongs_to": {"entity": "bookings", "column": "booking_id", "refers_to": "x"}},
            "refers_to names x",
        ),
    ],
)
def test_contradictory_declarations_are_refused(change: dict[str, object], fault: str) -> None:
    sources = load_sources(ROOT / "sources.toml", ["sample"])
    sample = sources["sample"]
    ratings = sample.entities["ratings"]
    changed = type(ratings).model_validate(ratings.model_dump() | change)
    broken = sample.model_copy(update={"entities": {**sample.entities, "ratings": changed}})
    with pytest.raises(SourceConfigError, match=fault):
        check_ownership({"sample": broken})
