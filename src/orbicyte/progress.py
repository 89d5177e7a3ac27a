"""Progress and warnings on stderr: a bar on a terminal, otherwise a plain line from time to time."""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

T = TypeVar("T")

WARNING = "warning: "
LINE_EVERY_S = 10.0
LINE_EVERY_SHARE = 0.1
LINE_AT_LEAST_S = 1.0

_console = Console(stderr=True, highlight=False, markup=False)
_network: ContextVar[tuple[int, int]] = ContextVar("network", default=(1, 1))
_receiver: ContextVar[Callable[[str], None] | None] = ContextVar("receiver", default=None)


@contextmanager
def lines_to(receive: Callable[[str], None]) -> Iterator[None]:
    """Within the block, lines of this thread are given to ``receive`` and not written: for worker processes."""
    token = _receiver.set(receive)
    try:
        yield
    finally:
        _receiver.reset(token)


def is_terminal() -> bool:
    """Whether lines are written on a terminal."""
    return _console.is_terminal and _receiver.get() is None


@contextmanager
def network(number: int, total: int) -> Iterator[None]:
    """Within the block, progress is that of network ``number`` (from 1) of ``total``."""
    token = _network.set((number, total))
    try:
        yield
    finally:
        _network.reset(token)


def position() -> str:
    """``network 1 of 4, ``, or nothing if there is only one."""
    number, total = _network.get()
    return f"network {number} of {total}, " if total > 1 else ""


def networks_after() -> int:
    """How many networks follow."""
    number, total = _network.get()
    return total - number


def console() -> Console:
    """The console of progress: stderr."""
    return _console


def print_line(message: str) -> None:
    """Write one line on stderr."""
    _write(message)


def warn(message: str) -> None:
    """Write one line on stderr that begins with ``WARNING``."""
    _write(f"{WARNING}{message}", style="yellow")


def _write(line: str, style: str | None = None) -> None:
    if receive := _receiver.get():
        receive(line)
    else:
        _console.print(line, soft_wrap=True, style=style)


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` and show how many are done; ``total`` is their number if they have no length.

    On a terminal a bar with count, rate and remaining time; otherwise a line such as ``patches: 400 of 3000, 12 min
    left`` every 10 % or 10 seconds, without the time if it is below a minute, and at the end. Nothing is shown for no
    items.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if total == 0:
        return iter(items)
    return _bar(items, description, total) if is_terminal() else _lines(items, description, total)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.3g}/s")


def _bar(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=_console) as progress:
        yield from progress.track(items, total=total, description=description)


def _lines(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    begun_at = printed_at = time.monotonic()
    done = printed = 0
    for done, item in enumerate(items, 1):
        yield item
        waited = time.monotonic() - printed_at
        far = total is not None and done - printed >= LINE_EVERY_SHARE * total and waited >= LINE_AT_LEAST_S
        if done != total and (far or waited >= LINE_EVERY_S):
            left_s = 0 if total is None else (time.monotonic() - begun_at) * (total - done) / done
            print_line(_count(description, done, total) + (f", {left}" if (left := time_left(left_s)) else ""))
            printed_at, printed = time.monotonic(), done
    print_line(_count(description, done, total))


def time_left(seconds: float) -> str:
    """``12 min left``; nothing below a minute."""
    if seconds < 60:
        return ""
    minutes = round(seconds / 60)
    return f"{minutes} min left" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min left"


def _count(description: str, done: int, total: int | None) -> str:
    return f"{description}: {done}" if total is None else f"{description}: {done} of {total}"
