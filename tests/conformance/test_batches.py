"""Batches on both databases: what their items and their states tell, from the request to the files."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from exporters.access.callers import Caller
from exporters.access.keys import KeyStore
from exporters.batches.drafts import ItemDraft
from exporters.batches.errors import BatchError, BatchNotFound
from exporters.batches.records import BatchState, ItemState
from exporters.batches.tables import batch_items
from exporters.jobs import Job, Status
from exporters.old_records import remove_old_records
from tests.batch_world import (
    ACCOUNT,
    ACTOR,
    BatchWorld,
    RepeatedWarehouse,
    item_of,
    number_of,
    open_world,
    write_workshops,
)
from tests.records import MovedClock
from tests.small_warehouse import SmallWarehouse

NAMES = {4: "Bil {cvr} {x}", 5: "A/S: Bremser*", 6: "verksted 1"}
DAY = timedelta(days=1)


def name_of(workshop: int) -> str:
    return NAMES.get(workshop, f"Verksted {workshop}")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve workshops, of which 11 and 12 have one organisation number."""
    folder = tmp_path_factory.mktemp("batches")
    small = SmallWarehouse(folder)
    write_workshops(small, 12, name_of, renumbered={12: number_of(11)})
    small.night()
    return folder


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the nights that a test's runs on both databases have in common."""
    return tmp_path_factory.mktemp("nights")


def without_rows(job: Job) -> Any:
    return {"rows": 0}


@pytest.fixture
def world(tmp_path: Path, warehouse: Path, records_url: str) -> Iterator[BatchWorld]:
    """The account has the workshops 1 to 8, 11 and 12."""
    with open_world(tmp_path, warehouse, records_url, workshops=[*range(1, 9), 11, 12]) as opened:
        yield opened


def test_a_batch_from_the_request_to_its_files(world: BatchWorld) -> None:
    batch = world.create([1, item_of(2, internal_customer_id=77), item_of(3, name_template="VIP-{cvr}")])
    assert (batch.state, batch.counts.size, batch.counts.left) == (BatchState.INITIALIZING, 3, 3)
    assert batch.counts.completion == 0
    assert world.items(batch) == []
    world.start()
    batch = world.batches.get(batch.batch_id, ACCOUNT)
    assert (batch.state, batch.counts.left) == (BatchState.EXECUTING, 3)
    assert world.run_jobs() == 3
    world.follow()
    batch = world.batches.get(batch.batch_id, ACCOUNT)
    assert (batch.state, batch.counts.completed, batch.counts.completion) == (BatchState.FINISHED, 3, 1)
    names = ["900000001-Verksted 1", "77-900000002-Verksted 2", "VIP-900000003"]
    items = sorted(world.items(batch), key=lambda item: item.position)
    assert [item.name for item in items] == names
    for item in items:
        assert item.file is not None
        assert item.file.name == f"{item.name}.csv"
        with world.exports.store.open(item.file.key) as file:
            assert len(file.read()) == item.file.size_bytes
    assert world.orders() == []


def test_every_variable_of_a_name_is_filled(world: BatchWorld) -> None:
    template = "{name}|{workshop}|{cvr}|{type}|{balanceday}|{rundate}|{date_from}|{date_to}"
    asked: dict[str, Any] = {
        "type": "finans",
        "filters": {"date_to": "2026-03-31"},
        "name_template": template,
    }
    batch = world.finish(world.create([4, 5], **asked))
    today = datetime.now(UTC).date()
    days = {today - DAY, today, today + DAY}
    [four, five] = [item.name for item in sorted(world.items(batch), key=lambda item: item.position)]
    assert four in {f"Bil {{cvr}} {{x}}_4_900000004_Finans_2026-03-31_{day}_all_2026-03-31" for day in days}
    assert five is not None
    assert five.startswith("A_S_ Bremser__5_")
    assert [item.file and item.file.name for item in world.items(batch)] == [
        f"{item.name}.csv" for item in world.items(batch)
    ]


def test_a_single_export_has_the_variables_of_batches_too(world: BatchWorld) -> None:
    filters = {"date_to": "2026-03-31"}
    asked = world.exports.request("3", "revenue", "csv", filters, name_template="{cvr}-{balanceday}-{name}")
    job = world.exports.run(asked.job_id)
    assert job is not None
    assert job.file_name == "900000003-2026-03-31-Verksted 3.csv"


