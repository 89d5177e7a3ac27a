"""Reading files that other people may have written: regular files only, of bounded size; JSON of bounded depth."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.text import decode

MIB = 2**20
RECORD_BYTES = 16 * MIB
"""Largest JSON file. A record has a few kB; the largest ones list the files that an import left out."""
TEXT_BYTES = 256 * MIB
"""Largest text file, such as a table of labels: several million lines."""
ANY_SIZE = 2**62
DEPTH = 32
"""Largest nesting of JSON; records have at most five levels."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BLOCK = MIB


@contextmanager
def opened(path: Path, at_most: int) -> Iterator[BufferedReader]:
    """The file ``path``, open for reading.

    Raises ``OrbicyteError`` if it cannot be read, is not a regular file (a folder, pipe or device would block, or never
    end), or has more than ``at_most`` bytes.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OrbicyteError(f"cannot read {path}: it is not a regular file")
        # Should it become a pipe between the two calls, opening it must not wait for a writer.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(number, "rb") as file:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                raise OrbicyteError(f"cannot read {path}: it is not a regular file")
            if found.st_size > at_most:
                raise OrbicyteError(
                    f"cannot read {path}: it has {_size(found.st_size)}, expected at most {_size(at_most)}"
                )
            yield file
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OrbicyteError(f"cannot read {path}: {reason}") from error


def read_bytes(path: Path, at_most: int = RECORD_BYTES) -> bytes:
    """The content of ``path``. Raises as ``opened``."""
    with opened(path, at_most) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) != size:
        raise OrbicyteError(f"cannot read {path}: its size changes while it is read")
    return content


def read_text(path: Path, encoding: str | None = None) -> str:
    """The content of a text file; see ``orbicyte.text.decode``. Raises also as ``opened``."""
    return decode(read_bytes(path, TEXT_BYTES), path, encoding)


def require_file(path: Path, at_most: int | None = None) -> int:
    """The size in bytes of ``path``, for libraries that open it by its name. Raises as ``opened``."""
    with opened(path, ANY_SIZE if at_most is None else at_most) as file:
        return os.fstat(file.fileno()).st_size


def parse_json(content: bytes, path: Path) -> Any:
    """The JSON in ``content``, read from ``path``.

    Raises ``OrbicyteError`` if it is damaged, nested too deeply, or has text that is none (halves of surrogate pairs).
    Numbers may be NaN or infinite: the types of records refuse them, by the name of their field.
    """
    try:
        if _depth(content) > DEPTH:
            raise ValueError(f"it is nested more than {DEPTH} levels deep")
        text = content.decode("utf-8")
        parsed = json.loads(text)
        if _ESCAPED_SURROGATE.search(content):
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        raise OrbicyteError(f"cannot read {path}: {error}") from error
    return parsed


def sha256(content: bytes) -> str:
    """The SHA-256 digest of ``content``, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 digest of the file ``path``, in hexadecimal. Raises as ``opened``."""
    digest = hashlib.sha256()
    with opened(path, ANY_SIZE) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check_digest(path: Path, digests: Mapping[str, str], record: str, advice: str) -> None:
    """Raise ``OrbicyteError`` with ``advice`` if ``path`` differs from its digest in ``digests``, by name of the file.

    Files without a digest, of older releases, pass. ``record``: the file that holds the digests.
    """
    expected = digests.get(path.name)
    if expected is not None and sha256_of(path) != expected:
        raise OrbicyteError(f"{path} is damaged: it does not match its digest in {record}; {advice}")


def _depth(content: bytes) -> int:
    """The deepest nesting of brackets outside of strings."""
    import numpy as np  # `orbicyte --help` imports this module, and does not need it

    signs = np.frombuffer(_STRING.sub(b"", content), np.uint8)
    steps = ((signs == ord("[")) | (signs == ord("{"))).astype(np.int8)
    steps -= (signs == ord("]")) | (signs == ord("}"))
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def _size(count: int) -> str:
    return f"{count / MIB:,.1f} MiB" if count >= MIB else f"{count:,} bytes"
