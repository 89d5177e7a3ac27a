"""Evaluation of a detector: one-to-one matches of detected and true cells; precision, recall and F1."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""(N, 4): left, top, right, bottom, in pixels."""

Similarity = Callable[[Boxes, Boxes], NDArray[np.float64]]
"""From detected boxes (N, 4) and true ones (M, 4) to the similarity of each pair (N, M)."""

IOU = 0.5


@dataclass(frozen=True)
class Matches:
    """``pairs``: (row in found, row in truth) of each match; ``found``, ``truth``: the numbers of cells."""

    pairs: tuple[tuple[int, int], ...]
    found: int
    truth: int

    @property
    def matched(self) -> int:
        """The number of true positives."""
        return len(self.pairs)


@dataclass(frozen=True)
class Tally:
    """Numbers of matched, detected and true cells, summed over many microscope fields."""

    matched: int = 0
    found: int = 0
    truth: int = 0

    def __add__(self, other: "Tally | Matches") -> "Tally":
        return Tally(self.matched + other.matched, self.found + other.found, self.truth + other.truth)

    @property
    def precision(self) -> float:
        """Share of the detected cells that are true, 0 to 1; 1 if none was detected."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true cells that were detected, 0 to 1; 1 if there are none."""
        return self.matched / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """Twice the matches, divided by the sum of detected and true cells, 0 to 1; 1 if there are neither."""
        return 2 * self.matched / (self.found + self.truth) if self.found + self.truth else 1.0


def iou(found: Boxes, truth: Boxes) -> NDArray[np.float64]:
    """Intersection over union of all pairs of boxes: (N, M), 0 to 1."""
    low = np.maximum(found[:, None, :2], truth[None, :, :2])
    high = np.minimum(found[:, None, 2:], truth[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1) for boxes in (found, truth)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def centred(found: Boxes, truth: Boxes) -> NDArray[np.float64]:
    """1 minus the distance of the centres / half the true box's size, for all pairs: (N, M); negative outside."""
    centres, middles = ((boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (found, truth))
    half = np.maximum((truth[:, 2:] - truth[:, :2]) / 2, 1e-9)
    return np.asarray(1 - (np.abs(centres[:, None] - middles[None]) / half[None]).max(axis=2))


def match(
    found: Boxes, truth: Boxes, score: NDArray[np.floating], similarity: Similarity = iou, at_least: float = IOU
) -> Matches:
    """Match ``found`` with ``truth`` one to one: the best score first, each with the most similar true box still free.

    ``score`` (N,): of the found boxes. Only pairs with a similarity of ``at_least`` match. Equal scores are ordered by
    similarity, so the order of the rows does not matter.
    """
    similar = similarity(np.reshape(found, (-1, 4)).astype(np.float64), np.reshape(truth, (-1, 4)).astype(np.float64))
    best = similar.max(axis=1, initial=-np.inf)
    free = np.ones(similar.shape[1], bool)
    pairs = []
    for number in np.lexsort((-best, -np.asarray(score))):
        candidates = np.where(free, similar[number], -np.inf)
        if candidates.size and candidates.max() >= at_least:
            taken = int(candidates.argmax())
            free[taken] = False
            pairs.append((int(number), taken))
    return Matches(tuple(pairs), len(similar), similar.shape[1])


def outline_boxes(outlines: Iterable[Sequence[float]]) -> Boxes:
    """The bounding boxes (N, 4) of outlines, each a sequence x0, y0, x1, y1, ..."""
    corners = [(min(o[::2]), min(o[1::2]), max(o[::2]), max(o[1::2])) for o in outlines]
    return np.array(corners, np.float64).reshape(-1, 4)