def test_equal_names_are_told_apart_through_all_chunks_and_runs(world: BatchWorld) -> None:
    batch = world.create([1, 1, 6, 2], name_template="{name}", error_append="#error")
    world.start()
    world.end_jobs(lambda job: "REPORT_BROKEN" if job.workshop_id in "16" else None)
    world.follow()
    names = {str(item.name).lower() for item in world.items(batch)}
    assert names == {"verksted 1#error", "verksted 1#error-2", "verksted 1#error-3", "verksted 2"}
    world.batches.retry_failed(batch.batch_id, ACCOUNT, world.workshops, actor=ACTOR)
    world.start()
    world.end_jobs()
    world.follow()
    again = [str(item.name) for item in world.items(batch)]
    assert {name.lower() for name in again} == {"verksted 1", "verksted 1-2", "verksted 1-3", "verksted 2"}


def test_a_retried_report_has_the_name_of_the_one_that_it_stands_for(world: BatchWorld) -> None:
    batch = world.create([1, 2], name_template="{name}")
    for _ in range(2):
        world.start()
        world.end_jobs(lambda job: "REPORT_BROKEN" if job.workshop_id == "1" else None)
        world.follow()
        assert {item.name for item in world.items(batch)} == {"Verksted 1", "Verksted 2"}
        world.batches.retry_failed(batch.batch_id, ACCOUNT, world.workshops, actor=ACTOR)
    assert world.finish(batch).state == BatchState.FINISHED
    assert {item.name for item in world.items(batch)} == {"Verksted 1", "Verksted 2"}


def test_numbers_of_no_one_workshop_fail_alike_and_stop_nothing(world: BatchWorld) -> None:
    """Unknown, another account's, of two workshops, and no number at all: nothing tells which it is."""
    strange = ["123", number_of(9), number_of(11), "nonumber", "-5"]
    batch = world.create([*strange, 1], error_append=" FAILED")
    batch = world.finish(batch)
    assert batch.state is BatchState.FINISHED_WITH_ERRORS
    assert (batch.counts.failed, batch.counts.completed, batch.counts.completion) == (5, 1, 1)
    failed = world.items(batch, ItemState.FAILED)
    assert len({(item.error_code, item.error_message, item.workshop_id) for item in failed}) == 1
    assert {item.name for item in failed} == {f"{number}- FAILED" for number in strange}
    assert all(item.file is None and item.job_id is None for item in failed)
    assert [item.cvr for item in world.items(batch, ItemState.COMPLETED)] == [number_of(1)]


def test_only_a_batch_without_any_workshop_needs_no_job(world: BatchWorld) -> None:
    batch = world.create(["1", "2"])
    world.start()
    assert world.batches.get(batch.batch_id, ACCOUNT).state is BatchState.FINISHED_WITH_ERRORS
    assert world.exports.jobs.list() == ()


@pytest.mark.parametrize(
    ("outcome", "state", "batch_state"),
    [
        ({"rows": 0}, ItemState.WARNING, BatchState.FINISHED_WITH_WARNING),
        ({"notes": 1}, ItemState.WARNING, BatchState.FINISHED_WITH_WARNING),
        ("FOREIGN_ROW", ItemState.FAILED, BatchState.FINISHED_WITH_ERRORS),
        (None, ItemState.COMPLETED, BatchState.FINISHED),
    ],
)
def test_how_a_job_ends_tells_how_the_item_does(
    world: BatchWorld, outcome: Any, state: ItemState, batch_state: BatchState
) -> None:
    batch = world.create([1, 2])
    world.start()
    world.end_jobs(lambda job: outcome if job.workshop_id == "1" else None)
    world.follow()
    assert world.batches.get(batch.batch_id, ACCOUNT).state is batch_state
    [item] = [item for item in world.items(batch) if item.workshop_id == "1"]
    assert (item.state, item.error_code) == (state, outcome if state is ItemState.FAILED else None)
    assert (item.file is None) == (state is ItemState.FAILED)


