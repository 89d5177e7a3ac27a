"""SQLite's errors as one line about the file of events: what is wrong, and how to restore it."""

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.review.refusals import DiskFullError, NotNowError, ReadOnlyError, RefusedError

RESTORE = "restore it from a backup, together with the -wal file beside it if there is one"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TOO_MANY = (errno.EMFILE, errno.ENFILE)


def damaged(path: Path, reason: object) -> NotNowError:
    """The error of a file of events that cannot be read."""
    return NotNowError(f"{path} is damaged ({' '.join(str(reason).split())}): {RESTORE}")


@contextmanager
def errors_as_one_line(path: Path) -> Iterator[None]:
    """Raise the errors of SQLite and of the file system as one line about ``path``."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        raise _described(path, error) from error
    except OSError as error:
        raise _of_system(path, error) from error


def _described(path: Path, error: sqlite3.DatabaseError) -> OrbicyteError:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_FULL"):
        return _full(path, error)
    if name.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return _of_system(path, _try_to_write(path.parent), error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return NotNowError(f"{path} is locked by another process: try again")
    return damaged(path, error)


def _of_system(path: Path, cause: OSError | None, error: Exception | None = None) -> RefusedError:
    """``cause``: why a file cannot be written; None if SQLite cannot for a reason of its own, ``error``."""
    if cause is None:
        return NotNowError(f"{path} cannot be read or written ({error}): check the disk, and try again")
    if cause.errno in FULL:
        return _full(path, error or os.strerror(cause.errno))
    if cause.errno in TOO_MANY:
        return NotNowError(f"{path}: too many files are open: try again")
    return ReadOnlyError(f"{path} cannot be written ({error or cause.strerror}): the study is read-only")


def _full(path: Path, reason: object) -> DiskFullError:
    return DiskFullError(f"cannot write {path}: {reason}; nothing of this batch was saved: free some disk space")


def _try_to_write(folder: Path) -> OSError | None:
    """The error of writing a file in ``folder``: SQLite hides whether it is read-only, full, or has no inodes left."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        return error
    return None
