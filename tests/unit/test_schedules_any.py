"""Schedules of any kind in any zone: what holds of their fires whatever they are."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exporters.definitions.periods import INTERVALS, Interval
from exporters.definitions.timing import Fire, Timing, check_timing, fires

_HOUR = timedelta(hours=1)
_QUICKLY = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate], deadline=None, max_examples=50)

_ZONES = st.sampled_from(
    [
        "Africa/Cairo",
        "Africa/Casablanca",
        "America/Havana",
        "America/New_York",
        "America/St_Johns",
        "Antarctica/Troll",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Europe/Oslo",
        "Pacific/Apia",
        "Pacific/Chatham",
        "UTC",
    ]
)
_TIMES = st.times(max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
_BEGIN = datetime(2012, 1, 1, tzinfo=UTC)
_INSTANTS = st.timedeltas(timedelta(0), timedelta(days=26 * 365)).map(lambda after: _BEGIN + after)


@st.composite
def _near_moves(draw: st.DrawFn) -> datetime:
    """Instants around the days on which clocks are moved."""
    year, month = draw(st.integers(2012, 2037)), draw(st.sampled_from([3, 4, 10, 11]))
    begin = datetime(year, month, 1, tzinfo=UTC)
    return begin + timedelta(minutes=draw(st.integers(0, 31 * 24 * 60)))


@st.composite
def _crons(draw: st.DrawFn) -> str:
    minute = draw(st.integers(0, 59))
    hours = draw(st.sampled_from(["*", "2", "1,2,3", "*/6", "22-23"]))
    days = draw(st.sampled_from(["* * *", "1 * *", "L * *", "* * MON", "* * SUN", "15 * MON", "* 3,10 *"]))
    return f"{minute} {hours} {days}"


@st.composite
def _timings(draw: st.DrawFn, intervals: tuple[Interval, ...] = INTERVALS) -> Timing:
    interval = draw(st.sampled_from(intervals))
    cron = draw(st.none() | _crons())
    last_day = interval == "month" and cron is None and draw(st.booleans())
    weekdays = draw(st.booleans()) and not (cron or "").endswith("SUN")
    timing = Timing(interval, draw(_ZONES), draw(_TIMES), cron, weekdays, last_day)
    check_timing(timing)
    return timing


def _next(timing: Timing, after: datetime, count: int) -> list[Fire]:
    return list(islice(fires(timing, after), count))


@_QUICKLY
@given(_timings(), _INSTANTS | _near_moves())
def test_fires_follow_one_another_after_the_instant(timing: Timing, after: datetime) -> None:
    found = _next(timing, after, 30)
    assert len(found) == 30
    assert after < found[0].at
    assert all(earlier.at < later.at for earlier, later in pairwise(found))
    assert all(earlier.local <= later.local for earlier, later in pairwise(found))


@_QUICKLY
@given(_timings(), _INSTANTS | _near_moves(), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_fires_after_a_later_instant_are_the_rest_of_those_after_an_earlier(
    timing: Timing, earlier: datetime, further: timedelta
) -> None:
    later = earlier + further
    rest = [fire for fire in _next(timing, earlier, 40) if fire.at > later]
    assert _next(timing, later, len(rest)) == rest


@_QUICKLY
@given(_timings(), _INSTANTS | _near_moves())
def test_going_on_from_each_fire_meets_the_same_fires(timing: Timing, after: datetime) -> None:
    at_once = _next(timing, after, 12)
    one_by_one = []
    for _ in at_once:
        fire = next(fires(timing, after))
        one_by_one.append(fire)
        after = fire.at
    assert one_by_one == at_once


@_QUICKLY
@given(_timings(), _INSTANTS | _near_moves())
def test_a_fire_covers_what_is_over_when_the_clock_shows_its_time(timing: Timing, after: datetime) -> None:
    zone = ZoneInfo(timing.time_zone)
    for fire in _next(timing, after, 12):
        shown = fire.at.astimezone(zone).replace(tzinfo=None)
        assert shown >= fire.local
        if shown != fire.local:  # left out: just before, the clock was not there yet
            before = (fire.at - timedelta.resolution).astimezone(zone).replace(tzinfo=None)
            assert before < fire.local
        last = fire.period.end - timedelta.resolution
        assert last.replace(tzinfo=zone, fold=1).astimezone(UTC) < fire.at


@_QUICKLY
@given(_timings(("day", "week", "month")), _INSTANTS | _near_moves())
def test_regular_periods_follow_one_another_without_a_gap(timing: Timing, after: datetime) -> None:
    if timing.cron is not None or (timing.interval == "day" and timing.weekdays_only):
        return
    for earlier, later in pairwise(_next(timing, after, 20)):
        assert earlier.period.end == later.period.start


@_QUICKLY
@given(_ZONES, st.integers(0, 59), _INSTANTS | _near_moves())
def test_each_hour_is_another_and_none_is_left_out(zone: str, minute: int, after: datetime) -> None:
    found = _next(Timing("hour", zone, time(0, minute)), after, 60)
    for earlier, later in pairwise(found):
        assert _HOUR <= later.at - earlier.at <= (3 if zone == "Antarctica/Troll" else 2) * _HOUR
        assert later.period.start == earlier.period.end or _is_moved(zone, earlier, later)
    assert len({(fire.period.start, fire.period.end) for fire in found}) == len(found)
    _check_each_moment_is_told_after_it(ZoneInfo(zone), found)


def _check_each_moment_is_told_after_it(zone: ZoneInfo, found: list[Fire]) -> None:
    """By one fire; in a zone whose clock is put back by more than an hour by two at most."""
    moment = found[0].at
    while moment < found[-3].at:
        shown = moment.astimezone(zone).replace(tzinfo=None)
        told = [fire for fire in found if fire.period.start <= shown < fire.period.end]
        assert 1 <= len(told) <= (2 if zone.key == "Antarctica/Troll" else 1)
        assert told[-1].at > moment
        moment += _HOUR / 4


def _is_moved(zone: str, earlier: Fire, later: Fire) -> bool:
    offsets = {at.astimezone(ZoneInfo(zone)).utcoffset() for at in (earlier.at - 2 * _HOUR, later.at)}
    return len(offsets) == 2
