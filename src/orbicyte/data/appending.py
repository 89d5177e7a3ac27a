"""An .npy file whose rows can be appended, replaced and moved until their final number is known."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray


class AppendableArray:
    """A file of uint8 rows, all of one ``shape``; a context manager that closes the file.

    ``count``: the number of rows in the existing file; 0: the file is overwritten.
    It is written, not memory-mapped: on a full disk a write raises ``OSError``, but a page fault kills the process.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], count: int = 0) -> None:
        self.shape = shape
        self.count = count
        self._file = path.open("r+b" if count else "w+b")
        self._write_header(0)
        self._start = self._file.tell()

    def __enter__(self) -> "AppendableArray":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def append(self, row: NDArray[np.uint8]) -> None:
        """Add a row (``shape``, uint8). Raises ``ValueError`` for another shape or type, ``OSError`` on a full disk."""
        self.write(self.count, row)

    def write(self, at: int, row: NDArray[np.uint8]) -> None:
        """Write row number ``at``; rows before it may be not written yet. Raises as ``append``."""
        if row.shape != self.shape or row.dtype != np.uint8:
            raise ValueError(f"expected 8-bit rows of shape {self.shape}, got {row.dtype} {row.shape}")
        self._file.seek(self._place(at))
        self._file.write(np.ascontiguousarray(row).data)
        self.count = max(self.count, at + 1)

    def move(self, old: int, new: int) -> None:
        """Copy row ``old`` to row ``new``."""
        self._file.seek(self._place(old))
        row = self._file.read(self._place(1) - self._start)
        self._file.seek(self._place(new))
        self._file.write(row)

    def sync(self) -> None:
        """Wait until all rows written so far are on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self, kept: Sequence[int]) -> None:
        """Keep only the rows ``kept`` (ascending) and write their number to the header."""
        for new, old in enumerate(kept):
            if new != old:
                self.move(old, new)
        self._file.truncate(self._place(len(kept)))
        self._file.seek(0)
        self._write_header(len(kept))

    def _place(self, row: int) -> int:
        return self._start + row * int(np.prod(self.shape))

    def _write_header(self, count: int) -> None:
        # NumPy pads the header, so that a larger count needs no more space.
        description = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(self._file, description)
