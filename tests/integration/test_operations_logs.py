"""The log: JSON lines on stderr with what a request and a job are told by, and no secret in any of them."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli_errors import ExitCode
from api.logs import JsonLines, TextLines
from exporters.exports import open_exports
from exporters.jobs import Status
from tests.api_server import EXPORTS, ApiServer, ask_export, run_api, wait_for
from tests.built import ROOT, night_environment
from tests.exported import options_for
from tests.worker_processes import WorkerProcess, wait_until

REQUEST_ID = "0c6f6b1e-6f5f-4b53-9d2f-3f0f4a1d2e77"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    """An API with a worker beside."""
    with run_api(sample_data, tmp_path_factory.mktemp("logs"), "--slots", "1") as server:
        yield server


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def find_line(log: Path, **fields: Any) -> dict[str, Any]:
    """The one line with these fields, once it is there."""
    deadline = time.monotonic() + 60
    while True:
        found = [line for line in lines_of(log) if line.items() >= fields.items()]
        if found or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert len(found) == 1, (fields, log.read_text())
    return found[0]


def test_every_line_is_json_with_time_level_logger_and_message(api: ApiServer) -> None:
    lines = lines_of(api.log)
    for line in lines:
        assert line.keys() >= {"time", "level", "logger", "message", "process"}
        assert line["time"].endswith("Z")
        assert line["level"] in {"info", "warning", "error"}
    assert any(line["logger"] == "_granian" and "Listening" in line["message"] for line in lines)


def test_a_request_and_the_job_it_made_are_told_by_their_ids(api: ApiServer) -> None:
    key = api.new_key("101")
    actor = f"key:{key.split('_')[1]}"
    with api.client(key=key) as client:
        answer = client.post(
            EXPORTS, json={"type": "ratings", "format": "csv"}, headers={"X-Request-Id": REQUEST_ID}
        )
        job_id = answer.json()["data"]["job_id"]
        job = wait_for(client, job_id)
        client.get(f"{EXPORTS}/nonesuch")
    asked = find_line(api.log, request_id=REQUEST_ID)
    assert asked["message"] == f"POST {EXPORTS} 202"
    assert asked["actor"] == actor
    assert asked["job_id"] == job_id
    assert asked["workshop"] == "101"
    assert 0 < asked["duration"] < 30
    assert asked["bytes"] == len(answer.content)
    ended = find_line(api.log, job_id=job_id, logger="exporters.observation")
    told = {"type": "ratings", "format": "csv", "status": "completed", "workshop": "101"}
    assert ended.items() >= told.items()
    assert ended["rows"] == job["rows_written"]
    assert ended["bytes"] == job["size_bytes"]
    assert ended["duration"] > 0
    assert ended["wait"] >= 0
    refused = find_line(api.log, code="EXPORT_NOT_FOUND")
    assert refused["message"] == f"GET {EXPORTS}/nonesuch 404"


def test_probes_are_not_told_of(api: ApiServer) -> None:
    for probe in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(api.url + probe).status_code == 200
    httpx.get(f"{api.url}/nothing-here")
    find_line(api.log, message="GET /nothing-here 404")
    assert not any("/healthz" in line["message"] for line in lines_of(api.log))
    assert not any("/metrics" in line["message"] for line in lines_of(api.log))


def test_no_secret_is_logged(tmp_path: Path, sample_data: Path) -> None:
    """Whatever a caller sends, and wherever: in headers, in the path, in the query."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
    link = "X-Amz-Signature=0123456789abcdef0123"
    with run_api(sample_data, tmp_path, LOG_LEVEL="debug") as api:
        key = api.new_key("101")
        with api.client(key=key) as client:
            ask_export(client)
            client.get(f"/api/ws/{key}/{token}")
            client.get(f"/bucket/file?{link}")
            client.get(f"/bucket/{link}")
            client.get("/api/ws/reports/overview", headers={"x-api-key": key})
            client.post(EXPORTS, content=f'{{"type": "{key}"')
        httpx.get(f"{api.url}/api/ws/reports/overview", headers={"Authorization": f"Bearer {token}"})
        find_line(api.log, message="GET /api/ws/reports/overview 401")
        text = api.log.read_text()
    key_id, secret = key.split("_")[1:]
    assert f"GET /api/ws/rk_{key_id}_***/*** 404" in text
    for piece in (secret, token, token.split(".")[2], "0123456789abcdef0123"):
        assert piece not in text
    assert lines_of(tmp_path / "server.log"), "every line is whole"


