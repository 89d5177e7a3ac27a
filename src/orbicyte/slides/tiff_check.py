"""Whether a TIFF file is complete: its directories, tables of tiles, tiles and strips.

OpenSlide opens a truncated file, omits the levels whose directories are missing, and fails only when a missing tile is
read, if at all. Supports TIFF, BigTIFF and Hamamatsu's NDPI, whose directories have 64-bit links in a 32-bit file. A
structure that is not recognised is not an error.
"""

import os
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "u8", 6: "u1", 7: "u1", 8: "u2", 9: "u4", 10: "u8", 11: "u4"}
TYPES |= {12: "u8", 13: "u4", 16: "u8", 17: "u8", 18: "u8"}
STRIPS, TILES, SUB_DIRECTORIES, NDPI = (273, 279), (324, 325), 330, 65420
WIDTH, HEIGHT, CHANNELS, ROWS_PER_STRIP, LAYOUT, TILE_WIDTH, TILE_HEIGHT = 256, 257, 277, 278, 284, 322, 323
PLANES = 2
"""The layout in which each channel has strips or tiles of its own."""
PRIVATE = 32768
"""The first private tag; vendors store values in these that are not positions in the file."""
MAX_ENTRIES = 1000
MAX_DIRECTORIES = 10_000
"""Slides have a few dozen; stacks of focal planes, hundreds."""


class _Truncated(Exception):  # noqa: N818
    """Describes what is beyond the end of the file."""


class _Unusual(Exception):  # noqa: N818
    """Describes a structure that no slide has."""


@dataclass(frozen=True)
class _Tag:
    type: str
    count: int
    offset: int


@dataclass(frozen=True)
class _Tiff:
    """A file and its number format: byte order, width of counts and links, NDPI or not."""

    file: BinaryIO
    size: int
    order: str
    big: bool
    ndpi: bool

    def require(self, offset: int, count: int, what: str) -> None:
        if offset + count > self.size:
            raise _Truncated(f"{what} should be at byte {offset:,}")

    def read(self, offset: int, count: int, what: str) -> bytes:
        self.require(offset, count, what)
        self.file.seek(offset)
        return self.file.read(count)

    def values(self, tag: _Tag, what: str) -> NDArray[np.uint64]:
        kind = np.dtype(self.order + tag.type)
        raw = self.read(tag.offset, tag.count * kind.itemsize, what)
        return np.frombuffer(raw, kind).astype(np.uint64)


def find_truncation(path: Path) -> str | None:
    """A description of what is beyond the end of the TIFF file ``path``; None for a complete file or another format.

    Files with more than ``MAX_DIRECTORIES`` are described, too: opening them would take minutes.

    Raises ``OSError``.
    """
    with path.open("rb") as file:
        tiff = _identified(file, os.fstat(file.fileno()).st_size)
        if tiff is None:
            return None
        try:
            for number, directory in enumerate(_directories(tiff), 1):
                _check_segments(tiff, directory, number)
        except _Truncated as truncation:
            return f"truncated at byte {tiff.size:,}: {truncation}"
        except _Unusual as reason:
            return str(reason)
    return None


def _identified(file: BinaryIO, size: int) -> _Tiff | None:
    magic = file.read(4)
    order = {b"II": "<", b"MM": ">"}.get(magic[:2])
    if order is None or magic[2:] not in (struct.pack(order + "H", 42), struct.pack(order + "H", 43)):
        return None
    big = magic[2:] == struct.pack(order + "H", 43)
    ndpi = _Tiff(file, size, order, big=False, ndpi=True)
    return ndpi if not big and _is_ndpi(ndpi) else _Tiff(file, size, order, big=big, ndpi=False)


def _is_ndpi(tiff: _Tiff) -> bool:
    try:
        directory, _ = _directory(tiff, _first(tiff))
    except _Truncated:
        return False
    return directory is not None and NDPI in directory


def _first(tiff: _Tiff) -> int:
    """The position of the first directory."""
    at, kind = (8, "Q") if tiff.big else (4, "Q" if tiff.ndpi else "I")
    return int(struct.unpack(tiff.order + kind, tiff.read(at, struct.calcsize(kind), "the header"))[0])


