"""Erased rows that a database still has: its loads stay screened, settle, and follow its changes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.test_postgresql_source import Database
from warehouse.erasure import LandingErasure
from warehouse.erasures import Erasure, Register
from warehouse.screening import ScreenedLanding

DECLARED = {
    "columns": ["id", "shop", "customer", "name", "changed"],
    "workshop": "shop",
    "customer": "customer",
    "personal": ["customer", "name"],
}


@pytest.fixture
def jobs(pg_url: str, tmp_path: Path) -> Database:
    database = Database(pg_url, tmp_path, **DECLARED)
    database.run(
        "CREATE TABLE jobs (id bigint PRIMARY KEY, shop bigint, customer text NOT NULL, name text,"
        " price numeric(12, 2), changed timestamptz)"
    )
    database.run(
        "INSERT INTO jobs SELECT g, mod(g, 2), 'c' || mod(g, 4), 'Name ' || mod(g, 4), g,"
        " timestamptz '2026-01-01' + g * interval '1 hour' FROM generate_series(1, 10) g"
    )
    sources = {"shop": database.loader.source}
    database.landing = ScreenedLanding(tmp_path / "landing", sources)
    object.__setattr__(database.loader, "landing", database.landing)
    return database


def erase(jobs: Database, kind: str, customer: str | None) -> None:
    erasure = Erasure.model_validate(
        {
            "number": 1,
            "kind": kind,
            "workshop_id": "1",
            "customer_id": customer,
            "sources": ["shop"],
            "asked_at": datetime.now(UTC),
        }
    )
    erasing = LandingErasure(jobs.landing, {"shop": jobs.loader.source})
    erasing.find(erasure)
    Register(jobs.landing.root).put(erasure)
    erasing.erase(erasure)


def test_an_erased_workshop_is_screened_and_the_loads_settle(jobs: Database) -> None:
    jobs.load()
    erase(jobs, "workshop", None)
    assert [row[0] for row in jobs.live("id")] == [2, 4, 6, 8, 10]
    jobs.run("UPDATE jobs SET price = 99, changed = changed + interval '1 day' WHERE id IN (1, 2)")
    jobs.run("DELETE FROM jobs WHERE id = 4")
    assert jobs.load().status == "loaded"
    assert jobs.live("id, price::VARCHAR")[0] == (2, "99.00")
    assert [row[0] for row in jobs.live("id")] == [2, 6, 8, 10]
    assert jobs.load().status == "unchanged"


def test_a_customer_stays_emptied_while_changes_are_followed(jobs: Database) -> None:
    jobs.load()
    erase(jobs, "customer", "c1")
    assert jobs.live("id, customer, name")[0] == (1, None, None)
    jobs.run("UPDATE jobs SET price = 99, changed = changed + interval '1 day' WHERE id IN (1, 2)")
    verdict = jobs.load()
    assert "changed" in verdict.detail, "the columns are those landed, so that changes are told"
    assert jobs.live("id, customer, name, price::VARCHAR")[:2] == [
        (1, None, None, "99.00"),
        (2, "c2", "Name 2", "99.00"),
    ]
    assert {row[0] for row in jobs.live("customer")} == {None, "c0", "c2", "c3"}
