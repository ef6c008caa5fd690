"""Deliveries over HTTP, and the page that a mailed link leads to."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporters.database import Database, open_database
from exporters.deliveries import transitions
from exporters.deliveries.links import link_to
from exporters.deliveries.orders import Channel
from exporters.deliveries.outbox import queue
from exporters.deliveries.records import Delivery, State
from exporters.deliveries.store import DeliveryStore
from tests.api_server import ApiServer, ask_export, run_api
from tests.batch_api import wait_until
from tests.deliveries import KEY, NOW, order
from tests.s3_server import S3Server

DELIVERIES = "/api/ws/v2/reports/deliveries"
TYPES = "/api/ws/v2/reports/types"
SENDING = ("reports", "definitions")


@pytest.fixture
def records(api: ApiServer) -> Iterator[Database]:
    database = open_database(api.settings().jobs_database)
    yield database
    database.close()


def add(database: Database, **changes: Any) -> Delivery:
    """A queued delivery of its own."""
    asked = replace(order(subject=f"item:{uuid.uuid4()}"), **changes)
    with database.writing() as connection:
        assert queue(connection, NOW, [asked]) == 1
    (made,) = DeliveryStore(database).list(subject=asked.subject)
    return made


def end(database: Database, delivery: Delivery, state: State) -> None:
    store = DeliveryStore(database)
    if state is State.CANCELLED:
        store.cancel(delivery.delivery_id, "test")
    else:
        told = {"code": "451", "message": "later"}
        with database.writing() as connection:
            transitions.give_up_waiting(connection, NOW, delivery.channel, delivery.recipient, **told)


def a_file(api: ApiServer, workshop: str = "101", **body: Any) -> str:
    with api.client(workshop) as client:
        job_id = str(ask_export(client, **body)["job_id"])
    api.run(job_id)
    return job_id


def test_a_delivery_is_shown_with_its_history(api: ApiServer, records: Database) -> None:
    made = add(records, workshop_id="101")
    with api.client("101") as client:
        shown = client.get(f"{DELIVERIES}/{made.delivery_id}").json()["data"]
        listed = client.get(DELIVERIES, params={"subject": made.subject}).json()["data"]
    assert shown["state"] == "queued"
    assert shown["recipient"] == "kari@verksted.example"
    assert [event["event"] for event in shown.pop("events")] == ["queued"]
    assert listed == {"items": [shown], "page_info": {"next_cursor": None, "has_more": False}}
    assert "content" not in shown


def test_deliveries_come_in_pages(api: ApiServer, records: Database) -> None:
    made = {add(records, workshop_id="105").delivery_id for _ in range(5)}
    seen: list[str] = []
    with api.client("105") as client:
        cursor = None
        while True:
            asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = client.get(DELIVERIES, params=asked).json()["data"]
            seen += [each["delivery_id"] for each in page["items"]]
            cursor = page["page_info"]["next_cursor"]
            if not page["page_info"]["has_more"]:
                break
        for bad in ({"limit": 0}, {"limit": 101}, {"state": "lost"}, {"cursor": "nothing"}):
            assert client.get(DELIVERIES, params=bad).status_code == 422
    assert len(seen) == 5
    assert set(seen) == made


def test_a_foreign_delivery_is_not_there(api: ApiServer, records: Database) -> None:
    made = add(records, workshop_id="102")
    end(records, made, State.CANCELLED)
    reason = {"reason": "mine"}
    with api.client("101", key=api.new_key("101", scopes=SENDING)) as client:
        assert client.get(f"{DELIVERIES}/{made.delivery_id}").status_code == 404
        assert client.get(DELIVERIES, params={"subject": made.subject}).json()["data"]["items"] == []
        assert client.post(f"{DELIVERIES}/{made.delivery_id}/resend", json=reason).status_code == 404
        named = {**reason, "delivery_ids": [made.delivery_id]}
        answer = client.post(f"{DELIVERIES}/replay", json=named)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "DELIVERY_NOT_FOUND"


def test_sending_again_needs_a_reason_a_scope_and_an_end(api: ApiServer, records: Database) -> None:
    made = add(records, workshop_id="101")
    place = f"{DELIVERIES}/{made.delivery_id}/resend"
    with api.client("101") as reader:
        assert reader.post(place, json={"reason": "x"}).status_code == 403
    with api.client("101", key=api.new_key("101", scopes=SENDING)) as client:
        assert client.post(place, json={"reason": "x"}).status_code == 409
        end(records, made, State.CANCELLED)
        for bad in (
            {},
            {"reason": ""},
            {"reason": " \n "},
            {"reason": "x" * 501},
            {"reason": "x", "to": "me@x.no"},
        ):
            assert client.post(place, json=bad).status_code == 422
        answer = client.post(place, json={"reason": "Kari deleted it"})
        assert answer.status_code == 202
        again = answer.json()["data"]
        assert (again["repeat"], again["reason"], again["state"]) == (1, "Kari deleted it", "queued")
        assert answer.headers["location"] == f"{DELIVERIES}/{again['delivery_id']}"
    (row,) = [each for each in api.events("101") if each.action == "delivery_resent"]
    assert row.detail == {"delivery_id": again["delivery_id"], "reason": "Kari deleted it"}


def test_dead_letters_are_replayed(api: ApiServer, records: Database) -> None:
    dead, alive = add(records, workshop_id="103", recipient="dead@x.example"), add(records, workshop_id="103")
    end(records, dead, State.DEAD)
    with api.client("103", key=api.new_key("103", scopes=SENDING)) as client:
        named = {"reason": "mended", "delivery_ids": [alive.delivery_id]}
        assert client.post(f"{DELIVERIES}/replay", json=named).status_code == 409
        answer = client.post(f"{DELIVERIES}/replay", json={"reason": "mended"})
        assert answer.json()["data"] == {"delivery_ids": [dead.delivery_id]}
        shown = client.get(f"{DELIVERIES}/{dead.delivery_id}").json()["data"]
    assert shown["state"] == "queued"
    assert [event["event"] for event in shown["events"]] == ["queued", "died", "replayed"]


def page_of(api: ApiServer, delivery: Delivery) -> str:
    """The path of the page of a delivery."""
    options = replace(api.settings().deliveries, public_url=api.url)
    return link_to(delivery, options)


def with_file(database: Database, job_id: str, **changes: Any) -> Delivery:
    asked: dict[str, Any] = {"job_id": job_id, "workshop_id": "101", **changes}
    return add(database, **asked)


def test_the_page_shows_the_file_and_hands_it_out_by_a_button(api: ApiServer, records: Database) -> None:
    made = with_file(records, a_file(api), content={"title": "<b>Vurderinger</b>"}, language="nb")
    url = page_of(api, made)
    page = httpx.get(url)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert '<html lang="nb">' in page.text
    assert "&lt;b&gt;Vurderinger&lt;/b&gt;" in page.text
    assert "Last ned" in page.text
    assert "Kan lastes ned frem til" in page.text
    assert "<script" not in page.text
    assert not [row for row in api.events("101") if row.actor == f"link:{made.delivery_id}"]
    action = re.search(r'<form method="post" action="([^"]+)">', page.text)
    assert action is not None
    file = httpx.post(httpx.URL(url).join(action[1]))
    assert file.status_code == 200
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["cache-control"] == "no-store"
    with api.client("101") as client:
        assert client.get(f"/api/ws/v2/reports/exports/{made.job_id}/download").content == file.content
    (row,) = [row for row in api.events("101") if row.actor == f"link:{made.delivery_id}"]
    assert (row.action, row.job_id) == ("downloaded", made.job_id)


@pytest.mark.parametrize("ending", ["", "/", "?from=mail", "/?from=mail"])
def test_the_button_is_right_however_the_address_ends(api: ApiServer, records: Database, ending: str) -> None:
    url = page_of(api, with_file(records, a_file(api))) + ending
    action = re.search(r'<form method="post" action="([^"]+)">', httpx.get(url).text)
    assert action is not None
    assert httpx.post(httpx.URL(url).join(action[1])).status_code == 200


def test_asking_for_the_page_by_head_takes_no_file(api: ApiServer, records: Database) -> None:
    made = with_file(records, a_file(api))
    answer = httpx.head(page_of(api, made))
    assert (answer.status_code, answer.content) == (200, b"")
    assert not [row for row in api.events("101") if row.actor == f"link:{made.delivery_id}"]


def test_the_link_of_a_webhook_leads_to_the_file(api: ApiServer, records: Database) -> None:
    made = with_file(records, a_file(api), channel=Channel.WEBHOOK, recipient="endpoint")
    url = page_of(api, made)
    head = httpx.head(url)
    assert head.status_code == 200
    file = httpx.get(url)
    assert head.headers["content-length"] == file.headers["content-length"] == str(len(file.content))
    assert file.headers["content-type"].startswith("text/csv")
    (row,) = [row for row in api.events("101") if row.actor == f"link:{made.delivery_id}"]
    assert row.action == "downloaded"


def test_a_link_with_another_signature_leads_nowhere(api: ApiServer, records: Database) -> None:
    made, other = (with_file(records, a_file(api)) for _ in range(2))
    url = page_of(api, made)
    signature = url.rpartition(".")[2]
    changed = [
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url[:-1],
        url + "A",
        url.replace(made.delivery_id, other.delivery_id),
        url.replace(made.delivery_id, str(uuid.uuid4())),
        url.replace(made.delivery_id, made.delivery_id.upper()),
        url.removesuffix(f".{signature}"),
        url.replace(signature, ""),
        url.replace(signature, "%00" * 43),
        url.replace(signature, "æ" * 43),
    ]
    for bad in changed:
        for method in ("GET", "POST"):
            place = bad if method == "GET" else f"{bad}/download"
            answer = httpx.request(method, place, headers={"accept-language": "de-AT,en;q=0.5"})
            assert answer.status_code in {404, 405}, (method, bad)
            if answer.status_code == 404 and "html" in answer.headers["content-type"]:
                assert "führt zu keiner Datei" in answer.text
            assert made.job_id is not None
            assert made.job_id not in answer.text


def test_a_signature_is_good_for_an_existing_delivery_only(api: ApiServer, records: Database) -> None:
    made = with_file(records, a_file(api))
    gone = replace(made, delivery_id=str(uuid.uuid4()))
    assert httpx.get(page_of(api, gone)).status_code == 404


def test_an_expired_file_has_a_page_that_says_so(api: ApiServer, records: Database) -> None:
    job_id = a_file(api)
    made = with_file(records, job_id, language="sv")
    with api.records() as jobs:
        jobs.expire(job_id)
    url = page_of(api, made)
    for answer in (httpx.get(url), httpx.post(f"{url}/download")):
        assert answer.status_code == 410
        assert "Filen är borttagen" in answer.text
        assert "<form" not in answer.text


def test_a_delivery_without_a_file_has_a_page_that_says_so(api: ApiServer, records: Database) -> None:
    answer = httpx.get(page_of(api, add(records, language="da")))
    assert answer.status_code == 404
    assert "ingen fil" in answer.text


def test_a_signature_is_in_no_line_of_the_log(api: ApiServer, records: Database) -> None:
    made = with_file(records, a_file(api))
    url = page_of(api, made)
    signature = url.rpartition(".")[2]
    httpx.get(url)
    httpx.post(f"{url}/download")
    httpx.get(f"{url}/other")
    httpx.get(url.replace("/reports/", "/Reports/"))
    httpx.get(url.replace("/reports/", "//reports/"))
    with api.client("101") as client:
        metrics = client.get("/metrics").text
        before = len(api.log.read_text())
        client.get(TYPES)
    wait_until(lambda: f"GET {TYPES}" in api.log.read_text()[before:] or None, "the line of the last request")
    log = api.log.read_text()
    assert f"{made.delivery_id}.***" in log
    assert signature not in log
    assert signature[:20] not in log
    assert made.delivery_id not in metrics
    assert all(json.loads(line) for line in log.splitlines())


def test_a_download_from_s3_is_a_fresh_link(s3_server: S3Server, sample_data: Path, tmp_path: Path) -> None:
    options = s3_server.options()
    settings = {
        "STORE_URL": f"s3://{s3_server.bucket}/links",
        "S3_ENDPOINT": options.endpoint_url or "",
        "S3_ACCESS_KEY": options.access_key or "",
        "S3_SECRET_KEY": options.secret_key or "",
        "S3_REGION": options.region or "",
        "LINK_SECONDS": "60",
        "SEAL_KEY": KEY,
    }
    with run_api(sample_data, tmp_path, **settings) as api:
        with closing(open_database(api.settings().jobs_database)) as database:
            made = with_file(database, a_file(api))
        url = page_of(api, made)
        page = httpx.get(url)
        policy = page.headers["content-security-policy"]
        assert f"form-action 'self' {options.endpoint_url};" in policy
        assert "Signature" not in page.text
        answer = httpx.post(f"{url}/download")
        assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
        assert httpx.get(answer.headers["location"]).content.startswith(b"Rating no.,")
        assert "Signature" not in api.log.read_text()
