"""What the network is to answer, from ellipses or from masks, and where that is known.

Three maps (see ``orbicyte.detection.unet.MAPS``), each 0 to 1: inside a nucleus; inside a cell; and, inside a cell, how
far in: 1 in its middle, 0 on its rim and outside, relative to the cell's own size. Two cells that touch are one blot in
the second map and two hills in the third.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

from orbicyte.arrays import Flags, Floats


@dataclass(frozen=True)
class Targets:
    """``maps`` (3, H, W): nucleus, cell, distance. ``known`` (2, H, W): where the nucleus is, and where the cell is."""

    maps: Floats
    known: Flags


@dataclass(frozen=True)
class Box:
    """A box by its centre and size, in pixels."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float


def of_boxes(boxes: Sequence[Box], height_px: int, width_px: int) -> Targets:
    """Of cells of which only boxes are known: the ellipse in each is the cell, where its nucleus lies is not known."""
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
    """The box of the whole cell of which a field of this size shows ``box``.

    Of a cell that is cut by one side of the field we see a segment of a disc, whose height and chord give the disc.
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
    """Of cells drawn as masks. ``cells`` (H, W): one integer a cell, 0 outside; ``nuclei`` (H, W), or None: unknown."""
    inside = cells > 0
    nucleus = np.zeros_like(inside) if nuclei is None else nuclei
    known = ~inside if nuclei is None else np.ones_like(inside)
    maps = np.stack([nucleus, inside, _depth(cells)]).astype(np.float32)
    return Targets(maps, np.stack([known, np.ones_like(inside)]))


def of_nuclei(nuclei: Flags) -> Targets:
    """Of an image of which only the nuclei (H, W) are known."""
    empty = np.zeros(nuclei.shape, np.float32)
    known = np.stack([np.ones_like(nuclei), np.zeros_like(nuclei)])
    return Targets(np.stack([nuclei.astype(np.float32), empty, empty]), known)


def _depth(cells: NDArray[np.integer]) -> Floats:
    """Each cell's distance from its rim over its greatest such distance.

    Outside the image a cell is taken to go on, so that one cut by the image's side is deepest at that side.
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
