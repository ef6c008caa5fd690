"""/metrics: what it tells of requests, of the queue and of jobs, whoever ran them; and what it never does."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api_server import EXPORTS, ApiServer, ask_export, run_api

FRESH = 1.1
"""Seconds after which the records are looked at anew."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    folder = tmp_path_factory.mktemp("metrics")
    with run_api(sample_data, folder, RATE_PER_MINUTE="10", ROW_QUOTA="100000") as server:
        yield server


def scrape(api: ApiServer, *, fresh: bool = True) -> Callable[..., float | None]:
    """Looks into the series as they are now: a name and labels give the value, None where there is none."""
    time.sleep(FRESH if fresh else 0)
    answer = httpx.get(f"{api.url}/metrics", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]

    def find(name: str, **labels: str) -> float | None:
        found = [
            sample.value
            for sample in samples
            if sample.name == name and sample.labels.items() >= labels.items()
        ]
        return sum(found) if found else None

    return find


def fail_job(api: ApiServer, workshop: str) -> None:
    """A job that fails in its only try, by a worker of another process."""
    with api.records() as records:
        job = records.create(workshop, "ratings", "csv;excel-nb", {}, max_attempts=1)
        claimed = records.claim("host:1", timedelta(seconds=30), job.job_id)
        assert claimed is not None
        records.fail(claimed, "STORE_FAILED", "no room")


def test_the_queue_and_the_jobs_of_all_workers_are_told(tmp_path: Path, sample_data: Path) -> None:
    with run_api(sample_data, tmp_path) as api:
        check_queue(api)


def check_queue(api: ApiServer) -> None:
    """What is told of jobs that are asked for, made and failed where there were none."""
    with api.client("101") as client:
        first = ask_export(client, type="ratings", format="csv")["job_id"]
        ask_export(client, type="bookings", format="xlsx")
        waiting = scrape(api)
        job = api.run(first)
    fail_job(api, "101")
    assert waiting("reports_jobs", status="pending") == 2
    assert waiting("reports_jobs_oldest_pending_seconds") >= FRESH  # type: ignore[operator]
    assert waiting("reports_jobs_ended_total") is None
    now = scrape(api)
    assert now("reports_jobs", status="pending") == 1
    assert now("reports_jobs", status="processing") == 0
    assert now("reports_jobs_ended_total", type="ratings", format="csv", status="completed") == 1
    assert now("reports_jobs_ended_total", type="ratings", format="csv", status="failed") == 1
    assert now("reports_jobs_failed_total", code="STORE_FAILED") == 1
    assert now("reports_job_rows_total", type="ratings") == job.rows_written > 0
    assert now("reports_job_bytes_total", format="csv") == job.size_bytes
    assert now("reports_job_wait_seconds_count", type="ratings", format="csv") == 2
    assert now("reports_job_wait_seconds_sum", type="ratings") >= FRESH  # type: ignore[operator]
    assert now("reports_job_run_seconds_count", type="ratings", format="csv") == 1
    assert scrape(api)("reports_jobs_ended_total") == 2, "an end is counted once"


def test_jobs_that_ended_before_the_process_began_are_not_counted(tmp_path: Path, sample_data: Path) -> None:
    with run_api(sample_data, tmp_path) as before:
        fail_job(before, "101")
    with run_api(sample_data, tmp_path) as after:
        assert scrape(after)("reports_jobs_ended_total") is None
        fail_job(after, "101")
        assert scrape(after)("reports_jobs_ended_total") == 1


def test_a_lost_lease_is_seen_before_and_after_another_worker_takes_the_job(api: ApiServer) -> None:
    before = scrape(api)("reports_job_repeats_total", cause="reclaimed") or 0
    with api.client("101") as client, api.records() as records:
        job_id = ask_export(client)["job_id"]
        assert records.claim("gone:1", timedelta(milliseconds=50), job_id)
        assert scrape(api)("reports_jobs_abandoned") == 1
        api.run(job_id)
    now = scrape(api)
    assert now("reports_jobs_abandoned") == 0
    assert now("reports_job_repeats_total", cause="reclaimed") == before + 1


