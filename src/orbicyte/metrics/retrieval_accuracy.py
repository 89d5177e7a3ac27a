"""Whether a turned cell is still recognised as itself among all test cells.

A turned cell x is retrieved if, of all unturned cells y, its own has the nearest representation:

    x = argmin_y ||z(Rx) - z(y)||   (Euclidean)

Where several cells are equally near, it counts by its chance among them: 1/t if it is one of t, so that a
representation that is the same for all cells scores 1/N, not 1. Invariance is paper 2.3; this tells it from
collapse, which rotation KL alone does not.

Yields ``retrieval_accuracy`` at each angle and over all angles except 0, ``retrieval_accuracy/multiples_of_90``,
``retrieval_accuracy/other_angles``, and ``retrieval_accuracy/cells``: N, among how many cells (chance is 1/N).
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
    """Rows as the module says."""
    values = np.array([retrieved(turned, evidence.mean[0]).mean() for turned in evidence.mean])
    yield from per_angle("retrieval_accuracy", values, evidence)
    yield Score("retrieval_accuracy", mean(values[1:]))
    yield from by_group("retrieval_accuracy", values[1:], evidence.is_multiple_of_90[1:])
    yield Score("retrieval_accuracy/cells", float(evidence.mean.shape[1]))


def retrieved(turned: Floats, upright: Floats) -> Doubles:
    """Chance of each turned cell to be taken for itself, from representations (N, D): (N,), 0 or 1 without ties."""
    starts = range(0, len(turned), ROWS_AT_ONCE)
    return np.concatenate([_retrieved(turned[i : i + ROWS_AT_ONCE], upright, i) for i in starts])


def _retrieved(turned: Floats, upright: Floats, first: int) -> Doubles:
    # Not by a matrix product, whose rounding would break ties that are exact.
    euclidean = DistanceMetric.get_metric("euclidean")
    distance = euclidean.pairwise(turned.astype(np.float64), upright.astype(np.float64))
    nearest = distance == distance.min(1, keepdims=True)
    cells = np.arange(len(turned))
    return np.where(nearest[cells, first + cells], 1 / nearest.sum(1), 0.0)
