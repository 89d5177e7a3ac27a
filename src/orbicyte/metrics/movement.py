"""Movement over spread: how far the representation moves when the cell is rotated, relative to its spread over cells.

With z the exported representation, z(x) that of cell x at angle 0, R a rotation by one angle, and means over cells x:

    movement/spread = sqrt(mean ||z(Rx) - z(x)||²) / sqrt(mean ||z(x) - mean z||²)

The numerator is the root mean square distance between a rotated cell and the same cell at angle 0, the denominator
the root mean square distance of the cells at angle 0 from their mean. The ratio has no unit. 0 is perfect invariance
(paper 2.3); sqrt(2) is expected if the rotated cell is replaced by a random other cell.

Yields ``movement/raw`` at each angle, over all angles except 0 (root mean square), ``movement/raw/multiples_of_90``
and ``movement/raw/other_angles``; the same as ``movement/standardised`` (``movement/standardised/multiples_of_90``,
``movement/standardised/other_angles``), with each dimension divided by its standard deviation over the cells at
angle 0; dimensions of variance below 0.01 are dropped and counted: ``movement/dropped_dimensions``.
NaN if no dimension remains, or if all cells have the same representation.
"""

from collections.abc import Iterator

import numpy as np

from orbicyte.arrays import Doubles, Floats
from orbicyte.metrics.angles import by_group, per_angle, root_mean_square
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import CONSTANT, Score

MIN_VARIANCE = 0.01


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring."""
    yield from _rows("movement/raw", evidence.mean, evidence)
    scaled = standardised(evidence.mean)
    yield from _rows("movement/standardised", scaled, evidence)
    yield Score(CONSTANT, float(evidence.mean.shape[-1] - scaled.shape[-1]))


def movement(z: Floats) -> Doubles:
    """Movement over spread at each angle: (A,), from representations (A, N, D), the first at angle 0.

    All NaN if the representations at angle 0 are the same for all cells.
    """
    at_zero = z[0].astype(np.float64)
    moved = np.array([np.sum((rotated - at_zero) ** 2, -1).mean() for rotated in z])
    spread = np.sum((at_zero - at_zero.mean(0)) ** 2, -1).mean()
    return np.sqrt(moved / spread) if np.ptp(at_zero, 0).any() else np.full(len(z), np.nan)


def standardised(z: Floats) -> Floats:
    """``z`` (A, N, D), scaled to unit variance over cells at angle 0, without dimensions of variance below 0.01."""
    variance = z[0].astype(np.float64).var(0)
    kept = variance >= MIN_VARIANCE
    return np.asarray(z[..., kept] / np.sqrt(variance[kept]), dtype=np.float32)


def _rows(name: str, z: Floats, evidence: Evidence) -> Iterator[Score]:
    values = movement(z)
    yield from per_angle(name, values, evidence)
    yield Score(name, root_mean_square(values[1:]))
    yield from by_group(name, values[1:], evidence.is_multiple_of_90[1:], root_mean_square)
