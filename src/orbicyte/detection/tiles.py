"""Tiles of an image: cores that cover it without overlap, each with a halo as context for the network."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from orbicyte.arrays import Pixels

CORE_PX = 1024
HALO_PX = 64
"""Wider than the largest cell; pixels farther away have a negligible influence on a prediction (see the tests)."""
MARGIN_PX = 2
"""A centre may be this far outside the core: a cell detected on two tiles is deduplicated, one kept by none is lost."""


@dataclass(frozen=True)
class Tile:
    """A core of ``width_px`` by ``height_px`` at ``left_px``, ``top_px``, in working pixels of an image."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    def has(self, x_px: float, y_px: float, margin_px: float = MARGIN_PX) -> bool:
        """Whether a point, in pixels of the image, is in the core or at most ``margin_px`` outside."""
        across = self.left_px - margin_px <= x_px < self.left_px + self.width_px + margin_px
        return across and self.top_px - margin_px <= y_px < self.top_px + self.height_px + margin_px


class Image(Protocol):
    """An image at the working resolution, read in parts."""

    @property
    def width_px(self) -> int:
        """Width of the image."""
        ...

    @property
    def height_px(self) -> int:
        """Height of the image."""
        ...

    def read(self, left_px: int, top_px: int, width_px: int, height_px: int) -> Pixels:
        """A part, which must be within the image: (height_px, width_px, 3), 0 to 255."""
        ...


def plan(width_px: int, height_px: int, core_px: int, multiple_px: int) -> Iterator[Tile]:
    """Cores from left to right and top to bottom, of one size, at most ``core_px``, on a grid of ``multiple_px``.

    The last core of a row or column may extend beyond the image.
    """
    width, height = (_shared(side, core_px, multiple_px) for side in (width_px, height_px))
    for top in range(0, height_px, height):
        for left in range(0, width_px, width):
            yield Tile(left, top, width, height)


def read_tile(image: Image, tile: Tile, halo_px: int) -> Pixels:
    """The tile's core with ``halo_px`` around: (height + 2 halo, width + 2 halo, 3); beyond the image, its mirror."""
    lefts, widths, before_x, after_x = _shown(tile.left_px, tile.width_px, image.width_px, halo_px)
    tops, heights, before_y, after_y = _shown(tile.top_px, tile.height_px, image.height_px, halo_px)
    pixels = image.read(lefts, tops, widths, heights)
    if not any((before_x, after_x, before_y, after_y)):
        return pixels
    return np.pad(pixels, ((before_y, after_y), (before_x, after_x), (0, 0)), mode="reflect")


def _shown(start: int, length: int, end: int, halo: int) -> tuple[int, int, int, int]:
    """Start and length of the part within the image, and the lengths that are missing before and after it."""
    low, high = max(0, start - halo), min(end, start + length + halo)
    return low, high - low, low - (start - halo), start + length + halo - high


def _shared(side: int, most: int, multiple: int) -> int:
    """The length of the fewest equal parts of ``side`` not longer than ``most``, rounded up to a ``multiple``."""
    part = -(-side // -(-side // most))
    return -(-part // multiple) * multiple
