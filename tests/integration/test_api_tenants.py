"""Tenants never mix: whatever keys, headers, paths and order of requests, nothing of another is ever seen."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api_server import EXPORTS, ApiServer
from warehouse.generations import open_snapshot

TENANTS = ("101", "102", "103", "no-such-workshop")
FIGURES = (
    "/api/ws/reports/overview",
    "/api/ws/reports/services/by-category",
    "/api/ws/reports/ratings/timeseries",
)
Held = tuple[str, ...]


@dataclass
class World:
    """A running API, what each tenant alone may see, and the jobs made so far."""

    api: ApiServer
    names: dict[str, str]
    bookings: dict[str, set[str]]
    clients: dict[Held, httpx.Client] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    """Job to tenant."""

    def client(self, held: Held) -> httpx.Client:
        if held not in self.clients:
            self.clients[held] = self.api.client(*held)
        return self.clients[held]


@pytest.fixture(scope="module")
def world(api: ApiServer, sample_data: Path) -> World:
    with open_snapshot(sample_data / "warehouse") as served:
        names = dict(served.rows("SELECT workshop_id, name FROM workshops"))
        bookings: dict[str, set[str]] = {tenant: set() for tenant in TENANTS}
        for tenant, booking in served.rows("SELECT workshop_id, booking_id FROM bookings"):
            bookings.setdefault(tenant, set()).add(booking)
    return World(api, names, bookings)


held_by = st.sets(st.sampled_from(TENANTS), min_size=1).map(lambda held: tuple(sorted(held)))
headers = st.one_of(
    st.none(),
    st.sampled_from(TENANTS),
    st.sampled_from(["", "101,102", "%", "*", "' OR 1=1 --", "1"]),
)
targets = st.one_of(
    st.integers(0, 50), st.sampled_from(["", "..", "%2e%2e", "../", "x" * 300, "0", "*", "%00"])
)
steps = st.lists(
    st.tuples(
        held_by,
        headers,
        st.sampled_from(["make", "run", "read", "take", "cancel", "list", "figures"]),
        targets,
    ),
    min_size=5,
    max_size=25,
)


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_nothing_of_another_tenant_is_ever_seen(
    world: World, steps: list[tuple[Held, str | None, str, int | str]]
) -> None:
    for held, named, action, target in steps:
        asked = {} if named is None else {"X-Workshop-Id": named}
        tenant = _tenant_of(held, named)
        known = list(world.jobs)
        job_id = str(target) if isinstance(target, str) or not known else known[target % len(known)]
        path = f"{EXPORTS}/{job_id}"
        client = world.client(held)
        if action == "make":
            body = {"type": "bookings", "format": "csv", "filters": {"date_from": "2026-01-01"}}
            answer = client.post(EXPORTS, json=body, headers=asked)
            if answer.status_code == 202:
                assert tenant is not None
                world.jobs[answer.json()["data"]["job_id"]] = tenant
        elif action == "run":
            if job_id in world.jobs:
                world.api.run(job_id)
            continue
        elif action == "list":
            answer = client.get(EXPORTS, headers=asked, params={"limit": 100})
            if answer.status_code == 200:
                shown = [item["job_id"] for item in answer.json()["data"]["items"]]
                assert {world.jobs[job] for job in shown} <= {tenant}
        elif action == "figures":
            answer = client.get(FIGURES[len(job_id) % 3], headers=asked)
            if answer.status_code == 200:
                assert tenant is not None
                own = world.client((tenant,)).get(FIGURES[len(job_id) % 3])
                assert answer.json()["data"] == own.json()["data"]
        else:
            method, suffix = {"read": ("GET", ""), "take": ("GET", "/download"), "cancel": ("DELETE", "")}[
                action
            ]
            answer = client.request(method, path + suffix, headers=asked)
            if answer.is_success and answer.headers.get("content-disposition"):
                rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
                assert {row["Booking"] for row in rows} <= world.bookings[world.jobs[job_id]]
            if job_id in world.jobs and answer.status_code not in {404, 422, 403}:
                assert world.jobs[job_id] == tenant
        _check_silent(world, tenant, answer)


def _tenant_of(held: Held, named: str | None) -> str | None:
    """Whose data an answer may be of; None: nobody's."""
    if named is not None:
        return named if named in held else None
    return held[0] if len(held) == 1 else None


def _check_silent(world: World, tenant: str | None, answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if tenant is None:
        assert not answer.is_success
    for other, name in world.names.items():
        if other != tenant:
            assert name not in answer.text
