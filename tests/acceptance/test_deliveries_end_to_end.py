"""Deliveries as their users live with them: mailed once by several workers, by link, after an outage."""

import hashlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import httpx
import pytest
from playwright.sync_api import Browser
from sqlalchemy import update

from exporters.access.callers import BATCHES_SCOPE, DEFINITIONS_SCOPE, REPORTS_SCOPE
from exporters.database import Database, open_database
from exporters.database.schema import metadata
from exporters.deliveries.records import Delivery, State
from exporters.deliveries.store import DeliveryStore
from pipelines.definitions import build_definitions
from pipelines.project import load_project
from tests.api_server import ApiServer, run_api
from tests.built import ROOT
from tests.company_api import body, make_report
from tests.deliveries import KEY
from tests.smtp_server import Received, SmtpServer
from tests.webhook_receiver import WebhookReceiver
from tests.worker_processes import wait_until

BATCHES = "/apps/reporting/batches"
KARI = "kari@verksted.example"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
OWN_NUMBER = "987654321"
"""Of workshop 101."""
TICKS = 5


@pytest.fixture(scope="module")
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


@contextmanager
def serve(data: Path, folder: Path, port: int, slots: int) -> Iterator[ApiServer]:
    """An API with a worker beside it, which mails to a port of this machine."""
    with run_api(
        data,
        folder,
        "--slots",
        str(slots),
        SEAL_KEY=KEY,
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(port),
        SMTP_SECURITY="none",
        WEBHOOK_NETWORKS="127.0.0.1/32",
        PUBLIC_URL="https://reports.example",
    ) as api:
        yield api


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, sample_data: Path, mail_server: SmtpServer
) -> Iterator[ApiServer]:
    with serve(sample_data, tmp_path_factory.mktemp("installation"), mail_server.port, 2) as api:
        yield api


@pytest.fixture
def client(api: ApiServer) -> Iterator[httpx.Client]:
    key = api.new_key("101", scopes=[DEFINITIONS_SCOPE, REPORTS_SCOPE, BATCHES_SCOPE])
    with api.client(key=key) as client:
        yield client


def make_due(api: ApiServer, report_id: str) -> None:
    """As if its time had come."""
    definitions = metadata.tables["definitions"]
    with closing(open_database(api.settings().jobs_database)) as database, database.writing() as connection:
        this = definitions.c.definition_id == int(report_id)
        connection.execute(update(definitions).where(this).values(next_fire_at=LONG_AGO))


def deliveries_of(api: ApiServer, subject: str) -> list[Delivery]:
    with closing(Database(api.settings().jobs_database)) as database:
        return list(DeliveryStore(database).list(subject=subject, limit=1000))


def mails_to(server: SmtpServer, address: str) -> list[Received]:
    return [mail for mail in server.mails if mail.recipients == (address,)]


def sha256_of_job(api: ApiServer, delivery: Delivery) -> str:
    with api.records() as jobs:
        return str(jobs.get(str(delivery.job_id)).sha256)


def link_in(mail: Received) -> str:
    """The path of the link in a mail."""
    plain = mail.message.get_body(("plain",))
    assert plain is not None
    [link] = re.findall(r"https://reports\.example(/\S+)", plain.get_content())
    return str(link)


def sent_states(client: httpx.Client, report_id: str) -> list[str]:
    """States of the fires, but for those that nobody was there for."""
    fires = client.get(f"/company/report/{report_id}/fires").json()
    return [fire["state"] for fire in fires if fire["state"] != "missed"]


def arguments(address: str, format_: str = "csv") -> list[dict[str, str]]:
    return [{"key": "format", "value": format_}, {"key": "email", "value": address}]


def test_a_fire_is_mailed_once_with_the_file_on_record(
    api: ApiServer, client: httpx.Client, mail_server: SmtpServer
) -> None:
    report_id = make_report(client, arguments=arguments(KARI, "xlsx"))
    make_due(api, report_id)
    wait_until(lambda: mails_to(mail_server, KARI))
    subject = f"definition:{report_id}"
    wait_until(lambda: [each.state for each in deliveries_of(api, subject)] == [State.DELIVERED])
    time.sleep(3)  # some looks of the dispatcher
    [mail] = mails_to(mail_server, KARI)
    [delivery] = deliveries_of(api, f"definition:{report_id}")
    [attached] = mail.message.iter_attachments()
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert hashlib.sha256(content).hexdigest() == sha256_of_job(api, delivery)
    assert mail.message["Message-ID"].startswith(f"<{delivery.delivery_id}@")
    assert sent_states(client, report_id) == ["sent"]
    shown = client.get(f"/api/ws/v2/reports/deliveries/{delivery.delivery_id}").json()["data"]
    assert [event["event"] for event in shown["events"]] == ["queued", "claimed", "delivered"]


