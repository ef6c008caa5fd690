"""Probes: however many ask, the neighbour is asked by one thread at a time, and nobody waits for long."""

import asyncio
import threading
import time

from api.http.probes import Probe


def test_who_asks_at_once_is_told_by_one_question() -> None:
    asked: list[float] = []

    def ask() -> int:
        asked.append(time.monotonic())
        time.sleep(0.05)
        return len(asked)

    async def look_often() -> list[int | None]:
        probe = Probe(ask, fresh_seconds=0.3, patience_seconds=5)
        found = await asyncio.gather(*(probe.look() for _ in range(20)))
        found.append(await probe.look())
        await asyncio.sleep(0.35)
        found.append(await probe.look())
        return found

    assert asyncio.run(look_often()) == [1] * 21 + [2]


def test_one_that_hangs_is_not_waited_for_and_asked_by_one_thread() -> None:
    answer, asked = threading.Event(), []

    def ask() -> str:
        asked.append(1)
        answer.wait(10)
        return "late"

    async def look_often() -> tuple[list[str | None], float, str | None]:
        probe = Probe(ask, fresh_seconds=5, patience_seconds=0.1)
        begun = time.monotonic()
        found = [await probe.look() for _ in range(5)]
        seconds = time.monotonic() - begun
        answer.set()
        await asyncio.sleep(0.1)
        return found, seconds, await probe.look()

    found, seconds, after = asyncio.run(look_often())
    assert found == [None] * 5
    assert seconds < 1, "who comes later does not wait anew"
    assert after == "late"
    assert len(asked) == 1
