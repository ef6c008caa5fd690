"""Periods: which span of local time a definition covers when it fires, and the filters that say so."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from exporters.catalogue import ReportType

Interval = Literal["hour", "day", "week", "month"]

INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")

_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
_MINUTES = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Span:
    """Local time from `start` up to, and without, `end`, as naive times of the definition's zone."""

    start: datetime
    end: datetime

    @property
    def is_whole_days(self) -> bool:
        """Whether it begins and ends at midnight."""
        return self.start.time() == self.end.time() == time()

    def filters(self, report: ReportType) -> dict[str, str]:
        """The arguments of the report that ask for the span, as texts that `parse_filters` reads.

        `date_from` and `date_to` are its first and last day. A span that is no whole number of days becomes
        `time_from` and `time_to` where the report has them; otherwise the days it touches. A report without
        such arguments is not dated: it gets none.
        """
        arguments = report.header.arguments
        by_day, by_time = "date_from" in arguments, "time_from" in arguments
        if by_time and not (by_day and self.is_whole_days):
            asked = {"time_from": self.start.strftime(_MINUTES), "time_to": self.end.strftime(_MINUTES)}
        else:
            last = (self.end - timedelta.resolution).date()
            asked = {"date_from": self.start.date().isoformat(), "date_to": last.isoformat()}
        return {name: value for name, value in asked.items() if name in arguments}


def last_complete(interval: Interval, local: datetime) -> Span:
    """The last whole hour, day, week (from Monday) or month that is over at a naive local time.

    It is the one rule for every fire and every download: nothing that still goes on is ever covered, so a
    fire on the last day of a month covers the month before.
    """
    midnight = datetime.combine(local.date(), time())
    if interval == "hour":
        end = local.replace(minute=0, second=0, microsecond=0, fold=0)
        return Span(end - _HOUR, end)
    if interval == "day":
        return Span(midnight - _DAY, midnight)
    if interval == "week":
        end = midnight - _DAY * midnight.weekday()
        return Span(end - _WEEK, end)
    end = midnight.replace(day=1)
    return Span((end - _DAY).replace(day=1), end)
