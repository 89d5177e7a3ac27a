"""Pictures of cells in figures, with no more pixels than the page shows."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle
from numpy.typing import NDArray
from PIL import Image

from orbicyte.arrays import Pixels

PAGE_PX = 960
"""Width of a figure on the page."""

RING_PX = 4


def show(axes: Axes, picture: Pixels, columns: int, disc: bool = False) -> None:
    """Show a picture (S, S, 3), one of ``columns`` across the page; only its inscribed disc if ``disc``.

    Coordinates are in pixels of ``picture``, whatever the resolution of the figure.
    """
    side = picture.shape[0]
    fitted = scaled(picture, min(side, PAGE_PX // columns))
    image = axes.imshow(fitted, interpolation="none", extent=(-0.5, side - 0.5, side - 0.5, -0.5))
    if disc:
        image.set_clip_path(Circle(((side - 1) / 2, (side - 1) / 2), side / 2, transform=axes.transData))


def scaled(picture: Pixels, side_px: int) -> Pixels:
    """A picture (S, S, 3) at ``side_px``, low-pass filtered when made smaller."""
    if picture.shape[0] == side_px:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side_px, side_px), Image.Resampling.LANCZOS))


def as_bytes(picture: NDArray[np.float32]) -> Pixels:
    """A picture (S, S, 3) in [0, 1] as 8-bit intensities, of the same shape; values outside are clipped."""
    return np.asarray(np.rint(255 * np.clip(picture, 0, 1)), dtype=np.uint8)


def thumbnail(picture: Pixels, side_px: int, ring: str) -> Pixels:
    """The inscribed disc of a picture (S, S, 3) at ``side_px``, with a coloured ring, white around it.

    Intensities keep their upper six bits, which is not visible and halves the size of the file.
    """
    small = np.bitwise_and(scaled(picture, side_px), np.uint8(0xFC))
    axis = np.arange(side_px) - (side_px - 1) / 2
    radius = np.hypot(*np.meshgrid(axis, axis))
    small[radius > side_px / 2 - 1 - RING_PX] = np.rint(np.multiply(to_rgb(ring), 255))
    small[radius > side_px / 2 - 1] = 255
    return small
