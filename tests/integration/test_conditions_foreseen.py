"""Rehearsal and back-test on the published sample: what a definition will send, and would have sent."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from exporters.catalogue import ReportType, load_catalogue
from exporters.definitions.back_test import BackTest, back_test
from exporters.definitions.conditions import Condition
from exporters.definitions.rehearsal import Rehearsed, rehearse
from exporters.definitions.timing import Timing
from exporters.report_headers import ArgumentHeader
from tests.sample_snapshot import busiest_workshop, last_booked_day, open_sample
from warehouse.figures import Workshop, overview
from warehouse.generations import Snapshot
from warehouse.period import Period

_CATALOGUE = load_catalogue()
_DAY = timedelta(days=1)
_DAILY = Timing("day", "Europe/Oslo")
_OSLO = ZoneInfo("Europe/Oslo")
_CHANGED = Condition("changed")


@pytest.fixture(scope="module")
def snapshot(sample_data: Path) -> Iterator[Snapshot]:
    with open_sample(sample_data) as opened:
        yield opened


@pytest.fixture(scope="module")
def workshop(snapshot: Snapshot) -> Workshop:
    return busiest_workshop(snapshot)


@pytest.fixture(scope="module")
def last_day(snapshot: Snapshot, workshop: Workshop) -> date:
    return last_booked_day(snapshot, workshop)


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _test_back(snapshot: Snapshot, workshop: Workshop, name: str, now: datetime, **more: Any) -> BackTest:
    more = {"timing": _DAILY, "condition": None, "only_when_data": False, "filters": {}} | more
    timing, filters = more.pop("timing"), more.pop("filters")
    return back_test(snapshot, _CATALOGUE[name], workshop, timing, filters, now=now, **more)


def test_a_back_test_finds_the_days_with_data(snapshot: Snapshot, workshop: Workshop, last_day: date) -> None:
    found = _test_back(snapshot, workshop, "bookings", _noon(last_day), only_when_data=True)
    days = {last_day - _DAY * back for back in range(1, 91)}
    with_data = {
        day
        for (day,) in snapshot.rows(
            "SELECT DISTINCT day FROM bookings WHERE workshop_id = $id", {"id": workshop.workshop_id}
        )
    }
    assert (found.fires, found.sent, found.is_cut) == (90, len(days & with_data), False)
    assert 0 < found.sent < 90
    assert {date.fromisoformat(one.filters["date_from"]) for one in found.skipped} == days - with_data
    assert {one.cause for one in found.skipped} == {"no data"}


def test_a_back_test_holds_each_day_against_the_threshold(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    revenues = {
        day: overview(snapshot.figures, workshop.workshop_id, Period(day, day)).revenue
        for day in (last_day - _DAY * back for back in range(1, 91))
    }
    known = sorted(revenue for revenue in revenues.values() if revenue is not None)
    threshold = known[-8]  # so many are higher that a week of days is
    condition = Condition("above", "revenue", threshold)
    found = _test_back(snapshot, workshop, "revenue", _noon(last_day), condition=condition)
    expected = sum(revenue > threshold for revenue in known)
    assert (found.fires, found.sent) == (90, expected)
    assert 0 < expected <= 7


def test_a_back_test_of_changes_compares_with_the_last_one_that_would_have_been_sent(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    found = _test_back(snapshot, workshop, "bookings", _noon(last_day), condition=_CHANGED)
    sent, last = 0, None
    report = _CATALOGUE["bookings"]
    for back in range(90, 0, -1):
        day = str(last_day - _DAY * back)
        parameters = report.parse_filters({"date_from": day, "date_to": day})
        rows = snapshot.rows(report.sql, {**parameters, "workshop_id": workshop.workshop_id})
        sent += last is None or rows != last
        last = rows
    assert found.sent == sent
    assert all(one.cause == "unchanged" for one in found.skipped)


def test_hours_of_a_report_of_days_change_once_a_day(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    hourly = Timing("hour", "Europe/Oslo")
    found = _test_back(
        snapshot, workshop, "bookings", _noon(last_day), condition=_CHANGED, timing=hourly, days=10
    )
    assert (found.fires, found.is_cut) == (240, False)
    assert 2 <= found.sent <= 11


def _by_the_hour() -> ReportType:
    """The report of bookings, asked for by times of day."""
    times = {
        name: ArgumentHeader(type="instant", title=name, description=name)
        for name in ("time_from", "time_to")
    }
    days = _CATALOGUE["bookings"]
    sql = (
        f"SELECT * FROM ({days.sql}) WHERE ($time_from IS NULL OR start_time >= $time_from)"
        " AND ($time_to IS NULL OR start_time < $time_to)"
    )
    header = days.header.model_copy(update={"arguments": {**days.header.arguments, **times}})
    return ReportType("bookings_by_the_hour", header, sql)


def test_hours_of_a_report_of_times_are_looked_at_each(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    after_midnight = datetime(last_day.year, last_day.month, last_day.day, 0, 30, tzinfo=_OSLO)
    found = back_test(
        snapshot,
        _by_the_hour(),
        workshop,
        Timing("hour", "Europe/Oslo"),
        {},
        condition=None,
        only_when_data=True,
        now=after_midnight,
        days=7,
    )
    hours = snapshot.rows(
        "SELECT DISTINCT date_trunc('hour', start_time AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Oslo')"
        " FROM bookings WHERE workshop_id = $id AND day BETWEEN $first AND $last",
        {"id": workshop.workshop_id, "first": last_day - 7 * _DAY, "last": last_day - _DAY},
    )
    assert (found.fires, found.sent) == (7 * 24, len(hours))
    assert found.skipped[0].filters.keys() == {"time_from", "time_to"}


def test_of_very_many_periods_the_newest_are_looked_at(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    now = _noon(last_day)
    found = _test_back(snapshot, workshop, "bookings", now, only_when_data=True, days=500)
    assert (found.fires, found.is_cut) == (360, True)
    assert found.since.date() == (now - 359 * _DAY).date()
    whole = _test_back(snapshot, workshop, "bookings", now, days=500)
    assert (whole.fires, whole.sent, whole.is_cut) == (500, 500, False)  # nothing to look at


def test_filters_of_the_definition_hold_in_its_back_test(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    now = _noon(last_day)
    found = _test_back(
        snapshot, workshop, "bookings", now, only_when_data=True, filters={"status": "NO_SUCH_STATUS"}, days=5
    )
    assert found.sent == 0
    assert found.skipped[0].filters["status"] == "NO_SUCH_STATUS"


def _rehearse(
    snapshot: Snapshot, workshop: Workshop, timing: Timing, after: datetime, count: int = 3, **filters: Any
) -> list[Rehearsed]:
    return rehearse(snapshot, _CATALOGUE["bookings"], workshop, timing, filters, after, count)


def _count(snapshot: Snapshot, workshop: Workshop, first: date, last: date) -> int:
    sql = "SELECT count(*) FROM bookings WHERE workshop_id = $id AND day BETWEEN $first AND $last"
    [(rows,)] = snapshot.rows(sql, {"id": workshop.workshop_id, "first": first, "last": last})
    return int(rows)


def test_a_rehearsal_tells_the_next_fires_their_filters_and_rows(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    coming = _rehearse(snapshot, workshop, _DAILY, _noon(last_day), status="COMPLETED")
    assert [one.at.date() - last_day for one in coming] == [_DAY, 2 * _DAY, 3 * _DAY]
    assert [one.local.hour for one in coming] == [6, 6, 6]
    assert coming[0].filters == {
        "date_from": str(last_day),
        "date_to": str(last_day),
        "status": "COMPLETED",
    }


def test_rows_of_a_day_that_is_over_are_counted_and_of_one_to_come_estimated(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    before_six = datetime(last_day.year, last_day.month, last_day.day, 2, tzinfo=UTC)
    yesterday, today = _rehearse(snapshot, workshop, _DAILY, before_six, 2)
    assert yesterday.rows_estimated == _count(snapshot, workshop, last_day - _DAY, last_day - _DAY)
    weekdays = [last_day - 7 * _DAY * back for back in (1, 2, 3, 4)]
    assert today.rows_estimated == round(median(_count(snapshot, workshop, day, day) for day in weekdays))


def test_months_to_come_are_estimated_from_the_months_before(snapshot: Snapshot, workshop: Workshop) -> None:
    timing = Timing("month", "Europe/Oslo")
    after = datetime(2026, 2, 10, tzinfo=UTC)
    coming = _rehearse(snapshot, workshop, timing, after, 12)
    months = [date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
    rows = [_count(snapshot, workshop, month, (month + 31 * _DAY).replace(day=1) - _DAY) for month in months]
    assert {one.rows_estimated for one in coming} == {round(median(rows))}
    assert coming[-1].filters == {"date_from": "2027-01-01", "date_to": "2027-01-31"}
    assert coming[-1].at == datetime(2027, 2, 1, 6, tzinfo=_OSLO)


def test_a_rehearsal_of_a_broken_report_still_tells_the_fires(
    snapshot: Snapshot, workshop: Workshop, last_day: date
) -> None:
    broken = replace(_CATALOGUE["bookings"], sql="SELECT $workshop_id FROM nowhere")
    coming = rehearse(snapshot, broken, workshop, _DAILY, {}, _noon(last_day), 2)
    assert [one.rows_estimated for one in coming] == [None, None]
