"""The API and its worker on PostgreSQL: each family's main path, and what becomes of all while it is away."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
from psycopg import sql
from sqlalchemy import make_url

from bench.postgres_server import connect_postgres
from exporters.access.callers import BATCHES_SCOPE, DEFINITIONS_SCOPE, REPORTS_SCOPE
from exporters.database import open_database
from exporters.deliveries.files import DeliveredFile, Files
from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import Outcome, delivered
from exporters.deliveries.records import Delivery, State
from exporters.deliveries.sender import Sender, Way
from exporters.deliveries.store import DeliveryStore
from exporters.jobs import JobStore
from exporters.storage import open_store
from tests.batch_api import BATCHES, BatchApi, body, finish, items_of, make, wait_until
from tests.company_api import REPORTS, arguments, make_report, read_report
from tests.deliveries import delivery_options, order, place

EMAIL = "away@verksted.example"
EVENTS = "/api/v1/reports/overview"


@contextmanager
def away(server: Path, name: str) -> Iterator[None]:
    """The database takes no connection while the block lasts, as when its server is started again."""
    with connect_postgres(server) as connection:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format
        connection.execute(allow(sql.Identifier(name), sql.Literal(False)))
        ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s"
        for _ in range(2):  # one may just have been let in
            connection.execute(ended, [name])
            time.sleep(0.2)
        try:
            yield
        finally:
            connection.execute(allow(sql.Identifier(name), sql.Literal(True)))


def readiness(api: BatchApi) -> httpx.Response:
    return httpx.get(f"{api.server.url}/readyz", timeout=60)


def test_all_goes_on_when_the_records_were_away(batch_api: BatchApi, pg_server: Path) -> None:
    api, url = batch_api, make_url(batch_api.server.settings().jobs_database)
    assert url.get_backend_name() == "postgresql"
    scopes = [BATCHES_SCOPE, DEFINITIONS_SCOPE, REPORTS_SCOPE]
    with api.client(6, scopes=scopes) as client:
        before = make(client, 6, notificationEmail=EMAIL)
        report_id = make_report(client, arguments=arguments(email=EMAIL))
        assert client.get(EVENTS).status_code == 200
        with away(pg_server, str(url.database)):
            for asked in (client.post(BATCHES, json=body(6)), client.get(f"{REPORTS}/{report_id}")):
                assert (asked.status_code, asked.headers["retry-after"]) == (503, "5"), asked.text
                assert "postgres" not in asked.text.lower()
            told = wait_until(
                lambda: shown if (shown := readiness(api)).status_code == 503 else None, "readiness"
            )
            assert told.json()["parts"]["records"] == "DatabaseUnavailable"
        wait_until(lambda: True if readiness(api).status_code == 200 else None, "readiness")
        assert client.get(EVENTS).status_code == 200
        assert client.get(f"{REPORTS}/{report_id}/send").status_code == 200
        for batch in (before, make(client, 6, notificationEmail=EMAIL)):
            assert finish(client, batch)["status"] == "Finished"
            assert len(items_of(client, batch)) == 1
        assert len(api.mails(EMAIL, 3)) == 3, "one of each batch and one of the report"
        assert client.delete(f"{REPORTS}/{report_id}").status_code == 200
        assert client.get(f"{REPORTS}/{report_id}").status_code == 404
        assert read_report(client, make_report(client))["name"] == "Missed calls"


def test_what_was_sent_while_the_records_were_away_is_not_sent_again(
    new_pg_url: Callable[[], str], pg_server: Path, tmp_path: Path
) -> None:
    url, gone = new_pg_url(), threading.Event()
    with closing(open_database(url)) as database, ExitStack() as outage, ThreadPoolExecutor(1) as pool:

        def send(_delivery: Delivery, _file: DeliveredFile | None, _options: DeliveryOptions, /) -> Outcome:
            outage.enter_context(away(pg_server, str(make_url(url).database)))
            gone.set()
            return delivered("250", "taken")

        (delivery_id,) = place(database, order())
        files = Files(JobStore(database), open_store(str(tmp_path)))
        sender = Sender(database, files, delivery_options(), ways={Channel.EMAIL: Way(send)})
        sent = pool.submit(sender.send_due, Channel.EMAIL)
        assert gone.wait(60)
        time.sleep(4)
        outage.close()
        assert sent.result(60) == 1
        found = DeliveryStore(database).get(delivery_id)
        assert (found.state, found.attempt) == (State.DELIVERED, 1)
