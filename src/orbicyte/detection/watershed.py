"""From the network's maps to single cells: hills of the distance map, flooded within the map of cells."""

from dataclasses import dataclass

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray
from scipy.ndimage import find_objects, gaussian_filter
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

Floats = NDArray[np.float32]

EVERY = 2
"""Of the points of a level line, less than a pixel apart, the outline has every second one."""


@dataclass(frozen=True)
class Separation:
    """What counts as a cell. ``cell``: least value of the cell map inside one; ``peak``: least value of the smoothed
    distance map in its middle; ``smoothing_um``: standard deviation of that smoothing; ``apart_um``: least distance of
    two middles; ``saddle``: two hills are one cell if the saddle between them is above this share of the lower hill;
    ``diameter_um``: of the smallest cell; ``score``: least score.
    """

    cell: float = 0.4
    peak: float = 0.3
    smoothing_um: float = 0.75
    apart_um: float = 3.0
    saddle: float = 0.65
    diameter_um: float = 4.0
    score: float = 0.5


@dataclass(frozen=True)
class Found:
    """One cell, in pixels of the maps: its centroid, area, score from 0 to 1 and outline (N, 2) of x and y.

    Pixel 0 spans 0 to 1; the outline's last point meets its first.
    """

    x_px: float
    y_px: float
    area_px2: float
    score: float
    outline_px: NDArray[np.float64]


def separate(maps: Floats, mpp: float, rules: Separation) -> list[Found]:
    """The cells in ``maps`` (nucleus, cell, distance; (3, H, W), 0 to 1) at ``mpp`` µm per pixel."""
    _, cell, distance = maps
    inside = cell >= rules.cell
    hills = gaussian_filter(distance, rules.smoothing_um / mpp, mode="nearest")
    middles = peak_local_max(  # type: ignore[no-untyped-call]
        np.where(inside, hills, 0),
        min_distance=max(1, round(rules.apart_um / mpp)),
        threshold_abs=rules.peak,
        exclude_border=False,
    )
    markers = np.zeros(cell.shape, np.int32)
    markers[tuple(middles.T)] = np.arange(1, len(middles) + 1)
    labels = watershed(-hills, markers, mask=inside)  # type: ignore[no-untyped-call]
    labels = merged(labels, hills, hills[tuple(middles.T)], rules.saddle)
    found = (
        _measure(labels[place] == number, maps[:, place[0], place[1]], hills[place], place, rules)
        for number, place in enumerate(find_objects(labels), 1)
        if place is not None
    )
    least_px2 = np.pi * (rules.diameter_um / mpp / 2) ** 2
    return [one for one in found if one is not None and one.area_px2 >= least_px2 and one.score >= rules.score]


def merged(labels: NDArray[np.int32], hills: Floats, heights: Floats, share: float) -> NDArray[np.int32]:
    """``labels`` (H, W), made one where a saddle joins their hills above ``share`` of the lower hill's height.

    The highest saddle first. Between two cells that touch the distance map falls to nothing; within one cell that has
    two lobes it does not. ``heights`` (N,): of the hill of each label, from 1.
    """
    heights = np.append(0, heights)
    into = np.arange(len(heights), dtype=np.int32)
    for height, first, second in _saddles(labels, hills):
        first, second = into[first], into[second]
        if first != second and height > share * min(heights[first], heights[second]):
            into[into == max(first, second)] = min(first, second)
            heights[min(first, second)] = max(heights[first], heights[second])
    return np.asarray(into[labels])


def _saddles(labels: NDArray[np.int32], hills: Floats) -> list[tuple[float, int, int]]:
    """The highest place at which each two neighbours among ``labels`` meet: (height, label, label), highest first."""
    saddles: dict[tuple[int, int], float] = {}
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = (labels[here] != labels[there]) & (labels[here] > 0) & (labels[there] > 0)
        low = np.minimum(hills[here][meet], hills[there][meet])
        for first, second, height in zip(labels[here][meet], labels[there][meet], low, strict=True):
            pair = (min(first, second), max(first, second))
            saddles[pair] = max(saddles.get(pair, 0.0), float(height))
    return sorted(((height, *pair) for pair, height in saddles.items()), reverse=True)


def _measure(
    mask: NDArray[np.bool_], maps: Floats, hills: Floats, place: tuple[slice, slice], rules: Separation
) -> Found | None:
    height, width = mask.shape
    surrounded = np.zeros((height + 2, width + 2), np.float32)
    surrounded[1:-1, 1:-1][mask] = maps[1][mask]
    lines = contour_generator(z=surrounded, line_type=LineType.Separate).lines(rules.cell)
    if not lines:
        return None
    longest = max((np.asarray(line) for line in lines), key=len)
    outline = np.clip(longest[:-1:EVERY] - 0.5, 0, (width, height))
    corner = np.array((place[1].start, place[0].start))
    rows, columns = np.nonzero(mask)
    score = float(maps[1][mask].mean() * min(1.0, 1.25 * float(hills[mask].max())))
    return Found(
        float(columns.mean() + 0.5 + corner[0]),
        float(rows.mean() + 0.5 + corner[1]),
        area(outline),
        score,
        outline + corner,
    )


def area(outline: NDArray[np.float64]) -> float:
    """The area inside a polygon (N, 2)."""
    x, y = outline.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
