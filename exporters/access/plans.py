"""Plans: how many requests an hour a key may make of the APIs that count by the hour.

Counted in the memory of the process, as `limits` are: with several processes, each grants its own share.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from threading import Lock
from types import MappingProxyType

from exporters.access.callers import Caller
from exporters.access.errors import LimitExceeded

Plans = Mapping[str, int | None]
"""Requests an hour by the name of the plan, None for no limit; the first is that of keys that name none."""
DEFAULT_PLANS: Plans = MappingProxyType({"standard": 1_000, "professional": 5_000, "enterprise": None})

_HOUR = 3_600.0
_MOST_CALLERS = 10_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def is_plan_name(name: str) -> bool:
    """Whether a plan can have the name."""
    return _NAME.fullmatch(name) is not None


def parse_plans(text: str) -> Plans:
    """Plans from `name=requests an hour` separated by commas; without a number there is no limit.

    Raises:
        ValueError: the text does not name at least one plan so.
    """
    plans: dict[str, int | None] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        is_number = _NUMBER.fullmatch(number) is not None
        if not equals or not is_plan_name(name) or name in plans or not (is_number or not number):
            raise ValueError("must be plans as name=requests an hour, such as standard=1000,enterprise=")
        plans[name] = int(number) if number else None
    return MappingProxyType(plans)


@dataclass
class _Hour:
    begun: float
    asked: int = 0


class HourlyLimits:
    """Counts the requests of each caller, by hours of which each begins with the first request in it.

    Safe to share between threads. A plan that is not there any more counts as the first one.
    """

    def __init__(self, plans: Plans, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._plans = plans
        self._first = next(iter(plans))
        self._ticks = ticks
        self._hours: OrderedDict[str, _Hour] = OrderedDict()
        self._lock = Lock()

    def count(self, caller: Caller) -> None:
        """Count a request of the caller.

        Raises:
            LimitExceeded: it is one more than the plan has; it does not count.
        """
        plan = caller.plan if caller.plan in self._plans else self._first
        most = self._plans[plan or self._first]
        if most is None:
            return
        with self._lock:
            now = self._ticks()
            hour = self._hours.get(caller.actor)
            if hour is None or now - hour.begun >= _HOUR:
                self._hours.pop(caller.actor, None)
                hour = self._hours[caller.actor] = _Hour(now)
                if len(self._hours) > _MOST_CALLERS:
                    self._hours.popitem(last=False)  # whose hour ends first
            if hour.asked >= most:
                raise LimitExceeded("hour", most, ceil(hour.begun + _HOUR - now))
            hour.asked += 1

    def __len__(self) -> int:
        return len(self._hours)
