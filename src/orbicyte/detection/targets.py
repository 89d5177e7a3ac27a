"""Training targets of the network, from ellipses or from masks, and the valid mask: where they are known.

Three maps (see ``orbicyte.detection.unet.MAPS``), each 0 to 1: inside a nucleus; inside a cell; and the distance from
the cell's rim relative to its size: 1 in its centre, 0 on its rim and outside. Two cells that touch are one connected
component in the second map and two maxima in the third.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

from orbicyte.arrays import Flags, Floats


@dataclass(frozen=True)
class Targets:
    """``maps`` (3, H, W): nucleus, cell, distance, 0 to 1.

    ``valid`` (2, H, W): where the nucleus map is known, and where the cell and distance maps are known.
    """

    maps: Floats
    valid: Flags


@dataclass(frozen=True)
class Box:
    """A box by its centre and size, in pixels."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float


def of_boxes(boxes: Sequence[Box], height_px: int, width_px: int) -> Targets:
    """Targets from boxes: the ellipse in each box is the cell; within it, the nucleus is unknown."""
    y, x = np.mgrid[:height_px, :width_px].astype(np.float32) + np.float32(0.5)
    distance = np.zeros((height_px, width_px), np.float32)
    for box in boxes:
        whole = uncut(box, height_px, width_px)
        radius = np.hypot((x - whole.x_px) / (whole.width_px / 2), (y - whole.y_px) / (whole.height_px / 2))
        distance = np.maximum(distance, 1 - radius)
    cell = distance > 0
    maps = np.stack([np.zeros_like(distance), cell, distance]).astype(np.float32)
    return Targets(maps, np.stack([~cell, np.ones_like(cell)]))


def uncut(box: Box, height_px: int, width_px: int, near_px: float = 2.0) -> Box:
    """The box of the whole cell, if ``box`` is its visible part in a microscope field of this size.

    A cell cut by one border of the field shows as a segment of a disc, whose height and chord determine the disc.
    ``near_px``: largest distance from the border of a box that is cut.
    """
    x, width = _uncut(box.x_px, box.width_px, box.height_px, width_px, near_px)
    y, height = _uncut(box.y_px, box.height_px, box.width_px, height_px, near_px)
    return Box(x, y, width, height)


def _uncut(centre: float, length: float, across: float, end: float, near_px: float) -> tuple[float, float]:
    low, high = centre - length / 2, centre + length / 2
    if (low <= near_px) == (high >= end - near_px):
        return centre, length
    segment = (across / 2) ** 2 / length + length if length < across / 2 else across
    whole = max(length, min(segment, 2 * across))
    return (high - whole / 2 if low <= near_px else low + whole / 2), whole


def of_masks(cells: NDArray[np.integer], nuclei: Flags | None) -> Targets:
    """Targets from masks. ``cells`` (H, W): one integer per cell, 0 outside; ``nuclei`` (H, W), or None: unknown."""
    inside = cells > 0
    nucleus = np.zeros_like(inside) if nuclei is None else nuclei
    valid = ~inside if nuclei is None else np.ones_like(inside)
    maps = np.stack([nucleus, inside, _depth(cells)]).astype(np.float32)
    return Targets(maps, np.stack([valid, np.ones_like(inside)]))


def of_nuclei(nuclei: Flags) -> Targets:
    """Targets of an image of which only the mask of nuclei (H, W) is known."""
    empty = np.zeros(nuclei.shape, np.float32)
    valid = np.stack([np.ones_like(nuclei), np.zeros_like(nuclei)])
    return Targets(np.stack([nuclei.astype(np.float32), empty, empty]), valid)


def _depth(cells: NDArray[np.integer]) -> Floats:
    """The distance from the cell's rim, divided by the largest such distance in the cell: (H, W), 0 to 1.

    Cells are assumed to continue outside the image, so that a cell cut by a border is deepest at that border.
    """
    depth = np.zeros(cells.shape, np.float32)
    for number, place in enumerate(find_objects(cells), 1):
        if place is None:
            continue
        rows, columns = (slice(max(part.start - 1, 0), part.stop + 1) for part in place)
        mask = cells[rows, columns] == number
        inner = distance_transform_edt(mask)
        depth[rows, columns][mask] = (inner / inner.max())[mask]
    return depth
