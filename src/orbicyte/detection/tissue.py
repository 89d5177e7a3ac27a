"""Where a slide is not empty, from a small image of the whole, so that empty glass is never read.

A tile is empty if it has one colour: at 8 µm per pixel, any nucleated cell darkens at least one pixel by much more than
the illumination varies. The colour of the glass need not be known; unscanned white and grey glass are both empty.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbicyte.detection.tiles import Tile

PICTURE_UM = 8.0
PICTURE_PX = 4096
SAME_COLOUR = 10
"""Largest range of values (0 to 255) in each channel of an empty tile."""


@dataclass(frozen=True)
class Tissue:
    """``picture`` (H, W, 3) of the whole slide, each pixel ``step_px`` working pixels wide."""

    picture: NDArray[np.uint8]
    step_px: float

    @classmethod
    def of(cls, thumbnail: Callable[[int], NDArray[np.uint8]], longest_px: int, mpp: float) -> "Tissue":
        """The tissue of a slide whose longer side has ``longest_px`` working pixels of ``mpp`` µm.

        ``thumbnail(side)``: the whole slide (H, W, 3) with ``side`` px as its longer side.
        """
        side = min(PICTURE_PX, max(1, round(longest_px * mpp / PICTURE_UM)))
        return cls(thumbnail(side), longest_px / side)

    def on(self, tile: Tile) -> bool:
        """Whether there may be cells in the tile's core, or around it within the size of a cell."""
        height, width = self.picture.shape[:2]
        rows = self._part(tile.top_px, tile.height_px, height)
        columns = self._part(tile.left_px, tile.width_px, width)
        part = self.picture[rows, columns].astype(np.int16)
        return bool((np.ptp(part, axis=(0, 1)) > SAME_COLOUR).any())

    def _part(self, start_px: int, length_px: int, end: int) -> slice:
        low = int(start_px / self.step_px) - 2
        return slice(max(0, min(low, end - 1)), min(end, int((start_px + length_px) / self.step_px) + 3))
