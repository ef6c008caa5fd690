"""Tests of webhook endpoints over HTTP: seen and switched by their account alone, as are their secrets."""

from contextlib import closing

import httpx
import pytest

from exporters.access.audit import AuditLog
from exporters.access.callers import BATCHES_SCOPE, REPORTS_SCOPE
from exporters.database import open_database
from exporters.deliveries.endpoints import Endpoints
from exporters.deliveries.webhook_auth import Auth, Method
from tests.api_server import ApiServer

WEBHOOKS = "/api/ws/v2/reports/webhooks"
ORGANISATION, OTHER = "556677", "998877"


@pytest.fixture
def endpoint_id(api: ApiServer) -> str:
    settings = api.settings()
    with closing(open_database(settings.jobs_database)) as database:
        endpoints = Endpoints(database, settings.seal)
        auth = Auth(Method.BASIC, "user", "hidden-password")
        with database.writing() as connection:
            return endpoints.find_or_create(
                connection,
                f"organisation:{ORGANISATION}",
                "https://hooks.example.com/a",
                auth,
                "it@a.example",
            )


def client_of(api: ApiServer, organisation: str, *scopes: str) -> httpx.Client:
    key = api.new_key(organisation=organisation, scopes=scopes or (REPORTS_SCOPE, BATCHES_SCOPE))
    return api.client(key=key)


def test_an_account_sees_its_endpoints_and_their_signing_secret(api: ApiServer, endpoint_id: str) -> None:
    with client_of(api, ORGANISATION) as client:
        (listed,) = client.get(WEBHOOKS).json()["data"]["items"]
        answer = client.get(f"{WEBHOOKS}/{endpoint_id}")
    shown = answer.json()["data"]
    assert listed["endpoint_id"] == shown["endpoint_id"] == endpoint_id
    assert "secret" not in listed
    assert shown["secret"].startswith("whsec_")
    assert shown["events"][0]["event"] == "created"
    assert "hidden-password" not in answer.text
    assert answer.headers["cache-control"].startswith("private")


def test_an_endpoint_is_disabled_enabled_and_given_a_new_secret(api: ApiServer, endpoint_id: str) -> None:
    with client_of(api, ORGANISATION) as client:
        disabled = client.post(f"{WEBHOOKS}/{endpoint_id}/disable").json()["data"]
        assert (disabled["state"], disabled["reason"]) == ("disabled", "by_hand")
        enabled = client.post(f"{WEBHOOKS}/{endpoint_id}/enable").json()["data"]
        assert (enabled["state"], enabled["reason"]) == ("active", None)
        changed = client.post(f"{WEBHOOKS}/{endpoint_id}/secret")
        secret = changed.json()["data"]["secret"]
        assert client.get(f"{WEBHOOKS}/{endpoint_id}").json()["data"]["secret"] == secret
    with closing(open_database(api.settings().jobs_database)) as database:
        told = [row for row in AuditLog(database).list() if row.detail == {"endpoint_id": endpoint_id}]
    assert [row.action for row in told] == ["webhook_secret_changed", "webhook_enabled", "webhook_disabled"]
    assert {row.actor.partition(":")[0] for row in told} == {"key"}
    assert told[0].request_id == changed.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", "/enable"), ("POST", "/disable"), ("POST", "/secret")]
)
def test_an_endpoint_of_another_account_is_not_there(
    api: ApiServer, endpoint_id: str, method: str, path: str
) -> None:
    with client_of(api, OTHER) as client:
        assert client.get(WEBHOOKS).json()["data"]["items"] == []
        answer = client.request(method, f"{WEBHOOKS}/{endpoint_id}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "WEBHOOK_NOT_FOUND")
        assert client.request(method, f"{WEBHOOKS}/nothing%00{path}").status_code == 404


def test_a_key_for_reports_alone_sees_no_secret(api: ApiServer, endpoint_id: str) -> None:
    with client_of(api, ORGANISATION, REPORTS_SCOPE) as client:
        for path in ("", f"/{endpoint_id}"):
            assert client.get(WEBHOOKS + path).status_code == 403
