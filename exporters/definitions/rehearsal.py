"""Rehearsal: what a definition will do at its next fires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from exporters.catalogue import Filters, ReportType, write_filters
from exporters.definitions.conditions import time_limit
from exporters.definitions.periods import Interval, Span, last_complete
from exporters.definitions.timing import Timing, fires
from exporters.row_counts import count_rows
from warehouse.figures import Workshop
from warehouse.generations import Snapshot

_WEEK = timedelta(weeks=1)
_LOOKED_AT = 4


@dataclass(frozen=True)
class Rehearsed:
    """One fire to come."""

    at: datetime
    """UTC."""
    local: datetime
    """The naive local time it is meant for."""
    filters: Mapping[str, Any]
    """All filters of the file, as texts and JSON values; those left out are not there."""
    rows_estimated: int | None
    """None: the report's query fails, or takes long."""


def rehearse(  # noqa: PLR0917  in the order of its sentence
    snapshot: Snapshot,
    report: ReportType,
    workshop: Workshop,
    timing: Timing,
    filters: Filters,
    after: datetime,
    count: int,
) -> list[Rehearsed]:
    """The next fires after an instant, with the filters that each will have and the rows it may have.

    Rows of a period that is over are counted. Those of one to come are estimated: the median of the last
    four periods like it that are over, which are the same hours, days or weeks of the weeks before, or the
    months before.

    Raises:
        RequestError: the report takes no such filters.
    """
    known = _known_until(snapshot, timing, after)
    counted: dict[str, int | None] = {}

    def resolve(period: Span) -> dict[str, Any]:
        return report.parse_filters({**filters, **period.filters(report)})

    def count_in(period: Span) -> int | None:
        asked = resolve(period)
        key = repr(asked)
        if key not in counted and None in counted.values():
            return None  # the query fails, or takes long: it is not tried again and again
        if key not in counted:
            counted[key] = count_rows(snapshot, report, workshop.workshop_id, asked)
        return counted[key]

    with time_limit(snapshot):  # a count is held to less, and leaves that behind
        return [
            Rehearsed(
                fire.at,
                fire.local,
                write_filters(resolve(fire.period)),
                _median([count_in(period) for period in _periods_like(fire.period, timing.interval, known)]),
            )
            for fire in islice(fires(timing, after), count)
        ]


def _known_until(snapshot: Snapshot, timing: Timing, after: datetime) -> datetime:
    """The local time up to which the data can be complete."""
    as_of = snapshot.generation.data_as_of
    known = after if as_of is None else min(after, as_of)
    return known.astimezone(ZoneInfo(timing.time_zone)).replace(tzinfo=None)


def _periods_like(period: Span, interval: Interval, known: datetime) -> list[Span]:
    """The period itself if it is over, else the last ones like it that are."""
    if period.end <= known:
        return [period]
    if interval == "month":
        months = [last_complete("month", known)]
        while len(months) < _LOOKED_AT:
            months.append(last_complete("month", months[-1].start))
        return months
    weeks = -(-(period.end - known) // _WEEK)
    shifts = [_WEEK * (weeks + back) for back in range(_LOOKED_AT)]
    return [Span(period.start - shift, period.end - shift) for shift in shifts]


def _median(rows: Sequence[int | None]) -> int | None:
    found = [each for each in rows if each is not None]
    return round(median(found)) if found else None