def test_what_a_file_could_not_show_is_a_warning(tmp_path: Path, nights: Path, records_url: str) -> None:
    """The fonts of a PDF have no picture of a car."""
    warehouse = RepeatedWarehouse(tmp_path / "data", nights=nights)
    write_workshops(warehouse, 2, lambda n: "Bil 🚗" if n == 1 else "Bil")
    warehouse.night()
    with open_world(tmp_path, tmp_path / "data", records_url) as world:
        batch = world.finish(world.create([1, 2], format="pdf"))
        assert {item.workshop_id: item.state for item in world.items(batch)} == {
            "1": ItemState.WARNING,
            "2": ItemState.COMPLETED,
        }


def test_the_history_tells_who_did_what(world: BatchWorld) -> None:
    batch = world.finish(world.create([1, "0"]))
    world.batches.retry_failed(batch.batch_id, ACCOUNT, (), actor="key:other")
    world.finish(batch)
    told = world.batches.events(batch.batch_id, ACCOUNT)
    assert [event.event for event in told] == [
        "created",
        "expanded",
        "settled",
        "retried",
        "settled",
    ]
    assert [event.detail.get("actor") for event in told] == [ACTOR, None, None, "key:other", None]
    assert told[2].detail == {"completed": 1, "warning": 0, "failed": 1}
    for before, after in itertools.pairwise(told):
        assert after.from_state == before.to_state


def test_a_failed_one_outweighs_a_warning(world: BatchWorld) -> None:
    batch = world.create([1, 2, 3])
    world.start()
    world.end_jobs(lambda job: {"1": "X", "2": {"rows": 0}, "3": None}[job.workshop_id])
    world.follow()
    batch = world.batches.get(batch.batch_id, ACCOUNT)
    assert batch.state is BatchState.FINISHED_WITH_ERRORS
    assert (batch.counts.failed, batch.counts.warning, batch.counts.completed) == (1, 1, 1)


def test_a_cancelled_export_is_a_failed_item(world: BatchWorld) -> None:
    batch = world.create([1, 2])
    world.start()
    [cancelled] = [job for job in world.exports.jobs.list() if job.workshop_id == "2"]
    world.exports.jobs.cancel(cancelled.job_id, "2")
    batch = world.finish(batch)
    assert batch.state is BatchState.FINISHED_WITH_ERRORS
    assert [(item.cvr, item.error_code) for item in world.items(batch, ItemState.FAILED)] == [
        (number_of(2), "CANCELLED")
    ]


def test_a_scheduled_batch_waits_for_its_time_in_utc(
    tmp_path: Path, warehouse: Path, records_url: str, moved_clock: MovedClock
) -> None:
    with open_world(tmp_path, warehouse, records_url, moved_clock) as world:
        at = datetime(2026, 2, 1, 9, 30)  # noqa: DTZ001  without a zone it is UTC
        batch = world.create([1], scheduled_time=at)
        assert (batch.state, batch.scheduled_time) == (BatchState.SCHEDULED, at.replace(tzinfo=UTC))
        moved_clock.advance(minutes=30, seconds=-1)
        world.start()
        assert world.batches.get(batch.batch_id, ACCOUNT).state is BatchState.SCHEDULED
        assert world.exports.jobs.list() == ()
        moved_clock.advance(seconds=1)
        world.start()
        assert world.batches.get(batch.batch_id, ACCOUNT).state is BatchState.EXECUTING
        assert world.create([1], scheduled_time=at).state is BatchState.INITIALIZING


def test_a_workshop_that_has_left_is_not_read(
    tmp_path: Path, nights: Path, records_url: str, moved_clock: MovedClock
) -> None:
    """Between the request and its time the workshop becomes another organisation's."""
    warehouse = RepeatedWarehouse(tmp_path / "data", nights=nights)
    write_workshops(warehouse, 3)
    warehouse.night()
    with open_world(tmp_path, tmp_path / "data", records_url, moved_clock) as world:
        batch = world.create([1, 2], scheduled_time=moved_clock.now + DAY)
        write_workshops(warehouse, 3, renumbered={2: "555"})
        warehouse.night()
        moved_clock.advance(days=1)
        world.start()
        assert [job.workshop_id for job in world.exports.jobs.list()] == ["1"]
        [item] = world.items(batch, ItemState.FAILED)
        assert (item.cvr, item.error_code) == (number_of(2), "WORKSHOP_NOT_FOUND")


