"""Reading slides of any format, on any level, at any µm per pixel.

::

    with open_slide("slide.svs") as slide:
        slide.read(12_000, 8_000, 512, 512, mpp=0.5)    # (512, 512, 3), 0.5 µm per pixel

A slide that cannot be read is an error, never white pixels: ``UnreadableSlide``, one line with the file's path.
"""

import math
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from PIL import Image

from orbicyte.arrays import Pixels
from orbicyte.data import tiff_pages
from orbicyte.errors import OrbicyteError
from orbicyte.slides.fingerprint import require_regular, with_its_files
from orbicyte.slides.info import SlideInfo, UnreadableSlide
from orbicyte.slides.tiff_check import find_truncation
from orbicyte.slides.tiff_kind import unusual

__all__ = ["SlideInfo", "SlideReader", "UnreadableSlide", "open_slide", "require_mpp", "require_positive"]

LEVEL_SLACK = 1.02
"""A level may be coarser than requested by up to this factor: 0.2505 x 4 µm for 1 µm."""
PLACE_SLACK_PX = 0.05
"""Level-0 pixels by which a region may be off, if pixels are to be copied or averaged instead of resampled."""
BLOCK_PX = 1 << 25
"""Pixels of a level that are in memory at the same time."""
BICUBIC_RADIUS = 2


class Source(Protocol):
    """The reader of a file format. ``steps``: level-0 pixels per pixel of each level, as the reader uses them."""

    info: SlideInfo

    @property
    def steps(self) -> tuple[float, ...]: ...

    def region(self, x_px: int, y_px: int, width_px: int, height_px: int, level: int) -> Image.Image:
        """As ``SlideReader.region``, as an RGB Pillow image of ``width_px`` by ``height_px``."""
        ...

    def close(self) -> None: ...


class SlideReader:
    """An open slide, for use by any number of threads. Open one with ``open_slide``."""

    def __init__(self, source: Source, info: SlideInfo, default_mpp: float | None = None) -> None:
        self._source = source
        self.info = info
        self.default_mpp = default_mpp
        """The default µm per pixel, if it was used; else None."""

    def __enter__(self) -> "SlideReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. No thread may be reading."""
        self._source.close()

    def region(self, x_px: int, y_px: int, width_px: int, height_px: int, level: int = 0) -> Pixels:
        """Pixels as stored: (height_px, width_px, 3), 0 to 255.

        The upper left corner is in level-0 pixels, the size in pixels of the level. White outside the slide and where
        nothing was scanned. Raises ``UnreadableSlide`` for a region that cannot be decoded.
        """
        return np.array(self._source.region(x_px, y_px, width_px, height_px, level))

    def read(self, x_px: float, y_px: float, width_px: int, height_px: int, mpp: float) -> Pixels:
        """Pixels of ``mpp`` µm: (height_px, width_px, 3), 0 to 255, from the smallest level that is fine enough.

        The upper left corner is in level-0 pixels; it may be fractional, or outside the slide. The size is that of the
        result. Every pixel is the mean of the area that it covers, positioned to a tenth of a level-0 pixel, with
        bicubic weights, or with equal weights, which is fastest, if it covers whole stored pixels. Adjacent regions fit
        without a seam. Raises ``UnreadableSlide``, or ``OrbicyteError`` if the slide's µm per pixel are unknown.
        """
        return self._scaled(x_px, y_px, width_px, height_px, mpp / require_mpp(self.info))

    def thumbnail(self, side_px: int) -> Pixels:
        """The whole slide, with its longer side scaled to ``side_px``: (H, W, 3). Raises ``UnreadableSlide``."""
        scale = max(self.info.width_px, self.info.height_px) / side_px
        width_px, height_px = (max(1, round(side / scale)) for side in (self.info.width_px, self.info.height_px))
        return self._scaled(0, 0, width_px, height_px, scale)

    def _scaled(self, x_px: float, y_px: float, width_px: int, height_px: int, scale: float) -> Pixels:
        """``scale``: level-0 pixels per pixel of the output. Read in blocks, to limit memory."""
        level = best_level(self.info.downsamples, scale)
        step = scale / self.info.downsamples[level]
        if width_px * height_px * step**2 <= BLOCK_PX or width_px == height_px == 1:
            return self._block(x_px, y_px, width_px, height_px, level, step)
        if width_px > height_px:
            half = width_px // 2
            left = self._scaled(x_px, y_px, half, height_px, scale)
            return np.hstack([left, self._scaled(x_px + half * scale, y_px, width_px - half, height_px, scale)])
        half = height_px // 2
        upper = self._scaled(x_px, y_px, width_px, half, scale)
        return np.vstack([upper, self._scaled(x_px, y_px + half * scale, width_px, height_px - half, scale)])

    def _block(self, x_px: float, y_px: float, width_px: int, height_px: int, level: int, step: float) -> Pixels:
        """``step``: pixels of the level per pixel of the output."""
        down, placed = self.info.downsamples[level], self._source.steps[level]
        slack, whole = PLACE_SLACK_PX / down, max(1, round(step))
        if abs(step - whole) * max(width_px, height_px) <= slack:
            x_0, y_0 = (round(round(at / down) * placed) for at in (x_px, y_px))
            if max(abs(x_0 / placed - x_px / down), abs(y_0 / placed - y_px / down)) <= slack:
                stored = self._source.region(x_0, y_0, width_px * whole, height_px * whole, level)
                return np.array(stored.reduce(whole) if whole > 1 else stored)
        margin = math.ceil(BICUBIC_RADIUS * max(1.0, step)) + 1
        x_0, left = _start(x_px / down - margin, placed)
        y_0, upper = _start(y_px / down - margin, placed)
        left, upper = x_px / down - left, y_px / down - upper
        right, lower = left + width_px * step, upper + height_px * step
        image = self._source.region(x_0, y_0, math.ceil(right) + margin, math.ceil(lower) + margin, level)
        box = (left, upper, right, lower)
        return np.array(image.resize((width_px, height_px), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0))


