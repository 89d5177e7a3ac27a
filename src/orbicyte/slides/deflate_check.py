"""Checksums of tiles compressed with Deflate, which libtiff does not compare once a tile has all of its pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from orbicyte.arrays import Flags, Rows
from orbicyte.data.completeness import DEFLATE, is_deflated
from orbicyte.data.tiff_pages import further_pages


@dataclass(frozen=True)
class _Tiles:
    """The tiles of one level. ``side_px``: width and height of each; ``bytes``: its pixels; ``is_right``: checked."""

    across: int
    side_px: tuple[int, int]
    bytes: int
    offsets: Rows
    counts: Rows
    is_right: Flags


class DeflateCheck:
    """Compares the checksums of the tiles of a plain TIFF, of each tile once. Any number of threads may use it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._levels: dict[tuple[int, int], _Tiles] = {}
        with tifffile.TiffFile(path) as tiff:
            for page in (tiff.pages.first, *further_pages(tiff)):
                if page.is_tiled and page.compression in DEFLATE and page.fillorder == 1:
                    size, number = (page.imagewidth, page.imagelength), len(page.dataoffsets)
                    self._levels[size] = _Tiles(
                        -(-page.imagewidth // page.tilewidth),
                        (page.tilewidth, page.tilelength),
                        page.tilewidth * page.tilelength * page.samplesperpixel,
                        np.array(page.dataoffsets, np.int64),
                        np.array(page.databytecounts, np.int64),
                        np.zeros(number, np.bool_),
                    )

    def is_damaged(self, size: tuple[int, int], x: float, y: float, width_px: int, height_px: int) -> bool:
        """Whether a checksum fails in a region of the level of this ``size``; all numbers in pixels of the level."""
        tiles = self._levels.get(size)
        if tiles is None:
            return False
        columns = _numbers(x, width_px, size[0], tiles.side_px[0])
        rows = _numbers(y, height_px, size[1], tiles.side_px[1])
        numbers = [row * tiles.across + column for row in rows for column in columns]
        left = [number for number in numbers if number < len(tiles.is_right) and not tiles.is_right[number]]
        if not left:
            return False
        with self._path.open("rb") as file:
            for number in left:
                file.seek(tiles.offsets[number])
                count = int(tiles.counts[number])
                if count and not is_deflated(file.read(count), tiles.bytes):
                    return True
                tiles.is_right[number] = True
        return False


def _numbers(start: float, length_px: int, size_px: int, tile_px: int) -> range:
    """The columns or rows of tiles in a stretch of a level of ``size_px``, and a pixel around it."""
    low, high = max(0.0, start - 1), min(float(size_px), start + length_px + 1)
    return range(int(low // tile_px), int((high - 1) // tile_px) + 1)
