"""Whether an outline can be that of a cell on a slide: every program that reads outlines has to be able to use it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbicyte.arrays import Points
from orbicyte.slides.outlines import centroid_and_area

LARGEST_PX = 1e9
"""Larger than any slide."""
MOST = 20_000
"""Numbers of an outline."""
DECIMALS = 2
"""Of exported coordinates: an outline also has to enclose an area after rounding."""
AT_ONCE = 1 << 20
"""Pairs of sides that are compared at once."""
MOST_PAIRS = 1 << 23
"""Of sides that may cross each other: more than of a square with 10,000 corners."""


def outline_problem(outline_px: ArrayLike, width_px: int, height_px: int) -> str | None:
    """Why an outline (x0, y0, x1, y1, ... in level-0 pixels) is not that of a cell on a slide of this size, else None.

    It needs three points or more, an area, a centroid on the slide, and sides that do not cross each other; it may
    extend beyond the slide, but not be larger.
    """
    values = np.asarray(outline_px, np.float64)
    if values.ndim != 1 or len(values) % 2 or not 6 <= len(values) <= MOST:
        return f"has an outline of {values.size} numbers: expected x and y of 3 to {MOST // 2} points"
    if not (np.abs(values) <= LARGEST_PX).all():
        return "has an outline with coordinates beyond any slide"
    points = values.reshape(-1, 2)
    x_px, y_px, area_px2 = centroid_and_area(points.round(DECIMALS))
    if area_px2 == 0:
        return "has an outline that encloses nothing"
    extent = np.ptp(points, axis=0)
    if not (0 <= x_px <= width_px and 0 <= y_px <= height_px) or extent[0] > width_px or extent[1] > height_px:
        return (
            f"has an outline around ({x_px:.0f}, {y_px:.0f}), which is not on the slide of {width_px} x {height_px} px"
        )
    if _is_star(points, np.array((x_px, y_px))):
        return None
    return "has an outline that crosses itself, or is too intricate for a cell" if crosses_itself(points) else None


def _is_star(points: Points, centre: Points) -> bool:
    """Whether all of the outline is seen from ``centre``, in one revolution: most cells, and quickly decided."""
    now = points - centre
    after = np.concatenate([now[1:], now[:1]])
    cross = now[:, 0] * after[:, 1] - now[:, 1] * after[:, 0]
    if not ((cross > 0).all() or (cross < 0).all()):
        return False
    return bool(abs(np.arctan2(cross, (now * after).sum(1)).sum()) < 3 * np.pi)


def crosses_itself(points: Points) -> bool:
    """Whether two sides of the polygon (N, 2) have a point in common that is an end of neither.

    True without a comparison for an outline with more than ``MOST_PAIRS`` pairs of sides that are near each other.
    """
    low, high = _boxes(points)
    axis = int(np.argmin([_overlaps(low[:, i], high[:, i]).sum() for i in (0, 1)]))
    order = np.argsort(low[:, axis], kind="stable")
    start, end = points[order], np.roll(points, -1, axis=0)[order]
    low, high = low[order], high[order]
    # After sorting, the sides that may cross side i are the next counts[i] ones.
    counts = np.searchsorted(low[:, axis], high[:, axis], side="right") - np.arange(len(points)) - 1
    if counts.sum() > MOST_PAIRS:
        return True
    first = 0
    while first < len(points):
        last = first + max(1, int(np.searchsorted(np.cumsum(counts[first:]), AT_ONCE, side="right")))
        one = np.repeat(np.arange(first, last), counts[first:last])
        ends = np.cumsum(counts[first:last])
        other = one + 1 + np.arange(len(one)) - np.repeat(ends - counts[first:last], counts[first:last])
        near = (low[one, 1 - axis] <= high[other, 1 - axis]) & (low[other, 1 - axis] <= high[one, 1 - axis])
        one, other = one[near], other[near]
        if _cross(start[one], end[one], start[other], end[other]).any():
            return True
        first = last
    return False


def _boxes(points: Points) -> tuple[Points, Points]:
    after = np.roll(points, -1, axis=0)
    return np.minimum(points, after), np.maximum(points, after)


def _overlaps(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each interval, the number of others that begin in it."""
    return np.searchsorted(np.sort(low), high, side="right") - np.searchsorted(np.sort(low), low, side="left")


def _cross(a: Points, b: Points, c: Points, d: Points) -> NDArray[np.bool_]:
    """Whether each side a-b crosses the side c-d: the ends of each lie on different sides of the other."""
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def _side(a: Points, b: Points, c: Points) -> NDArray[np.float64]:
    cross = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return np.sign(cross)
