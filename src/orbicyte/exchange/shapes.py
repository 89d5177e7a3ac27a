"""Outlines of cells: centre and size of a polygon, and the polygon of a cell that has a centre and a size only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from orbicyte.arrays import Points
from orbicyte.slides import outlines

CORNERS = 32


@dataclass(frozen=True)
class Shape:
    """A cell as a file has it. Positions and sizes in level-0 pixels.

    ``where``: its number in the file, for messages; ``id``: None where the file gives none; ``diameter_px``: of a disc
    of the outline's area, None for a point, 0 for what encloses nothing; ``is_region``: may be more than a cell, such
    as an annotation; ``outline_px``: x0, y0, x1, y1, ..., where the file has one.
    """

    where: str
    id: str | None
    x_px: float
    y_px: float
    diameter_px: float | None
    label: str | None = None
    is_region: bool = False
    outline_px: tuple[float, ...] | None = None


def circle(x_px: float, y_px: float, diameter_px: float) -> Points:
    """The corners (32, 2) of a regular polygon of the same area as the disc."""
    angle = np.arange(CORNERS) * (2 * np.pi / CORNERS)
    radius_px = diameter_px / 2 * np.sqrt(2 * np.pi / (CORNERS * np.sin(2 * np.pi / CORNERS)))
    return np.stack([x_px + radius_px * np.cos(angle), y_px + radius_px * np.sin(angle)], axis=1)


def corners(outline_px: ArrayLike | None, x_px: float, y_px: float, diameter_px: float) -> Points:
    """The outline (N, 2) of a cell as tables keep it: x0, y0, x1, y1, ...; a circle where there is none."""
    if outline_px is None:
        return circle(x_px, y_px, diameter_px)
    return np.asarray(outline_px, np.float64).reshape(-1, 2)


def measure(points: Points) -> tuple[float, float, float]:
    """Centroid and diameter of a disc of the same area, of a polygon (N, 2); 0 for one without area."""
    x_px, y_px, area_px2 = outlines.measure(points)
    return x_px, y_px, float(2 * np.sqrt(area_px2 / np.pi))
