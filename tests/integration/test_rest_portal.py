"""The portal's rows in the landing: what is read, what lands anew, and what faults of the portal do."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.sources.rest import EntityPages
from pipelines.sources.rest_client import Patience
from tests.portal_server import PortalServer, PortalWorkshop, booking_row, rating_row, service_row, status_row
from warehouse.database import DatabaseOptions
from warehouse.landing import Days, Landing, Verdict
from warehouse.sources import RestEntity, RestSource

QUICK = Patience(tries=3, first_wait=0.01, longest_wait=0.02, longest_retry_after=0.5, timeout=60)
BOOKINGS = "/api/ws/v2/bookings"
SERVICES = "/api/ws/services"
ENTITIES = {
    "workshops": RestEntity(
        resource="shop", key=["workshop_id"], columns=["workshop_id", "id", "name", "org_number"]
    ),
    "booking_statuses": RestEntity(
        resource="booking-statuses",
        key=["workshop_id", "code"],
        columns=["workshop_id", "code", "label", "allowed_transitions", "color", "icon"],
    ),
    "categories": RestEntity(resource="categories", key=["id"], columns=["id", "name"]),
    "services": RestEntity(
        resource="services",
        key=["workshop_id", "id"],
        watermark="updated_at",
        columns=["workshop_id", "id", "title", "price", "is_active", "category_ids", "updated_at"],
    ),
    "bookings": RestEntity(
        resource="bookings",
        key=["workshop_id", "id"],
        watermark="updated_at",
        columns=["workshop_id", "id", "status", "start_time", "price", "updated_at"],
    ),
    "ratings": RestEntity(
        resource="ratings",
        key=["workshop_id", "booking_id"],
        watermark="updated_at",
        columns=["workshop_id", "id", "booking_id", "service_rating", "updated_at"],
    ),
}


class Night:
    """The portal and the landing that its rows go to."""

    def __init__(self, root: Path, portal: PortalServer) -> None:
        self.portal, self.landing, self._root = portal, Landing(root / "landing"), root
        self.changes: dict[str, Any] = {}
        self.database = DatabaseOptions()

    def load(self, entity: str, days: Days | None = None) -> Verdict:
        """Load an entity with the tokens that the secrets have from the start."""
        secrets = self._root / "secrets.toml"
        if not secrets.exists():
            self.portal.write_secrets(secrets)
        source = RestSource(
            type="rest",
            api="workshop_portal",
            url=self.portal.url,
            time_zone="Europe/Oslo",
            requests_per_second=5000,
            entities=ENTITIES,
            **self.changes,
        )
        return EntityPages(
            self.landing, "portal", source, entity, secrets, self.database, patience=QUICK
        ).load(days)

    def rows(self, entity: str) -> list[dict[str, Any]]:
        """The newest landed row of each key, in the order of keys."""
        parts = self.landing.live_parts("portal", entity)
        frames = [pl.read_parquet(part.path, hive_partitioning=False) for part in parts]
        key = ENTITIES[entity].key
        mark = ENTITIES[entity].watermark
        frame = pl.concat(frames, how="diagonal")
        frame = frame.sort(mark, maintain_order=True) if mark else frame
        return frame.unique(key, keep="last", maintain_order=True).sort(key).to_dicts()

    def landed(self, entity: str) -> list[int]:
        """Rows of each landed load."""
        loads = self.landing.loads("portal", entity)
        return [sum(file.rows for file in load.files) for load in loads]


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    with PortalServer() as portal:
        workshop = portal.add_workshop("101")
        workshop.bookings = [booking_row(number) for number in range(1, 251)]
        workshop.services = [service_row(number) for number in range(1, 451)]
        workshop.ratings = [rating_row(number) for number in range(1, 21)]
        yield Night(tmp_path, portal)


def first(night: Night) -> PortalWorkshop:
    return night.portal.workshops["101"]


def test_every_entity_lands_its_values_as_text_with_the_workshop_of_the_token(night: Night) -> None:
    night.portal.statuses.append(status_row("NO_SHOW"))
    first(night).bookings[0] |= {"price": 1000.5, "extras": {"b": [1, None, "æ"]}, "walk_in": True}
    for entity in ENTITIES:
        assert night.load(entity).status == "loaded", entity
    assert night.rows("workshops")[0] == {
        "workshop_id": "101",
        "id": "101",
        "name": "Nordre Bilverksted",
        "org_number": "999888777",
    }
    assert {row["code"] for row in night.rows("booking_statuses")} == {
        *("PENDING", "CONFIRMED", "COMPLETED", "CANCELLED", "NO_SHOW")
    }
    assert [row["name"] for row in night.rows("categories")] == ["Bremser", "EU-kontroll", "Dekk og felg"]
    [one] = [row for row in night.rows("bookings") if row["id"] == "1"]
    assert (one["workshop_id"], one["price"], one["walk_in"], one["cancelled_at"]) == (
        "101",
        "1000.5",
        "true",
        None,
    )
    assert one["extras"] == '{"b":[1,null,"æ"]}'
    assert len(night.rows("services")) == 450
    assert night.rows("services")[0]["category_ids"] == "[1,3]"
    files = night.landing.loads("portal", "bookings")[0].files
    assert [file.file for file in files] == ["workshop=101"]
    assert "extras" in files[0].columns
    assert night.landing.loads("portal", "categories")[0].files[0].file == "all"


@pytest.mark.parametrize("wraps", [False, True])
def test_a_second_night_reads_few_bookings_and_lands_only_what_changed(night: Night, wraps: bool) -> None:
    night.portal.wraps = wraps
    assert night.load("bookings").detail == "250 rows from 1 of 1 inputs"
    assert len(night.portal.calls(BOOKINGS)) == 3
    night.portal.requests.clear()
    assert night.load("bookings").status == "unchanged"
    assert len(night.portal.calls(BOOKINGS)) == 2, "until a whole page is older"
    first(night).bookings[7] |= {"status": "CANCELLED", "updated_at": "2026-01-28T23:00:00Z"}
    first(night).bookings.append(booking_row(999, updated_at="2026-01-29T09:00:00Z"))
    assert night.load("bookings").status == "loaded"
    assert {row["id"]: row["status"] for row in night.rows("bookings")}["8"] == "CANCELLED"
    assert night.landed("bookings")[1] == 2, "the overlap's other rows are there already"
    assert json.loads(night.landing.watermark("portal", "bookings") or "") == {
        "workshop=101": "2026-01-29T09:00:00Z"
    }
    assert night.load("bookings").status == "unchanged"
    assert len(night.rows("bookings")) == 251


def test_a_change_that_came_late_is_found_within_the_overlap(night: Night) -> None:
    night.load("bookings")
    newest = max(row["updated_at"] for row in first(night).bookings)
    assert newest == "2026-01-28T11:07:00Z"
    first(night).bookings[0] |= {"status": "CANCELLED", "updated_at": "2026-01-28T10:20:00Z"}
    assert night.load("bookings").status == "loaded"
    assert night.rows("bookings")[0]["status"] == "CANCELLED"
    assert night.load("bookings").status == "unchanged"


def test_a_row_that_changed_back_lands_again(night: Night) -> None:
    night.load("bookings")
    newest = max(first(night).bookings, key=lambda row: row["updated_at"])
    for status in ("CANCELLED", "COMPLETED"):
        newest["status"] = status
        assert night.load("bookings").status == "loaded"
        assert {row["id"]: row["status"] for row in night.rows("bookings")}[str(newest["id"])] == status
    assert night.landed("bookings") == [250, 1, 1]


def test_a_server_that_ignores_the_sort_is_read_to_the_end(night: Night) -> None:
    night.portal.sorts = False
    night.load("bookings")
    first(night).bookings.append(booking_row(999, updated_at="2026-01-29T09:00:00Z"))
    assert night.load("bookings").status == "loaded"
    assert len(night.portal.calls(BOOKINGS)) == 3 + 3
    assert night.landed("bookings") == [250, 1], "the new one alone"
    assert len(night.rows("bookings")) == 251


def test_a_booking_dated_in_the_future_hides_no_later_change(night: Night) -> None:
    first(night).bookings.append(booking_row(998, updated_at="2199-01-01T00:00:00Z"))
    night.load("bookings")
    assert night.load("bookings").status == "unchanged"
    moved = json.loads(night.landing.watermark("portal", "bookings") or "")["workshop=101"]
    first(night).bookings[0] |= {"status": "CANCELLED", "updated_at": moved}
    night.load("bookings")
    assert night.rows("bookings")[0]["status"] == "CANCELLED"


def test_single_days_are_asked_for_and_leave_the_watermark(night: Night) -> None:
    night.load("bookings")
    mark = night.landing.watermark("portal", "bookings")
    first(night).bookings[1] |= {"price": 5}  # a change that the portal did not date
    verdict = night.load("bookings", Days(date(2026, 1, 3), date(2026, 1, 4)))
    assert verdict.status == "loaded"
    load = night.landing.loads("portal", "bookings")[-1]
    parts = pl.read_parquet(load.folder / load.files[0].part)
    assert set(parts["start_time"].str.slice(0, 10)) == {"2026-01-03", "2026-01-04"}
    assert night.landing.watermark("portal", "bookings") == mark
    assert night.load("bookings").status == "unchanged"


@pytest.mark.parametrize("groups", [False, True])
def test_legacy_bookings_are_read_whole_and_ungrouped(night: Night, groups: bool) -> None:
    night.changes["legacy_bookings"] = True
    night.portal.groups = groups
    for row in first(night).bookings[:4]:
        row["group_id"] = "g-shared"
    assert night.load("bookings").status == "loaded"
    rows = night.rows("bookings")
    assert len(rows) == 250
    assert [row["id"] for row in rows if row["group_id"] == "g-shared"] == ["1", "2", "3", "4"]
    assert not night.portal.calls(BOOKINGS)
    first(night).bookings[0] |= {"status": "CANCELLED", "updated_at": "2026-01-29T08:00:00Z"}
    night.load("bookings")
    assert night.rows("bookings")[0]["status"] == "CANCELLED"
    assert night.landed("bookings") == [250, 1], "the changed one alone"


def test_a_listing_lands_when_it_changed_and_what_vanished_is_gone(night: Night) -> None:
    night.load("services")
    assert night.load("services").status == "unchanged"
    del first(night).services[10]
    assert night.load("services").status == "loaded"
    assert len(night.rows("services")) == 449
    first(night).services.clear()
    night.load("services")
    assert night.rows("services") == []
    assert night.load("services").status == "unchanged"


def test_rows_that_shift_while_they_are_read_are_read_again(night: Night) -> None:
    late = [service_row(9000, title="0 ny øverst"), service_row(9001, title="00 ny øverst")]

    def grow(request: Any) -> None:
        if late and "page=2" in request.target:
            first(night).services.append(late.pop())

    night.portal.before_page = grow
    assert night.load("services").status == "loaded"
    ids = [row["id"] for row in night.rows("services")]
    assert len(ids) == len(set(ids)) == 452

    def shrink(request: Any) -> None:
        if "page=2" in request.target and len(first(night).services) == 452:
            del first(night).services[0]

    night.portal.before_page = shrink
    assert night.load("services").status == "loaded"
    assert len(night.rows("services")) == 451


def test_a_listing_that_never_settles_keeps_what_was_landed(night: Night) -> None:
    night.load("services")

    def shrink(request: Any) -> None:
        if "page=2" in request.target:
            del first(night).services[0]

    night.portal.before_page = shrink
    verdict = night.load("services")
    assert verdict.status == "failed"
    assert "workshop 101" in verdict.detail
    assert "never settled" in verdict.detail
    assert len(night.rows("services")) == 450


def test_of_a_row_that_comes_twice_the_newest_lands(night: Night) -> None:
    rows = [
        service_row(1, price=3, updated_at="2026-01-01T00:00:00Z"),
        service_row(1, price=1, updated_at="2026-01-02T00:00:00Z"),
        service_row(1, price=2, updated_at="2026-01-02T00:30:00+01:00"),
    ]
    night.portal.misbehave(SERVICES, value={"items": rows, "meta": {"total": 1}})
    assert night.load("services").status == "loaded"
    assert [row["price"] for row in night.rows("services")] == ["1"]
    assert night.landed("services") == [1]


def test_one_workshop_that_fails_stops_no_other_and_is_named(night: Night) -> None:
    other = night.portal.add_workshop("102")
    other.services = [service_row(1)]
    night.portal.misbehave(SERVICES, status=403, workshop="101", times=99)
    verdict = night.load("services")
    assert verdict.status == "failed"
    assert "workshop 101: GET /api/ws/services: answered 403: as told" in verdict.detail
    assert "102:" not in verdict.detail
    assert [row["workshop_id"] for row in night.rows("services")] == ["102"]
    assert len(night.portal.calls(SERVICES, workshop="101")) == 1
    night.portal.behave()
    assert night.load("services").status == "loaded"
    assert len(night.rows("services")) == 451


def test_a_lost_column_fails_and_a_new_one_lands(night: Night) -> None:
    night.load("services")
    for row in first(night).services:
        del row["price"]
    verdict = night.load("services")
    assert verdict.status == "failed"
    assert "lacks the column price" in verdict.detail
    assert night.rows("services")[0]["price"] == "990"
    for row in first(night).services[1:]:
        row |= {"price": 7, "warranty_months": 24}
    assert night.load("services").status == "loaded"
    assert {row["warranty_months"] for row in night.rows("services")} == {None, "24"}


def test_rows_of_another_workshop_are_refused(night: Night) -> None:
    first(night).services[3]["workshop_id"] = 102
    verdict = night.load("services")
    assert verdict.status == "failed"
    assert "rows of another workshop_id" in verdict.detail
    assert night.landing.loads("portal", "services") == []


def test_rows_that_cannot_become_columns_are_a_failed_verdict(night: Night) -> None:
    night.database = DatabaseOptions(memory_limit="64MB")
    for row in first(night).services:
        row["description"] = "x" * 200_000
    verdict = night.load("services")
    assert verdict.status == "failed"
    assert "workshop 101: the rows cannot be turned into columns: Out of Memory" in verdict.detail


def test_an_expired_token_is_refreshed_once_for_the_whole_process(night: Night) -> None:
    night.portal.write_secrets(night.landing.root.parent / "secrets.toml")
    first(night).expire()
    for entity in ("services", "ratings", "bookings"):
        assert night.load(entity).status == "loaded"
    assert len(night.portal.calls("/api/ws/auth/refresh-token", method="POST")) == 1
    assert all("session=" not in request.cookie for request in night.portal.requests)


def test_a_dead_refresh_token_tells_no_secret(night: Night) -> None:
    night.portal.write_secrets(night.landing.root.parent / "secrets.toml")
    first(night).refresh_is_dead = True
    first(night).expire()
    verdict = night.load("services")
    assert verdict.status == "failed"
    assert "workshop no. 1 of the secrets: its token is refused and cannot be refreshed" in verdict.detail
    assert [request.status for request in night.portal.requests] == [401, 401]
    for path in night.landing.root.rglob("*"):
        if path.is_file():
            assert b"access-of" not in path.read_bytes()
            assert b"refresh-of" not in path.read_bytes()


def test_a_cursor_that_is_not_known_any_more_begins_that_workshop_anew(night: Night) -> None:
    forgotten: list[str] = []

    def forget(request: Any) -> None:
        if "cursor=" in request.target and not forgotten:
            forgotten.append(request.target)
            night.portal.forget_cursors()

    night.portal.before_page = forget
    assert night.load("bookings").status == "loaded"
    assert [request.status for request in night.portal.calls(BOOKINGS)] == [200, 410, 200, 200, 200]
    assert night.landed("bookings") == [250]


def test_a_load_that_broke_off_goes_on_from_its_last_page(night: Night) -> None:
    night.portal.misbehave(BOOKINGS, status=500, times=99, after=2)
    assert night.load("bookings").status == "failed"
    night.portal.behave()
    night.portal.requests.clear()
    assert night.load("bookings").detail == "250 rows from 1 of 1 inputs"
    assert [request.target.partition("cursor=")[2][:1] for request in night.portal.calls(BOOKINGS)] == ["0"]
    assert len(night.rows("bookings")) == 250
    assert list(night.landing.unfinished("portal", "bookings").iterdir()) == []
