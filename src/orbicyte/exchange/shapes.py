"""Outlines of cells: centre and size of a polygon; the polygon of a cell of which only centre and size are known."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from orbicyte.arrays import Points
from orbicyte.slides import outlines

CORNERS = 32
SMALLEST_UM = 1.0
"""No cell or platelet is smaller: what is, is a fragment of an outline or a speck of a mask."""


@dataclass(frozen=True)
class Shape:
    """A cell in a file of another program. Positions and sizes are in level-0 pixels.

    ``where``: file and number of the feature, for messages; ``id``: None if the file has none; ``diameter_px``: of a
    disc of the outline's area, None for a point, 0 for an outline without area; ``is_region``: it may be larger than a
    cell, such as an annotation; ``outline_px``: x0, y0, x1, y1, ..., if the file has one; ``pieces``: of the feature,
    or of the number in a mask, of which this is one; ``largest_px``: diameter of the largest of them.
    """

    where: str
    id: str | None
    x_px: float
    y_px: float
    diameter_px: float | None
    label: str | None = None
    is_region: bool = False
    outline_px: tuple[float, ...] | None = None
    pieces: int = 1
    largest_px: float = 0.0


def circle(x_px: float, y_px: float, diameter_px: float) -> Points:
    """The corners (32, 2) of a regular polygon with the area of the disc."""
    angle = np.arange(CORNERS) * (2 * np.pi / CORNERS)
    radius_px = diameter_px / 2 * np.sqrt(2 * np.pi / (CORNERS * np.sin(2 * np.pi / CORNERS)))
    return np.stack([x_px + radius_px * np.cos(angle), y_px + radius_px * np.sin(angle)], axis=1)


def corners(outline_px: ArrayLike | None, x_px: float, y_px: float, diameter_px: float) -> Points:
    """The outline (N, 2) of a cell from that of a table, x0, y0, x1, y1, ...; a circle (see ``circle``) for None."""
    if outline_px is None:
        return circle(x_px, y_px, diameter_px)
    return np.asarray(outline_px, np.float64).reshape(-1, 2)


def centroid_and_diameter(points: Points) -> tuple[float, float, float]:
    """Centroid (x, y) of a polygon (N, 2), and the diameter of a disc of its area; 0 for a polygon without area."""
    x_px, y_px, area_px2 = outlines.centroid_and_area(points)
    return x_px, y_px, float(2 * np.sqrt(area_px2 / np.pi))


def shifted(shape: Shape, x_px: float, y_px: float) -> Shape:
    """The same shape, ``x_px`` further to the right and ``y_px`` further down."""
    outline_px = shape.outline_px
    if outline_px is not None:
        outline_px = tuple(np.add(np.reshape(outline_px, (-1, 2)), (x_px, y_px)).ravel().tolist())
    return replace(shape, x_px=shape.x_px + x_px, y_px=shape.y_px + y_px, outline_px=outline_px)
