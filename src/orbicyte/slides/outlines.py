"""Outlines of the objects of a label image, with sub-pixel accuracy."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import find_objects

from orbicyte.arrays import Points

Place = tuple[slice, slice]

SHEET_PX = 1 << 22


def outlines(labels: NDArray[np.integer], values: ArrayLike, level: float) -> Iterator[tuple[int, Points]]:
    """Number and outline (N, 2) of each object: the contour at ``level`` of ``values`` (H, W, or one number) within it.

    ``labels`` (H, W): the object of each pixel, from 1. Outlines are x and y; pixel 0 spans 0 to 1; the last point is
    joined to the first. For an object of several components, the outline of the largest; none for an object whose
    values are all below ``level``. The order is by the width of the objects.
    """
    values = np.broadcast_to(np.asarray(values, np.float32), labels.shape)
    places = [(number, place) for number, place in enumerate(find_objects(labels), 1) if place is not None]
    places.sort(key=lambda item: item[1][1].stop - item[1][1].start)
    sheet: list[tuple[int, Place]] = []
    height = 0
    for number, place in places:
        rows, columns = (side.stop - side.start + 2 for side in place)
        if sheet and (height + rows) * columns > SHEET_PX:
            yield from _on_one_sheet(labels, values, sheet, level)
            sheet, height = [], 0
        sheet.append((number, place))
        height += rows
    if sheet:
        yield from _on_one_sheet(labels, values, sheet, level)


def _on_one_sheet(
    labels: NDArray[np.integer], values: NDArray[np.float32], places: list[tuple[int, Place]], level: float
) -> Iterator[tuple[int, Points]]:
    """All objects are copied into one array, below each other: a call of contourpy costs more than 100 contours."""
    sides = np.array([labels[place].shape for _, place in places])
    tops = np.append(0, np.cumsum(sides[:, 0] + 2))
    sheet = np.zeros((tops[-1], sides[:, 1].max() + 2), np.float32)
    for (number, place), top, (height, width) in zip(places, tops, sides, strict=False):
        sheet[top + 1 : top + 1 + height, 1 : 1 + width] = np.where(labels[place] == number, values[place], 0)
    lines: defaultdict[int, list[Points]] = defaultdict(list)
    for line in contour_generator(z=sheet, line_type=LineType.Separate).lines(level):
        points = np.asarray(line)[:-1]
        lines[int(np.searchsorted(tops, points[0, 1], side="right")) - 1].append(points)
    for index, found in lines.items():
        number, (across, along) = places[index]
        largest = found[0] if len(found) == 1 else max(found, key=lambda points: centroid_and_area(points)[2])
        inner = np.clip(largest - (0.5, tops[index] + 0.5), 0, sides[index, ::-1])
        yield number, inner + np.array((along.start, across.start))


def centroid_and_area(outline: Points) -> tuple[float, float, float]:
    """Centroid (x, y) and area of a polygon (N, 2); the mean of its corners if it has no area.

    If an outline crosses itself, the areas of loops in opposite directions are subtracted.
    """
    x, y = (outline - outline[0]).T
    x_next, y_next = np.append(x[1:], x[0]), np.append(y[1:], y[0])
    cross = x * y_next - x_next * y
    area = float(cross.sum()) / 2
    if abs(area) < 1e-9:
        return float(outline[:, 0].mean()), float(outline[:, 1].mean()), 0.0
    centre = np.array([(x + x_next) @ cross, (y + y_next) @ cross]) / (6 * area) + outline[0]
    return float(centre[0]), float(centre[1]), abs(area)
