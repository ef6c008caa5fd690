"""Plans of keys: their text, and the requests an hour that they grant."""

import pytest
from pydantic import ValidationError

from exporters.access import Caller, LimitExceeded
from exporters.access import plans as plans_module
from exporters.access.plans import HourlyLimits, parse_plans
from settings import Settings

PLANS = parse_plans("standard=3, professional=5,enterprise=")


class Ticks:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def caller(name: str, plan: str | None = None) -> Caller:
    return Caller(f"key:{name}", frozenset({"501"}), frozenset({"reports"}), plan=plan)


def let_in(limits: HourlyLimits, who: Caller, most: int = 20) -> int:
    for count in range(most):
        try:
            limits.count(who)
        except LimitExceeded:
            return count
    return most


def test_plans_are_read_in_their_order() -> None:
    assert list(PLANS.items()) == [("standard", 3), ("professional", 5), ("enterprise", None)]
    assert dict(Settings().access.plans) == {"standard": 1000, "professional": 5000, "enterprise": None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "standard",
        "standard=0",
        "standard=-1",
        "standard=1e3",
        "a=1,a=2",
        "a b=1",
        "=5",
        "a=1,",
        "a=10000000000",
    ],
)
def test_texts_that_are_no_plans_are_refused_without_telling_them(text: str) -> None:
    with pytest.raises(ValueError, match="must be plans"):
        parse_plans(text)
    with pytest.raises(ValidationError, match="must be plans as name=requests an hour"):
        Settings(plans=text)


def test_each_plan_grants_its_requests_and_no_plan_the_first() -> None:
    limits = HourlyLimits(PLANS, ticks=Ticks())
    granted = {plan: let_in(limits, caller(str(plan), plan)) for plan in (*PLANS, None, "withdrawn")}
    assert granted == {"standard": 3, "professional": 5, "enterprise": 20, None: 3, "withdrawn": 3}


def test_an_hour_begins_with_its_first_request() -> None:
    ticks = Ticks()
    limits = HourlyLimits(PLANS, ticks=ticks)
    ann, ben = caller("ann"), caller("ben")
    assert let_in(limits, ann) == 3
    ticks.now += 1000
    assert let_in(limits, ben) == 3
    ticks.now += 2599
    with pytest.raises(LimitExceeded, match="more than 3 requests an hour: try again in 1 s"):
        limits.count(ann)
    ticks.now += 1
    assert let_in(limits, ann) == 3
    assert let_in(limits, ben) == 0
    ticks.now += 1000
    assert let_in(limits, ben) == 3


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans_module, "_MOST_CALLERS", 100)
    limits = HourlyLimits(PLANS, ticks=Ticks())
    for number in range(1000):
        limits.count(caller(str(number)))
    assert len(limits) == 100
    assert let_in(limits, caller("999")) == 2
