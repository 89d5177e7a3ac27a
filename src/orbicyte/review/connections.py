"""Limits on the connections of the review server: without them, clients that send nothing would lock out all others."""

import asyncio
from typing import Any, Literal

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 128
"""Connections at once: below the files that any system lets a program open, and enough for 20 browsers."""
BACKLOG = 32
"""Connections that wait to be accepted; asyncio accepts so many before it looks at any."""

Phase = Literal["request", "body", "answer"]
LONGEST_S: dict[Phase, float] = {"request": 10.0, "body": 60.0, "answer": 300.0}
"""How long a client may take to send a request and its body, and until it has received the answer."""


class LimitedConnection(H11Protocol):
    """A connection that is closed if it takes longer than ``LONGEST_S``, or if others need its place."""

    _expected: tuple[Phase, int] | None = None
    _since = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Accept the connection; of more than ``MOST``, the one that has sent nothing for longest is closed."""
        super().connection_made(transport)
        self._expect()
        if len(self.connections) > MOST:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Handle what the client sent."""
        super().data_received(data)
        self._expect()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    @property
    def _phase(self) -> Phase:
        if self.cycle is None or self.cycle.response_complete:
            return "request"
        return "body" if self.cycle.more_body else "answer"

    def _expect(self) -> None:
        """Start the time of a new phase; more data in the same phase do not prolong it."""
        expected = (self._phase, id(self.cycle))
        if expected == self._expected:
            return
        self._expected, self._since = expected, self.loop.time()
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(LONGEST_S[self._phase], self._drop)

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, LimitedConnection) and one is not self]
        idle = [one for one in others if one._phase != "answer"]
        min(idle, key=lambda one: one._since, default=self)._drop()

    def _drop(self) -> None:
        self.connections.discard(self)
        self.transport.abort()
