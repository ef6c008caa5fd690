"""Firing: what is due is made and mailed once, for the right period, and nothing else is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exporters.definitions.conditions import Condition
from exporters.definitions.due_definitions import record_due
from exporters.definitions.errors import DefinitionError
from exporters.definitions.records import Definition
from exporters.definitions.states import FireEventName, FireKind, FireState
from exporters.deliveries.orders import Channel
from exporters.deliveries.outcomes import delivered
from exporters.deliveries.records import State
from exporters.deliveries.transitions import claim, finish
from exporters.erasure import erase_exports
from exporters.jobs import Status
from exporters.old_records import remove_old_records
from exporters.options import Quotas
from tests.exported import options_for
from tests.records import MovedClock
from tests.report_definitions import OWNER, QUIET, World, draft, open_world, with_arguments

DUE, MAKING, SENT = FireState.DUE, FireState.MAKING, FireState.SENT
SKIPPED, MISSED, FAILED = FireState.SKIPPED, FireState.MISSED, FireState.FAILED
MORNING = datetime(2026, 2, 2, 5, tzinfo=UTC)
"""06:00 in Oslo, the first time that a daily definition of the clock's beginning fires."""


@pytest.fixture
def world(records_url: str, tmp_path: Path, sample_data: Path, moved_clock: MovedClock) -> Iterator[World]:
    with open_world(options_for(tmp_path, sample_data, jobs_url=records_url), moved_clock) as opened:
        yield opened


def test_a_definition_that_is_due_is_made_and_mailed_once(world: World, moved_clock: MovedClock) -> None:
    definition = world.definitions.create("101", with_arguments(("email", "ola@verksted.example")))
    assert definition.next_fire_at == MORNING
    world.fire_and_make()
    assert world.fires(definition) == []
    moved_clock.now = MORNING
    world.fire_and_make()
    world.fire_and_make()
    [fire] = world.fires(definition)
    assert (fire.state, fire.kind, fire.fire_at) == (SENT, FireKind.SCHEDULED, MORNING)
    [job] = world.jobs(Status.COMPLETED)
    assert job.filters == {"date_from": "2026-02-01", "date_to": "2026-02-01"}
    mails = world.mails(definition)
    assert {mail.recipient for mail in mails} == {"kari@verksted.example", "ola@verksted.example"}
    assert {(mail.job_id, mail.format, mail.language, mail.state) for mail in mails} == {
        (job.job_id, "csv", "en", State.QUEUED)
    }
    assert mails[0].content == {
        "title": "Bookings",
        "name": "Front desk",
        "workshop": "Brødrene Sørli Bilverksted AS",
        "date_from": "2026-02-01",
        "date_to": "2026-02-01",
        "rows": job.rows_written,
        "link_only": False,
    }
    events = [event.event for event in world.store.fire_events(fire.fire_id)]
    assert events == [FireEventName.RECORDED, FireEventName.BEGUN, FireEventName.SENT]


def test_every_format_is_a_file_of_its_own(world: World, moved_clock: MovedClock) -> None:
    asked = with_arguments(("format", "xlsx"), ("report_language", "de_DE"), email_link_only=1)
    definition = world.definitions.create("101", asked)
    moved_clock.now = MORNING
    world.fire()
    assert world.states(definition) == [MAKING]
    assert world.exports.run() is not None
    world.fire()
    assert (world.states(definition), world.mails()) == ([MAKING], [])
    world.fire_and_make()
    assert world.states(definition) == [SENT]
    mails = world.mails()
    assert sorted(mail.format for mail in mails) == ["csv", "xlsx"]
    assert {(mail.language, mail.content["title"], mail.content["link_only"]) for mail in mails} == {
        ("de", "Buchungen", True)
    }
    assert {job.job_id for job in world.jobs()} == {mail.job_id for mail in mails}


def test_after_downtime_the_newest_is_made_and_the_others_are_missed(
    world: World, moved_clock: MovedClock
) -> None:
    definition = world.definitions.create("101", draft(interval="day"))
    moved_clock.now = MORNING + timedelta(days=3, hours=5)
    world.fire_and_make()
    assert world.states(definition) == [MISSED, MISSED, MISSED, SENT]
    fires = world.fires(definition)
    assert [fire.fire_at for fire in fires] == [MORNING + timedelta(days=day) for day in range(4)]
    assert [fire.period_start.day for fire in fires] == [1, 2, 3, 4]
    [job] = world.jobs()
    assert job.filters["date_from"] == "2026-02-04"
    assert world.store.fire_events(fires[-1].fire_id)[0].detail == {"missed_before": 3}
    assert world.store.get(definition.definition_id).next_fire_at == MORNING + timedelta(days=4)


