"""An .npy file to which rows are appended until their number is known."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray


class GrowingArray:
    """A file of 8-bit rows, all of one ``shape``; a context manager that closes it.

    Written, not memory-mapped: on a full disk a write raises an ``OSError``, where a page fault kills the process.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.count = 0
        self._file = path.open("w+b")
        self._write_header(0)
        self._start = self._file.tell()

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def append(self, row: NDArray[np.uint8]) -> None:
        """Write one row. Raises ``ValueError`` if it has another shape or type."""
        if row.shape != self.shape or row.dtype != np.uint8:
            raise ValueError(f"expected 8-bit rows of shape {self.shape}, got {row.dtype} {row.shape}")
        self._file.write(np.ascontiguousarray(row).data)
        self.count += 1

    def finish(self, kept: Sequence[int]) -> None:
        """Leave the rows ``kept`` (ascending) and set their number in the header."""
        size = int(np.prod(self.shape))
        if len(kept) < self.count:
            for new, old in enumerate(kept):
                self._file.seek(self._start + old * size)
                row = self._file.read(size)
                self._file.seek(self._start + new * size)
                self._file.write(row)
            self._file.truncate(self._start + len(kept) * size)
        self._file.seek(0)
        self._write_header(len(kept))

    def _write_header(self, count: int) -> None:
        # NumPy pads the header so that a longer count needs no more room.
        description = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(self._file, description)