def test_what_keeps_the_server_from_starting_is_one_line_without_the_password(tmp_path: Path) -> None:
    places = {"JOBS_URL": "postgresql://reports:hunter2@127.0.0.1:1/reports"}
    ended = subprocess.run(
        [sys.executable, "-m", "api.cli", "serve", "--port", "1"],
        cwd=ROOT,
        env=night_environment(tmp_path, places),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == ExitCode.UNAVAILABLE
    assert [line["message"] for line in lines if line["level"] == "critical"]
    assert "hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("told", "logged"),
    [
        (
            "cannot open postgresql://reports:hunter%402@db.internal:5432/reports?sslmode=require",
            "cannot open postgresql://reports:***@db.internal:5432/reports?sslmode=require",
        ),
        ("host=db password=hunter2 dbname=x", "host=db password=*** dbname=x"),
        (
            "GET https://b.s3.amazonaws.com/a?X-Amz-Signature=ab12&v=1",
            "GET https://b.s3.amazonaws.com/a?X-Amz-Signature=***&v=1",
        ),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("12 rows = 12 rows, basic rules", "12 rows = 12 rows, basic rules"),
    ],
)
def test_a_secret_that_another_library_tells_is_hidden(told: str, logged: str) -> None:
    record = logging.makeLogRecord({"msg": "it failed", "levelname": "ERROR"})
    record.exc_info = (ValueError, ValueError(told), None)
    for lines in (JsonLines(), TextLines()):
        text = lines.format(record)
        assert logged in text
        assert told == logged or told not in text


def test_a_worker_tells_of_the_end_of_each_job(tmp_path: Path, sample_data: Path) -> None:
    options = options_for(tmp_path, sample_data)
    log = tmp_path / "worker.log"
    with open_exports(options) as exports:
        made = exports.request("101", "bookings", "csv", {})
        broken = exports.jobs.create("nobody", "ratings", "csv", {}, max_attempts=1)
        worker = WorkerProcess(options, log, slots=1)
        try:
            wait_until(lambda: exports.jobs.get(broken.job_id).status is Status.FAILED)
            wait_until(lambda: exports.jobs.get(made.job_id).status is Status.COMPLETED)
        finally:
            assert worker.stop() == 0
    assert find_line(log, job_id=made.job_id)["rows"] > 0
    failed = find_line(log, job_id=broken.job_id)
    assert failed["level"] == "warning"
    assert failed["code"] == "WORKSHOP_NOT_FOUND"
    assert find_line(log, message="worker stopped")["level"] == "info"


def test_only_warnings_where_the_setting_says_so(tmp_path: Path, sample_data: Path) -> None:
    with run_api(sample_data, tmp_path, LOG_LEVEL="warning") as api:
        assert httpx.get(f"{api.url}/nothing-here").status_code == 404
        time.sleep(0.5)
        assert api.log.read_text() == ""


@pytest.mark.parametrize("text", ["half \ud800 a character", "two\nlines", "a bell \x07 and \x1b[31mred"])
def test_whatever_text_a_caller_sends_it_stays_one_line(text: str) -> None:
    record = logging.makeLogRecord({"msg": "%s", "args": (text,), "levelname": "INFO"})
    line = JsonLines().format(record)
    assert json.loads(line)["message"] == text
    for told in (line, TextLines().format(record)):
        assert not any(ord(letter) < 32 for letter in told)


STRAYS = """
import threading, warnings
from api.logs import configure_logging
configure_logging("info", as_text=False)
warnings.warn("old ways")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""


def test_warnings_and_errors_of_threads_are_lines_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STRAYS], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    warned, failed = (json.loads(line) for line in ended.stderr.splitlines())
    assert "old ways" in warned["message"]
    assert failed["level"] == "critical"
    assert "ZeroDivisionError" in failed["exception"]
