"""Tests of the webhook channel against real receivers: what is sent, what answers mean, what is hidden."""

import base64
import json
import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from sqlalchemy import text

from exporters.access.callers import Caller
from exporters.access.keys import KeyStore
from exporters.database import Database
from exporters.database.schema import metadata
from exporters.deliveries import webhook
from exporters.deliveries.addresses import AddressRefused
from exporters.deliveries.endpoints import EndpointNotFound, EndpointState
from exporters.deliveries.outcomes import Verdict
from exporters.deliveries.records import State
from exporters.deliveries.webhook_auth import Auth, Method
from exporters.deliveries.webhook_calls import Bounds
from exporters.jobs import JobStore
from exporters.seal import Seal
from tests.records import MovedClock
from tests.webhook_receiver import Behaviour, Call, Tls, WebhookReceiver
from tests.webhook_world import BODY, World, make_options
from tests.worker_processes import wait_until


@pytest.fixture
def world(records: Database, moved_clock: MovedClock, tmp_path: Path) -> World:
    return World(records, moved_clock, make_options(tmp_path), tmp_path)


def answering(behaviour: Behaviour) -> WebhookReceiver:
    return WebhookReceiver(lambda _call: behaviour)


def test_a_call_has_the_item_the_id_and_a_signature_that_the_official_library_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with WebhookReceiver() as receiver:
        endpoint_id = world.add_endpoint(f"{receiver.url}?key=a%20b")
        world.clock.now = datetime.now(UTC)  # as the library has it
        world.order(endpoint_id)
        assert world.send() == 1
        (call,) = receiver.calls
        assert receiver.verify(call, world.endpoints.secret(endpoint_id)) == {**BODY, "pdfurl": None}
        (delivery,) = world.all()
    assert delivery.state is State.DELIVERED
    assert delivery.code == "200"
    assert call.webhook_id == delivery.delivery_id
    assert call.target == "/hook?key=a%20b"
    assert call.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"] == "workshop-reports"
    assert world.endpoints.get(endpoint_id).last_success_at == world.clock.now


def test_the_id_stays_and_the_time_is_renewed_at_each_try(world: World) -> None:
    answers = iter([Behaviour(500), Behaviour(204, b"")])
    with WebhookReceiver(lambda _call: next(answers)) as receiver:
        world.order(world.add_endpoint(receiver.url))
        world.send()
        world.clock.advance(minutes=6)
        world.send()
    first, second = receiver.calls
    assert first.webhook_id == second.webhook_id
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 360
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert first.body == second.body