def test_a_clock_that_jumps_ahead_and_is_set_back_leaves_nothing_out(
    world: World, moved_clock: MovedClock
) -> None:
    definition = world.definitions.create("101", draft())
    begin = moved_clock.now
    moved_clock.now = begin + timedelta(days=4)
    world.fire_and_make()
    assert world.states(definition) == [MISSED, MISSED, MISSED, SENT]
    moved_clock.now = begin
    world.fire_and_make()
    assert world.store.get(definition.definition_id).next_fire_at == MORNING
    for day in range(5):
        moved_clock.now = MORNING + timedelta(days=day)
        world.fire_and_make()
    fires = sorted(world.fires(definition), key=lambda fire: fire.fire_at)
    assert [fire.fire_at for fire in fires] == [MORNING + timedelta(days=day) for day in range(5)]
    assert {fire.state for fire in fires} == {SENT}
    assert len(world.mails()) == 5


def test_a_clock_far_ahead_cannot_fill_the_records(world: World, moved_clock: MovedClock) -> None:
    definition = world.definitions.create("101", draft(interval="hour"))
    moved_clock.advance(days=100)
    world.fire()
    fires = world.fires(definition)
    assert len(fires) == 1001
    [recorded, *_] = world.store.fire_events(fires[-1].fire_id)
    assert recorded.detail["missed_before"] == 100 * 24 - 1


def test_paused_and_inactive_definitions_send_nothing(world: World, moved_clock: MovedClock) -> None:
    paused = world.definitions.create("101", draft(paused_until=MORNING + timedelta(days=2)))
    inactive = world.definitions.create("101", draft(active=0))
    for day in range(4):
        moved_clock.now = MORNING + timedelta(days=day)
        world.fire_and_make()
    assert world.states(paused) == [SKIPPED, SKIPPED, SENT, SENT]
    assert [fire.reason for fire in world.fires(paused)] == ["paused", "paused", None, None]
    assert world.fires(inactive) == []
    world.definitions.update(inactive.definition_id, "101", {"active": "1"})
    moved_clock.advance(days=1)
    world.fire_and_make()
    assert [fire.fire_at for fire in world.fires(inactive)] == [MORNING + timedelta(days=4)]


def test_what_is_switched_off_or_paused_while_its_fire_waits_is_not_sent(
    records_url: str, tmp_path: Path, sample_data: Path, moved_clock: MovedClock
) -> None:
    options = options_for(tmp_path, sample_data, jobs_url=records_url, quotas=Quotas(pending=1))
    with open_world(options, moved_clock) as world:
        first, off, paused = [world.definitions.create("101", draft()) for _ in range(3)]
        moved_clock.now = MORNING
        world.fire()
        assert [world.states(one) for one in (first, off, paused)] == [[MAKING], [DUE], [DUE]]
        world.definitions.update(off.definition_id, "101", {"active": 0})
        world.definitions.update(paused.definition_id, "101", {"paused_until": MORNING + timedelta(days=1)})
        world.fire_and_make()
        moved_clock.advance(minutes=5)
        world.fire_and_make()
        assert [world.states(one) for one in (first, off, paused)] == [[SENT], [SKIPPED], [SKIPPED]]
        assert world.mails(off) == world.mails(paused) == []
        by_hand = world.definitions.send(off.definition_id, "101", "key:test")
        world.fire_and_make()
        assert [fire.state for fire in world.fires(off) if fire.fire_id == by_hand.fire_id] == [SENT]


def test_a_report_without_rows_is_not_sent_when_data_is_asked_for(
    world: World, moved_clock: MovedClock
) -> None:
    asked = with_arguments(("only_when_data", "1"))
    empty, full = (world.definitions.create(workshop, asked) for workshop in (QUIET, "101"))
    anyway = world.definitions.create(QUIET, draft())
    moved_clock.now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=35)
    world.fire_and_make()
    assert world.states(empty)[-1] is SKIPPED
    assert (world.fires(empty)[-1].reason, world.fires(empty)[-1].rows) == ("no data", 0)
    assert (world.states(full)[-1], world.states(anyway)[-1]) == (SENT, SENT)
    assert world.mails(empty) == []
    assert len(world.mails(full)) == len(world.mails(anyway)) == 1


