"""A simulated year of schedules: every fire once, at its local time, with its period, in zones of all kinds.

What is expected is found by a walk through each minute of the year in UTC, looking at the clock of the zone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest

from exporters.definitions.timing import Timing, fires

_BEGIN, _END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_ZONES = {
    "Europe/Oslo": 2,
    "America/New_York": 2,
    "Australia/Lord_Howe": 2,  # moves by half an hour
    "Africa/Casablanca": 2,  # is put back for Ramadan
    "Africa/Cairo": 2,  # is put forward at midnight
    "Asia/Kathmandu": 0,  # is never moved, and five hours and three quarters ahead
}
"""Zone, and how often its clock is moved in the year."""

Seen = tuple[datetime, datetime, datetime, datetime]
"""Instant, nominal local time, and the first and last moment of the period."""


@dataclass
class _Walked:
    """What a walk through the year meets."""

    moves: int = 0
    fires: dict[str, list[Seen]] = field(default_factory=dict)
    hours: list[Seen] = field(default_factory=list)
    """Each full hour of the clock, with the hour before it."""


_Days = Callable[[date], bool]


def _any_day(_: date) -> bool:
    return True


_SCHEDULES: dict[str, tuple[Timing, list[time], _Days]] = {
    "every day in the night": (Timing("day", "", time(2, 30)), [time(2, 30)], _any_day),
    "every day at midnight": (Timing("day", "", time(0, 0)), [time(0, 0)], _any_day),
    "weekdays": (
        Timing("day", "", time(1, 45), weekdays_only=True),
        [time(1, 45)],
        lambda day: day.weekday() < 5,
    ),
    "weeks": (Timing("week", "", time(6, 0)), [time(6, 0)], lambda day: day.weekday() == 0),
    "months": (Timing("month", "", time(0, 5)), [time(0, 5)], lambda day: day.day == 1),
    "last days": (
        Timing("month", "", time(23, 55), last_day_of_month=True),
        [time(23, 55)],
        lambda day: (day + _DAY).day == 1,
    ),
    "cron in the night": (
        Timing("day", "", cron="30 2 * * *"),
        [time(2, 30)],
        _any_day,
    ),
    "cron in two hours that are left out together": (
        Timing("day", "", cron="0 2,3 * * SUN"),
        [time(2), time(3)],
        lambda day: day.weekday() == 6,
    ),
    "cron on weekdays": (
        Timing("week", "", cron="15 */6 * * *", weekdays_only=True),
        [time(0, 15), time(6, 15), time(12, 15), time(18, 15)],
        lambda day: day.weekday() < 5,
    ),
}


def _nominal(times: list[time], days: _Days) -> Iterator[datetime]:
    day = date(2025, 12, 1)
    while True:
        if days(day):
            yield from (datetime.combine(day, at) for at in times)
        day += _DAY


def _covered(interval: str, local: datetime) -> tuple[datetime, datetime]:
    """First and last minute of the last complete period, found by going back through the days."""
    day = local.date() - _DAY
    if interval == "week":
        while day.weekday() != 6:
            day -= _DAY
        return datetime.combine(day - 6 * _DAY, time()), datetime.combine(day, time(23, 59))
    if interval == "month":
        while (day + _DAY).day != 1:
            day -= _DAY
        return datetime.combine(day.replace(day=1), time()), datetime.combine(day, time(23, 59))
    return datetime.combine(day, time()), datetime.combine(day, time(23, 59))


def _walk(zone: ZoneInfo) -> _Walked:
    walked = _Walked(fires={name: [] for name in _SCHEDULES})
    plans = {name: _nominal(times, days) for name, (_, times, days) in _SCHEDULES.items()}
    waiting = {name: next(plan) for name, plan in plans.items()}
    first = second = None
    at = _BEGIN - 3 * _DAY
    before = (at - _MINUTE).astimezone(zone).replace(tzinfo=None)
    while at < _END:
        shown = at.astimezone(zone).replace(tzinfo=None)
        walked.moves += shown - before != _MINUTE and at >= _BEGIN
        for name, nominal in waiting.items():
            if shown >= nominal:
                covered = _covered(_SCHEDULES[name][0].interval, nominal)
                if at >= _BEGIN:
                    walked.fires[name].append((at, nominal, *covered))
                while waiting[name] <= shown:
                    waiting[name] = next(plans[name])
        if shown.minute == 0 and (second is None or shown > second):
            first, second = second, shown
            if first is not None and at >= _BEGIN:
                walked.hours.append((at, shown, first, before))
        before = shown
        at += _MINUTE
    return walked


def _computed(timing: Timing) -> list[Seen]:
    year = takewhile(lambda fire: fire.at < _END, fires(timing, _BEGIN - timedelta.resolution))
    return [(fire.at, fire.local, fire.period.start, fire.period.end - _MINUTE) for fire in year]


def _in_zone(timing: Timing, zone: str) -> Timing:
    return replace(timing, time_zone=zone)


@pytest.fixture(scope="module", params=_ZONES)
def year(request: pytest.FixtureRequest) -> tuple[str, _Walked]:
    return request.param, _walk(ZoneInfo(request.param))


def test_the_year_has_the_moves_of_its_clock(year: tuple[str, _Walked]) -> None:
    zone, walked = year
    assert walked.moves == _ZONES[zone]


def test_each_fire_comes_once_at_its_local_time_with_its_period(year: tuple[str, _Walked]) -> None:
    zone, walked = year
    for name, (timing, _, _) in _SCHEDULES.items():
        assert _computed(_in_zone(timing, zone)) == walked.fires[name], (zone, name)
    assert len(walked.fires["every day in the night"]) == 365
    assert len(walked.fires["months"]) == len(walked.fires["last days"]) == 12


@pytest.mark.parametrize("minute", [0, 59])
def test_each_real_hour_is_covered_once(year: tuple[str, _Walked], minute: int) -> None:
    """The hours of the clock follow one another without a gap, so the fires cover each minute once."""
    zone, walked = year
    found = _computed(Timing("hour", zone, time(0, minute)))
    begin = _BEGIN + _MINUTE * minute  # the fire of an hour before the year may come in it
    found = [each for each in found if each[0] >= begin]
    expected = [(at + _MINUTE * minute, start, last) for at, _, start, last in walked.hours]
    expected = [each for each in expected if each[0] < _END]
    assert [(at, start, last) for at, _, start, last in found] == expected
    lengths = {later[0] - earlier[0] for earlier, later in pairwise(found)}
    longest = {"Australia/Lord_Howe": _HOUR * 1.5, "Asia/Kathmandu": _HOUR}.get(zone, _HOUR * 2)
    assert lengths == {_HOUR, longest}
