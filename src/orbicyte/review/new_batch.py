"""A batch of events in the transaction that appends it."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic_core import to_json

from orbicyte.review.database import COLUMNS
from orbicyte.review.events import Event, Fields
from orbicyte.review.replay import CellState, applied


class NewBatch:
    """A batch that is being appended: its events so far, and the cells after them.

    ``known``: the cell of a slide and id before the batch; ``connection``: in a transaction; ``who``: the reader.
    """

    def __init__(
        self, known: Callable[[str, str], CellState | None], connection: sqlite3.Connection, who: str, batch: str
    ) -> None:
        self.known, self.connection, self.who, self.batch = known, connection, who, batch
        self.events: list[Event] = []
        self._cells: dict[tuple[str, str], CellState | None] = {}

    def cell(self, slide: str, cell: str) -> CellState | None:
        """The cell after the events of this batch so far."""
        return self._cells[slide, cell] if (slide, cell) in self._cells else self.known(slide, cell)

    def insert(
        self, id_: str, slide: str, cell: str, kind: str, before: Fields, after: Fields, of: int | None = None
    ) -> int:
        """Append one event; return its ``seq``."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        texts = (to_json(before).decode(), to_json(after).decode())
        row = (id_, at, self.who, slide, cell, kind, *texts, self.batch, of)
        marks = ", ".join("?" * len(row))
        seq = self.connection.execute(f"INSERT INTO events ({COLUMNS[5:]}) VALUES ({marks})", row).lastrowid
        assert seq
        event = Event(seq, id_, at, self.who, slide, cell, kind, before, after, self.batch, of)
        self.events.append(event)
        self._cells[slide, cell] = applied(self.cell(slide, cell), event)
        return seq
