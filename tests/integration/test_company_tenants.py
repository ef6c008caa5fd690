"""Reports never mix: whatever two workshops ask for, in any order, nobody sees or changes the other's."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api_server import ApiServer
from tests.company_api import REPORTS, body, company_client, make_report, read_report

TENANTS = ("101", "102")


@dataclass
class World:
    """A running API, and what each workshop has made there."""

    api: ApiServer
    clients: dict[str, httpx.Client]
    both: httpx.Client
    """Of a key for both workshops."""
    reports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Report to its workshop and its name; those that were deleted have no name."""


@pytest.fixture(scope="module")
def world(api: ApiServer) -> World:
    clients = {tenant: company_client(api, tenant) for tenant in TENANTS}
    return World(api, clients, company_client(api, *TENANTS))


@dataclass(frozen=True)
class Asker:
    """Who asks, for which workshop."""

    client: httpx.Client
    tenant: str
    headers: dict[str, str]


ACTIONS = ("make", "read", "change", "delete", "add", "alter", "remove", "send", "test", "fires", "rehearsal")
steps = st.lists(
    st.tuples(
        st.sampled_from(TENANTS), st.booleans(), st.sampled_from((*ACTIONS, "list")), st.integers(0, 100)
    ),
    min_size=5,
    max_size=25,
)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_nobody_sees_or_changes_anothers_reports(
    world: World, steps: list[tuple[str, bool, str, int]]
) -> None:
    for tenant, with_both, action, target in steps:
        client = world.both if with_both else world.clients[tenant]
        asker = Asker(client, tenant, {"X-Workshop-Id": tenant} if with_both else {})
        if action == "make":
            name = f"{tenant} makes {len(world.reports)}"
            answer = client.post(REPORTS, json=body(name=name), headers=asker.headers)
            assert answer.status_code == 200
            world.reports[answer.json()["id"]] = (tenant, name)
        elif action == "list":
            check_list(world, asker)
        elif world.reports:
            report_id = list(world.reports)[target % len(world.reports)]
            check_one(world, asker, action, report_id)


def check_list(world: World, asker: Asker) -> None:
    page = asker.client.get(REPORTS, params={"limit": 100}, headers=asker.headers).json()
    theirs = {
        report_id: name
        for report_id, (owner, name) in world.reports.items()
        if owner == asker.tenant and name
    }
    assert page["count"] == str(len(theirs))
    assert {one["id"]: one["name"] for one in page["reports"]}.items() <= theirs.items()
    assert len(page["reports"]) == min(100, len(theirs))


def check_one(world: World, asker: Asker, action: str, report_id: str) -> None:
    owner, name = world.reports[report_id]
    one, argument = f"{REPORTS}/{report_id}", {"key": "email", "value": f"{asker.tenant}@acme.example"}
    argument_id = _first_argument(world, owner, report_id) if name else "1"
    calls: dict[str, tuple[str, str, Any]] = {
        "read": ("GET", one, None),
        "change": ("PATCH", one, {"name": f"{asker.tenant} changed it"}),
        "delete": ("DELETE", one, None),
        "add": ("POST", f"{one}/argument", argument),
        "alter": ("PATCH", f"{one}/argument/{argument_id}", argument),
        "remove": ("DELETE", f"{one}/argument/{argument_id}", None),
        "send": ("GET", f"{one}/send", None),
        "test": ("POST", f"{one}/test", None),
        "fires": ("GET", f"{one}/fires", None),
        "rehearsal": ("GET", f"{one}/rehearsal", None),
    }
    method, path, content = calls[action]
    answer = asker.client.request(method, path, json=content, headers=asker.headers)
    if owner != asker.tenant or not name:
        assert answer.status_code == 404
        assert answer.json() == asker.client.get(f"{REPORTS}/999999999", headers=asker.headers).json()
        if name:
            assert read_report(world.clients[owner], report_id)["name"] == name
    else:
        # A test needs an owner, the last address stays, and there are at most so many arguments.
        assert answer.status_code == 200 or (
            action in {"test", "remove", "add"} and answer.status_code == 422
        )
        if action == "change":
            world.reports[report_id] = (owner, f"{asker.tenant} changed it")
        elif action == "delete":
            world.reports[report_id] = (owner, "")


def _first_argument(world: World, owner: str, report_id: str) -> str:
    shown = read_report(world.clients[owner], report_id)
    return str(shown["arguments"]["email"][0]["id"])


def test_an_argument_of_another_report_is_not_found(world: World) -> None:
    client = world.clients["101"]
    mine, second = make_report(client), make_report(client)
    theirs = make_report(world.clients["102"])
    for owner, other in (("101", second), ("102", theirs)):
        argument_id = _first_argument(world, owner, other)
        path = f"{REPORTS}/{mine}/argument/{argument_id}"
        argument = {"key": "email", "value": "x@acme.example"}
        assert client.patch(path, json=argument).status_code == 404
        assert client.delete(path).status_code == 404
        assert (
            read_report(world.clients[owner], other)["arguments"]["email"][0]["value"] == "lead@acme.example"
        )
    for report_id, owner in ((mine, "101"), (second, "101"), (theirs, "102")):
        world.reports[report_id] = (owner, "Missed calls")


def test_a_credential_for_several_workshops_names_one(world: World) -> None:
    answer = world.both.get(REPORTS)
    assert (answer.status_code, "error" in answer.json()) == (422, True)
    for named in ("103", "", "101,102", "*"):
        answer = world.both.get(REPORTS, headers={"X-Workshop-Id": named})
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