def test_another_account_finds_nothing(world: BatchWorld) -> None:
    batch = world.create([1])
    other = "workshops:other"
    assert world.batches.list(other) == ()
    for ask in (
        lambda: world.batches.get(batch.batch_id, other),
        lambda: world.batches.items(batch.batch_id, other),
        lambda: world.batches.retry_failed(batch.batch_id, other, world.workshops, actor=ACTOR),
        lambda: world.batches.stop_listening(batch.batch_id, other, actor=ACTOR),
        lambda: world.batches.archive(batch.batch_id, other, actor=ACTOR),
        lambda: world.batches.get("0", ACCOUNT),
        lambda: world.batches.get("\0", ACCOUNT),
    ):
        with pytest.raises(BatchNotFound):
            ask()


def test_a_retry_makes_the_failed_items_anew_and_them_alone(world: BatchWorld) -> None:
    batch = world.create([1, 2, 3, number_of(9)])
    world.start()
    world.end_jobs(lambda job: "REPORT_BROKEN" if job.workshop_id == "2" else None)
    world.follow()
    kept = {item.item_id for item in world.items(batch, ItemState.COMPLETED)}
    batch = world.batches.retry_failed(batch.batch_id, ACCOUNT, world.workshops | {"9"}, actor=ACTOR)
    assert (batch.state, batch.counts.left, batch.counts.size) == (BatchState.EXECUTING, 2, 4)
    assert batch.counts.failed == 0
    batch = world.finish(batch)
    assert (batch.state, batch.counts.completed) == (BatchState.FINISHED, 4)
    items = world.items(batch)
    assert kept == {item.item_id for item in items if item.run == 0}
    assert {(item.cvr, item.run) for item in items} == {
        (number_of(1), 0),
        (number_of(2), 1),
        (number_of(3), 0),
        (number_of(9), 1),
    }
    with pytest.raises(BatchError, match="nothing to retry"):
        world.batches.retry_failed(batch.batch_id, ACCOUNT, world.workshops, actor=ACTOR)


def test_pages_show_each_item_once_while_others_end(world: BatchWorld) -> None:
    batch = world.create([1, 2, 3, 4, 5, 6, 7, 8, 1, 2])
    world.start()
    world.end_jobs(most=3)
    world.follow()
    first = world.batches.items(batch.batch_id, ACCOUNT, limit=2)
    assert first.token is not None
    world.end_jobs(most=4)
    world.follow()
    seen = list(first.items)
    token: str | None = first.token
    while token is not None:
        page = world.batches.items(batch.batch_id, ACCOUNT, None, token, 2)
        seen += page.items
        token = page.token
        world.end_jobs(most=1)
        world.follow()
    assert len(seen) == len({item.item_id for item in seen}) == 10
    assert seen == world.items(batch)


def test_a_token_that_is_none_is_refused(world: BatchWorld) -> None:
    batch = world.create([1])
    for token in ("", "x", "AAAA", "e30", "WzEsMiwzXQ", "é", "W1tbW1tb", "=" * 5000):
        with pytest.raises(BatchError, match="continuation token") as refused:
            world.batches.items(batch.batch_id, ACCOUNT, None, token)
        assert refused.value.field == "cToken", token


def test_a_token_is_of_its_batch_and_its_filter(world: BatchWorld) -> None:
    one, other = (world.create(["1", "2"]) for _ in range(2))
    world.start()
    token = world.batches.items(one.batch_id, ACCOUNT, None, None, 1).token
    assert token is not None
    assert len(world.batches.items(one.batch_id, ACCOUNT, None, token, 1).items) == 1
    for batch, state in ((one, ItemState.FAILED), (other, None)):
        with pytest.raises(BatchError, match="continuation token"):
            world.batches.items(batch.batch_id, ACCOUNT, state, token)


def test_an_item_keeps_its_state_when_its_file_expires(world: BatchWorld) -> None:
    batch = world.finish(world.create([1]))
    [item] = world.items(batch)
    assert item.file is not None
    assert item.job_id is not None
    world.exports.jobs.expire(item.job_id)
    [item] = world.items(batch)
    assert (item.state, item.file) == (ItemState.COMPLETED, None)
    assert world.batches.get(batch.batch_id, ACCOUNT).state is BatchState.FINISHED


