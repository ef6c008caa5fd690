"""Who is let in over HTTP: credentials, workshops, scopes, limits, and what is written down of it."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.api_server import EXPORTS, ApiServer, ask_export, run_api

OVERVIEW = "/api/ws/reports/overview"
GUARDED = (
    ("GET", OVERVIEW),
    ("GET", "/api/ws/reports/services/by-category"),
    ("GET", "/api/ws/reports/ratings/timeseries"),
    ("GET", "/api/ws/v2/reports/types"),
    ("GET", "/api/ws/v2/reports/workshops"),
    ("POST", EXPORTS),
    ("GET", EXPORTS),
    ("GET", f"{EXPORTS}/5f1e2a60-3c5e-4b36-8a2c-6a6e1c3b9a70"),
    ("DELETE", f"{EXPORTS}/5f1e2a60-3c5e-4b36-8a2c-6a6e1c3b9a70"),
    ("GET", f"{EXPORTS}/5f1e2a60-3c5e-4b36-8a2c-6a6e1c3b9a70/download"),
    ("GET", "/api/ws/anything"),
)


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"x-api-key": "rk_none_of_ours"},
        {"Authorization": "Bearer " + "x" * 7000},
    ],
)
def test_without_a_credential_nothing_is_told(
    api: ApiServer, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = httpx.request(method, api.url + path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_a_key_is_taken_in_either_header(api: ApiServer, header: str) -> None:
    key = api.new_key("101")
    value = f"bearer {key}" if header == "Authorization" else key
    assert httpx.get(api.url + OVERVIEW, headers={header: value}).status_code == 200


def test_a_bearer_counts_before_the_other_key(api: ApiServer) -> None:
    headers = {"Authorization": f"Bearer {api.new_key('101')}", "x-api-key": "the portal's own"}
    assert httpx.get(api.url + OVERVIEW, headers=headers).status_code == 200


def test_a_revoked_or_expired_key_lets_nobody_in(api: ApiServer) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    key = api.new_key("101", expires_at=soon)
    while datetime.now(UTC) < soon:
        time.sleep(0.05)
    assert httpx.get(api.url + OVERVIEW, headers={"x-api-key": key}).status_code == 401
    revoked = api.new_key("101")
    api.revoke(revoked)
    assert httpx.get(api.url + OVERVIEW, headers={"x-api-key": revoked}).status_code == 401


def test_a_key_of_several_workshops_names_one(api: ApiServer) -> None:
    with api.client("101", "102") as client:
        answer = client.get(OVERVIEW)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "WORKSHOP_REQUIRED")
        found = {
            workshop: client.get(OVERVIEW, headers={"X-Workshop-Id": workshop}).json()["data"]
            for workshop in ("101", "102")
        }
        foreign = client.get(OVERVIEW, headers={"X-Workshop-Id": "103"})
        listed = client.get("/api/ws/v2/reports/workshops").json()["data"]["items"]
    for workshop, data in found.items():
        assert api.client(workshop).get(OVERVIEW).json()["data"] == data
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (404, "WORKSHOP_NOT_FOUND")
    assert [item["workshop_id"] for item in listed] == ["101", "102"]
    assert listed[0]["time_zone"] == "Europe/Oslo"


def test_a_workshop_that_the_data_does_not_have_is_not_found(api: ApiServer) -> None:
    with api.client("no-such-workshop") as client:
        answer = client.get(OVERVIEW)
        refused = client.post(EXPORTS, json={"type": "ratings", "format": "csv"})
    assert (answer.status_code, refused.status_code) == (404, 404)
    assert answer.json()["error"]["code"] == refused.json()["error"]["code"] == "WORKSHOP_NOT_FOUND"


def test_a_foreign_job_is_told_as_one_that_is_not(api: ApiServer) -> None:
    with api.client("101") as mine, api.client("102") as other:
        job_id = ask_export(mine)["job_id"]
        api.run(job_id)
        for path in (f"{EXPORTS}/{job_id}", f"{EXPORTS}/{job_id}/download"):
            assert mine.get(path).status_code == 200
            foreign, unknown = other.get(path), other.get(path.replace(job_id, "nothing"))
            assert foreign.status_code == unknown.status_code == 404
            assert foreign.json()["error"]["message"] == unknown.json()["error"]["message"]
        assert other.delete(f"{EXPORTS}/{job_id}").status_code == 404
        assert job_id not in other.get(EXPORTS).text


def test_requests_beyond_the_limit_are_told_when_to_come_again(sample_data: Path, tmp_path: Path) -> None:
    """And without origins that are named, pages of none may use the API."""
    with run_api(sample_data, tmp_path, RATE_PER_MINUTE="5") as api, api.client("101") as client:
        answers = [client.get(OVERVIEW) for _ in range(8)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses[5:]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"]["code"] == "RATE_LIMITED"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert [answers[0].headers["ratelimit-limit"], answers[0].headers["ratelimit-remaining"]] == [
            "5",
            "4",
        ]
        with api.client("101") as another:  # another key of the same workshop
            told = another.get(OVERVIEW, headers={"Origin": "https://portal.example"})
        assert told.status_code == 200
        assert "access-control-allow-origin" not in told.headers


def test_what_was_made_read_and_taken_is_written_down(api: ApiServer) -> None:
    with api.client("103") as client:
        made = ask_export(client)["job_id"]
        cancelled = ask_export(client)["job_id"]
        api.run(made)
        client.get(OVERVIEW)
        client.get(f"{EXPORTS}/{made}/download")
        client.delete(f"{EXPORTS}/{cancelled}")
    told = api.events("103")
    assert [(event.action, event.job_id) for event in told if event.job_id] == [
        ("cancelled", cancelled),
        ("downloaded", made),
        ("made", cancelled),
        ("made", made),
    ]
    reads = api.reads("overview", workshop_id="103")
    assert [event.what for event in reads] == ["overview"]
    assert {one.actor.partition(":")[0] for one in [*told, *reads] if one.action != "key_created"} == {"key"}


def test_pages_of_the_named_origins_may_use_the_api(api: ApiServer) -> None:
    portal = "https://portal.example"
    assert portal in api.environment["REPORTS_ALLOWED_ORIGINS"]
    with api.client("101") as client:
        for origin, allowed in ((portal, portal), ("https://evil.example", None), ("null", None)):
            answer = client.get(OVERVIEW, headers={"Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            before = httpx.options(api.url + EXPORTS, headers=asked)
            assert before.headers.get("access-control-allow-origin") == allowed
            assert before.status_code == (204 if allowed else 401)
        refused = httpx.get(api.url + OVERVIEW, headers={"Origin": portal})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, portal)
        assert "access-control-allow-credentials" not in refused.headers
