"""What is done, running and failed, and the time left, as lines on stderr."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from orbicyte.progress import WARNING, print_line, warn
from orbicyte.stages.experiment.expected import Expected, duration
from orbicyte.stages.experiment.pieces import Piece

LINE_EVERY_S = 60.0


class Board:
    """Counts the pieces of an experiment.

    ``expected``: what each network needs, empty where not measured; ``workers``: how many pieces run at once.
    """

    def __init__(self, pieces: list[Piece], done: int, expected: Mapping[str, Expected], workers: int) -> None:
        self.total, self.done, self.failed = len(pieces) + done, done, 0
        known = [piece for piece in pieces if piece.key.network in expected]
        self._left_s = {piece.name: expected[piece.key.network].left_s(piece) for piece in known}
        self._workers = workers
        self._began = self._printed = time.monotonic()
        self._done_s = 0.0
        self._running: dict[str, str] = {}
        self._warned: set[str] = set()
        self._lock = threading.Lock()  # workers' messages arrive in another thread

    def hear(self, message: dict[str, Any]) -> None:
        """A line of a running piece; a warning is printed at once, the same one of many pieces once."""
        name, line = message["piece"], message["line"]
        with self._lock:
            if line.startswith(WARNING):
                text = line.removeprefix(WARNING).removeprefix(f"{name}: ")
                if text not in self._warned:
                    self._warned.add(text)
                    warn(f"{name}: {text}")
                return
            self._running[name] = line.removeprefix(f"{name}: ").replace(f" {name}", "")
            if time.monotonic() - self._printed >= LINE_EVERY_S:
                lines = [f"{name}: {line}" for name, line in sorted(self._running.items())]
                print_line(f"{self.state()}; running: {'; '.join(lines)}")
                self._printed = time.monotonic()

    def ended(self, piece: Piece, result: str, failed: bool = False) -> None:
        """A piece that ended with ``result``."""
        with self._lock:
            self._running.pop(piece.name, None)
            self._done_s += self._left_s.pop(piece.name, 0.0)
            self.failed += failed
            self.done += not failed
            print_line(f"{piece.name}: {result}; {self.state()}")
            self._printed = time.monotonic()

    def state(self) -> str:
        """``12 of 60 done, 1 failed, about 3.2 h left``."""
        text = f"{self.done} of {self.total} done" + (f", {self.failed} failed" if self.failed else "")
        left = sum(self._left_s.values()) / self._workers
        if not left:
            return text
        # Early stopping makes pieces shorter than expected, other programs make them longer.
        pace = (time.monotonic() - self._began) * self._workers / self._done_s if self._done_s else 1.0
        return f"{text}, {duration(left * pace)} left" + ("" if self._done_s else " at most")