def test_only_what_changed_is_sent(world: World, moved_clock: MovedClock) -> None:
    """A month's bookings are the same at each look of the month."""
    condition = Condition("changed")
    definition = world.definitions.create(
        "101", draft(interval="month", cron="0 6 * * *", condition=condition)
    )
    for day in range(3):
        moved_clock.now = MORNING + timedelta(days=day)
        world.fire_and_make()
    assert world.states(definition) == [SENT, SKIPPED, SKIPPED]
    assert {fire.reason for fire in world.fires(definition)} == {None, "unchanged"}
    moved_clock.now = datetime(2026, 3, 1, 5, tzinfo=UTC)
    world.fire_and_make()
    assert world.states(definition)[-1] is SENT  # another month


def test_what_was_sent_is_remembered_however_long_it_stays_the_same(
    world: World, moved_clock: MovedClock
) -> None:
    asked = draft(interval="month", cron="0 6 * * *", condition=Condition("changed"))
    definition = world.definitions.create("101", asked)
    for day in range(3):
        moved_clock.now = MORNING + timedelta(days=day)
        world.fire_and_make()
    assert remove_old_records(world.database, MORNING + timedelta(days=1, hours=1)).fires == 1
    assert world.states(definition) == [SENT, SKIPPED], "the skipped one goes, not what it was compared with"
    moved_clock.now = MORNING + timedelta(days=3)
    world.fire_and_make()
    assert world.states(definition) == [SENT, SKIPPED, SKIPPED]


def test_a_threshold_that_is_not_reached_sends_nothing(world: World, moved_clock: MovedClock) -> None:
    high = world.definitions.create("101", draft(condition=Condition("above", None, Decimal(10_000))))
    low = world.definitions.create("101", draft(condition=Condition("below", None, Decimal(10_000))))
    moved_clock.now = MORNING
    world.fire_and_make()
    assert (world.states(high), world.states(low)) == ([SKIPPED], [SENT])
    assert world.fires(high)[0].reason == "threshold"


def test_sending_by_hand_has_an_occasion_of_its_own(world: World, moved_clock: MovedClock) -> None:
    definition = world.definitions.create("101", draft(active=False, interval="week"))
    for _ in range(2):
        world.definitions.send(definition.definition_id, "101", "key:1")
    world.fire_and_make()
    first, second = world.fires(definition)
    assert (first.state, second.state, first.kind, first.actor) == (SENT, SENT, FireKind.BY_HAND, "key:1")
    assert first.fire_at == second.fire_at == moved_clock.now
    assert [job.filters for job in world.jobs()] == [{"date_from": "2026-01-19", "date_to": "2026-01-25"}] * 2
    assert len({mail.occasion for mail in world.mails()}) == 2


def test_a_test_goes_to_the_owner_alone(world: World) -> None:
    definition = world.definitions.create(QUIET, with_arguments(("only_when_data", True), owner=OWNER))
    world.definitions.send_test(definition.definition_id, QUIET, "key:1")
    world.fire_and_make()
    assert [mail.recipient for mail in world.mails()] == [OWNER]
    assert world.fires(definition)[0].kind is FireKind.TEST
    ownerless = world.definitions.create("101", draft())
    with pytest.raises(DefinitionError, match="owner"):
        world.definitions.send_test(ownerless.definition_id, "101", "key:1")


def test_a_job_that_fails_makes_the_fire_failed_and_tells_the_owner(
    world: World, moved_clock: MovedClock
) -> None:
    asked = with_arguments(("format", "xlsx"), owner=OWNER)
    definition = world.definitions.create("101", asked)
    moved_clock.now = MORNING
    world.fire()
    [cancelled] = [job for job in world.jobs() if job.format == "csv"]
    world.exports.jobs.cancel(cancelled.job_id, reason="a test")
    world.fire_and_make()
    [fire] = world.fires(definition)
    assert (fire.state, fire.reason, fire.message) == (FAILED, "CANCELLED", "the export was cancelled")
    told = {(mail.recipient, mail.format, "error" in mail.content) for mail in world.mails()}
    assert told == {("kari@verksted.example", "xlsx", False), (OWNER, "csv", True)}


