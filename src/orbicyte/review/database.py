"""The file of events: one SQLite table to which rows are only appended.

Journal: the write-ahead log, which allows reading while another process writes. It needs memory shared by all
processes that have the file open, which a network share does not provide; there the rollback journal is used. In both
modes a commit is on disk when it returns (``synchronous=FULL``).

The file is created with its table, or not at all: one without is what is left of a damaged file.
"""

import os
import sqlite3
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.review.database_errors import RESTORE, damaged, errors_as_one_line
from orbicyte.study.files import check_version, sync_folder

FORMAT = 1
APPLICATION = 0x6F726269
"""SQLite's application id, which marks a file as a file of events: ``orbi``."""
WAIT_S = 10.0
"""How long a writer waits for another writer."""
READ_WAIT_S = 2.0
"""How long a reader waits: only for another process that opens, closes or repairs the file."""

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


def is_present(path: Path) -> bool:
    """Whether there is a file of events; False only if there is nothing of one: nobody decided anything yet.

    Raises ``OrbicyteError`` for an empty file, for what is not a file, and for a journal without its file.
    """
    with errors_as_one_line(path):
        try:
            seen = path.stat()
        except FileNotFoundError:
            _require_nothing(path)
            return False
        if not stat.S_ISREG(seen.st_mode):
            raise OrbicyteError(f"{path} is not a file: move it away, and restore the decisions from a backup")
        if not seen.st_size:
            raise OrbicyteError(
                f"{path} is empty (0 bytes), so all decisions are missing: {RESTORE}; delete it only if nobody has "
                "decided anything yet"
            )
        return True


def create(path: Path) -> None:
    """Create the file of events with its empty table, completely or not at all; one that is there by now stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with closing(_opened(temporary, "rwc", WAIT_S)) as connection, transaction(connection):
            for statement in _statements(SCHEMA):
                connection.execute(statement)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            if not path.exists():
                temporary.rename(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def connect(path: Path, *, shared: bool, wait_s: float) -> sqlite3.Connection:
    """Open the file of events for reading and writing; ``shared``: it is on a network share.

    ``wait_s``: how long its statements wait for other processes. Raises ``OrbicyteError`` if it is damaged, of a newer
    format or not an orbicyte file.
    """
    connection = _opened(path, "rw", wait_s)
    try:
        _check(path, connection)
        _journal(connection, "delete" if shared else "wal", wait_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_spill = OFF")  # a large batch on a share would lock out readers
    except BaseException:
        connection.close()
        raise
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open the file of events for reading only. Raises ``OrbicyteError`` as ``connect`` does."""
    try:
        connection = _opened(path, "ro", READ_WAIT_S)
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        # SQLite cannot create the write-ahead log's index in a read-only folder; then nobody else writes either.
        if not error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise
        journal = path.with_name(f"{path.name}-wal")
        if journal.exists() and journal.stat().st_size:
            raise OrbicyteError(
                f"the newest decisions are in {journal}, which cannot be read in a read-only folder: copy the study to "
                "a folder that you can write"
            ) from error
        connection = _opened(path, "ro&immutable=1", READ_WAIT_S)
    _check(path, connection)
    return connection


def check_whole(path: Path, connection: sqlite3.Connection) -> int:
    """The number of events that are missing from the numbers given out.

    Raises ``OrbicyteError`` if the file is damaged in any page, or if all events are missing.
    """
    for (finding,) in connection.execute("PRAGMA integrity_check(1)"):
        if finding != "ok":
            raise damaged(path, finding)
    (there,) = connection.execute("SELECT count(*) FROM events").fetchone()
    given = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    missing = (int(given[0]) if given else 0) - int(there)
    if missing > 0 and not there:
        raise OrbicyteError(f"{path} has lost all of its {missing} events: {RESTORE}")
    return max(0, missing)


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


def _opened(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    return connection


def _text(content: bytes) -> str:
    """One invalid text must not make the other rows unreadable; ``read_event`` refuses it."""
    return content.decode("utf-8", "surrogateescape")


def _check(path: Path, connection: sqlite3.Connection) -> None:
    if not _number(connection, "schema_version"):
        raise OrbicyteError(f"{path} has no table, so all decisions are missing: {RESTORE}")
    if _number(connection, "application_id") != APPLICATION:
        raise OrbicyteError(f"{path} was not written by orbicyte: move it away")
    check_version(path, _number(connection, "user_version"), FORMAT)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'events'").fetchone():
        raise OrbicyteError(f"{path} has no table of events: {RESTORE}")


def _require_nothing(path: Path) -> None:
    """Raise ``OrbicyteError`` if something is left of a file of events."""
    for rest in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")):
        if rest.exists() and rest.stat().st_size:
            raise OrbicyteError(f"{path} is missing, but {rest.name} beside it is not: restore both from a backup")
    for link in (path, path.parent):
        if link.is_symlink():
            raise OrbicyteError(f"{link} is a link to {link.readlink()}, which is missing: restore or mount it")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _journal(connection: sqlite3.Connection, mode: str, wait_s: float) -> None:
    """Change the journal mode where needed; SQLite itself does not wait for other processes here."""
    until = time.monotonic() + wait_s
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
