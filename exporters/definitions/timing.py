"""Timing: the instants at which a definition fires, each once, whatever its zone's clock does."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice, takewhile
from typing import get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from exporters.definitions.errors import DefinitionError
from exporters.definitions.local_time import first_instant, full_hours, known_zones
from exporters.definitions.periods import Interval, Span, last_complete

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_SATURDAY = 5
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001  naive, as all nominal times are
_LOOKED_AT = 100
"""Fires of a cron expression that are looked at for one on a weekday."""
_LONGEST_CRON = 100
_LONGEST_HOURS = 5 * _HOUR
"""Two hours of a clock, of which one is that in which Antarctica/Troll puts it back by two."""


@dataclass(frozen=True)
class Timing:
    """When a definition fires, in local time of its zone."""

    interval: Interval
    """What each fire covers: the last complete hour, day, week or month. Without `cron` also how often."""
    time_zone: str
    """IANA name, such as Europe/Oslo."""
    send_at: time = time(6, 0)
    """Of the local day; of interval `hour` only its minute counts. Without meaning beside `cron`."""
    cron: str | None = None
    """Five fields; when it fires, instead of once for each interval."""
    weekdays_only: bool = False
    """Not on Saturday and Sunday: a monthly fire moves to a weekday of its month, others are left out."""
    last_day_of_month: bool = False
    """Of interval `month`: on its last day instead of its first."""


@dataclass(frozen=True)
class Fire:
    """One firing."""

    at: datetime
    """UTC."""
    local: datetime
    """The naive local time it was meant for; a clock that is put forward over it never shows it."""
    period: Span


def check_timing(timing: Timing) -> None:
    """Return if the timing can be met.

    Raises:
        DefinitionError: it cannot.
    """
    if timing.interval not in get_args(Interval):
        raise DefinitionError("interval", f"interval must be one of {', '.join(get_args(Interval))}")
    if timing.time_zone not in known_zones():
        raise DefinitionError(
            "time_zone", f"there is no time zone {timing.time_zone!r}; give a name such as Europe/Oslo"
        )
    if timing.send_at.tzinfo or timing.send_at.second or timing.send_at.microsecond:
        raise DefinitionError("send_at", "send_at must be a local time as HH:MM")
    if timing.last_day_of_month and (timing.interval != "month" or timing.cron is not None):
        raise DefinitionError(
            "last_day_of_month", "last_day_of_month goes with the interval month, and without cron"
        )
    if timing.cron is not None:
        _check_cron(timing.cron, weekdays_only=timing.weekdays_only)


def fires(timing: Timing, after: datetime) -> Iterator[Fire]:
    """All fires later than an instant, in their order, each at a later instant than the one before.

    Two nominal times that a clock leaves out together are one fire: that of the first.

    Raises:
        DefinitionError: the cron expression is none.
    """
    zone = ZoneInfo(timing.time_zone)
    if timing.interval == "hour" and timing.cron is None:
        found = _hourly(timing, zone, after)
    else:
        # What is earlier on the clock came earlier, too, or came a second time.
        start = after.astimezone(zone).replace(tzinfo=None)
        found = ((first_instant(local, zone), local) for local in _nominal_times(timing, start))
    last = None
    for at, local in found:
        if at != last and at > after:
            yield Fire(at, local, _period(timing, zone, at, local))
        last = at


def period_before(interval: Interval, zone: ZoneInfo, at: datetime) -> Span:
    """The last complete period of a zone at an instant."""
    if interval == "hour":
        return _hour_before(zone, at)
    return last_complete(interval, at.astimezone(zone).replace(tzinfo=None))


def _hourly(timing: Timing, zone: ZoneInfo, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    for full_hour in full_hours(after - _HOUR, zone):
        at = full_hour + _MINUTE * timing.send_at.minute
        local = at.astimezone(zone).replace(tzinfo=None)
        if not timing.weekdays_only or local.weekday() < _SATURDAY:
            yield at, local


def _nominal_times(timing: Timing, start: datetime) -> Iterator[datetime]:
    """Naive local times in their order, from the first after `start` or one before that."""
    if timing.cron is not None:
        times: Iterator[datetime] = _simulate(timing.cron, start)
    elif timing.interval == "month":
        yield from _monthly(timing, start)
        return
    else:
        step = 7 if timing.interval == "week" else 1
        first = start.date() - _DAY * (start.weekday() if step == 7 else 0)
        times = _every(datetime.combine(first, timing.send_at), step * _DAY)
    for local in times:
        if not timing.weekdays_only or local.weekday() < _SATURDAY:
            yield local


def _every(first: datetime, step: timedelta) -> Iterator[datetime]:
    while True:
        yield first
        first += step


def _monthly(timing: Timing, start: datetime) -> Iterator[datetime]:
    first = datetime.combine(start.date().replace(day=1), timing.send_at)
    while True:
        following = (first + 31 * _DAY).replace(day=1)
        local = following - _DAY if timing.last_day_of_month else first
        if timing.weekdays_only:
            inwards = -_DAY if timing.last_day_of_month else _DAY
            while local.weekday() >= _SATURDAY:
                local += inwards
        yield local
        first = following


def _period(timing: Timing, zone: ZoneInfo, at: datetime, local: datetime) -> Span:
    if timing.interval != "hour":
        return last_complete(timing.interval, local)
    # Where a clock came early to the next full hour, that is over, too, but has a fire of its own.
    return _hour_before(zone, at if timing.cron is not None else at - _MINUTE * timing.send_at.minute)


def _hour_before(zone: ZoneInfo, at: datetime) -> Span:
    """The last hour, from one full hour of the clock to the next, that was over at an instant.

    The hour that a clock shows twice is one, over when it was shown for the second time.
    """
    *_, begin, end = takewhile(lambda each: each <= at, full_hours(at - _LONGEST_HOURS, zone))
    # A clock that is put back by two hours shows the one before again.
    shown = [each.astimezone(zone).replace(tzinfo=None, fold=0) for each in _hours_between(begin, end)]
    last = (end - timedelta.resolution).astimezone(zone).replace(tzinfo=None, fold=0)
    return Span(min(shown), last.replace(minute=0, second=0, microsecond=0) + _HOUR)


def _hours_between(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += _HOUR


def _simulate(cron: str, after: datetime) -> CronSim:
    try:
        return CronSim(cron, after)
    except (CronSimError, ValueError) as error:
        raise DefinitionError("cron", f"cron is {cron!r}, which cannot be read: {error}") from error


def _check_cron(cron: str, *, weekdays_only: bool) -> None:
    if not cron.isascii() or len(cron) > _LONGEST_CRON or len(cron.split()) != 5:
        raise DefinitionError(
            "cron", "cron must have five fields: minute, hour, day of month, month, day of week"
        )
    simulated = _simulate(cron, _SOME_DAY)
    if len(simulated.minutes) > 1:
        raise DefinitionError(
            "cron", f"cron is {cron!r}, which fires more than once an hour: give one minute, such as 0"
        )
    coming = list(islice(simulated, _LOOKED_AT))
    if not coming:
        raise DefinitionError("cron", f"cron is {cron!r}, which never fires")
    if weekdays_only and all(local.weekday() >= _SATURDAY for local in coming):
        raise DefinitionError("weekdays_only", f"cron is {cron!r}, which fires on no weekday")
