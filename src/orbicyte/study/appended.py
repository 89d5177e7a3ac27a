"""Rows of numbers that are written while they are computed, so that work is kept if the process ends early.

::

    FOLDER/
      rows.json   format, width, what the rows depend on, and how many of them are on the disk for certain
      rows.f32    the rows, float32 in little-endian order
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from orbicyte.arrays import Floats
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import describe_error, discard, read_json, write_json

FORMAT = 1
CHUNK = 16384
"""Rows that are read at once."""
KEEP_EVERY_S = 30.0
"""Seconds between waits for the disk: the work that a power failure can destroy."""


class AppendedRows:
    """Rows of ``width`` float32 numbers in ``folder``, which another process can continue; a context manager.

    ``about``: what the rows depend on, as JSON. Rows in ``folder`` that depend on the same are kept, and their number
    is ``len`` at the start; others are deleted. When the block ends, also by an error, all appended rows are kept.
    The file is written and read, not memory-mapped, so memory does not grow with the number of rows. Raises
    ``OrbicyteError`` if it cannot be written.
    """

    def __init__(self, folder: Path, width: int, about: dict[str, Any]) -> None:
        self.folder, self.width = folder, width
        self._about = json.loads(json.dumps({"format": FORMAT, "width": width, **about}))  # tuples become lists
        self._file_path, self._record = folder / "rows.f32", folder / "rows.json"
        self._row_bytes = 4 * width
        self._count = self._kept()
        try:
            if not self._count:
                discard(folder)
                folder.mkdir(parents=True)
            self._file = self._file_path.open("r+b" if self._count else "w+b")
            self._file.truncate(self._count * self._row_bytes)
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._kept_at = time.monotonic()

    def __enter__(self) -> "AppendedRows":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.keep()
        except OrbicyteError:
            if error is None:  # else it is the first one that is of interest, which may be a full disk too
                raise
        finally:
            with suppress(OSError):
                self._file.close()
        if not self._count:
            self.discard()

    def __len__(self) -> int:
        return self._count

    def append(self, rows: Floats) -> None:
        """Add rows (n, width), and from time to time ``keep`` them."""
        if rows.shape[1:] != (self.width,):
            raise ValueError(f"expected rows of {self.width} numbers, got {rows.shape}")
        try:
            self._file.write(np.ascontiguousarray(rows, "<f4").data)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._count += len(rows)
        if time.monotonic() - self._kept_at > KEEP_EVERY_S:
            self.keep()

    def keep(self) -> None:
        """Wait until all rows are on the disk, then record their number."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error
        write_json(self._record, {**self._about, "count": self._count})
        self._kept_at = time.monotonic()

    def read(self, start: int, stop: int) -> Floats:
        """The rows from ``start`` up to ``stop``: (n, width)."""
        self._file.flush()
        count = max(0, min(stop, self._count) - start)
        rows = np.fromfile(self._file_path, "<f4", count * self.width, offset=start * self._row_bytes)
        return rows.reshape(count, self.width).astype(np.float32, copy=False)

    def chunks(self) -> Iterator[Floats]:
        """All rows, in parts of up to ``CHUNK``."""
        for start in range(0, self._count, CHUNK):
            yield self.read(start, start + CHUNK)

    def discard(self) -> None:
        """Remove the folder, after the block has ended."""
        discard(self.folder)

    def _kept(self) -> int:
        """How many rows another process has kept for the same purpose."""
        try:
            record = read_json(self._record)
            on_disk = self._file_path.stat().st_size // self._row_bytes
        except (OrbicyteError, OSError):
            return 0
        count = record.pop("count", 0)
        return min(int(count), on_disk) if record == self._about else 0

    def _cannot_write(self, error: OSError) -> OrbicyteError:
        return OrbicyteError(f"cannot write {self._file_path}: {describe_error(error)}")
