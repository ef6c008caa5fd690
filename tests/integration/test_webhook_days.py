"""Tests of days with a receiver that fails: the retry plan, an endpoint's end, warning and return."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from exporters.database import Database
from exporters.deliveries.endpoint_transitions import settle
from exporters.deliveries.endpoints import EndpointState, Reason
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import retry
from exporters.deliveries.records import State
from tests.records import MovedClock
from tests.webhook_receiver import Behaviour, Call, WebhookReceiver
from tests.webhook_world import World, make_options

PLAN = [timedelta(minutes=5), timedelta(minutes=30), *(timedelta(hours=hours) for hours in (3, 8, 12))]
DAY = timedelta(hours=24)
CONTACT = "it@acme.example"


@pytest.fixture
def world(records: Database, moved_clock: MovedClock, tmp_path: Path) -> World:
    return World(records, moved_clock, make_options(tmp_path), tmp_path)


def failing() -> WebhookReceiver:
    return WebhookReceiver(lambda _call: Behaviour(500, b"not today"))


def pass_time(world: World, until: datetime) -> None:
    """Send what is due at its instant, and look after the endpoints, as the errands do."""
    while (due := world.next_due()) is not None and due <= until:
        world.clock.now = max(world.clock.now, due)
        world.look_after()
        world.send()
    world.clock.now = until
    world.look_after()


def test_a_delivery_that_fails_is_tried_by_the_plan_and_then_dead(world: World) -> None:
    began = world.clock.now
    at: list[datetime] = []

    def fail(_call: Call) -> Behaviour:
        at.append(world.clock.now)
        return Behaviour(500, b"not today")

    with WebhookReceiver(fail) as receiver:
        world.order(world.add_endpoint(receiver.url))
        pass_time(world, began + timedelta(hours=23, minutes=59))
        (delivery,) = world.all()
        assert len({call.webhook_id for call in receiver.calls}) == 1
        assert len({call.body for call in receiver.calls}) == 1
    assert len(at) == 6, "once, and five times again"
    pauses = [later - earlier for earlier, later in pairwise(at)]
    for pause, planned in zip(pauses, PLAN, strict=True):
        assert planned <= pause <= planned + timedelta(seconds=60)
    assert sum(pauses, timedelta()) < DAY
    assert (delivery.state, delivery.code, delivery.message) == (State.DEAD, "500", "not today")
    assert [event.event for event in world.deliveries.events(delivery.delivery_id)][-1] == "died"


def test_an_endpoint_that_fails_for_a_day_is_disabled_and_its_contact_warned_once(world: World) -> None:
    began = world.clock.now
    with failing() as receiver:
        endpoint_id = world.add_endpoint(f"{receiver.url}?token=hidden", contact=CONTACT)
        for hour in range(24):
            world.order(endpoint_id, str(hour))
            pass_time(world, began + timedelta(hours=hour + 1) - timedelta(seconds=1))
        assert world.endpoints.get(endpoint_id).state is EndpointState.ACTIVE
        assert world.all(Channel.EMAIL) == []
        pass_time(world, began + DAY)
        endpoint = world.endpoints.get(endpoint_id)
        assert (endpoint.state, endpoint.reason) == (EndpointState.DISABLED, Reason.FAILING)
        assert endpoint.warned_at == began + DAY
        assert {delivery.state for delivery in world.all()} == {State.DEAD}
        waiting = [delivery for delivery in world.all() if delivery.code == "ENDPOINT_DISABLED"]
        assert len(waiting) == 23, "all but the first, whose tries were used up"
        calls = len(receiver.calls)
        world.order(endpoint_id, "later")
        pass_time(world, began + 3 * DAY)
        assert len(receiver.calls) == calls, "it is called no more"
    later = world.all()[-1]
    assert (later.state, later.code) == (State.DEAD, "ENDPOINT_DISABLED")
    assert later.message == "the endpoint is disabled (failing)"
    (mail,) = world.all(Channel.EMAIL)
    assert (mail.recipient, mail.account, mail.workshop_id) == (CONTACT, endpoint.account, None)
    assert mail.content["title"] == f"Webhook er slået fra: http://127.0.0.1:{receiver.port}"
    assert "24 timer" in mail.content["note"]
    assert "23 ventede" in mail.content["note"]
    assert endpoint_id in mail.content["note"]
    assert "hidden" not in str(mail.content)


def test_an_endpoint_that_is_enabled_again_gets_what_was_dead_under_the_same_ids(world: World) -> None:
    with failing() as receiver:
        endpoint_id = world.add_endpoint(receiver.url, contact=CONTACT)
        for item in range(3):
            world.order(endpoint_id, str(item))
        pass_time(world, world.clock.now + DAY)
        tried = {call.webhook_id for call in receiver.calls}
        receiver.calls.clear()
        receiver.answer = lambda _call: Behaviour(204, b"")
        enabled = world.endpoints.enable(endpoint_id, "key:1")
        assert (enabled.state, enabled.reason, enabled.first_failure_at) == (EndpointState.ACTIVE, None, None)
        assert world.send() == 0, "what is dead is replayed by hand"
        assert len(world.deliveries.replay("the receiver was mended", "key:1")) == 3
        assert world.send() == 3
        assert {call.webhook_id for call in receiver.calls} == tried
        assert {delivery.state for delivery in world.all()} == {State.DELIVERED}
        receiver.answer = lambda _call: Behaviour(500)
        world.order(endpoint_id, "again")
        pass_time(world, world.clock.now + DAY)
    assert world.endpoints.get(endpoint_id).state is EndpointState.DISABLED
    assert len(world.all(Channel.EMAIL)) == 2, "one for each time"
    names = [event.event for event in world.endpoints.events(endpoint_id)]
    assert names == ["created", "disabled", "enabled", "disabled"]
    world.endpoints.enable(endpoint_id, "key:1")
    world.endpoints.enable(endpoint_id, "key:1")
    assert len(world.endpoints.events(endpoint_id)) == 5, "enabling twice is enabling once"


def test_one_success_begins_the_day_anew(world: World) -> None:
    began = world.clock.now
    with failing() as receiver:
        endpoint_id = world.add_endpoint(receiver.url, contact=CONTACT)
        world.order(endpoint_id, "1")
        pass_time(world, began + timedelta(hours=20))
        receiver.answer = lambda _call: Behaviour(200)
        world.order(endpoint_id, "2")
        pass_time(world, began + timedelta(hours=20, minutes=1))
        receiver.answer = lambda _call: Behaviour(500)
        world.order(endpoint_id, "3")
        pass_time(world, began + timedelta(hours=44))
        assert world.endpoints.get(endpoint_id).state is EndpointState.ACTIVE
        pass_time(world, began + timedelta(hours=44, minutes=2))
    assert world.endpoints.get(endpoint_id).state is EndpointState.DISABLED


def test_two_failures_with_days_between_are_no_day_of_failing(world: World) -> None:
    with failing() as receiver:
        endpoint_id = world.add_endpoint(receiver.url, contact=CONTACT)
        for item in range(2):
            world.order(endpoint_id, str(item))
            world.send()
            (waiting,) = [one for one in world.all() if one.state is State.QUEUED]
            world.deliveries.cancel(waiting.delivery_id, "the batch was withdrawn")
            pass_time(world, world.clock.now + timedelta(days=7))
    assert world.endpoints.get(endpoint_id).state is EndpointState.ACTIVE
    assert world.all(Channel.EMAIL) == []


def test_an_endpoint_that_is_gone_is_disabled_at_once(world: World) -> None:
    with WebhookReceiver(lambda _call: Behaviour(410)) as receiver:
        endpoint_id = world.add_endpoint(receiver.url, contact=CONTACT)
        for item in range(3):
            world.order(endpoint_id, str(item))
        world.send()
        assert len(receiver.calls) == 1
    endpoint = world.endpoints.get(endpoint_id)
    assert (endpoint.state, endpoint.reason) == (EndpointState.DISABLED, Reason.GONE)
    assert sorted(delivery.state for delivery in world.all()) == [State.DEAD, State.DEAD, State.REFUSED]
    (mail,) = world.all(Channel.EMAIL)
    assert "410" in mail.content["note"]


def test_an_endpoint_that_is_disabled_by_hand_warns_nobody(world: World) -> None:
    with WebhookReceiver() as receiver:
        endpoint_id = world.add_endpoint(receiver.url, contact=CONTACT)
        world.order(endpoint_id)
        endpoint = world.endpoints.disable(endpoint_id, "key:1")
        world.send()
        assert receiver.calls == []
    assert (endpoint.reason, world.all()[0].state) == (Reason.BY_HAND, State.DEAD)
    assert world.all(Channel.EMAIL) == []
    assert world.endpoints.events(endpoint_id)[-1].detail == {
        "reason": "by_hand",
        "dead": 1,
        "actor": "key:1",
    }


def test_an_endpoint_without_a_contact_is_disabled_all_the_same(world: World) -> None:
    with failing() as receiver:
        endpoint_id = world.add_endpoint(receiver.url)
        world.order(endpoint_id)
        pass_time(world, world.clock.now + DAY)
    assert world.endpoints.get(endpoint_id).state is EndpointState.DISABLED
    assert world.endpoints.get(endpoint_id).warned_at is None
    assert world.all(Channel.EMAIL) == []


@pytest.mark.parametrize("code", ["STORE", "RECORDS", "FILE_NOT_READY", "SEALED", "INTERNAL"])
def test_a_failure_of_our_own_is_not_the_endpoints(world: World, code: str) -> None:
    endpoint_id = world.add_endpoint("https://hooks.example.com/")
    world.order(endpoint_id)
    with world.database.writing() as connection:
        settle(connection, world.clock(), world.all()[0], retry(code))
    assert world.endpoints.get(endpoint_id).first_failure_at is None