def _start(at: float, placed: float) -> tuple[int, float]:
    """The level-0 pixel at which to start reading for a position in a level's pixels, and that pixel's position."""
    start = round(math.floor(at) * placed)
    return start, start / placed


def best_level(downsamples: tuple[float, ...], scale: float) -> int:
    """The smallest level whose pixels are at most ``scale`` level-0 pixels wide."""
    return max(level for level, down in enumerate(downsamples) if down <= scale * LEVEL_SLACK or level == 0)


def require_mpp(info: SlideInfo) -> float:
    """µm per level-0 pixel. Raises ``OrbicyteError`` if they are unknown."""
    if info.mpp is None:
        why = "" if info.why_no_mpp is None else f" ({info.why_no_mpp})"
        raise OrbicyteError(f"{info.path} does not state its µm per pixel{why}: give --mpp, or --mpp-csv with file,mpp")
    return info.mpp


def require_positive(mpp: float | None) -> None:
    """Raise ``OrbicyteError`` for µm per pixel that are not a positive number; None is accepted."""
    if mpp is not None and not 0 < mpp < math.inf:
        raise OrbicyteError(f"µm per pixel must be a positive number, got {mpp:g}")


def open_slide(
    path: Path | str,
    mpp: float | None = None,
    value_range: tuple[float, float] | None = None,
    default_mpp: float | None = None,
) -> SlideReader:
    """Open a whole-slide file or a plain image.

    ``mpp``, µm per level-0 pixel, overrides the file's metadata; ``default_mpp`` is used if neither states it.
    ``value_range``: the numbers that are black and white in a slide of more than 8 bits; None: decided from all of it.
    A truncated file is detected here, not only when a missing tile is read. Raises ``UnreadableSlide``, and
    ``OrbicyteError`` for µm per pixel that are not a positive number.
    """
    path = Path(path)
    require_positive(mpp)
    require_positive(default_mpp)
    try:
        require_regular(with_its_files(path))
        truncation = find_truncation(path)
        if truncation is not None:
            raise UnreadableSlide(path, truncation)
        source = _source(with_its_files(path), value_range)
    except OSError as error:
        raise UnreadableSlide(path, error.strerror or str(error)) from error
    stated = source.info.mpp if mpp is None else mpp
    info = replace(source.info, path=path, mpp=default_mpp if stated is None else stated)
    return SlideReader(source, info, default_mpp if stated is None else None)


def _source(path: Path, value_range: tuple[float, float] | None) -> Source:
    import openslide

    from orbicyte.slides.deep_tiff import is_decodable_whole, is_deep, require_full_range
    from orbicyte.slides.openslide_source import OpenSlideSource
    from orbicyte.slides.plain_source import PlainSource

    vendor = openslide.OpenSlide.detect_format(path)
    if vendor is None:
        return PlainSource(path, value_range)
    is_inverted = value_range is not None and value_range[1] < value_range[0]
    if vendor == "generic-tiff":
        reason = _unusual(path) or ("inverted values" if is_inverted else None)
        if reason is not None and is_deep(path) and not is_decodable_whole(path):
            require_full_range(path, value_range)
        elif reason is not None:
            return PlainSource(path, value_range, reason)
    elif is_inverted:
        raise UnreadableSlide(path, f"inverted values (--value-range) cannot be read in the format {vendor}")
    return OpenSlideSource(path)


def _unusual(path: Path) -> str | None:
    """What about a plain TIFF OpenSlide would change, or not read. Raises ``UnreadableSlide`` for several pictures."""
    try:
        problem = tiff_pages.problem_of(path, at_once=False)
        found = None if problem else unusual(path)
    except Exception as error:  # tifffile raises all kinds of errors for damaged files
        raise UnreadableSlide(path, f"damaged: {error}") from error
    if problem:
        raise UnreadableSlide(path, problem)
    return found