def _directories(tiff: _Tiff) -> Iterator[dict[int, _Tag]]:
    """All directories, including nested ones, without repeats."""
    waiting, seen = deque([_first(tiff)]), {0}
    while waiting:
        offset = waiting.popleft()
        if offset in seen:
            continue
        seen.add(offset)
        if len(seen) > MAX_DIRECTORIES:
            raise _Unusual(f"more than {MAX_DIRECTORIES:,} directories: not a slide, or damaged")
        directory, following = _directory(tiff, offset)
        if directory is None:
            continue
        yield directory
        waiting.append(following)
        if SUB_DIRECTORIES in directory and not tiff.ndpi:
            nested = directory[SUB_DIRECTORIES]
            listed = replace(nested, count=min(nested.count, MAX_DIRECTORIES + 1))
            waiting += tiff.values(listed, "a list of directories").tolist()


def _directory(tiff: _Tiff, offset: int) -> tuple[dict[int, _Tag] | None, int]:
    """The directory at ``offset``, None if there is none, and the link to the next one."""
    number, link, entry, inline = ("Q", "Q", "HHQ", 8) if tiff.big else ("H", "Q" if tiff.ndpi else "I", "HHI", 4)
    head = struct.calcsize(number)
    count = struct.unpack(tiff.order + number, tiff.read(offset, head, "a directory"))[0]
    if not 0 < count <= MAX_ENTRIES:
        return None, 0
    length = 20 if tiff.big else 12
    raw = tiff.read(offset + head, count * length + struct.calcsize(link), "a directory")
    tags = {}
    for at in range(0, count * length, length):
        name, kind, values = struct.unpack_from(tiff.order + entry, raw, at)
        place = offset + head + at + length - inline
        if kind not in TYPES:
            continue
        if values * int(TYPES[kind][1]) > inline:
            place = struct.unpack_from(tiff.order + entry[-1], raw, at + length - inline)[0]
        tags[name] = _Tag(TYPES[kind], values, place)
    return tags, struct.unpack_from(tiff.order + link, raw, count * length)[0]


def _check_segments(tiff: _Tiff, directory: dict[int, _Tag], number: int) -> None:
    """Raise ``_Truncated`` unless the directory's values, and the tiles or strips it lists, are within the file."""
    for name, tag in directory.items():
        if name < PRIVATE and not tiff.ndpi:
            tiff.require(tag.offset, tag.count * int(tag.type[1]), f"tag {name} of page {number}")
    for what, names in (("tiles", TILES), ("strips", STRIPS)):
        if not all(name in directory for name in names):
            continue
        if tiff.ndpi and directory[names[0]].count > 1:
            continue  # the table's position needs more bits than its link has; a level of an NDPI is one strip
        expected = _expected(tiff, directory, what)
        if directory[names[0]].count < expected:
            raise _Truncated(f"page {number} has {directory[names[0]].count:,} {what}, its size needs {expected:,}")
        offsets, counts = (tiff.values(directory[name], f"the table of {what} of page {number}") for name in names)
        if len(offsets) != len(counts):
            continue
        if len(counts) and not counts.any() and (what == "tiles" or TILES[0] not in directory):
            raise _Unusual(f"no pixels: all {len(counts):,} {what} of page {number} are empty")
        if tiff.ndpi:
            offsets &= np.uint64(0xFFFFFFFF)  # their lower bound
        ends = np.where(counts > 0, offsets.astype(np.float64) + counts, 0)
        beyond = int((ends > tiff.size).sum())
        if beyond:
            raise _Truncated(
                f"{beyond:,} of {len(ends):,} {what} of page {number} are missing ({ends.max():,.0f} bytes expected)"
            )


def _expected(tiff: _Tiff, directory: dict[int, _Tag], what: str) -> int:
    """How many strips or tiles the page needs; 0 if it does not state its size."""

    def value(name: int, default: int = 0) -> int:
        tag = directory.get(name)
        return default if tag is None or tag.count < 1 else int(tiff.values(replace(tag, count=1), "a tag")[0])

    width, height = value(WIDTH), value(HEIGHT)
    across, down = (
        (value(TILE_WIDTH), value(TILE_HEIGHT)) if what == "tiles" else (width, value(ROWS_PER_STRIP, height))
    )
    planes = value(CHANNELS, 1) if value(LAYOUT, 1) == PLANES else 1
    return -(-width // across) * -(-height // down) * planes if across and down else 0