def test_a_workshop_that_is_gone_fails_the_fire(world: World, moved_clock: MovedClock) -> None:
    definition = world.definitions.create("101", draft(owner=OWNER))
    with world.database.writing() as connection:
        connection.exec_driver_sql("UPDATE definitions SET workshop_id = 'gone'")
    moved_clock.now = MORNING
    world.fire()
    [fire] = world.fires(definition)
    assert (fire.state, fire.reason) == (FAILED, "UNKNOWN_WORKSHOP")
    assert [(mail.recipient, mail.content["error"]) for mail in world.mails()] == [(OWNER, fire.message)]


def test_a_quota_is_waited_for_one_day(
    records_url: str, tmp_path: Path, sample_data: Path, moved_clock: MovedClock
) -> None:
    options = options_for(tmp_path, sample_data, jobs_url=records_url, quotas=Quotas(pending=1))
    with open_world(options, moved_clock) as world:
        definitions = [world.definitions.create("101", draft(owner=OWNER)) for _ in range(3)]
        moved_clock.now = MORNING
        world.fire()
        assert [world.states(one)[0] for one in definitions] == [MAKING, DUE, DUE]
        assert "wait to be made" in str(world.fires(definitions[1])[0].message)
        world.fire_and_make()
        moved_clock.advance(minutes=5)
        world.fire()
        assert [world.states(one)[0] for one in definitions] == [SENT, MAKING, DUE]
        assert world.fires(definitions[1])[0].message is None
        moved_clock.advance(hours=24)
        world.fire()
        assert [world.states(one)[0] for one in definitions] == [SENT, MAKING, FAILED]
        assert world.fires(definitions[2])[0].reason == "QUOTA_EXCEEDED"


def test_the_files_that_the_quota_left_room_for_are_mailed_when_the_others_are_given_up(
    records_url: str, tmp_path: Path, sample_data: Path, moved_clock: MovedClock
) -> None:
    options = options_for(tmp_path, sample_data, jobs_url=records_url, quotas=Quotas(pending=2))
    with open_world(options, moved_clock) as world:
        world.definitions.create("101", draft())
        definition = world.definitions.create("101", with_arguments(("format", "xlsx"), owner=OWNER))
        moved_clock.now = MORNING
        world.fire()
        assert world.states(definition) == [DUE]
        moved_clock.advance(hours=24, minutes=1)
        world.fire()
        assert world.fires(definition)[0].state is MAKING
        world.fire_and_make()
        fire = world.fires(definition)[0]
        assert (fire.state, fire.reason) == (FAILED, "QUOTA_EXCEEDED")
        assert "wait to be made" in str(fire.message)
        first = [mail for mail in world.mails(definition) if mail.occasion == MORNING.isoformat()]
        told = {(mail.recipient, mail.format, mail.content.get("error")) for mail in first}
        assert told == {("kari@verksted.example", "csv", None), (OWNER, "xlsx", fire.message)}


def test_a_fire_that_fails_unexpectedly_holds_up_no_other_and_has_an_end(
    world: World, moved_clock: MovedClock
) -> None:
    broken, other = (world.definitions.create("101", draft(owner=OWNER)) for _ in range(2))
    for definition in (broken, other):
        world.definitions.send(definition.definition_id, "101", "key:test")
    with world.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE fires SET plan = '{{}}' WHERE definition_id = {broken.definition_id}"
        )
    world.fire_and_make()
    assert (world.states(broken), world.states(other)) == ([DUE], [SENT])
    moved_clock.advance(hours=24)
    world.fire()
    [fire] = [fire for fire in world.fires(broken) if fire.kind is FireKind.BY_HAND]
    assert (fire.state, fire.reason) == (FAILED, "INTERNAL_ERROR")
    [mail] = [mail for mail in world.mails(broken) if "error" in mail.content]
    assert (mail.recipient, mail.content["error"]) == (OWNER, fire.message)


def test_a_transaction_records_what_is_due_of_a_few_definitions(
    world: World, moved_clock: MovedClock
) -> None:
    definitions = [world.definitions.create("101", draft()) for _ in range(30)]
    moved_clock.now = MORNING
    assert [record_due(world.database, moved_clock.now) for _ in range(3)] == [25, 5, 0]
    assert [world.states(definition) for definition in definitions] == [[DUE]] * 30


