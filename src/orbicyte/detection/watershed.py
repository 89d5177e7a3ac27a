"""From the network's maps to single cells: a watershed from the maxima of the distance map, within the cell map."""

from dataclasses import dataclass
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter, label, maximum_filter
from skimage.segmentation import watershed

from orbicyte.arrays import Floats, Labels
from orbicyte.slides.outlines import centroid_and_area, outlines

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Length = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]

Number = TypeVar("Number", bound=np.generic)

EVERY = 2
"""Points of a contour are less than a pixel apart; the outline has every second one."""


@dataclass(frozen=True)
class Separation:
    """The rules for a cell; the names are keys in the detector's JSON.

    ``cell``: smallest value of the cell map inside a cell; ``peak``: smallest value of the smoothed distance map at
    its maximum; ``smoothing_um``: standard deviation of that smoothing; ``apart_um``: smallest distance of two maxima;
    ``saddle``: two maxima are one cell if the saddle between them is above this share of the lower maximum;
    ``diameter_um``: of the smallest cell; ``score``: smallest score.
    """

    cell: Share = 0.4
    peak: Share = 0.3
    smoothing_um: Length = 0.75
    apart_um: Length = 3.0
    saddle: Share = 0.65
    diameter_um: Length = 4.0
    score: Share = 0.5


@dataclass(frozen=True)
class Found:
    """One cell, in pixels of the maps: its centroid, area, score from 0 to 1 and outline (N, 2) of x and y.

    Pixel 0 spans 0 to 1; the outline's last point is joined to its first.
    """

    x_px: float
    y_px: float
    area_px2: float
    score: float
    outline_px: NDArray[np.float64]


def separate(maps: Floats, mpp: float, rules: Separation) -> list[Found]:
    """The cells in ``maps`` (nucleus, cell, distance; (3, H, W), 0 to 1) at ``mpp`` µm per pixel."""
    _, cell, distance = maps
    height, width = cell.shape
    inside = cell >= rules.cell
    smooth = gaussian_filter(sum(_quarters(distance)) / 4, rules.smoothing_um / mpp / 2, mode="nearest")
    coarse = np.logical_or.reduce(_quarters(inside))
    within = np.where(coarse, smooth, 0)
    apart = max(1, round(rules.apart_um / mpp / 2))
    maxima = (within > rules.peak) & (within == maximum_filter(within, 2 * apart + 1))
    markers, number = label(maxima, np.ones((3, 3)))
    heights = np.zeros(number + 1, np.float32)
    heights[markers[maxima]] = smooth[maxima]
    basins = watershed(-smooth, markers, mask=coarse)  # type: ignore[no-untyped-call]
    basins = merged(basins, smooth, heights, rules.saddle)
    np.maximum.at(heights, basins[coarse], smooth[coarse])
    labels = np.where(inside, basins.repeat(2, 0).repeat(2, 1)[:height, :width], 0)
    least_px2 = np.pi * (rules.diameter_um / mpp / 2) ** 2
    found = _measured(labels, cell, heights, rules.cell)
    return [one for one in found if one.area_px2 >= least_px2 and one.score >= rules.score]


def _quarters(image: NDArray[Number]) -> list[NDArray[Number]]:
    """The four pixels of each square of 2 x 2 as four images; an odd last row or column is repeated."""
    odd = [(0, side % 2) for side in image.shape]
    image = np.pad(image, odd, mode="edge") if np.any(odd) else image
    return [image[row::2, column::2] for row in (0, 1) for column in (0, 1)]


def merged(basins: Labels, smooth: Floats, heights: Floats, share: float) -> Labels:
    """``basins`` (H, W), merged where the saddle between two is above ``share`` of the lower maximum.

    The highest saddle first. Between two cells that touch, the distance map falls to zero; within one cell of two lobes
    it does not. ``smooth`` (H, W): the distance map; ``heights`` (N + 1,): the maximum of each of N basins, from 1.
    """
    # skimage's h_maxima (of the logarithm) is 4 times slower, finds the same cells, and does not join equal maxima.
    heights = heights.copy()
    into = np.arange(len(heights), dtype=np.int32)
    for height, first, second in _saddles(basins, smooth):
        first, second = into[first], into[second]
        if first != second and height > share * min(heights[first], heights[second]):
            into[into == max(first, second)] = min(first, second)
            heights[min(first, second)] = max(heights[first], heights[second])
    return np.asarray(into[basins])


def _saddles(basins: Labels, smooth: Floats) -> list[tuple[float, int, int]]:
    """The saddles of adjacent basins, the highest points of their borders: (height, basin, basin), highest first."""
    saddles: dict[tuple[int, int], float] = {}
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        meet = (basins[here] != basins[there]) & (basins[here] > 0) & (basins[there] > 0)
        low = np.minimum(smooth[here][meet], smooth[there][meet])
        for first, second, height in zip(basins[here][meet], basins[there][meet], low, strict=True):
            pair = (min(first, second), max(first, second))
            saddles[pair] = max(saddles.get(pair, 0.0), float(height))
    return sorted(((height, *pair) for pair, height in saddles.items()), reverse=True)


def _measured(labels: Labels, cell: Floats, heights: Floats, level: float) -> list[Found]:
    """Centroid, area, score and outline of each object; ``heights`` (N + 1,): the maximum of each of N, from 1."""
    inside = labels > 0
    of = labels[inside]
    size = np.maximum(np.bincount(of), 1)
    scores = np.bincount(of, cell[inside]) / size * np.minimum(1, 1.25 * heights[: len(size)])
    found = []
    for number, outline in outlines(labels, cell, level):
        points = outline[::EVERY]
        found.append(Found(*centroid_and_area(points), float(scores[number]), points))
    return found
