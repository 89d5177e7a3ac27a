"""Arrays of NumPy's file format, whose header is checked before anything is allocated."""

import math
import tokenize
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from orbicyte.errors import OrbicyteError
from orbicyte.study.reading import ANY_SIZE, MIB, opened

LONGEST_HEADER = 2**17
ARRAYS_BYTES = 512 * MIB
"""Largest total size of the arrays in an .npz file: pictures of a few cells, and a map of some thousand."""
ARRAYS = 32
"""Largest number of arrays in an .npz file."""


def read_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the array whose header starts at the position of ``file``; its values follow it.

    Raises ``ValueError`` if it is damaged, has Python objects, or another order of its axes than the usual one.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, is_fortran, dtype = read(file)
    except (KeyError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise ValueError(f"its header is damaged: {error}") from error
    if is_fortran and len(shape) > 1:
        raise ValueError("its axes are in the order of Fortran, expected that of C")
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError(f"it has values of type {dtype} and shape {shape}")
    return shape, dtype


def mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A memory map of the 8-bit array (``shape``) in ``path``.

    Raises ``ValueError`` if it holds another array, and ``OrbicyteError`` if it cannot be read.
    """
    with opened(path, ANY_SIZE) as file:
        head = file.read(LONGEST_HEADER)
        size = file.seek(0, 2)
    header = BytesIO(head)
    found, dtype = read_header(header)
    start = header.tell()
    if found != shape or dtype != np.uint8:
        raise ValueError(f"images of type {dtype} and shape {found}, expected {shape}")
    if size != start + math.prod(shape):
        raise ValueError(f"{path.name} has {size} bytes, expected {start + math.prod(shape)}")
    return np.memmap(path, np.uint8, "r", start, shape)


def read_arrays(path: Path, advice: str) -> dict[str, NDArray[Any]]:
    """The arrays in the .npz file ``path``, by name. Raises ``OrbicyteError`` with ``advice`` if it is damaged."""
    try:
        with opened(path, ARRAYS_BYTES) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > ARRAYS or sum(entry.file_size for entry in entries) > ARRAYS_BYTES:
                raise OrbicyteError(f"{path} has more than {ARRAYS} arrays or {ARRAYS_BYTES // MIB} MiB: refused")
            return {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError, OSError) as error:
        raise OrbicyteError(f"{path} is damaged ({error}): {advice}") from error


def _array(content: bytes) -> NDArray[Any]:
    file = BytesIO(content)
    shape, dtype = read_header(file)
    start = file.tell()
    if len(content) - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} has {len(content) - start} bytes")
    return np.frombuffer(content, dtype, offset=start).reshape(shape)
