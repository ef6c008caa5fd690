"""Traces: spans of requests and of jobs at a collector; and nothing of it where none is set."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.api_server import ask_export, run_api, wait_for
from tests.built import ROOT, night_environment

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Collector:
    """An OTLP receiver on loopback that keeps the spans it is sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[tuple[str, Any]] = []
        """Each with the name of the service that sent it."""

    def take(self, body: bytes) -> None:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = plain(group.resource.attributes)["service.name"]
            self.spans += [(service, span) for scope in group.scope_spans for span in scope.spans]

    def find(self, name: str, seconds: float = 120) -> tuple[str, Any]:
        """The one span of this name, once it has come."""
        deadline = time.monotonic() + seconds
        while not (found := [one for one in self.spans if one[1].name == name]):
            assert time.monotonic() < deadline, [span.name for _, span in self.spans]
            time.sleep(0.05)
        assert len(found) == 1
        return found[0]


@contextmanager
def run_collector() -> Iterator[Collector]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def plain(attributes: Any) -> dict[str, Any]:
    return {
        attribute.key: getattr(attribute.value, attribute.value.WhichOneof("value"))
        for attribute in attributes
    }


def test_requests_and_jobs_are_spans(tmp_path: Path, sample_data: Path) -> None:
    with run_collector() as collector:
        with run_api(sample_data, tmp_path, "--slots", "1", OTLP_ENDPOINT=collector.url) as api:
            with api.client("101") as client:
                job_id = ask_export(client)["job_id"]
                job = wait_for(client, job_id)
                client.get("/api/ws/reports/overview", headers={"traceparent": PARENT})
            httpx.get(f"{api.url}/metrics")
        service, asked = collector.find("POST /api/ws/v2/reports/exports")
        assert service == "reports-api"
        told = plain(asked.attributes)
        assert told["http.response.status_code"] == 202
        assert told["http.route"] == "/api/ws/v2/reports/exports"
        assert told["reports.job_id"] == job_id
        assert asked.end_time_unix_nano > asked.start_time_unix_nano
        _, continued = collector.find("GET /api/ws/reports/overview")
        assert continued.trace_id.hex() == TRACE
        assert continued.parent_span_id.hex() == "00f067aa0ba902b7"
        service, ran = collector.find("export ratings")
        assert service == "reports-worker"
        told = plain(ran.attributes)
        assert told["reports.job_id"] == job_id
        assert told["reports.status"] == "completed"
        assert told["reports.rows"] == job["rows_written"]
        assert told["reports.bytes"] == job["size_bytes"]
        assert told["reports.wait_seconds"] >= 0
        assert [event.name for event in ran.events] == ["opened", "counted", "written", "stored"]
        assert "GET /metrics" not in {span.name for _, span in collector.spans}


def test_a_collector_that_is_away_hinders_nothing(tmp_path: Path, sample_data: Path) -> None:
    with (
        run_api(sample_data, tmp_path, "--slots", "1", OTLP_ENDPOINT="http://127.0.0.1:1") as api,
        api.client("101") as client,
    ):
        assert wait_for(client, ask_export(client)["job_id"])["status"] == "completed"


LISTS_MODULES = """
import sys
from api.http.app import create_app
from api.observing import prepare_worker
from settings import Settings
prepare_worker(Settings())()
create_app(Settings())
parts = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.trace")  # the web framework has others
print([name for name in sys.modules if name.startswith(parts)])
"""

WITHOUT_LIBRARIES = """
import sys
sys.modules["opentelemetry"] = None
from api.cli import main
main()
"""


def test_nothing_is_imported_where_no_collector_is_set(tmp_path: Path, sample_data: Path) -> None:
    places = {"JOBS_URL": f"sqlite:///{tmp_path / 'jobs.db'}", "STORE_URL": f"file://{tmp_path / 'store'}"}
    assert run(LISTS_MODULES, night_environment(sample_data, places)).stdout == "[]\n"


@pytest.mark.parametrize("command", [["worker", "--slots", "1"], ["serve", "--port", "1"]])
def test_without_the_libraries_the_command_says_what_to_install(tmp_path: Path, command: list[str]) -> None:
    environment = night_environment(tmp_path, {"OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    ended = run(WITHOUT_LIBRARIES, environment, *command)
    assert ended.returncode == 5
    assert "install workshop-reports[telemetry]" in ended.stderr


def run(program: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
