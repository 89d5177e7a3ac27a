"""The file of events: one SQLite table to which rows are only appended.

Journal: the write-ahead log, which allows reading while another process writes. It needs memory shared by all
processes that have the file open, which a network share does not provide; there the rollback journal is used. In both
modes a commit is on disk when it returns (``synchronous=FULL``).
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.review.refusals import DiskFullError, NotNowError, ReadOnlyError
from orbicyte.study.files import check_version

FORMAT = 1
APPLICATION = 0x6F726269
"""SQLite's application id, which marks a file as a file of events: ``orbi``."""
WAIT_S = 30.0
"""How long a writer waits for another writer."""

COLUMNS = "seq, id, at, who, slide, cell, kind, before, after, batch, of"
SCHEMA = f"""
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    slide TEXT NOT NULL,
    cell TEXT NOT NULL,
    kind TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    batch TEXT NOT NULL,
    of INTEGER REFERENCES events (seq)
);
CREATE INDEX events_of_slide ON events (slide, seq);
CREATE INDEX events_of_batch ON events (batch, seq);
CREATE TRIGGER never_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER never_removed BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
CREATE TRIGGER never_replaced BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE seq = NEW.seq OR id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
"""


def writable(path: Path) -> bool:
    """Whether the file of events can be written or created."""
    nearest = next(place for place in (path, *path.parents) if place.exists())
    return os.access(nearest, os.W_OK) and (nearest != path or os.access(path.parent, os.W_OK))


def connect(path: Path, *, shared: bool) -> sqlite3.Connection:
    """Open the file of events for writing, created if absent; ``shared``: it is on a network share.

    Raises ``OrbicyteError`` if it is damaged, of a newer format or not an orbicyte file.
    """
    with errors_as_one_line(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _opened(path.resolve().as_uri() + "?mode=rwc")
        _check(path, connection, may_be_empty=True)
        _journal(connection, "delete" if shared else "wal")
        connection.execute("PRAGMA synchronous = FULL")
        with transaction(connection):
            if _number(connection, "user_version") == 0:
                for statement in _statements(SCHEMA):
                    connection.execute(statement)
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open the file of events for reading only. Raises ``OrbicyteError`` as ``connect`` does."""
    with errors_as_one_line(path):
        try:
            connection = _opened(path.resolve().as_uri() + "?mode=ro")
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError as error:
            # SQLite cannot create the write-ahead log's index in a read-only folder; then nobody else writes either.
            if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
            connection = _opened(path.resolve().as_uri() + "?immutable=1")
        _check(path, connection, may_be_empty=False)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction of the only writer: committed as a whole, or rolled back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def errors_as_one_line(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as one line about ``path``."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            raise DiskFullError(
                f"cannot write {path}: {error}; nothing of this batch was saved: free some disk space"
            ) from error
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            raise ReadOnlyError(f"{path} cannot be written ({error}): the study is read-only") from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise NotNowError(
                f"{path} has been locked by another process for over {WAIT_S:.0f} s: try again"
            ) from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise NotNowError(f"{path} is damaged ({error}): restore it from a backup") from error
        raise


def _opened(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False)


def _check(path: Path, connection: sqlite3.Connection, *, may_be_empty: bool) -> None:
    number, application = _number(connection, "user_version"), _number(connection, "application_id")
    if number == application == 0 and may_be_empty and not _number(connection, "schema_version"):
        return
    if application != APPLICATION:
        raise OrbicyteError(f"{path} was not written by orbicyte: move it away")
    check_version(path, number, FORMAT)


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _journal(connection: sqlite3.Connection, mode: str) -> None:
    """Change the journal mode where needed; SQLite itself does not wait for other processes here."""
    until = time.monotonic() + WAIT_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != mode:
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _statements(script: str) -> Iterator[str]:
    """Single statements: ``executescript`` would commit the transaction in which it runs."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
