"""Tiles of slides and crops of cells as JPEG, for any number of threads."""

import io
import math
from pathlib import Path
from threading import Lock

import numpy as np
from cachetools import LRUCache, cachedmethod
from numpy.typing import NDArray
from PIL import Image

from orbicyte.errors import OrbicyteError
from orbicyte.slides.reader import SlideReader, open_slide
from orbicyte.study.slides import SlideRecord

TILE_PX = 256
QUALITY = 85
CACHE_BYTES = 192 << 20
OPEN_SLIDES = 16

Stamp = tuple[str, str, int, int]
Region = tuple[float, float, int, int, float]


class Pictures:
    """Tiles and crops of the slides on which cells were detected, cached up to ``CACHE_BYTES``."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers: LRUCache[Stamp, SlideReader] = LRUCache(OPEN_SLIDES)
        self._problems: dict[Stamp, str | None] = {}
        self._made: LRUCache[tuple[Stamp, Region], bytes] = LRUCache(CACHE_BYTES, len)

    def problem(self, record: SlideRecord) -> str | None:
        """One line if the slide cannot be shown, else None; checked again when its file changes."""
        stamp = _stamp(record)
        if stamp not in self._problems:
            try:
                self._reader(record)
                self._problems[stamp] = None
            except OrbicyteError as error:
                self._problems[stamp] = str(error)
        return self._problems[stamp]

    def tile(self, record: SlideRecord, level: int, column: int, row: int) -> bytes:
        """A JPEG of one tile of the deep zoom pyramid, whose level 0 is one pixel.

        Tiles have ``TILE_PX`` pixels per side; those at the right and lower edges are smaller.
        Raises ``OrbicyteError`` if there is no such tile, or the slide cannot be read.
        """
        most = math.ceil(math.log2(max(record.width_px, record.height_px)))
        no_tile = OrbicyteError(f"{record.name} has no tile {column}, {row} at level {level}")
        if not 0 <= level <= most or min(column, row) < 0:
            raise no_tile
        step = 2.0 ** (most - level)
        width_px, height_px = (
            min(TILE_PX, math.ceil(side_px / step) - at * TILE_PX)
            for side_px, at in ((record.width_px, column), (record.height_px, row))
        )
        if min(width_px, height_px) <= 0:
            raise no_tile
        corner = (column * TILE_PX * step, row * TILE_PX * step)
        return self._kept(record, (*corner, width_px, height_px, record.mpp * step))

    def crop(self, record: SlideRecord, x_px: float, y_px: float, side_px: int, side_um: float) -> bytes:
        """A JPEG of ``side_um`` around a point in level-0 pixels, ``side_px`` wide and high; white outside the slide.

        Raises ``OrbicyteError`` if the slide cannot be read.
        """
        half_px = side_um / record.mpp / 2
        return self._kept(record, (x_px - half_px, y_px - half_px, side_px, side_px, side_um / side_px))

    @cachedmethod(
        lambda self: self._made,
        key=lambda self, record, region: (_stamp(record), region),
        lock=lambda self: self._lock,
    )
    def _kept(self, record: SlideRecord, region: Region) -> bytes:
        """The JPEG of ``SlideReader.read(*region)``, from the cache if it is there."""
        return _jpeg(self._reader(record).read(*region))

    @cachedmethod(lambda self: self._readers, key=lambda self, record: _stamp(record), lock=lambda self: self._lock)
    def _reader(self, record: SlideRecord) -> SlideReader:
        """The open slide. A slide dropped from the cache is closed when no thread uses it any more."""
        reader = open_slide(record.path, record.mpp, record.value_range)
        if reader.info.fingerprint != record.fingerprint:
            raise OrbicyteError(
                f"{record.path} is not the slide on which the cells of {record.name} were detected: restore that file, "
                "or run 'orbicyte detect' again"
            )
        return reader


def _stamp(record: SlideRecord) -> Stamp:
    """Changes when the file is changed, removed or restored."""
    try:
        seen = Path(record.path).stat()
    except OSError:
        return record.name, record.fingerprint, 0, 0
    return record.name, record.fingerprint, seen.st_mtime_ns, seen.st_size


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
