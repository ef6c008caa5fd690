"""Tests of webhooks against receivers and tenants that take more than their share or tell secrets."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from exporters.database import Database
from exporters.deliveries import webhook
from exporters.deliveries.orders import Channel
from exporters.deliveries.records import State
from exporters.deliveries.webhook_calls import Bounds
from tests.records import MovedClock
from tests.webhook_receiver import Behaviour, WebhookReceiver
from tests.webhook_world import World, make_options
from tests.worker_processes import wait_until


@pytest.fixture
def world(records: Database, moved_clock: MovedClock, tmp_path: Path) -> World:
    return World(records, moved_clock, make_options(tmp_path), tmp_path)


@pytest.mark.parametrize("shown", ["Cannot POST {target}", "no page {path} here", "unknown: token=hi%20dden"])
def test_an_answer_that_repeats_the_urls_path_or_query_is_not_kept(tmp_path: Path, shown: str) -> None:
    def repeat(call: Any) -> Behaviour:
        path = call.target.partition("?")[0].replace("%2F", "/")
        return Behaviour(404, shown.format(target=call.target, path=path).encode())

    with WebhookReceiver(repeat) as receiver:
        url = f"{receiver.url}/in%2Fhidden?token=hi%20dden"
        outcome = webhook.test_call(url, None, {}, make_options(tmp_path))
    assert (outcome.code, "hidden" in outcome.message, "hi%20dden" in outcome.message) == (
        "404",
        False,
        False,
    )


def test_an_endless_row_of_interim_answers_is_cut_long_before_the_time_limit(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 100 Continue\r\n\r\n" * 500_000
    with WebhookReceiver(lambda _call: Behaviour(raw=raw)) as receiver:
        bounds = Bounds(connect=600, total=600)
        outcome = webhook.test_call(receiver.url, None, {}, make_options(tmp_path), bounds=bounds)
        wait_until(lambda: receiver.cut_short)
    assert outcome.code == "NOT_HTTP"


def test_what_waits_for_an_endpoint_is_ended_by_a_few_statements(world: World) -> None:
    endpoint_id = world.add_endpoint("https://receiver.example/hook")
    for number in range(300):
        world.order(endpoint_id, str(number))
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        world.endpoints.disable(endpoint_id, "test")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(statements) < 20
    ended = world.all()
    assert len(ended) == 300
    for delivery in ended:
        assert (delivery.state, delivery.code, delivery.due_at) == (State.DEAD, "ENDPOINT_DISABLED", None)
        assert delivery.finished_at == world.clock()
        assert [
            (each.event, each.from_state, each.to_state)
            for each in world.deliveries.events(delivery.delivery_id)
        ] == [
            ("queued", None, "queued"),
            ("died", "queued", "dead"),
        ]


def test_what_comes_later_for_another_endpoint_does_not_wait_for_a_long_queue(world: World) -> None:
    with WebhookReceiver(lambda _call: Behaviour(500)) as slow, WebhookReceiver() as other:
        flooded = [world.add_endpoint(f"{slow.url}/{name}", account=name) for name in "abcd"]
        for number in range(20):
            for endpoint_id in flooded:
                world.order(endpoint_id, str(number))
        world.clock.advance(seconds=1)
        world.order(world.add_endpoint(other.url, account="e"), "late", account="e")
        sender = world.make_sender()
        for _ in range(8):
            world.clock.advance(seconds=1)
            sender.send_due(Channel.WEBHOOK)
        assert len(other.calls) == 1
        assert {call.target for call in slow.calls} == {f"/hook/{name}" for name in "abcd"}
