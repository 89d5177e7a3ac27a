"""Whether a rotated cell is retrieved among all test cells (recall at 1).

A rotated cell Rx is retrieved if, of all cells y at angle 0, the same cell has the nearest representation:

    x = argmin_y ||z(Rx) - z(y)||   (Euclidean)

If t cells are equally near and x is one of them, it counts as 1/t, so that a representation that is the same for all
cells has an accuracy of 1/N, not 1. Invariance is paper 2.3; this measure distinguishes it from collapse, which
rotation KL alone does not.

Yields ``retrieval_accuracy`` at each angle and over all angles except 0, ``retrieval_accuracy/multiples_of_90``,
``retrieval_accuracy/other_angles``, and ``retrieval_accuracy/cells``: N, the number of cells (chance is 1/N).
"""

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import DistanceMetric

from orbicyte.arrays import Doubles, Floats
from orbicyte.metrics.angles import by_group, mean, per_angle
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score

ROWS_AT_ONCE = 1000


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring."""
    values = np.array([retrieved(rotated, evidence.mean[0]).mean() for rotated in evidence.mean])
    yield from per_angle("retrieval_accuracy", values, evidence)
    yield Score("retrieval_accuracy", mean(values[1:]))
    yield from by_group("retrieval_accuracy", values[1:], evidence.is_multiple_of_90[1:])
    yield Score("retrieval_accuracy/cells", float(evidence.mean.shape[1]))


def retrieved(rotated: Floats, at_zero: Floats) -> Doubles:
    """Whether each rotated cell is retrieved: (N,), 1 or 0, or 1/t for one of t equally near cells.

    ``rotated``, ``at_zero``: representations (N, D) of the same cells.
    """
    starts = range(0, len(rotated), ROWS_AT_ONCE)
    return np.concatenate([_retrieved(rotated[i : i + ROWS_AT_ONCE], at_zero, i) for i in starts])


def _retrieved(rotated: Floats, at_zero: Floats, first: int) -> Doubles:
    # Not by a matrix product, whose rounding would break exact ties.
    euclidean = DistanceMetric.get_metric("euclidean")
    distance = euclidean.pairwise(rotated.astype(np.float64), at_zero.astype(np.float64))
    nearest = distance == distance.min(1, keepdims=True)
    cells = np.arange(len(rotated))
    return np.where(nearest[cells, first + cells], 1 / nearest.sum(1), 0.0)
