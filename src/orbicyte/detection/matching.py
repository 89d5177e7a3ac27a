"""How many cells were found: one-to-one matches of what was found with the truth, and precision, recall and F1."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""(N, 4): left, top, right, bottom."""

Fit = Callable[[Boxes, Boxes], NDArray[np.float64]]
"""From boxes found (N, 4) and true ones (M, 4): how well each pair fits (N, M)."""

IOU = 0.5


@dataclass(frozen=True)
class Matches:
    """``pairs``: (number in found, number in truth) of each match; ``found``, ``truth``: how many there are."""

    pairs: tuple[tuple[int, int], ...]
    found: int
    truth: int

    @property
    def matched(self) -> int:
        """How many were found and are true."""
        return len(self.pairs)


@dataclass(frozen=True)
class Tally:
    """Sums of matches over many fields."""

    matched: int = 0
    found: int = 0
    truth: int = 0

    def __add__(self, other: "Tally | Matches") -> "Tally":
        return Tally(self.matched + other.matched, self.found + other.found, self.truth + other.truth)

    @property
    def precision(self) -> float:
        """Share of the found that is true, 0 to 1; 1 where nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the truth that was found, 0 to 1; 1 where there is none."""
        return self.matched / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """Twice the matches over all that was found and all that is true, 0 to 1; 1 where both are none."""
        return 2 * self.matched / (self.found + self.truth) if self.found + self.truth else 1.0


def iou(found: Boxes, truth: Boxes) -> NDArray[np.float64]:
    """Area common to two boxes over the area of both together, 0 to 1, of all pairs (N, M)."""
    low = np.maximum(found[:, None, :2], truth[None, :, :2])
    high = np.minimum(found[:, None, 2:], truth[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1) for boxes in (found, truth)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def centred(found: Boxes, truth: Boxes) -> NDArray[np.float64]:
    """1 minus the distance of the centres over half the true box's size, of all pairs (N, M): 0 or less outside."""
    centres, middles = ((boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (found, truth))
    half = np.maximum((truth[:, 2:] - truth[:, :2]) / 2, 1e-9)
    return np.asarray(1 - (np.abs(centres[:, None] - middles[None]) / half[None]).max(axis=2))


def match(found: Boxes, truth: Boxes, score: NDArray[np.floating], fit: Fit = iou, at_least: float = IOU) -> Matches:
    """Match ``found`` with ``truth``, none twice: the best score first, each takes the free true box that fits it best.

    A pair fits whose ``fit`` is ``at_least`` so much. What has equal scores goes by how well it fits, so the order of
    the rows does not matter.
    """
    fits = fit(np.reshape(found, (-1, 4)).astype(np.float64), np.reshape(truth, (-1, 4)).astype(np.float64))
    best = fits.max(axis=1, initial=-np.inf)
    free = np.ones(fits.shape[1], bool)
    pairs = []
    for number in np.lexsort((-best, -np.asarray(score))):
        candidates = np.where(free, fits[number], -np.inf)
        if candidates.size and candidates.max() >= at_least:
            taken = int(candidates.argmax())
            free[taken] = False
            pairs.append((int(number), taken))
    return Matches(tuple(pairs), len(fits), fits.shape[1])


def outline_boxes(outlines: Iterable[Sequence[float]]) -> Boxes:
    """The boxes around outlines that are kept as x0, y0, x1, y1, ..."""
    corners = [(min(o[::2]), min(o[1::2]), max(o[::2]), max(o[1::2])) for o in outlines]
    return np.array(corners, np.float64).reshape(-1, 4)