def test_deleting_keeps_what_was_delivered_and_stops_the_rest(world: World, moved_clock: MovedClock) -> None:
    definition = world.definitions.create("101", draft())
    moved_clock.now = MORNING
    world.fire_and_make()
    with world.database.writing() as connection:
        lease = timedelta(seconds=30)
        claimed = claim(connection, moved_clock.now, Channel.EMAIL, "a sender", lease=lease)
        assert claimed is not None
        finish(connection, moved_clock.now, claimed, delivered("250"))
    moved_clock.advance(days=1)
    world.fire_and_make()
    moved_clock.advance(days=1)
    world.fire()
    assert world.states(definition) == [SENT, SENT, MAKING]
    world.definitions.delete(definition.definition_id, "101")
    moved_clock.advance(days=1)
    world.fire_and_make()
    assert world.states(definition) == [SENT, SENT, SKIPPED]
    assert world.fires(definition)[-1].reason == "deleted"
    assert [mail.state for mail in world.mails()] == [State.DELIVERED, State.CANCELLED]


def test_a_definition_as_it_stands_when_it_fires_is_made(world: World, moved_clock: MovedClock) -> None:
    definition: Definition = world.definitions.create("101", draft())
    [kari] = [one for one in definition.arguments if one.key == "email"]
    moved_clock.now = MORNING
    world.definitions.change_argument(
        definition.definition_id, "101", kari.argument_id, "email", "per@verksted.example"
    )
    world.definitions.update(definition.definition_id, "101", {"name": "Renamed"})
    world.fire_and_make()
    [mail] = world.mails()
    assert (mail.recipient, mail.content["name"]) == ("per@verksted.example", "Renamed")


def test_what_is_fired_at_once_stays_with_its_workshop(world: World, moved_clock: MovedClock) -> None:
    workshops = ("101", "104", "105", "106")
    asked = [
        draft(name=f"of {one}", arguments=(("format", "csv"), ("email", f"w{one}@b.example")))
        for one in workshops
    ]
    for one, each in zip(workshops, asked, strict=True):
        world.definitions.create(one, each)
    moved_clock.now = MORNING
    world.fire_and_make()
    jobs = {job.job_id: job.workshop_id for job in world.jobs()}
    assert sorted(jobs.values()) == list(workshops)
    for mail in world.mails():
        assert mail.workshop_id == jobs[str(mail.job_id)]
        assert (mail.recipient, mail.content["name"]) == (
            f"w{mail.workshop_id}@b.example",
            f"of {mail.workshop_id}",
        )


def test_a_definition_that_no_longer_fits_its_type_fails(world: World, moved_clock: MovedClock) -> None:
    definition = world.definitions.create("101", draft(owner=OWNER))
    with world.database.writing() as connection:
        connection.exec_driver_sql("UPDATE definitions SET type_id = '99999'")
    moved_clock.now = MORNING
    world.fire_and_make()
    [fire] = world.fires(definition)
    assert (fire.state, fire.reason) == (FAILED, "INVALID_DEFINITION")
    assert [mail.recipient for mail in world.mails()] == [OWNER]


def test_erasing_the_workshop_leaves_no_definition_and_no_mail(world: World, moved_clock: MovedClock) -> None:
    gone, kept = world.definitions.create("101", draft(owner=OWNER)), world.definitions.create("104", draft())
    moved_clock.now = MORNING
    world.fire_and_make()
    erase_exports(world.exports, "101")
    moved_clock.advance(days=1)
    world.fire_and_make()
    assert (world.fires(gone), world.mails(gone)) == ([], [])
    assert world.states(kept) == [SENT, SENT]
    assert {job.workshop_id for job in world.jobs()} == {"104"}


def test_a_schedule_that_cannot_be_read_holds_up_no_other(world: World, moved_clock: MovedClock) -> None:
    broken, other = (world.definitions.create("101", draft()) for _ in range(2))
    with world.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE definitions SET time_zone = 'No/Where' WHERE definition_id = {broken.definition_id}"
        )
    moved_clock.now = MORNING
    world.fire_and_make()
    assert (world.states(broken), world.states(other)) == ([], [SENT])
    with world.database.writing() as connection:
        connection.exec_driver_sql("UPDATE definitions SET time_zone = 'Europe/Oslo'")
    moved_clock.advance(days=1)
    world.fire_and_make()
    assert world.states(broken)[-1] is SENT
