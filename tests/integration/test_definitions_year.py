"""A year of schedules in four zones, fired by two schedulers: every fire once, with the right period."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporters.definitions.states import FireState
from tests.exported import options_for
from tests.records import MovedClock
from tests.report_definitions import World, draft, open_world

ZONES = ("Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
AT = time(2, 15)
"""In Oslo, New York and on Lord Howe Island the clock leaves it out once, and shows it twice once."""
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


@pytest.fixture
def worlds(tmp_path: Path, sample_data: Path, moved_clock: MovedClock) -> Iterator[list[World]]:
    options = options_for(tmp_path, sample_data)
    with ExitStack() as stack:
        yield [stack.enter_context(open_world(options, moved_clock)) for _ in range(2)]


def instant_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the clock shows `AT`, or first shows a later time; by looking at every minute."""
    noon_before = datetime.combine(day - timedelta(days=1), time(12), zone).astimezone(UTC)
    nominal = datetime.combine(day, AT)
    for minutes in range(12 * 60, 36 * 60):  # from midnight, give or take the change of the clock
        instant = noon_before + timedelta(minutes=minutes)
        if instant.astimezone(zone).replace(tzinfo=None) >= nominal:
            return instant
    raise AssertionError(day)


def test_a_year_in_four_zones_fires_every_day_once(worlds: list[World], moved_clock: MovedClock) -> None:
    moved_clock.now = datetime(2025, 12, 31, 12, tzinfo=UTC)
    first, _ = worlds
    # They are paused, so that no file is made: what counts here is when, and for which day.
    later = datetime(2030, 1, 1, tzinfo=UTC)
    asked = {zone: draft(time_zone=zone, send_at=AT, paused_until=later) for zone in ZONES}
    definitions = {zone: first.definitions.create("101", one) for zone, one in asked.items()}
    chance = random.Random(1)
    while moved_clock.now < datetime(2027, 1, 1, 12, tzinfo=UTC):
        due = min(one.next_fire_at for one in first.store.list()[1] if one.next_fire_at)
        moved_clock.now = due + timedelta(seconds=chance.uniform(0, 600))
        for world in chance.sample(worlds, 2):
            world.fire()
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    for zone, definition in definitions.items():
        found = {fire.fire_at: fire for fire in first.fires(definition)}
        assert len(found) == len(first.fires(definition))
        assert Counter(fire.state for fire in found.values()) == {FireState.SKIPPED: len(found)}
        expected = {instant_of(day, ZoneInfo(zone)): day for day in days}
        assert len(expected) == len(days)
        for instant, day in expected.items():
            midnight = datetime.combine(day, time())
            period = (found[instant].period_start, found[instant].period_end)
            assert period == (midnight - timedelta(days=1), midnight), (zone, day)
        in_year = [at for at in found if FIRST <= at.astimezone(ZoneInfo(zone)).date() <= LAST]
        assert sorted(in_year) == sorted(expected)
