"""The log of events as a file: what was appended is read, in order; one writer at a time appends.

Reading and writing have a connection each, so that reading never waits for a writer, here or in another process. An
event that cannot be used is left out and listed; it stays in the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from orbicyte.progress import warn
from orbicyte.review import database
from orbicyte.review.database_errors import errors_as_one_line
from orbicyte.review.events import Event
from orbicyte.review.refusals import NotNowError, ReadOnlyError
from orbicyte.review.stored import read_event

LISTED = 10
"""Events left out that are listed by name; of more, the number is in ``EventLog.note``."""


class EventLog:
    """The events in the file at ``path``, which the first writer creates. ``shared``: it is on a network share."""

    def __init__(self, path: Path, *, shared: bool) -> None:
        self.path = path
        self.shared = shared
        self.writable = database.writable(path)
        self._left_out: dict[int, str] = {}
        self._missing = 0
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._reading = Lock()
        self._turn = Lock()

    def close(self) -> None:
        """Close the file, after the writer of this process."""
        with self._turn, self._reading:
            for connection in (self._reader, self._writer):
                if connection:
                    connection.close()
            self._reader = self._writer = None

    def events(self, where: str, *values: object, writer: sqlite3.Connection | None = None) -> list[Event]:
        """The events that can be used with ``where``, an SQL condition with ``values``, oldest first.

        ``writer``: read as this connection sees the file, in its transaction. Raises ``OrbicyteError`` if the file is
        damaged, of a newer format, or not one of events.
        """
        found = []
        for row in self._rows(where, values, writer):
            if row[0] not in self._left_out:
                try:
                    found.append(read_event(row))
                except ValueError as error:
                    self.leave_out(row[0], f"({row[1]!r}, by {row[3]!r}, of cell {row[5]!r} on {row[4]!r})", str(error))
        return found

    def leave_out(self, seq: int, name: str, reason: str) -> None:
        """Leave the event ``seq`` out from now on, and list it as ``name`` with the reason."""
        self._left_out[seq] = reason
        if len(self._left_out) <= LISTED:
            line = " ".join(f"{self.path}: event {seq} {name} is left out: {reason}".split())
            warn(line.encode(errors="backslashreplace").decode())
        elif len(self._left_out) == LISTED + 1:
            warn(f"{self.path}: further events that are left out are not listed")

    def has_id(self, id_: str, writer: sqlite3.Connection) -> bool:
        """Whether an event has this id, one that is left out included."""
        return bool(self._rows("id = ?", (id_,), writer))

    @property
    def note(self) -> str | None:
        """One line if events are missing or left out, else None."""
        number = len(self._left_out) + self._missing
        return f"{number} events of {self.path.name} are missing or left out" if number else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the only writer, committed at the end of the block. Raises ``RefusedError`` if it cannot."""
        if not self.writable:
            raise ReadOnlyError(f"{self.path} cannot be written: the study is read-only, decisions cannot be saved")
        if not self._turn.acquire(timeout=database.WAIT_S):
            raise NotNowError(f"{self.path}: other decisions are being saved: try again")
        try:
            with errors_as_one_line(self.path):
                connection = self._connected_writer()
                with database.transaction(connection):
                    yield connection
        finally:
            self._turn.release()

    def _rows(self, where: str, values: tuple[object, ...], writer: sqlite3.Connection | None) -> list[tuple[Any, ...]]:
        query = f"SELECT {database.COLUMNS} FROM events WHERE {where} ORDER BY seq"
        with errors_as_one_line(self.path):
            if writer:
                return writer.execute(query, values).fetchall()
            with self._reading:
                reader = self._connected_reader()
                return reader.execute(query, values).fetchall() if reader else []

    def _connected_reader(self) -> sqlite3.Connection | None:
        """The connection that reads; None if there is no file yet."""
        if self._reader is None and database.is_present(self.path):
            if self.writable:
                reader = database.connect(self.path, shared=self.shared, wait_s=database.READ_WAIT_S)
                reader.execute("PRAGMA query_only = ON")
            else:
                reader = database.connect_read_only(self.path)
            try:
                self._missing = database.check_whole(self.path, reader)
            except BaseException:
                reader.close()
                raise
            if self._missing:
                warn(f"{self.path}: {self._missing} events are missing: restore it from a backup if there is one")
            self._reader = reader
            self._identity = self._identity or _identity(self.path)
        return self._reader

    def _connected_writer(self) -> sqlite3.Connection:
        if self._writer is None and self._identity is None:
            if not database.is_present(self.path):
                database.create(self.path)
            self._identity = _identity(self.path)
        if _identity(self.path) != self._identity:
            raise NotNowError(f"{self.path} was moved or replaced while it was open: run the command again")
        if self._writer is None:
            self._writer = database.connect(self.path, shared=self.shared, wait_s=database.WAIT_S)
        return self._writer


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at ``path``; None if there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino
