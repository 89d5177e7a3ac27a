"""Whether a turned cell is still recognised as itself among all test cells.

A turned cell x is identified if, of all unturned cells y, its own has the nearest representation:

    x = argmin_y ||z(Rx) - z(y)||   (Euclidean)

Where several cells are equally near, it counts by its chance among them: 1/t if it is one of t, so that a
representation that is the same for all cells scores 1/N, not 1. Invariance is paper 2.3; this tells it from
collapse, which rotation KL alone does not.

Yields ``identification`` at each angle and over all angles except 0, ``identification/quarter_turns``,
``identification/other_angles``, and ``identification/cells``: N, among how many cells (chance is 1/N).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import DistanceMetric

from orbicyte.evidence import Evidence, Floats
from orbicyte.metrics._angles import apart, mean, per_angle
from orbicyte.scores import Score

ROWS_AT_ONCE = 1000


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as the module says."""
    values = np.array([identified(turned, evidence.mean[0]).mean() for turned in evidence.mean])
    yield from per_angle("identification", values, evidence)
    yield Score("identification", mean(values[1:]))
    yield from apart("identification", values[1:], evidence.quarter_turn[1:])
    yield Score("identification/cells", float(evidence.mean.shape[1]))


def identified(turned: Floats, upright: Floats) -> NDArray[np.float64]:
    """Chance of each turned cell to be taken for itself, from representations (N, D): (N,), 0 or 1 without ties."""
    starts = range(0, len(turned), ROWS_AT_ONCE)
    return np.concatenate([_identified(turned[i : i + ROWS_AT_ONCE], upright, i) for i in starts])


def _identified(turned: Floats, upright: Floats, first: int) -> NDArray[np.float64]:
    # Not by a matrix product, whose rounding would break ties that are exact.
    euclidean = DistanceMetric.get_metric("euclidean")
    distance = euclidean.pairwise(turned.astype(np.float64), upright.astype(np.float64))
    nearest = distance == distance.min(1, keepdims=True)
    cells = np.arange(len(turned))
    return np.where(nearest[cells, first + cells], 1 / nearest.sum(1), 0.0)
