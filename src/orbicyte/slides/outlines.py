"""Outlines of labelled regions, to less than a pixel."""

from collections.abc import Iterator

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import find_objects

Points = NDArray[np.float64]
Place = tuple[slice, slice]

AT_ONCE = 512


def outlines(labels: NDArray[np.integer], values: ArrayLike, level: float) -> Iterator[tuple[int, Points]]:
    """Each label (H, W; from 1) with the line at ``level`` of ``values`` (H, W, or one number) within it: (N, 2).

    x and y; pixel 0 spans 0 to 1; the last point meets the first. Of a label in several pieces the longest line; none
    of a label whose values are all below. Those of similar width come together.
    """
    values = np.broadcast_to(np.asarray(values, np.float32), labels.shape)
    places = [(number, place) for number, place in enumerate(find_objects(labels), 1) if place is not None]
    places.sort(key=lambda item: item[1][1].stop - item[1][1].start)
    for start in range(0, len(places), AT_ONCE):
        yield from _on_one_sheet(labels, values, places[start : start + AT_ONCE], level)


def _on_one_sheet(
    labels: NDArray[np.integer], values: NDArray[np.float32], places: list[tuple[int, Place]], level: float
) -> Iterator[tuple[int, Points]]:
    """All are drawn one below the other: to begin takes contourpy longer than to follow a hundred cells."""
    sides = np.array([labels[place].shape for _, place in places])
    tops = np.append(0, np.cumsum(sides[:, 0] + 2))
    sheet = np.zeros((tops[-1], sides[:, 1].max() + 2), np.float32)
    for (number, place), top, (height, width) in zip(places, tops, sides, strict=False):
        sheet[top + 1 : top + 1 + height, 1 : 1 + width] = np.where(labels[place] == number, values[place], 0)
    longest: dict[int, Points] = {}
    for line in contour_generator(z=sheet, line_type=LineType.Separate).lines(level):
        points = np.asarray(line)
        index = int(np.searchsorted(tops, points[0, 1], side="right")) - 1
        if index not in longest or len(points) > len(longest[index]):
            longest[index] = points
    for index, points in longest.items():
        number, (across, along) = places[index]
        inner = np.clip(points[:-1] - (0.5, tops[index] + 0.5), 0, sides[index, ::-1])
        yield number, inner + np.array((along.start, across.start))


def area(outline: Points) -> float:
    """The area inside a polygon (N, 2)."""
    x, y = outline.T
    return float(abs(x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0]) / 2)
