"""The batch API for tests: a running server with a worker, a mail server and a receiver of webhooks."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from exporters.access.callers import BATCHES_SCOPE, REPORTS_SCOPE
from tests.api_server import ApiServer, run_api
from tests.batch_world import number_of, write_workshops
from tests.small_warehouse import SmallWarehouse
from tests.smtp_server import SmtpServer
from tests.webhook_receiver import Behaviour, Call, WebhookReceiver

BATCHES = "/apps/reporting/batches"
WEBHOOK_TEST = "/apps/reporting/webhooktest"
WORKSHOPS = 6
"""In the served data; 1 to 4 are those of `ours`."""
LOW = 4
"""The workshop whose one rating is 2.0."""
AT_REST = {"Finished", "FinishedWithWarning", "FinishedWithErrors", "Listening", "ListeningStopped"}
MIXED = {"filters": {"rating_min": 4}, "errorAppend": "#error"}
"""Of a batch whose report of the workshop `LOW` has no rows."""


@dataclass
class BatchApi:
    """A running API and what it sends to."""

    server: ApiServer
    warehouse: SmallWarehouse
    smtp: SmtpServer
    receiver: WebhookReceiver
    answers: dict[str, Behaviour]
    """By path, how the receiver answers."""

    def client(self, *workshops: int, **options: Any) -> httpx.Client:
        """A client with a new key of these workshops; with `organisation` of that instead."""
        scopes = options.pop("scopes", [BATCHES_SCOPE])
        key = self.server.new_key(*map(str, workshops), scopes=scopes, **options)
        return self.server.client(key=key)

    def url(self, path: str) -> str:
        """A URL of the receiver."""
        return f"http://127.0.0.1:{self.receiver.port}{path}"

    def calls(self, path: str, count: int) -> list[Call]:
        """The calls of one path, once there are so many."""
        wait_until(lambda: len(self._calls(path)) >= count or None, f"{count} calls of {path}")
        return self._calls(path)

    def _calls(self, path: str) -> list[Call]:
        return [call for call in self.receiver.calls if call.target == path]

    def mails(self, recipient: str, count: int) -> list[Any]:
        """The mails to one recipient, once there are so many."""

        def look() -> list[Any]:
            return [mail.message for mail in self.smtp.mails if mail.recipients == (recipient,)]

        wait_until(lambda: len(look()) >= count or None, f"{count} mails to {recipient}")
        return look()

    def follow(self, link: str) -> httpx.Response:
        """What a link leads to, without any credential."""
        return httpx.get(self.server.url + urlsplit(link).path, follow_redirects=True)

    def night(self, **changes: Any) -> None:
        """Publish the data again, with ratings or numbers that have changed."""
        write_workshops(self.warehouse, WORKSHOPS, **changes)
        self.warehouse.night()


def wait_until(look: Any, what: str, seconds: float = 300) -> Any:
    """What `look` gives, once it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not in time: {what}")


def body(*items: int | Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of a batch; an item may be given by its workshop. What is `...` is left out."""
    listed = [item if isinstance(item, Mapping) else {"cvr": int(number_of(item))} for item in items]
    given = {"batchName": "Q1", "type": "ReelleEjere", "format": "{cvr}-{name}", "items": listed}
    return {name: value for name, value in (given | changes).items() if value is not ...}


def make(client: httpx.Client, *items: Any, **changes: Any) -> Any:
    """A new batch as it is answered."""
    answer = client.post(BATCHES, json=body(*items, **changes))
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_mixed(client: httpx.Client) -> Any:
    """A finished batch of three reports: one completed, one without rows, one of no workshop."""
    first = {"cvr": int(number_of(1)), "internalCustomerId": 77}
    foreign = {"cvr": int(number_of(5)), "format": "VIP-{cvr}"}
    return finish(client, make(client, first, LOW, foreign, **MIXED))


def finish(client: httpx.Client, batch: Mapping[str, Any], *states: str) -> Any:
    """The batch once it has come to rest, or to one of the states."""

    def look() -> Any:
        shown = client.get(f"{BATCHES}/{batch['id']}").json()
        return shown if shown["status"] in (states or AT_REST) else None

    return wait_until(look, f"batch {batch['id']} to end")


def items_of(client: httpx.Client, batch: Mapping[str, Any], **query: Any) -> Any:
    """The finished reports, page by page."""
    found: list[Any] = []
    while True:
        answer = client.get(f"{BATCHES}/{batch['id']}/items", params=query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["results"]
        query["cToken"] = answer.json()["continuationToken"]
        if query["cToken"] is None:
            return found


def instant(text: str) -> datetime:
    """An instant as answers have it: in UTC with a Z, to the second."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


@contextmanager
def run_batch_api(folder: Path, **settings: str) -> Iterator[BatchApi]:
    """Serve the API with a worker on data of a few workshops."""
    warehouse = SmallWarehouse(folder / "data")
    write_workshops(warehouse, WORKSHOPS, rated={LOW: 2.0})
    warehouse.night()
    answers: dict[str, Behaviour] = {}

    def answer(call: Call) -> Behaviour:
        return answers.get(call.target, Behaviour())

    with SmtpServer() as smtp, WebhookReceiver(answer) as receiver:
        given = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp.port),
            "SMTP_SECURITY": "none",
            "WEBHOOK_NETWORKS": "127.0.0.1/32",
            "RATE_PER_MINUTE": "1000000",
        }
        with run_api(warehouse.root, folder / "served", "--slots", "2", **(given | settings)) as server:
            yield BatchApi(server, warehouse, smtp, receiver, answers)


def readers(api: BatchApi, *workshops: int) -> httpx.Client:
    """A client that may read reports, but make no batches."""
    return api.client(*workshops, scopes=[REPORTS_SCOPE])