def test_requests_are_told_by_their_route_and_refusals_by_their_code(api: ApiServer) -> None:
    with api.client("101") as client:
        for job_id in ("one", "two"):
            assert client.get(f"{EXPORTS}/{job_id}").status_code == 404
        client.get("/api/ws/reports/overview")
        client.head("/api/ws/reports/overview")
        client.get("/no/such/place")
        answers = [client.get("/api/ws/reports/overview").status_code for _ in range(30)]
    httpx.get(f"{api.url}/api/ws/reports/overview")
    httpx.request("BREW", f"{api.url}/no/such/place")
    now = scrape(api, fresh=False)
    overview = {"route": "/api/ws/reports/overview", "method": "GET"}
    assert now("reports_http_requests_total", route=EXPORTS + "/{job_id}", status="404") == 2
    assert now("reports_http_requests_total", **overview, status="200") == 1 + answers.count(200)
    assert now("reports_http_requests_total", **overview, status="429") == answers.count(429) > 0
    assert now("reports_http_requests_total", **overview, status="401") == 1
    assert now("reports_http_requests_total", route="/api/ws/reports/overview", method="HEAD") == 1
    assert now("reports_http_requests_total", route="other", method="GET", status="404") == 1
    assert now("reports_http_requests_total", route="other", method="other") == 1
    assert now("reports_http_request_seconds_count", **overview) == len(answers) + 2
    assert now("reports_http_refused_total", code="RATE_LIMITED") == answers.count(429)
    assert now("reports_http_refused_total", code="EXPORT_NOT_FOUND") == 2
    assert now("reports_http_refused_total", code="UNAUTHORIZED") == 1


def test_the_age_of_the_data_and_the_process_are_told(api: ApiServer) -> None:
    now = scrape(api)
    assert now("reports_data_up") == now("reports_records_up") == 1
    assert 0 < now("reports_generation_age_seconds") < 86_400  # type: ignore[operator]
    assert now("reports_data_age_seconds") >= now("reports_generation_age_seconds")  # type: ignore[operator]
    assert now("process_resident_memory_bytes") > 10_000_000  # type: ignore[operator]
    assert now("reports_audit_reads_lost_total") == 0


def test_no_series_names_a_workshop_a_caller_or_an_id(api: ApiServer) -> None:
    key = api.new_key("101", "112")
    with api.client(key=key, headers={"X-Workshop-Id": "101"}) as client:
        job_id = ask_export(client)["job_id"]
        client.get(f"{EXPORTS}/{job_id}", headers={"X-Request-Id": "0c6f6b1e-6f5f-4b53-9d2f-3f0f4a1d2e77"})
        name = client.get("/api/ws/v2/reports/workshops").json()["data"]["items"][0]["name"]
        client.get("/dashboard/reports/101/secret")
    api.run(job_id)
    fail_job(api, "112")
    time.sleep(FRESH)
    text = httpx.get(f"{api.url}/metrics").text
    labels = set(re.findall(r'="([^"]*)"', text))
    assert "failed" in labels
    assert not {"101", "112", name, job_id} & labels
    for secret in (job_id, name, key.split("_")[1], "0c6f6b1e", "secret", "test"):
        assert secret not in text


def test_a_failing_database_does_not_fail_the_scrape(tmp_path: Path, sample_data: Path) -> None:
    with run_api(sample_data, tmp_path) as api:
        assert scrape(api)("reports_records_up") == 1
        for part in tmp_path.glob("jobs.db*"):
            with part.open("r+b") as file:  # in place: the server has it open
                file.write(b"this is no database" * 1000)
        now = scrape(api)
        assert now("reports_records_up") == 0
        assert now("reports_jobs") is None, "nothing old is taken for new"
        assert now("reports_data_up") == 1
        assert now("reports_http_requests_total", route="/metrics", status="200") == 1


def test_without_data_the_scrape_says_so(tmp_path: Path) -> None:
    with run_api(tmp_path / "empty", tmp_path) as api:
        now = scrape(api)
        assert now("reports_data_up") == 0
        assert now("reports_generation_age_seconds") is None
        assert now("reports_records_up") == 1
