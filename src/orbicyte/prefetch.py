"""Work that threads do in advance, with results in the order of the items."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

THREADS = min(4, os.cpu_count() or 1)
PER_THREAD = 8
"""Results that each thread may have ready before they are taken."""


def prefetch(pool: Executor, function: Callable[[A], B], items: Iterable[A], count: int) -> Iterator[B]:
    """Yield ``function(item)`` for each item, in order, computed in ``pool`` up to ``count`` items in advance."""
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


def in_threads(function: Callable[[A], B], items: Iterable[A]) -> Generator[B]:
    """``prefetch`` in a few threads, for functions that release the GIL, such as the decoding of images."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from prefetch(pool, function, items, PER_THREAD * THREADS)


def in_one_thread(function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """``prefetch`` in one thread, one result in advance: for large ones, such as the patches of a batch."""
    with ThreadPoolExecutor(1) as pool:
        yield from prefetch(pool, function, items, 1)