def test_a_replaced_secret_signs_for_a_day_beside_the_new_one(world: World) -> None:
    with WebhookReceiver() as receiver:
        endpoint_id = world.add_endpoint(receiver.url)
        old = world.endpoints.secret(endpoint_id)
        new = world.endpoints.rotate_secret(endpoint_id, "key:1")
        assert old != new == world.endpoints.secret(endpoint_id)
        world.order(endpoint_id, "1")
        world.send()
        world.clock.advance(hours=25)
        world.order(endpoint_id, "2")
        world.send()
    both, one = (call.headers["webhook-signature"].split(" ") for call in receiver.calls)
    assert len(both) == 2
    assert len(one) == 1
    assert [event.event for event in world.endpoints.events(endpoint_id)] == ["created", "secret_rotated"]


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (Auth(Method.HEADER, "X-Hook-Key", "hidden-value"), "x-hook-key", "hidden-value"),
        (
            Auth(Method.BASIC, "åse", "hidden-ø"),
            "authorization",
            "Basic " + base64.b64encode("åse:hidden-ø".encode()).decode(),
        ),
    ],
)
def test_the_receiver_knows_the_caller(world: World, auth: Auth, name: str, value: str) -> None:
    with WebhookReceiver() as receiver:
        world.order(world.add_endpoint(receiver.url, auth))
        world.send()
    assert receiver.calls[0].headers[name] == value


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour(301, headers={"Location": "http://127.0.0.1:1/"}), "301"),
        (Behaviour(302, headers={"Location": "/elsewhere"}), "302"),
        (Behaviour(307, headers={"Location": "/elsewhere"}), "307"),
        (Behaviour(400), "400"),
        (Behaviour(401), "401"),
        (Behaviour(404), "404"),
        (Behaviour(409), "409"),
        (Behaviour(429, headers={"Retry-After": "1"}), "429"),
        (Behaviour(500), "500"),
        (Behaviour(503, headers={"Retry-After": "9999999"}), "503"),
        (Behaviour(cut="before"), "CUT"),
        (Behaviour(cut="head"), "CUT"),
        (Behaviour(raw=b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "NOT_HTTP"),
        (Behaviour(raw=b"HTTP/1.1 200 ok\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"), "NOT_HTTP"),
        (Behaviour(101, b"", {"Connection": "Upgrade", "Upgrade": "websocket"}), "NOT_HTTP"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_success_is_tried_again_at_its_time(
    world: World, behaviour: Behaviour, code: str
) -> None:
    with answering(behaviour) as receiver:
        world.order(world.add_endpoint(receiver.url))
        world.send()
    (delivery,) = world.all()
    assert (delivery.state, delivery.code) == (State.QUEUED, code)
    assert delivery.due_at is not None
    assert 300 <= (delivery.due_at - world.clock.now).total_seconds() <= 360
    assert len(receiver.calls) == 1, "nothing is followed"


@pytest.mark.parametrize(
    "behaviour", [Behaviour(200, b"12345678", cut="body"), Behaviour(201), Behaviour(299)]
)
def test_the_status_is_the_receivers_word(world: World, behaviour: Behaviour) -> None:
    with answering(behaviour) as receiver:
        world.order(world.add_endpoint(receiver.url))
        world.send()
    assert world.all()[0].state is State.DELIVERED


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(delay=300),
        Behaviour(drip=5),
        Behaviour(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000, drip=0.005),
    ],
    ids=["hangs", "drips", "continues"],
)
def test_an_answer_that_does_not_come_ends_at_the_time_limit(world: World, behaviour: Behaviour) -> None:
    world.bounds = Bounds(connect=1, total=1)
    with answering(behaviour) as receiver:
        world.order(world.add_endpoint(receiver.url))
        began = time.monotonic()
        world.send()
        assert time.monotonic() - began < 30
    assert (world.all()[0].state, world.all()[0].code) == (State.QUEUED, "TIMEOUT")


def test_a_success_whose_body_drips_ends_at_the_time_limit(world: World) -> None:
    world.bounds = Bounds(connect=2, total=2)
    head = b"HTTP/1.1 200 ok\r\nContent-Length: 999999\r\n\r\n"
    with answering(Behaviour(raw=head + b"x" * 200_000, drip=0.002)) as receiver:
        world.order(world.add_endpoint(receiver.url))
        began = time.monotonic()
        world.send()
        assert time.monotonic() - began < 30
    assert world.all()[0].state is State.DELIVERED


def test_nobody_at_the_port_is_a_failure(world: World) -> None:
    with WebhookReceiver() as receiver:
        url = receiver.url
    world.order(world.add_endpoint(url))
    world.send()
    assert world.all()[0].code == "CONNECTION_FAILED"


def test_of_a_huge_answer_little_is_read_and_less_is_kept(world: World) -> None:
    said = b"<script>alert(1)</script>\r\nDate: x\0\x1b[31m" + b"x" * 50_000_000
    with answering(Behaviour(500, said)) as receiver:
        world.order(world.add_endpoint(receiver.url))
        world.send()
        wait_until(lambda: receiver.cut_short)
    message = world.all()[0].message
    assert message is not None
    assert message.startswith("<script>alert(1)</script> Date: x [31mxxx")
    assert len(message) <= 200
    assert message.isprintable()


# -- TLS


def test_tls_verifies_the_name_at_the_address_that_was_checked(world: World, tmp_path: Path) -> None:
    tls = Tls(tmp_path, "hooks.example.com")
    with WebhookReceiver(tls=tls) as receiver:
        outcome = webhook.test_call(
            f"https://hooks.example.com:{receiver.port}/hook",
            None,
            BODY,
            world.options,
            resolve=lambda _name: ["127.0.0.1"],
            bounds=Bounds(trust=tls.trust()),
        )
    assert outcome.verdict is Verdict.DELIVERED
    assert receiver.calls[0].headers["host"] == f"hooks.example.com:{receiver.port}"
    assert receiver.name_asked == "hooks.example.com"
    assert json.loads(receiver.calls[0].body) == BODY


