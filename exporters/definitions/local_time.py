"""Local time: what a zone's clock shows, and the instants at which it shows it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_STRANGE = frozenset({"Factory", "localtime", "posixrules"})
"""Names that a machine may have and another not, or that say different things on each."""


@cache
def known_zones() -> frozenset[str]:
    """The IANA names of zones."""
    return frozenset(available_timezones() - _STRANGE)


def first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which a clock first shows a naive local time, or has gone past it.

    A time that the clock shows twice is its first; one that it leaves out is the instant at which it is put
    forward.
    """
    earlier = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shows(earlier, zone) == local:
        return earlier
    # In a gap the two readings lie on both sides of it: the one of the clock after it is the earlier.
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), earlier
    while after - before > timedelta.resolution:
        middle = before + (after - before) / 2
        if _shows(middle, zone) < local:
            before = middle
        else:
            after = middle
    return after


def full_hours(start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The UTC instants, from one at or before `start` on, at which the clock first shows a full hour.

    Where the clock is put back an hour, the hour that it shows twice lasts two; where it is put forward, one
    is left out. In a zone that moves by half an hour the hour of the move lasts one and a half.
    """
    begin = _full_hour_before(start, zone)
    while True:
        yield begin
        begin = _next_full_hour(begin, zone)


def _full_hour_before(instant: datetime, zone: ZoneInfo) -> datetime:
    while True:
        full = _shows(instant, zone).replace(minute=0, second=0, microsecond=0)
        begin = first_instant(full, zone)
        if _shows(begin, zone) == full:
            return begin
        instant = begin - _MINUTE  # the clock was put forward over it


def _next_full_hour(begin: datetime, zone: ZoneInfo) -> datetime:
    end = begin + _HOUR
    if _shows(end, zone) - _shows(begin, zone) == _HOUR:
        return end
    # The clock is moved on the way: only looking at each minute tells.
    end = begin + _MINUTE
    while _shows(end, zone).minute or _shows(end, zone) <= _shows(begin, zone):
        end += _MINUTE
    return end


def _shows(instant: datetime, zone: ZoneInfo) -> datetime:
    """The naive local time; comparisons leave `fold` out."""
    return instant.astimezone(zone).replace(tzinfo=None)
