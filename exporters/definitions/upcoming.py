"""Upcoming fires: when a definition fires next, and which of its fires have come due."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from exporters.definitions.timing import Fire as Occasion
from exporters.definitions.timing import Timing, fires

MOST_MISSED = 1000
"""Missed fires of one definition that are recorded, the newest: a wrong clock cannot fill the records."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""By which the clocks of hosts may differ; a plan made further ahead was made by a clock since set back."""

_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True)
class Due:
    """What has come due of a definition."""

    newest: Occasion | None
    """None: nothing has."""
    missed: tuple[Occasion, ...]
    """Those before it, the oldest first, at most `MOST_MISSED`."""
    unrecorded: int
    """How many were missed before those."""
    following: datetime | None
    """When it fires next; None: never again."""


def next_fire(timing: Timing, after: datetime) -> datetime | None:
    """The first fire later than an instant; None: there is none."""
    following = next(fires(timing, after), None)
    return None if following is None else following.at


def find_due(timing: Timing, planned: datetime, now: datetime) -> Due:
    """The fires from the planned one up to now."""
    kept: deque[Occasion] = deque(maxlen=MOST_MISSED + 1)
    count = 0
    following = None
    for occasion in fires(timing, planned - _JUST_BEFORE):
        if occasion.at > now:
            following = occasion.at
            break
        kept.append(occasion)
        count += 1
    newest = kept.pop() if kept else None
    return Due(newest, tuple(kept), max(0, count - 1 - MOST_MISSED), following)