@pytest.mark.parametrize(
    ("name", "days", "is_trusted", "said"),
    [
        ("other.example.com", 2, True, "Hostname mismatch"),
        ("hooks.example.com", -1, True, "expired"),
        ("hooks.example.com", 2, False, "self-signed certificate"),
    ],
    ids=["another name", "expired", "unknown authority"],
)
def test_a_certificate_that_is_not_right_is_a_failure(
    world: World, name: str, days: int, is_trusted: bool, said: str
) -> None:
    tls = Tls(world.folder, name, days=days)
    with WebhookReceiver(tls=tls) as receiver:
        outcome = webhook.test_call(
            f"https://hooks.example.com:{receiver.port}/",
            Auth(Method.HEADER, "X-Key", "hidden"),
            BODY,
            world.options,
            resolve=lambda _name: ["127.0.0.1"],
            bounds=Bounds(trust=tls.trust() if is_trusted else None),
        )
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "TLS_FAILED")
    assert said in outcome.message
    assert receiver.calls == []


def test_tls_where_there_is_none_is_a_failure(world: World) -> None:
    with WebhookReceiver() as receiver:
        outcome = webhook.test_call(receiver.url.replace("http", "https"), None, BODY, world.options)
    assert outcome.code == "TLS_FAILED"


# -- Addresses at the time of the call


def test_a_name_is_resolved_once_and_its_first_answering_address_is_called(world: World) -> None:
    asked = []

    def resolve(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.2", "127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    networks = (*world.options.allowed_networks, ip_network("127.0.0.2/32"))
    options = replace(world.options, allowed_networks=networks)
    with WebhookReceiver() as receiver:
        url = f"http://rebinding.example.com:{receiver.port}/"
        assert webhook.test_call(url, None, BODY, options, resolve=resolve).code == "200"
    assert asked == ["rebinding.example.com"]
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%lo",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_a_name_that_leads_inward_by_now_is_not_called(world: World, address: str) -> None:
    options = replace(world.options, allowed_networks=())
    with WebhookReceiver() as receiver:
        url = f"http://moved.example.com:{receiver.port}/"
        world.order(world.add_endpoint(url))
        (delivery,) = world.all()
        for answers in ([address], ["93.184.215.14", address]):
            resolve = {"moved.example.com": answers}.__getitem__
            outcome = webhook.send(delivery, None, options, database=world.database, resolve=resolve)
            assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "ADDRESS_REFUSED")
            with pytest.raises(AddressRefused):
                webhook.test_call(url, None, BODY, options, resolve=resolve)
    assert receiver.connections == 0


def test_a_url_that_is_no_url_makes_no_endpoint(world: World) -> None:
    with pytest.raises(AddressRefused):
        world.add_endpoint("http://user:pass@127.0.0.1/")
    assert world.endpoints.list() == []


# -- Endpoints


def test_the_same_url_and_authentication_of_an_account_is_one_endpoint(world: World) -> None:
    auth = Auth(Method.BASIC, "user", "one")
    first = world.add_endpoint("https://hooks.example.com/a", auth, "a@example.com")
    assert world.add_endpoint("https://hooks.example.com/a", auth, "b@example.com") == first
    assert world.add_endpoint("https://hooks.example.com/a", auth) == first
    assert world.endpoints.get(first).contact == "b@example.com"
    others = {
        world.add_endpoint("https://hooks.example.com/a", Auth(Method.BASIC, "user", "two")),
        world.add_endpoint("https://hooks.example.com/a"),
        world.add_endpoint("https://hooks.example.com/b", auth),
        world.add_endpoint("https://hooks.example.com/a", auth, account="organisation:2"),
    }
    assert len(others | {first}) == 5
    assert len(world.endpoints.list("organisation:2")) == 1


def test_an_endpoint_that_its_account_took_over_stays_the_one_it_is(world: World) -> None:
    made = KeyStore(world.database).create(["101", "102"], label="both", scopes=["batches"])

    def account() -> str:
        key = KeyStore(world.database).match(made.text)
        assert key is not None
        return Caller("", key.workshops, frozenset()).account

    before, url, auth = account(), "https://hooks.example.com/a", Auth(Method.BASIC, "user", "one")
    disabled = world.add_endpoint(url, auth, account=before)
    plain = world.add_endpoint(url, account=before)
    world.endpoints.disable(disabled, "test")
    JobStore(world.database).forget_workshop("102")
    after = account()
    assert after != before
    assert world.add_endpoint(url, auth, "a@example.com", account=after) == disabled
    assert world.add_endpoint(url, account=after) == plain
    assert world.add_endpoint(url, auth, account=after) == disabled
    assert world.endpoints.get(disabled, after).state is EndpointState.DISABLED
    assert world.endpoints.get(disabled, after).contact == "a@example.com"
    others = {
        world.add_endpoint(url, Auth(Method.BASIC, "user", "two"), account=after),
        world.add_endpoint(url, auth, account=before),
    }
    assert len(others | {disabled, plain}) == 4