def test_a_link_leads_to_a_page_and_its_button_to_the_file(
    api: ApiServer, client: httpx.Client, mail_server: SmtpServer, browser: Browser
) -> None:
    address = "link@verksted.example"
    report_id = make_report(client, arguments=arguments(address, "pdf"), email_link_only=1)
    make_due(api, report_id)
    wait_until(lambda: mails_to(mail_server, address))
    [mail] = mails_to(mail_server, address)
    assert not list(mail.message.iter_attachments())
    page = browser.new_page()
    page.goto(f"{api.url}{link_in(mail)}")
    with page.expect_download() as downloading:
        page.get_by_role("button").click()
    content = Path(downloading.value.path()).read_bytes()
    [delivery] = deliveries_of(api, f"definition:{report_id}")
    assert hashlib.sha256(content).hexdigest() == sha256_of_job(api, delivery)
    assert downloading.value.suggested_filename.endswith(".pdf")
    page.close()
    assert urlsplit(link_in(mail)).path.rpartition("/")[2] not in api.log.read_text(), "no link is logged"


def test_a_batch_calls_its_webhook_once_for_each_item(
    client: httpx.Client, receiver: WebhookReceiver, api: ApiServer
) -> None:
    asked = {
        "batchName": "Q1",
        "type": "ReelleEjere",
        "format": "{cvr}",
        "items": [{"cvr": OWN_NUMBER}, {"cvr": "1"}],
        "notificationWebhookUrl": receiver.url,
    }
    made = client.post(BATCHES, json=asked)
    assert made.status_code in (200, 201, 202), made.text
    wait_until(lambda: len(receiver.calls) >= 2)
    time.sleep(3)
    assert len(receiver.calls) == len({call.webhook_id for call in receiver.calls}) == 2
    endpoint = client.get("/api/ws/v2/reports/webhooks").json()["data"]["items"][0]["endpoint_id"]
    secret = client.get(f"/api/ws/v2/reports/webhooks/{endpoint}").json()["data"]["secret"]
    told: list[Any] = [receiver.verify(call, secret) for call in receiver.calls]
    for item in told:
        assert (item["status"] == "Failed") == (item["pdfurl"] is None)
    [url] = [item["pdfurl"] for item in told if item["pdfurl"]]
    answer = httpx.get(
        api.url + url.removeprefix("https://reports.example"), follow_redirects=True, timeout=60
    )
    assert answer.content.startswith(b"%PDF"), answer.text


@contextmanager
def another_worker(api: ApiServer) -> Iterator[None]:
    with (api.folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "worker", "--slots", "1"],
            cwd=ROOT,
            env=dict(api.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def test_two_workers_and_the_dagster_sensor_send_each_report_once(
    api: ApiServer, client: httpx.Client, mail_server: SmtpServer
) -> None:
    sensor = build_definitions(load_project(api.settings())).resolve_sensor_def("due_definitions")
    addresses = [f"many{number}@verksted.example" for number in range(12)]
    with another_worker(api), ExitStack() as stack:
        instance = stack.enter_context(dg.DagsterInstance.ephemeral())
        context = stack.enter_context(dg.build_sensor_context(instance=instance))
        report_ids = [make_report(client, arguments=arguments(address)) for address in addresses]
        for at in range(TICKS):
            for report_id in report_ids[at::TICKS]:
                make_due(api, report_id)
            sensor.evaluate_tick(context)
        wait_until(lambda: all(mails_to(mail_server, address) for address in addresses))
        time.sleep(3)
        sensor.evaluate_tick(context)
    assert [len(mails_to(mail_server, address)) for address in addresses] == [1] * len(addresses)
    assert [sent_states(client, report_id) for report_id in report_ids] == [["sent"]] * len(addresses)


def test_a_mail_server_that_is_away_costs_no_mail(tmp_path: Path, sample_data: Path) -> None:
    address = "later@verksted.example"
    with SmtpServer() as free:
        port = free.port
    with serve(sample_data, tmp_path, port, 1) as api:
        key = api.new_key("101", scopes=[DEFINITIONS_SCOPE, REPORTS_SCOPE])
        with api.client(key=key) as client:
            report_id = make_report(client, **body(arguments=arguments(address)))
        make_due(api, report_id)

        def tries() -> int:
            return sum(each.attempt for each in waiting())

        def waiting() -> list[Delivery]:
            found = deliveries_of(api, f"definition:{report_id}")
            return [each for each in found if each.state is State.QUEUED]

        wait_until(lambda: tries() == 1)
        assert httpx.get(f"{api.url}/readyz", timeout=60).status_code == 200
        pass_time(api)
        wait_until(lambda: tries() == 2)
        [late] = waiting()
        assert late.due_at is not None
        assert (late.due_at - datetime.now(UTC)).total_seconds() > 20 * 60
        with SmtpServer(port=port) as back:
            pass_time(api)
            wait_until(lambda: mails_to(back, address))
            wait_until(lambda: not waiting())
            time.sleep(2)
            [mail] = back.mails
        assert mail.message["Message-ID"].startswith(f"<{late.delivery_id}@")
        [delivered] = deliveries_of(api, f"definition:{report_id}")
        assert (delivered.state, delivered.attempt) == (State.DELIVERED, 3)


def pass_time(api: ApiServer) -> None:
    """As if the pause until the next try were over."""
    deliveries = metadata.tables["deliveries"]
    with closing(open_database(api.settings().jobs_database)) as database, database.writing() as connection:
        queued = deliveries.c.state == State.QUEUED
        connection.execute(update(deliveries).where(queued).values(due_at=datetime.now(UTC)))
