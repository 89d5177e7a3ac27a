"""Work that threads do ahead of who takes its results."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def prefetch(pool: Executor, function: Callable[[A], B], items: Iterable[A], count: int) -> Iterator[B]:
    """``function`` of each item, in their order, worked out in ``pool`` up to ``count`` items ahead."""
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
