"""The records of deliveries: every move between states, the ledger, who sees what."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from exporters.database import Database
from exporters.deliveries import transitions
from exporters.deliveries.errors import DeliveryError, DeliveryNotFound, DeliveryStands, ReasonMissing
from exporters.deliveries.orders import Channel
from exporters.deliveries.outbox import queue
from exporters.deliveries.outcomes import delivered, refused, retry
from exporters.deliveries.records import ENDS, Delivery, EventName, State
from exporters.deliveries.retry_plan import PAUSES
from exporters.deliveries.store import DeliveryStore, Viewer
from exporters.deliveries.tables import deliveries
from exporters.jobs import JobStore
from tests.deliveries import NOW, order, place
from tests.records import MovedClock

LEASE = timedelta(seconds=60)
EVERYBODY = Viewer(frozenset({"101"}), "organisation:9")

_BY_EVENT: dict[str, Callable[[Database, Delivery], object]] = {}


def moving(
    event: EventName,
) -> Callable[[Callable[[Database, Delivery], object]], Callable[[Database, Delivery], object]]:
    def keep(move: Callable[[Database, Delivery], object]) -> Callable[[Database, Delivery], object]:
        _BY_EVENT[event] = move
        return move

    return keep


@moving(EventName.CLAIMED)
def claim(database: Database, _delivery: Delivery) -> object:
    with database.writing() as connection:
        taken = transitions.claim(connection, NOW, Channel.EMAIL, "me", lease=LEASE)
    if taken is None:
        raise DeliveryError("nothing is due")
    return taken


@moving(EventName.RETURNED)
def hand_back(database: Database, delivery: Delivery) -> object:
    with database.writing() as connection:
        return transitions.hand_back(connection, NOW, delivery)


@moving(EventName.RETRIED)
def fail(database: Database, delivery: Delivery) -> object:
    with database.writing() as connection:
        return transitions.finish(connection, NOW, delivery, retry("451", "later"))


@moving(EventName.DELIVERED)
def deliver(database: Database, delivery: Delivery) -> object:
    with database.writing() as connection:
        return transitions.finish(connection, NOW, delivery, delivered("250", "queued as 1"))


@moving(EventName.REFUSED)
def refuse(database: Database, delivery: Delivery) -> object:
    with database.writing() as connection:
        return transitions.finish(connection, NOW, delivery, refused("550", "no such user"))


@moving(EventName.DIED)
def give_up(database: Database, delivery: Delivery) -> object:
    with database.writing() as connection:
        kwargs = {"code": "ENDPOINT_DISABLED", "message": "off"}
        ended = transitions.give_up_waiting(connection, NOW, delivery.channel, delivery.recipient, **kwargs)
    if not ended:
        raise DeliveryError("nothing waits")
    return ended


@moving(EventName.CANCELLED)
def cancel(database: Database, delivery: Delivery) -> object:
    return DeliveryStore(database).cancel(delivery.delivery_id, "not wanted")


@moving(EventName.BOUNCED)
def bounce(database: Database, delivery: Delivery) -> object:
    return DeliveryStore(database).bounce(delivery.delivery_id, "mailbox full", "cli")


@moving(EventName.REPLAYED)
def replay(database: Database, delivery: Delivery) -> object:
    return DeliveryStore(database).replay("mended", "cli", only=[delivery.delivery_id])


ALLOWED = {
    (State.QUEUED, EventName.CLAIMED): State.SENDING,
    (State.QUEUED, EventName.DIED): State.DEAD,
    (State.QUEUED, EventName.CANCELLED): State.CANCELLED,
    (State.SENDING, EventName.RETURNED): State.QUEUED,
    (State.SENDING, EventName.RETRIED): State.QUEUED,
    (State.SENDING, EventName.DELIVERED): State.DELIVERED,
    (State.SENDING, EventName.REFUSED): State.REFUSED,
    (State.SENDING, EventName.CANCELLED): State.CANCELLED,
    (State.DELIVERED, EventName.BOUNCED): State.REFUSED,
    (State.DEAD, EventName.REPLAYED): State.QUEUED,
}


def standing(database: Database, state: State) -> Delivery:
    """A delivery in this state, reached by the moves that lead there."""
    (delivery_id,) = place(database, order())
    store = DeliveryStore(database, lambda: NOW)
    ways: dict[State, list[EventName]] = {
        State.QUEUED: [],
        State.SENDING: [EventName.CLAIMED],
        State.DELIVERED: [EventName.CLAIMED, EventName.DELIVERED],
        State.REFUSED: [EventName.CLAIMED, EventName.REFUSED],
        State.DEAD: [EventName.DIED],
        State.CANCELLED: [EventName.CANCELLED],
    }
    for event in ways[state]:
        _BY_EVENT[event](database, store.get(delivery_id))
    reached = store.get(delivery_id)
    assert reached.state is state
    return reached


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", sorted(_BY_EVENT))
def test_every_move_is_allowed_or_refused(records: Database, state: State, event: EventName) -> None:
    before = standing(records, state)
    store = DeliveryStore(records)
    told = store.events(before.delivery_id)
    target = ALLOWED.get((state, event))
    if target is None:
        with pytest.raises(DeliveryError):
            _BY_EVENT[event](records, before)
        assert store.get(before.delivery_id) == before
        assert store.events(before.delivery_id) == told
        return
    _BY_EVENT[event](records, before)
    after = store.get(before.delivery_id)
    assert after.state is target
    new = store.events(before.delivery_id)[len(told) :]
    assert [(each.event, each.from_state, each.to_state) for each in new] == [(event, state, target)]
    assert (after.due_at is not None) == (target is State.QUEUED)
    assert (after.lease_until is not None) == (target is State.SENDING)
    assert (after.finished_at is not None) == (target in ENDS)


def test_an_order_is_recorded_once_whoever_asks(records: Database) -> None:
    def ask(_: int) -> int:
        with records.writing() as connection:
            return queue(connection, NOW, [order(), order(), order("per@verksted.example")])

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(8))) == 2
    assert len(DeliveryStore(records).list()) == 2
    differing = [
        order(occasion="later"),
        order(subject="definition:8"),
        order(format="csv"),
        order(channel=Channel.WEBHOOK),
    ]
    with records.writing() as connection:
        assert queue(connection, NOW, differing) == 4


def test_an_order_lasts_only_with_what_it_is_for(records: Database) -> None:
    def ask_in_vain() -> None:
        with records.writing() as connection:
            assert queue(connection, NOW, [order()]) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        ask_in_vain()
    assert DeliveryStore(records).list() == []


def test_a_thousand_orders_are_recorded_with_an_event_each(records: Database) -> None:
    orders = [order(f"a{number}@verksted.example") for number in range(1001)]
    with records.writing() as connection:
        assert queue(connection, NOW, orders) == 1001
    found = DeliveryStore(records).list(limit=2000)
    assert len({each.delivery_id for each in found}) == 1001
    assert [each.event for each in DeliveryStore(records).events(found[500].delivery_id)] == ["queued"]


def test_two_senders_never_have_one_delivery(records: Database) -> None:
    place(records, *(order(f"a{number}@verksted.example") for number in range(20)))

    def take(number: int) -> list[str]:
        taken: list[str] = []
        while True:
            with records.writing() as connection:
                found = transitions.claim(connection, NOW, Channel.EMAIL, str(number), lease=LEASE)
            if found is None:
                return taken
            taken.append(found.delivery_id)

    with ThreadPoolExecutor(4) as pool:
        taken = [each for several in pool.map(take, range(4)) for each in several]
    assert len(taken) == len(set(taken)) == 20


def test_a_vanished_sender_s_delivery_is_free_when_its_lease_ends(records: Database) -> None:
    first = standing(records, State.SENDING)
    with records.writing() as connection:
        early = NOW + LEASE - timedelta(seconds=1)
        assert not transitions.is_any_due(connection, early, Channel.EMAIL)
        assert transitions.claim(connection, early, Channel.EMAIL, "b", lease=LEASE) is None
        late = NOW + LEASE
        assert transitions.is_any_due(connection, late, Channel.EMAIL)
        second = transitions.claim(connection, late, Channel.EMAIL, "b", lease=LEASE)
    assert second is not None
    assert (second.delivery_id, second.attempt, second.lease_owner) == (first.delivery_id, 2, "b")
    for late_writer in (deliver, refuse, fail, hand_back):
        with pytest.raises(DeliveryError):
            late_writer(records, first)
    with records.writing() as connection, pytest.raises(DeliveryError):
        transitions.renew(connection, NOW, first, LEASE)
    events = [each.event for each in DeliveryStore(records).events(first.delivery_id)]
    assert events == ["queued", "claimed", "reclaimed"]


def test_a_dead_sender_s_deliveries_are_free_at_once(records: Database) -> None:
    held = standing(records, State.SENDING)
    store = DeliveryStore(records, lambda: NOW)
    assert (store.free_owned("another"), store.free_owned(str(held.lease_owner))) == (0, 1)
    with records.writing() as connection:
        taken = transitions.claim(connection, NOW, Channel.EMAIL, "b", lease=LEASE)
    assert taken is not None
    assert (taken.delivery_id, taken.attempt) == (held.delivery_id, 2)
    assert store.free_owned(str(held.lease_owner)) == 0, "it is another's now"


def test_a_renewed_lease_lasts(records: Database) -> None:
    held = standing(records, State.SENDING)
    with records.writing() as connection:
        transitions.renew(connection, NOW + timedelta(seconds=50), held, LEASE)
        later = NOW + timedelta(seconds=100)
        assert transitions.claim(connection, later, Channel.EMAIL, "b", lease=LEASE) is None


def test_the_retry_plan_ends_dead(records: Database) -> None:
    (delivery_id,) = place(records, order())
    store, now, pauses = DeliveryStore(records), NOW, []
    for _ in range(6):
        with records.writing() as connection:
            taken = transitions.claim(connection, now, Channel.EMAIL, "me", lease=LEASE)
            assert taken is not None
            after = transitions.finish(connection, now, taken, retry("451", "later"))
            assert transitions.claim(connection, now, Channel.EMAIL, "me", lease=LEASE) is None
        if after.due_at is not None:
            pauses.append(after.due_at - now)
            now = after.due_at
    assert len(pauses) == 5
    for pause, planned in zip(pauses, PAUSES, strict=True):
        assert planned <= pause <= planned + timedelta(seconds=60)
    dead = store.get(delivery_id)
    assert (dead.state, dead.code, dead.message, dead.attempt) == (State.DEAD, "451", "later", 6)


def test_a_sender_that_vanishes_in_the_last_try_leaves_it_dead(records: Database) -> None:
    (delivery_id,) = place(records, order())
    now = NOW
    for _ in range(7):
        with records.writing() as connection:
            taken = transitions.claim(connection, now, Channel.EMAIL, "me", lease=LEASE)
        now += LEASE
    assert taken is None
    dead = DeliveryStore(records).get(delivery_id)
    assert (dead.state, dead.code) == (State.DEAD, transitions.SENDER_LOST)


def test_busy_recipients_are_left_out(records: Database) -> None:
    place(records, order("a@verksted.example"), order("b@verksted.example"))
    with records.writing() as connection:
        busy = ["a@verksted.example"]
        taken = transitions.claim(connection, NOW, Channel.EMAIL, "me", lease=LEASE, busy=busy)
        assert taken is not None
        assert taken.recipient == "b@verksted.example"
        assert not transitions.is_any_due(connection, NOW, Channel.EMAIL, busy)


def test_sending_again_needs_a_reason_and_makes_a_delivery_of_its_own(
    records: Database, moved_clock: MovedClock
) -> None:
    done = standing(records, State.DELIVERED)
    store = DeliveryStore(records, moved_clock)
    for bad in ("", " \r\n", "x" * 501):
        with pytest.raises(ReasonMissing):
            store.resend(done.delivery_id, bad, "key:1")
    again = store.resend(done.delivery_id, "Kari lost it", "key:1")
    third = store.resend(done.delivery_id, "Kari lost it again", "key:1")
    assert [again.repeat, third.repeat] == [1, 2]
    assert again.reason == "Kari lost it"
    assert again.delivery_id not in {done.delivery_id, third.delivery_id}
    for name in ("subject", "occasion", "channel", "recipient", "format", "content", "workshop_id", "job_id"):
        assert getattr(again, name) == getattr(done, name)
    (event,) = store.events(again.delivery_id)
    assert event.detail == {"reason": "Kari lost it", "actor": "key:1", "of": done.delivery_id}
    with pytest.raises(DeliveryStands):
        store.resend(again.delivery_id, "at once", "key:1")


def test_two_who_send_again_at_once_get_two(records: Database) -> None:
    done = standing(records, State.DELIVERED)
    store = DeliveryStore(records, lambda: NOW)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: store.resend(done.delivery_id, "again", "key:1"), range(4)))
    assert sorted(each.repeat for each in made) == [1, 2, 3, 4]


def test_dead_letters_are_replayed_under_their_ids(records: Database, moved_clock: MovedClock) -> None:
    ids = place(
        records, order("a@verksted.example"), order("b@verksted.example"), order("c@verksted.example")
    )
    store = DeliveryStore(records, moved_clock)
    for delivery_id in ids[:2]:
        give_up(records, store.get(delivery_id))
    with pytest.raises(ReasonMissing):
        store.replay("", "cli")
    replayed = store.replay("mended", "cli")
    assert sorted(each.delivery_id for each in replayed) == sorted(ids[:2])
    assert {(each.state, each.attempt) for each in replayed} == {(State.QUEUED, 0)}
    assert store.replay("mended", "cli") == []
    with pytest.raises(DeliveryStands):
        store.replay("mended", "cli", only=[ids[2]])


def test_a_bounce_is_recorded_with_its_reason(records: Database) -> None:
    done = standing(records, State.DELIVERED)
    after = DeliveryStore(records).bounce(done.delivery_id, "5.1.1 no such\r\nuser", "cli")
    assert (after.state, after.code, after.message) == (State.REFUSED, "BOUNCED", "5.1.1 no such user")


def test_a_viewer_sees_the_own_workshops_and_the_own_account(records: Database) -> None:
    place(
        records,
        order("a@verksted.example", workshop_id="101", account="organisation:1"),
        order("b@verksted.example", workshop_id="102", account="organisation:1"),
        order("c@verksted.example", workshop_id=None, account="organisation:2"),
    )
    store = DeliveryStore(records)
    by_recipient = {each.recipient[0]: each for each in store.list()}
    expected = {
        Viewer(frozenset({"101"}), "workshops:x"): "a",
        Viewer(frozenset(), "organisation:1"): "ab",
        Viewer(frozenset({"102"}), "organisation:2"): "bc",
        Viewer(frozenset(), "organisation:3"): "",
    }
    for viewer, seen in expected.items():
        assert sorted(each.recipient[0] for each in store.list(viewer)) == list(seen)
        for name, delivery in by_recipient.items():
            if name in seen:
                assert store.get(delivery.delivery_id, viewer) == delivery
                continue
            with pytest.raises(DeliveryNotFound):
                store.get(delivery.delivery_id, viewer)
            with pytest.raises(DeliveryNotFound):
                store.resend(delivery.delivery_id, "mine", "key:1", viewer)
            with pytest.raises(DeliveryNotFound):
                store.replay("mine", "key:1", viewer, only=[delivery.delivery_id])


def test_pages_hold_each_delivery_once(records: Database) -> None:
    for hour in range(3):
        at = NOW + timedelta(hours=hour)
        place(records, *(order(f"a{hour}{n}@verksted.example") for n in range(4)), now=at)
    store = DeliveryStore(records)
    seen: list[str] = []
    before: str | None = None
    while page := store.list(EVERYBODY, limit=5, before=before):
        seen += [each.delivery_id for each in page]
        before = page[-1].delivery_id
    assert len(seen) == len(set(seen)) == 12
    assert [each.created_at for each in map(store.get, seen)] == sorted(
        (each.created_at for each in map(store.get, seen)), reverse=True
    )
    assert store.list(subject="definition:9") == []
    assert store.list(state=State.DEAD) == []
    with pytest.raises(DeliveryNotFound):
        store.list(before=str(uuid.uuid4()))


def test_names_that_no_database_takes_are_written_out(records: Database) -> None:
    content = {"title": "a\0b\ud800", "rows": 1}
    place(records, order(subject="nul\0", content=content))
    (found,) = DeliveryStore(records).list()
    assert found.subject == "nul\\x00"
    assert found.content["title"] == "a\0b\ud800"


def test_erasing_a_workshop_erases_its_deliveries_alone(records: Database) -> None:
    store = DeliveryStore(records)
    place(
        records,
        order("a@verksted.example", workshop_id="101"),
        order("b@verksted.example", workshop_id="102"),
        order("c@verksted.example", workshop_id=None),
    )
    mine = next(each for each in store.list() if each.workshop_id == "101")
    JobStore(records).forget_workshop("101")
    assert {each.recipient[0] for each in store.list()} == {"b", "c"}
    assert store.events(mine.delivery_id) == []


def test_the_database_holds_no_impossible_row(records: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    (delivery_id,) = place(records, order())
    row = deliveries.c.delivery_id == delivery_id
    for values in (
        {"state": "sending"},
        {"due_at": None},
        {"state": "lost"},
        {"repeat": 1},
        {"finished_at": NOW},
        {"channel": "fax"},
    ):
        with pytest.raises(IntegrityError), records.writing() as connection:
            connection.execute(update(deliveries).where(row).values(values))
    with records.reading() as connection:
        kept = connection.execute(deliveries.select()).mappings().one()
    with pytest.raises(IntegrityError), records.writing() as connection:
        connection.execute(insert(deliveries).values({**kept, "delivery_id": "another"}))
