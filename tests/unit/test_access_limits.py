"""How much one caller may ask: the share of a minute, requests at once, and that it stays bounded."""

import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.access import Caller, LimitExceeded
from exporters.access import limits as limits_module
from exporters.access.limits import Limits


class Ticks:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def caller(name: str) -> Caller:
    return Caller(f"key:{name}", frozenset({"101"}), frozenset({"reports"}))


ANN, BEN = caller("ann"), caller("ben")


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


def ask(limits: Limits, who: Caller = ANN) -> int:
    with limits.entered(who) as allowance:
        return allowance.remaining


def test_a_minutes_share_may_come_at_once_and_comes_back_evenly(ticks: Ticks) -> None:
    limits = Limits(60, 5, ticks=ticks)
    assert [ask(limits) for _ in range(60)] == list(range(59, -1, -1))
    with pytest.raises(LimitExceeded) as caught:
        ask(limits)
    assert (caught.value.what, caught.value.limit, caught.value.retry_after_seconds) == ("rate", 60, 1)
    assert str(caught.value) == "more than 60 requests a minute: try again in 1 s"
    assert ask(limits, BEN) == 59, "each caller has a share of its own"
    ticks.now += 0.9
    with pytest.raises(LimitExceeded):
        ask(limits)
    ticks.now += 0.2
    assert ask(limits) == 0
    ticks.now += 3600
    assert ask(limits) == 59, "what is not asked for does not add up"


def test_who_does_as_told_is_let_in(ticks: Ticks) -> None:
    limits = Limits(7, 5, ticks=ticks)
    for _ in range(7):
        ask(limits)
    with pytest.raises(LimitExceeded) as caught:
        ask(limits)
    ticks.now += caught.value.retry_after_seconds
    assert ask(limits) == 0


def test_the_headers_say_when_the_whole_share_is_there_again(ticks: Ticks) -> None:
    limits = Limits(60, 5, ticks=ticks)
    with limits.entered(ANN) as allowance:
        assert (allowance.limit, allowance.remaining, allowance.reset_seconds) == (60, 59, 1)
    for _ in range(29):
        ask(limits)
    with limits.entered(ANN) as allowance:
        assert (allowance.remaining, allowance.reset_seconds) == (29, 31)


def test_requests_at_once(ticks: Ticks) -> None:
    limits = Limits(600, 2, ticks=ticks)
    with ExitStack() as running:
        for _ in range(2):
            running.enter_context(limits.entered(ANN))
        with pytest.raises(LimitExceeded, match="more than 2 requests at once") as caught:
            ask(limits)
        assert (caught.value.what, caught.value.limit) == ("concurrency", 2)
        ask(limits, BEN)
    with pytest.raises(ZeroDivisionError), limits.entered(ANN):
        _ = 1 / 0
    with limits.entered(ANN), limits.entered(ANN) as allowance:
        assert allowance.remaining == 595, "what was not let in did not count"


def test_memory_is_bounded_and_those_under_way_are_still_counted(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_module, "_MOST_CALLERS", 10)
    limits = Limits(600, 1, ticks=ticks)
    with limits.entered(ANN):
        for number in range(50):
            ask(limits, caller(str(number)))
        assert len(limits) == 10
        with pytest.raises(LimitExceeded):
            ask(limits)
    assert ask(limits) == 598


def test_threads_together_get_the_share_and_no_more(ticks: Ticks) -> None:
    limits = Limits(100, 1000, ticks=ticks)
    let_in: list[int] = []

    def go_on() -> None:
        for _ in range(50):
            try:
                let_in.append(ask(limits))
            except LimitExceeded:
                return

    threads = [threading.Thread(target=go_on) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(let_in) == list(range(100))


@given(
    rate=st.integers(1, 1000),
    pauses=st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=200),
)
def test_in_any_stretch_no_more_than_burst_and_rate(rate: int, pauses: list[float]) -> None:
    ticks = Ticks()
    limits = Limits(rate, 10, ticks=ticks)
    begun, let_in = ticks.now, 0
    for pause in pauses:
        ticks.now += pause
        try:
            ask(limits)
        except LimitExceeded:
            continue
        let_in += 1
        assert let_in <= rate + (ticks.now - begun) * rate / 60 + 1e-6
