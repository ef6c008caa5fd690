"""Probes: questions to slow neighbours, asked away from the loop, seldom, and waited for shortly."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Probe(Generic[Found]):
    """One question. Its answer is kept for a while, and it is asked by one thread at a time.

    So whoever may ask as often as they like puts no more load on the neighbour, and one that hangs holds one
    thread, not one for each who asks. `ask` raises nothing. For use on one event loop.
    """

    def __init__(self, ask: Callable[[], Found], *, fresh_seconds: float, patience_seconds: float) -> None:
        self._ask = ask
        self._fresh = fresh_seconds
        self._patience = patience_seconds
        self._begun = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._found: tuple[float, Found] | None = None

    async def look(self) -> Found | None:
        """The answer; None: it has not come in time."""
        if (known := self._known()) is not None:
            return known
        if self._asking is None:
            self._begun = time.monotonic()
            self._asking = asyncio.create_task(self._run())
        left = max(0.0, self._begun + self._patience - time.monotonic())
        await asyncio.wait({self._asking}, timeout=left)
        return self._known()

    def _known(self) -> Found | None:
        if self._found is None or time.monotonic() - self._found[0] > self._fresh:
            return None
        return self._found[1]

    async def _run(self) -> None:
        try:
            found = await asyncio.to_thread(self._ask)
            self._found = time.monotonic(), found
        finally:
            self._asking = None