def test_a_file_that_expires_before_it_is_followed_was_made(world: BatchWorld) -> None:
    batch = world.create([1])
    world.start()
    [job] = world.end_jobs()
    world.exports.jobs.expire(job.job_id)
    world.follow()
    assert world.batches.get(batch.batch_id, ACCOUNT).state is BatchState.FINISHED


def test_the_erasure_of_a_workshop_takes_its_items_and_keeps_the_counts(world: BatchWorld) -> None:
    batch = world.create([1, 2, 3, 1])
    alone = world.create([1])
    world.start()
    world.end_jobs(most=3)
    world.follow()
    before = world.batches.get(batch.batch_id, ACCOUNT).counts
    world.exports.jobs.forget_workshop("1")
    after = world.batches.get(batch.batch_id, ACCOUNT).counts
    assert (after.size, before.size) == (4, 4)
    assert after.completion >= before.completion
    assert all(item.workshop_id != "1" for item in world.items(batch))
    with pytest.raises(BatchNotFound):
        world.batches.get(alone.batch_id, ACCOUNT)
    world.end_jobs()
    world.follow()
    batch = world.batches.get(batch.batch_id, ACCOUNT)
    assert (batch.state, batch.counts.completed, batch.counts.completion) == (BatchState.FINISHED, 2, 1)


def test_an_account_keeps_its_batches_when_one_of_its_workshops_is_erased(world: BatchWorld) -> None:
    keys = KeyStore(world.room.database)
    text = keys.create(["1", "2"], label="a key", scopes=["batches"]).text

    def account() -> str:
        key = keys.match(text)
        assert key is not None
        return Caller("", frozenset(key.workshops), frozenset()).account

    before = account()
    batch = world.create([1, 2], account=before)
    world.exports.jobs.forget_workshop("1")
    assert account() != before
    assert world.batches.get(batch.batch_id, account()).counts.left == 1
    assert world.batches.list(before) == ()


def test_a_batch_whose_last_items_are_erased_comes_to_rest(world: BatchWorld) -> None:
    batch = world.create([1, 2])
    world.start()
    world.end_jobs(without_rows, most=1)
    world.follow()
    [left] = [job for job in world.exports.jobs.list() if job.status is Status.PENDING]
    world.exports.jobs.forget_workshop(left.workshop_id)
    world.follow()
    assert world.batches.get(batch.batch_id, ACCOUNT).state is BatchState.FINISHED_WITH_WARNING


def test_each_item_is_told_once_to_each(world: BatchWorld) -> None:
    batch = world.create(
        [1, 2, "1"],
        notification_email="reports@acme.example",
        webhook_url="https://hooks.acme.example/lasso?key=s3cret",
        auth={"Method": "Header", "Key": "X-Hook-Key", "Value": "hush-hush"},
        type="Finans",
    )
    assert batch.webhook_url == "https://hooks.acme.example/lasso?key=s3cret"
    batch = world.finish(batch)
    orders = world.orders()
    items = {f"item:{item.item_id}": item for item in world.items(batch)}
    assert sorted((order.subject, order.channel) for order in orders) == sorted(
        (subject, channel) for subject in items for channel in ("email", "webhook")
    )
    for order in orders:
        item = items[order.subject]
        is_failed = item.state is ItemState.FAILED
        assert (order.account, order.occasion, order.workshop_id) == (ACCOUNT, "0", item.workshop_id)
        assert order.job_id == item.job_id
        assert (order.job_id is None) == is_failed
        if order.channel == "email":
            assert ("error" in order.content) == is_failed
        else:
            told = ("status", "cvr", "name", "printType")
            status = "Failed" if is_failed else "Completed"
            assert [order.content[key] for key in told] == [status, int(item.cvr), item.name, "Finans"]
        assert "hush" not in str(order)
        assert "s3cret" not in str(order)
    world.batches.retry_failed(batch.batch_id, ACCOUNT, world.workshops, actor=ACTOR)
    world.finish(batch)
    assert sorted(order.occasion for order in world.orders()) == ["0"] * 6 + ["1"] * 2