def test_an_endpoint_of_another_account_is_not_found(world: World) -> None:
    endpoint_id = world.add_endpoint("https://hooks.example.com/a")
    store = world.endpoints
    assert store.find(endpoint_id, "organisation:2") is None
    for refused in (
        lambda: store.get(endpoint_id, "organisation:2"),
        lambda: store.enable(endpoint_id, "key:1", "organisation:2"),
        lambda: store.disable(endpoint_id, "key:1", "organisation:2"),
        lambda: store.secret(endpoint_id, "organisation:2"),
        lambda: store.rotate_secret(endpoint_id, "key:1", "organisation:2"),
        lambda: store.get("another"),
    ):
        with pytest.raises(EndpointNotFound, match="there is no webhook endpoint"):
            refused()


def test_a_slow_endpoint_leaves_senders_for_the_others(world: World) -> None:
    may_answer = threading.Event()

    def hold(_call: Call) -> Behaviour:
        may_answer.wait(60)
        return Behaviour()

    with WebhookReceiver(hold) as slow, WebhookReceiver() as fast:
        slow_id, fast_id = world.add_endpoint(slow.url), world.add_endpoint(fast.url)
        for number in range(5):
            world.order(slow_id, f"slow{number}")
        world.clock.advance(seconds=1)
        for number in range(5):
            world.order(fast_id, f"fast{number}")
        threads = [threading.Thread(target=world.send) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: slow.connections == 2)
            wait_until(lambda: len(fast.calls) == 5)  # they came later, and do not wait for the slow
            assert slow.connections == 2
        finally:
            may_answer.set()
            for thread in threads:
                thread.join()
    assert {delivery.state for delivery in world.all() if delivery.recipient == fast_id} == {State.DELIVERED}


# -- Secrets


def test_no_secret_is_in_log_record_or_message(
    world: World, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    auths = [
        Auth(Method.HEADER, "X-Key", 'hidden"<header'),
        Auth(Method.BASIC, "user", "hidden-password"),
    ]

    def repeat(call: Call) -> Behaviour:
        """An error page that repeats the call, as those of frameworks do."""
        shown = json.dumps({**call.headers, "body": call.body.decode()})
        return Behaviour(500, shown.encode())

    with WebhookReceiver(repeat) as receiver:
        for number, auth in enumerate(auths):
            endpoint_id = world.add_endpoint(f"{receiver.url}?token=hidden-token", auth, "a@example.com")
            world.order(endpoint_id, str(number))
        world.send()
        assert len(receiver.calls) == 2
        secrets = [
            "hidden",
            base64.b64encode(b"user:hidden-password").decode(),
            world.endpoints.secret(endpoint_id),
            world.endpoints.secret(endpoint_id).removeprefix("whsec_"),
            *(call.headers["webhook-signature"].removeprefix("v1,") for call in receiver.calls),
        ]
    dumped = dump(world.database).replace("?token=hidden-token", "")  # the URL itself is the account's to see
    texts = [caplog.text, dumped, repr(world.endpoints.list()), repr(world.all())]
    assert not [secret for secret in secrets for text_ in texts if secret in text_]
    assert {delivery.message for delivery in world.all()} == {
        "its answer is not kept, as it repeats a secret of the call"
    }


def dump(database: Database) -> str:
    with database.reading() as connection:
        return "\n".join(
            str(row._mapping)
            for table in metadata.sorted_tables
            for row in connection.execute(text(f"SELECT * FROM {table.name}"))
        )


def test_a_secret_sealed_with_another_key_waits_for_its_key(world: World, tmp_path: Path) -> None:
    with WebhookReceiver() as receiver:
        endpoint_id = world.add_endpoint(receiver.url)
        world.order(endpoint_id)
        world.options = replace(world.options, seal=Seal(tmp_path / "other.key"))
        world.send()
    (delivery,) = world.all()
    assert (delivery.state, delivery.code) == (State.QUEUED, "SEALED")
    assert receiver.calls == []
    assert world.endpoints.get(endpoint_id).first_failure_at is None, "the endpoint is not to blame"
