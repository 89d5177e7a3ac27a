"""SIGTERM and SIGHUP (a batch system, ``kill``, a closed terminal) end a command as Ctrl-C does."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ending:
    """Which signal ended the command; None for Ctrl-C."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 plus the number of the signal: 130, 143 or 129."""
        return 128 + (self.signal or signal.SIGINT)

    @property
    def reason(self) -> str:
        """What to print."""
        return "interrupted" + (f" by {self.signal.name}" if self.signal else "")


@contextmanager
def ending() -> Iterator[Ending]:
    """Within the block, the signals raise ``KeyboardInterrupt`` in the main thread, once; later ones are ignored.

    A signal that is ignored (by ``nohup``), or for which something else has a handler, is left alone; so are the
    processes that this one forks.
    """
    found, owner = Ending(), os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        for other in own:
            signal.signal(other, signal.SIG_IGN)
        found.signal = signal.Signals(number)
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    own = [number for number in SIGNALS if is_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in own:
        signal.signal(number, end)
    try:
        yield found
    finally:
        for number in own:
            signal.signal(number, signal.SIG_DFL)
