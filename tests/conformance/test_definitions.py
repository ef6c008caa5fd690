"""Records of report definitions and of their fires: what is kept, who sees it, and which moves there are."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from time import thread_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from exporters.database import Database
from exporters.definitions import transitions
from exporters.definitions.conditions import Condition
from exporters.definitions.drafts import Plain
from exporters.definitions.due_definitions import record_due
from exporters.definitions.errors import ArgumentNotFound, DefinitionChanged, DefinitionNotFound
from exporters.definitions.following import send_ended
from exporters.definitions.periods import last_complete
from exporters.definitions.reading import list_fire_events
from exporters.definitions.records import Definition, Fire
from exporters.definitions.states import FireEventName, FireKind, FireState
from exporters.definitions.store import DefinitionStore
from exporters.definitions.tables import definitions, fires
from exporters.definitions.timing import Timing
from exporters.jobs.forgetting import forget_workshop
from tests.records import MovedClock

SPAN = last_complete("day", datetime.fromisoformat("2026-02-02T06:00"))


@pytest.fixture
def store(records: Database, moved_clock: MovedClock) -> DefinitionStore:
    return DefinitionStore(records, moved_clock)


def plain(**changes: object) -> Plain:
    known: dict[str, object] = {
        "type_id": "101",
        "name": "Front desk",
        "description": "",
        "active": True,
        "email_link_only": False,
        "timing": Timing("day", "Europe/Oslo"),
        "paused_until": None,
        "owner": None,
        "condition": None,
        "arguments": (("format", "csv"), ("email", "kari@verksted.example")),
    }
    return Plain(**(known | changes))  # type: ignore[arg-type]


def test_what_is_kept_is_what_was_given(store: DefinitionStore, moved_clock: MovedClock) -> None:
    timing = Timing("month", "America/New_York", time(7, 30), "30 7 1 * *", True, True)
    condition = Condition("above", "price", Decimal("1000.50"))
    until = datetime(2026, 3, 1, tzinfo=UTC)
    made = store.create(
        "101",
        plain(timing=timing, condition=condition, paused_until=until, owner="a@b.example", description="x"),
    )
    read = store.get(made.definition_id, "101")
    assert read == made
    assert (read.timing, read.condition, read.paused_until) == (timing, condition, until)
    assert [(one.key, one.value, one.added) for one in read.arguments] == [
        ("format", "csv", moved_clock.now),
        ("email", "kari@verksted.example", moved_clock.now),
    ]
    assert (read.created_at, read.updated_at, read.revision) == (moved_clock.now, moved_clock.now, 1)


def test_definitions_are_listed_in_pages(store: DefinitionStore) -> None:
    made = [store.create(workshop, plain()).definition_id for workshop in ("1", "2", "1", "1", "3")]
    count, page = store.list("1", limit=2)
    assert (count, [one.definition_id for one in page]) == (3, [made[0], made[2]])
    assert [one.definition_id for one in store.list("1", limit=2, offset=2)[1]] == [made[3]]
    assert store.list(("2", "3"))[0] == 2
    assert store.list(None)[0] == 5
    assert store.list("nobody") == (0, [])
    assert store.list(())[0] == 0


@pytest.mark.parametrize(
    "unknown", ["0", "999", "", "x", "-1", "1 ", "٣", "1" * 30, str(2**63), "1'; DROP TABLE definitions"]
)
def test_ids_of_nothing_are_of_nothing(store: DefinitionStore, unknown: str) -> None:
    store.create("101", plain())
    with pytest.raises(DefinitionNotFound):
        store.get(unknown)
    with pytest.raises(DefinitionNotFound):
        store.delete(unknown, "101")


def test_an_id_is_never_used_again(store: DefinitionStore) -> None:
    first = store.create("101", plain())
    store.delete(first.definition_id, "101")
    assert int(store.create("101", plain()).definition_id) > int(first.definition_id)


def test_arguments_are_changed_one_by_one(store: DefinitionStore) -> None:
    made = store.create("101", plain())
    added = store.add_argument(made, ("email", "ola@verksted.example"))
    read = store.get(made.definition_id)
    assert read.values("email") == ("kari@verksted.example", "ola@verksted.example")
    assert read.revision == 2
    store.change_argument(read, added, ("email", "per@verksted.example"))
    read = store.get(made.definition_id)
    assert read.values("email")[1] == "per@verksted.example"
    store.remove_argument(read, read.arguments[1].argument_id)
    assert store.get(made.definition_id).values("email") == ("per@verksted.example",)
    other = store.create("102", plain())
    with pytest.raises(ArgumentNotFound):
        store.remove_argument(other, added)
    with pytest.raises(ArgumentNotFound):
        store.change_argument(other, "x", ("email", "a@b.example"))


def test_of_two_changes_at_once_one_must_read_again(store: DefinitionStore) -> None:
    before = store.create("101", plain())
    store.update(before, plain(name="first"))
    with pytest.raises(DefinitionChanged):
        store.update(before, plain(name="second"))
    assert store.get(before.definition_id).name == "first"
    store.delete(before.definition_id)
    with pytest.raises(DefinitionNotFound):
        store.update(before, plain(name="third"))


def test_only_another_schedule_is_planned_anew(store: DefinitionStore, moved_clock: MovedClock) -> None:
    made = store.create("101", plain())
    planned = made.next_fire_at
    assert planned == datetime(2026, 2, 2, 5, tzinfo=UTC)
    moved_clock.now = planned + timedelta(hours=2)  # it is due, and nobody has looked yet
    made = store.update(made, plain(name="other"))
    assert made.next_fire_at == planned
    made = store.update(made, plain(timing=Timing("day", "Europe/Oslo", time(9))))
    assert made.next_fire_at == datetime(2026, 2, 2, 8, tzinfo=UTC)
    made = store.update(made, plain(active=False))
    assert made.next_fire_at is None
    made = store.update(made, plain())
    assert made.next_fire_at == planned + timedelta(days=1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=6), st.sampled_from(["1", "2", "3"]))
def test_tenants_never_mix(store: DefinitionStore, owners: list[str], asking: str) -> None:
    before = {one.definition_id for one in store.list(asking, limit=10_000)[1]}
    made = [store.create(owner, plain(name=owner)) for owner in owners]
    for definition in made:
        store.record_fire(definition, FireKind.BY_HAND, SPAN, "test")
        if definition.workshop_id == asking:
            assert store.get(definition.definition_id, asking) == definition
            assert len(store.fires(definition.definition_id, asking)) == 1
        else:
            with pytest.raises(DefinitionNotFound):
                store.get(definition.definition_id, asking)
            with pytest.raises(DefinitionNotFound):
                store.delete(definition.definition_id, asking)
            assert store.fires(definition.definition_id, asking) == []
            assert store.get(definition.definition_id) == definition
    listed = store.list(asking, limit=10_000)[1]
    theirs = {one.definition_id for one in made if one.workshop_id == asking}
    assert {one.definition_id for one in listed} == before | theirs
    assert {one.workshop_id for one in listed} <= {asking}


def test_a_workshop_that_is_erased_takes_its_definitions_along(
    store: DefinitionStore, records: Database
) -> None:
    gone, left = store.create("101", plain(owner="a@b.example")), store.create("102", plain())
    fire = store.record_fire(gone, FireKind.BY_HAND, SPAN, "test")
    store.record_fire(left, FireKind.BY_HAND, SPAN, "test")
    with records.writing() as connection:
        forget_workshop(connection, "101")
    assert store.list("101") == (0, [])
    assert store.fires(gone.definition_id) == []
    assert store.fire_events(fire.fire_id) == []
    assert store.get(left.definition_id) == left
    assert len(store.fires(left.definition_id)) == 1
    with records.reading() as connection:
        kept = connection.exec_driver_sql("SELECT definition_id FROM definition_arguments").scalars().all()
    assert set(kept) == {int(left.definition_id)}


def at_state(connection: Connection, store: DefinitionStore, definition: Definition, state: FireState) -> int:
    """A fire in a state."""
    ended = None if state in {FireState.DUE, FireState.MAKING} else store.clock()
    row = {
        "definition_id": int(definition.definition_id),
        "workshop_id": definition.workshop_id,
        "kind": FireKind.SCHEDULED,
        "fire_at": store.clock(),
        "period_start": SPAN.start.isoformat(),
        "period_end": SPAN.end.isoformat(),
        "state": state,
        "reason": "paused" if state in {FireState.SKIPPED, FireState.FAILED} else None,
        "created_at": store.clock(),
        "finished_at": ended,
    }
    return int(connection.execute(insert(fires).values(row).returning(fires.c.fire_id)).scalar_one())


Move = Callable[[Connection, datetime, Fire], object]
_MOVES: dict[FireEventName, Move] = {
    FireEventName.BEGUN: lambda connection, now, fire: transitions.begin(connection, now, fire.fire_id),
    FireEventName.SENT: lambda connection, now, fire: transitions.send(connection, now, fire.fire_id, {}),
    FireEventName.SKIPPED: lambda connection, now, fire: transitions.skip(
        connection, now, fire.fire_id, "no data"
    ),
    FireEventName.FAILED: lambda connection, now, fire: transitions.fail(
        connection, now, fire.fire_id, "CODE", "words"
    ),
    FireEventName.MADE_UP_FOR: lambda connection, now, fire: transitions.make_up_for(
        connection, now, fire.definition_id, fire.fire_at
    ),
}
_ALLOWED = {
    (FireState.DUE, FireEventName.BEGUN): FireState.MAKING,
    (FireState.DUE, FireEventName.SKIPPED): FireState.SKIPPED,
    (FireState.DUE, FireEventName.FAILED): FireState.FAILED,
    (FireState.MAKING, FireEventName.SENT): FireState.SENT,
    (FireState.MAKING, FireEventName.SKIPPED): FireState.SKIPPED,
    (FireState.MAKING, FireEventName.FAILED): FireState.FAILED,
    (FireState.MISSED, FireEventName.MADE_UP_FOR): FireState.DUE,
}


@pytest.mark.parametrize("state", list(FireState))
@pytest.mark.parametrize("event", list(_MOVES))
def test_every_move_from_every_state(
    store: DefinitionStore, records: Database, state: FireState, event: FireEventName
) -> None:
    definition = store.create("101", plain())
    with records.writing() as connection:
        at_state(connection, store, definition, state)
        [fire] = store_fires(connection, definition)
        moved = _MOVES[event](connection, store.clock(), fire)
        [after] = store_fires(connection, definition)
        events = list_fire_events(connection, fire.fire_id)
    target = _ALLOWED.get((state, event))
    if target is None:
        assert not moved
        assert (after, events) == (fire, [])
        return
    assert moved
    assert after.state is target
    assert (after.finished_at is None) == (target in {FireState.DUE, FireState.MAKING})
    [told] = events
    assert (told.event, told.from_state, told.to_state) == (event, state, target)


def store_fires(connection: Connection, definition: Definition) -> list[Fire]:
    chosen = fires.select().where(fires.c.definition_id == int(definition.definition_id))
    return [transitions.to_fire(row) for row in connection.execute(chosen)]


def test_a_fire_of_the_schedule_is_recorded_once_and_held_by_one(
    store: DefinitionStore, records: Database, moved_clock: MovedClock
) -> None:
    definition = store.create("101", plain())
    made: list[int] = []

    def race() -> None:
        with records.writing() as connection:
            times = [(moved_clock.now, SPAN)]
            written = transitions.record(connection, moved_clock.now, definition, times, FireState.DUE)
            made.extend(fire.fire_id for fire in written)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [fire_id] = made
    lease = timedelta(seconds=30)
    with records.writing() as connection:
        assert transitions.hold(connection, moved_clock.now, fire_id, lease) is not None
        assert transitions.hold(connection, moved_clock.now, fire_id, lease) is None
        moved_clock.now += lease
        assert transitions.hold(connection, moved_clock.now, fire_id, lease) is not None
    for _ in range(2):  # by hand as often as anyone likes
        store.record_fire(definition, FireKind.BY_HAND, SPAN, "test")
    assert len(store.fires(definition.definition_id)) == 3


def test_another_plan_than_the_one_that_is_kept_is_refused(store: DefinitionStore, records: Database) -> None:
    fire = store.record_fire(store.create("101", plain()), FireKind.BY_HAND, SPAN, "test")
    with records.writing() as connection:
        assert transitions.keep_plan(connection, fire.fire_id, {"formats": ["csv"]}, 3, "a")
        assert transitions.keep_plan(connection, fire.fire_id, {"formats": ["csv"]}, 4, "b")
        assert not transitions.keep_plan(connection, fire.fire_id, {"formats": ["pdf"]}, 4, "b")
    [kept] = store.fires(fire.definition_id)
    assert (kept.plan, kept.rows, kept.digest) == ({"formats": ["csv"]}, 3, "a")


def test_ten_thousand_definitions_that_are_not_due_are_not_read(
    store: DefinitionStore, records: Database, moved_clock: MovedClock
) -> None:
    store.create("0", plain())
    with records.writing() as connection:
        [row] = connection.execute(definitions.select()).mappings()
        copied = {name: value for name, value in row.items() if name != "definition_id"}
        connection.execute(insert(definitions), [copied | {"workshop_id": str(n)} for n in range(1, 10_000)])

    def look() -> float:
        begin = thread_time()
        assert record_due(records, moved_clock.now) == 0
        assert send_ended(records, moved_clock.now) == 0
        return thread_time() - begin

    def read() -> float:
        begin = thread_time()
        assert len(store.list(None, limit=10_000)[1]) == 10_000
        return thread_time() - begin

    assert min(look() for _ in range(10)) * 20 < read()
