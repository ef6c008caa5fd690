"""Back-test: how often a definition would have sent if it had been there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from exporters.catalogue import Filters, ReportType, write_filters
from exporters.definitions.conditions import Cause, Condition, decide, look_at_each
from exporters.definitions.timing import Timing, fires
from warehouse.figures import Workshop
from warehouse.generations import Snapshot

_MOST_LOOKS = 360
"""Fifteen days of hours; each look takes some milliseconds."""


@dataclass(frozen=True)
class Skipped:
    """A fire that would have sent nothing."""

    at: datetime
    """UTC."""
    local: datetime
    filters: Mapping[str, Any]
    cause: Cause
    reason: str


@dataclass(frozen=True)
class BackTest:
    """What would have been."""

    since: datetime
    """UTC: every fire after it, or at it where the days are cut, was looked at."""
    is_cut: bool
    """Whether there are more fires in the days asked for than are looked at; the newest are."""
    fires: int
    sent: int
    skipped: tuple[Skipped, ...]


def back_test(
    snapshot: Snapshot,
    report: ReportType,
    workshop: Workshop,
    timing: Timing,
    filters: Filters,
    *,
    condition: Condition | None,
    only_when_data: bool,
    now: datetime,
    days: int = 90,
) -> BackTest:
    """Which of the fires of the last days would have sent, judged by the data as they are now.

    The first of them counts as the first that ever was. At most 360 different periods are looked at: those
    of the newest fires.

    Raises:
        RequestError: the report takes no such filters.
        WarehouseError: its query fails, or takes too long.
    """
    begin = now - timedelta(days=days)
    past = list(takewhile(lambda fire: fire.at <= now, fires(timing, begin)))
    asked = [write_filters(report.parse_filters({**filters, **fire.period.filters(report)})) for fire in past]
    if condition is None and not only_when_data:
        return BackTest(begin, False, len(past), len(past), ())
    keys = [repr(each) for each in asked]
    first = _first_looked_at(keys)
    different = dict(zip(keys[first:], asked[first:], strict=True))
    sights = look_at_each(snapshot, report, workshop.workshop_id, different.values())
    seen = dict(zip(different, sights, strict=True))
    skipped = []
    last_digest = None
    for fire, key in zip(past[first:], keys[first:], strict=True):
        verdict = decide(condition, only_when_data=only_when_data, sight=seen[key], last_digest=last_digest)
        if verdict.send:
            last_digest = seen[key].digest
        else:
            skipped.append(Skipped(fire.at, fire.local, different[key], verdict.cause, verdict.reason))
    since = past[first].at if first else begin
    made = len(past) - first
    return BackTest(since, first > 0, made, made - len(skipped), tuple(skipped))


def _first_looked_at(keys: Sequence[str]) -> int:
    """The place of the oldest fire whose period is among the newest ones that are looked at."""
    different: set[str] = set()
    for place in range(len(keys) - 1, -1, -1):
        different.add(keys[place])
        if len(different) > _MOST_LOOKS:
            return place + 1
    return 0
