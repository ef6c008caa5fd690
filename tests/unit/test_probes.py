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

    async def look_often(at_once: int, fresh_seconds: float) -> list[int | None]:
        probe = Probe(ask, fresh_seconds=fresh_seconds, patience_seconds=60)
        found = await asyncio.gather(*(probe.look() for _ in range(at_once)))
        await asyncio.sleep(0.01)
        return [*found, await probe.look()]

    assert asyncio.run(look_often(20, fresh_seconds=600)) == [1] * 21
    assert asyncio.run(look_often(1, fresh_seconds=0.001)) == [2, 3]


def test_one_that_hangs_is_not_waited_for_and_asked_by_one_thread() -> None:
    answer, asked = threading.Event(), []

    def ask() -> str:
        asked.append(1)
        answer.wait(120)
        return "late"

    async def look_often() -> tuple[list[str | None], float, str | None]:
        probe = Probe(ask, fresh_seconds=600, patience_seconds=0.5)
        begun = time.monotonic()
        found = [await probe.look() for _ in range(60)]
        seconds = time.monotonic() - begun
        answer.set()
        while (after := await probe.look()) is None and time.monotonic() - begun < 120:
            await asyncio.sleep(0.02)
        return found, seconds, after

    found, seconds, after = asyncio.run(look_often())
    assert found == [None] * 60
    assert seconds < 15, "who comes later does not wait anew"
    assert after == "late"
    assert len(asked) == 1