def test_batches_are_listed_newest_first_and_can_be_put_away(
    tmp_path: Path, warehouse: Path, records_url: str, moved_clock: MovedClock
) -> None:
    with open_world(tmp_path, warehouse, records_url, moved_clock) as world:
        made = []
        for _ in range(3):
            made.append(world.create(["1"]).batch_id)
            moved_clock.advance(seconds=1)
        assert [batch.batch_id for batch in world.batches.list(ACCOUNT)] == made[::-1]
        with pytest.raises(BatchError, match="Initializing"):
            world.batches.archive(made[0], ACCOUNT, actor=ACTOR)
        world.start()
        archived = world.batches.archive(made[0], ACCOUNT, actor=ACTOR)
        assert archived.archived_at == moved_clock.now
        assert world.batches.archive(made[0], ACCOUNT, actor=ACTOR) == archived
        assert [batch.batch_id for batch in world.batches.list(ACCOUNT, archived=True)] == made[:1]
        assert [batch.batch_id for batch in world.batches.list(ACCOUNT, archived=False)] == made[:0:-1]


def test_batches_that_ended_long_ago_go_and_no_other(
    tmp_path: Path, warehouse: Path, records_url: str, moved_clock: MovedClock
) -> None:
    with open_world(tmp_path, warehouse, records_url, moved_clock) as world:
        database, listen = world.room.database, partial(world.create, type="ReelleEjere", is_listener=True)
        world.create([str(n) for n in range(501)])  # more than one transaction takes, and all fail at once
        made = world.finish(world.create([1, "0"]))
        listeners = [world.finish(listen([2])) for _ in range(2)]
        moved_clock.advance(days=1)
        for batch in (listeners[1], listen([3])):
            world.batches.stop_listening(batch.batch_id, ACCOUNT, actor=ACTOR)
        assert remove_old_records(database, moved_clock.now).batches == 2, (
            "those that ended, not those stopped"
        )
        with pytest.raises(BatchNotFound):
            world.batches.get(made.batch_id, ACCOUNT)
        assert [job.status for job in world.exports.jobs.list()] == [Status.COMPLETED], (
            "it goes by its own time"
        )
        moved_clock.advance(days=1)
        assert remove_old_records(database, moved_clock.now).batches == 1
        states = [batch.state for batch in world.batches.list(ACCOUNT)]
        assert states == [BatchState.INITIALIZING, BatchState.LISTENING]
        with database.reading() as connection:
            left = {str(row.batch_id) for row in connection.execute(select(batch_items.c.batch_id))}
        assert left == {batch.batch_id for batch in world.batches.list(ACCOUNT)}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "batchName"),
    ({"name": "x" * 201}, "batchName"),
    ({"type": "Nothing"}, "type"),
    ({"type": 9}, "type"),
    ({"type": True}, "type"),
    ({"name_template": "{nothing}"}, "format"),
    ({"items": []}, "items"),
    ({"items": [ItemDraft(cvr="1")] * 10_001}, "items"),
    ({"items": [ItemDraft(cvr=""), ItemDraft(cvr="1")]}, "items[0].cvr"),
    ({"items": [ItemDraft(cvr=1), ItemDraft(cvr=1, name_template="{x}")]}, "items[1].format"),
    ({"items": [ItemDraft(cvr=1, internal_customer_id=2**63)]}, "items[0].internalCustomerId"),
    ({"format": "docx"}, "outputFormat"),
    ({"language": "xx"}, "language"),
    ({"filters": {"nothing": "1"}}, "filters"),
    ({"filters": {"date_from": "2026-02-02", "date_to": "2026-02-01"}}, "filters"),
    ({"error_append": "x" * 51}, "errorAppend"),
    ({"notification_email": "a@example.com\r\nBcc: b@example.com"}, "notificationEmail"),
    ({"webhook_url": "http://127.0.0.1/x"}, "notificationWebhookUrl"),
    ({"webhook_url": "file:///etc/passwd"}, "notificationWebhookUrl"),
    ({"auth": {"Method": "Header", "Key": "A", "Value": "b"}}, "authConfig"),
    (
        {"webhook_url": "https://a.example/", "auth": {"Method": "X", "Key": "A", "Value": "b"}},
        "authConfig",
    ),
    ({"is_listener": True, "type": "services"}, "isListener"),
]
"""What of a draft cannot be met, and the field by which it is refused."""


