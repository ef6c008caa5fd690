"""Parallel work that keeps its order and holds only a few pieces in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from os import cpu_count
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

WORKERS = min(cpu_count() or 1, 4)
"""Threads that one file is made with, besides the one that reads and writes."""


def map_in_order(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yields `work(item)` for each item in its order, done by threads a few items ahead.

    An error of `work` or of `items` is raised in its place; when the iteration ends early, what is under way
    is waited for and the rest is dropped.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        ahead: deque[Future[_Result]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > WORKERS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
