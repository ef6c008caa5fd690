"""Parallel work that keeps its order and holds only a few pieces in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from os import cpu_count
from types import TracebackType
from typing import Generic, Self, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

WORKERS = min(cpu_count() or 1, 4)
"""Threads that one file is made with, besides the one that reads and writes."""


class WorkInOrder(Generic[_Item, _Result]):
    """Does `work` on each item that is added, a few at a time in threads, and gives the results to `take`.

    `take` gets them in the order of the items, in the thread that adds, which waits while too many are under
    way; an error of `work` is raised there. When the block ends by an error, the rest is dropped. One item
    alone is done in the thread that adds: to begin threads takes longer than a small file.
    """

    def __init__(self, work: Callable[[_Item], _Result], take: Callable[[_Result], object]) -> None:
        self._work = work
        self._take = take
        self._first: list[_Item] = []
        self._pool: ThreadPoolExecutor | None = None
        self._ahead: deque[Future[_Result]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is None:
            if self._first and error is None:
                self._take(self._work(self._first.pop()))
            return
        try:
            while self._ahead and error is None:
                self._take_oldest()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def add(self, item: _Item) -> None:
        """Begins the work on one more item."""
        if self._pool is None:
            self._first.append(item)
            if len(self._first) == 1:
                return
            self._pool = ThreadPoolExecutor(WORKERS)
            self._ahead.extend(self._pool.submit(self._work, one) for one in self._first)
            self._first.clear()
            return
        self._ahead.append(self._pool.submit(self._work, item))
        if len(self._ahead) > WORKERS:
            self._take_oldest()

    def _take_oldest(self) -> None:
        self._take(self._ahead.popleft().result())


def map_in_order(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yields `work(item)` for each item in its order, done by threads a few items ahead.

    An error of `work` or of `items` is raised in its place; when the iteration ends early, what is under way
    is waited for and the rest is dropped.
    """
    done: deque[_Result] = deque()
    with WorkInOrder(work, done.append) as working:
        for item in items:
            working.add(item)
            while done:
                yield done.popleft()
    yield from done