def test_a_draft_that_cannot_be_met_is_refused_by_its_field(world: BatchWorld) -> None:
    for changes, field in REFUSED:
        asked: dict[str, Any] = {"items": [1], **changes}
        with pytest.raises(BatchError) as refused:
            world.create(**asked)
        assert refused.value.field == field, changes
    assert world.batches.list(ACCOUNT) == ()


def test_a_type_is_named_or_numbered(world: BatchWorld) -> None:
    named: list[tuple[int | str, str, str]] = [
        ("Revision", "Revision", "bookings"),
        ("revision", "Revision", "bookings"),
        (1, "Finans", "revenue"),
        ("2", "ReelleEjere", "ratings"),
        ("services", "services", "services"),
        ("RevisionUdvidet", "RevisionUdvidet", "services"),
    ]
    for asked, name, report in named:
        batch = world.create([1], type=asked)
        assert (batch.type_name, batch.report_type) == (name, report)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    accounts=st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.tuples(
            st.sets(st.integers(1, 12), max_size=6), st.lists(st.integers(1, 14), min_size=1, max_size=6)
        ),
        min_size=1,
    )
)
def test_no_account_is_given_anything_of_another(
    world: BatchWorld, accounts: dict[str, tuple[set[int], list[int]]]
) -> None:
    made = {
        account: world.batches.create(account, set(map(str, own)), world.draft(items), actor=ACTOR)
        for account, (own, items) in accounts.items()
    }
    world.start()
    world.end_jobs()
    world.follow()
    for account, batch in made.items():
        own, items = accounts[account]
        assert batch.batch_id in {one.batch_id for one in world.batches.list(account)}
        found = {item.position: item.workshop_id for item in world.items(batch)}
        for position, workshop in enumerate(items):
            holders = {11, 12} if workshop == 11 else {workshop} & set(range(1, 11))
            named = [str(one) for one in holders & own]
            assert found[position] == (named[0] if len(named) == 1 else None)


Step = Callable[[BatchWorld], object]


def outcome_of(job: Job) -> Any:
    return {"1": "X", "2": {"rows": 0}}.get(job.workshop_id)


STEPS: dict[str, Step] = {
    "start": lambda world: world.start(),
    "end one": lambda world: world.end_jobs(outcome_of, most=1),
    "end two": lambda world: world.end_jobs(outcome_of, most=2),
    "follow": lambda world: world.follow(),
    "erase": lambda world: world.exports.jobs.forget_workshop("3"),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    items=st.lists(st.sampled_from([1, 2, 3, 4, "0", number_of(9)]), min_size=1, max_size=7),
    steps=st.lists(st.sampled_from(list(STEPS)), max_size=10),
)
def test_counts_add_up_completion_never_falls_and_states_follow(
    world: BatchWorld, items: list[Any], steps: list[str]
) -> None:
    batch = world.create([4, *items])
    completion = 0.0
    seen: list[str] = []
    for step in [*steps, "start", "end two", *["end two"] * 3, "follow"]:
        STEPS[step](world)
        batch = world.batches.get(batch.batch_id, ACCOUNT)
        counts = batch.counts
        assert counts.left + counts.completed + counts.warning + counts.failed <= counts.size
        if "erase" not in steps:
            assert counts.left + counts.completed + counts.warning + counts.failed == counts.size
        assert completion <= counts.completion <= 1
        assert (counts.completion == 1) == (counts.left == 0)
        completion = counts.completion
        listed = world.items(batch)
        assert [item.item_id for item in listed[: len(seen)]] == seen or "erase" in steps
        seen = [item.item_id for item in listed]
        assert len(listed) == counts.completed + counts.warning + counts.failed
        assert {item.workshop_id for item in listed} <= {None, "1", "2", "3", "4"}
    ended = {
        (False, False): BatchState.FINISHED,
        (False, True): BatchState.FINISHED_WITH_WARNING,
    }.get((bool(batch.counts.failed), bool(batch.counts.warning)), BatchState.FINISHED_WITH_ERRORS)
    assert batch.state is ended
