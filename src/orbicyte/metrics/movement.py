"""How far the representation moves when the cell is turned, against how far cells lie apart (movement/spread).

With z the exported representation, R a turn and means over cells x:

    movement/spread = sqrt(mean ||z(Rx) - z(x)||²) / sqrt(mean ||z(x) - mean z||²)

This is the ratio that DESIGN.md quotes for networks at initialisation; invariance itself is paper 2.3. 0 is
perfect invariance, sqrt(2) what putting another cell in its place would give.

Yields ``movement/raw`` at each angle, over all angles except 0 (root mean square), ``movement/raw/multiples_of_90``
and ``movement/raw/other_angles``; the same as ``movement/standardised`` (``movement/standardised/multiples_of_90``,
``movement/standardised/other_angles``), where each dimension is divided by its standard deviation over the
unturned cells, dimensions of variance below 0.01 dropped and counted: ``movement/dropped_dimensions``.
NaN where nothing is left, or where no cell differs from another.
"""

from collections.abc import Iterator

import numpy as np

from orbicyte.arrays import Doubles, Floats
from orbicyte.metrics.angles import by_group, per_angle, root_mean_square
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score

LEAST_VARIANCE = 0.01


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as the module says."""
    yield from _rows("movement/raw", evidence.mean, evidence)
    scaled = standardised(evidence.mean)
    yield from _rows("movement/standardised", scaled, evidence)
    yield Score("movement/dropped_dimensions", float(evidence.mean.shape[-1] - scaled.shape[-1]))


def movement(z: Floats) -> Doubles:
    """Movement over spread at each angle: (A,), from representations (A, N, D), the first unturned."""
    upright = z[0].astype(np.float64)
    moved = np.array([np.sum((turned - upright) ** 2, -1).mean() for turned in z])
    spread = np.sum((upright - upright.mean(0)) ** 2, -1).mean()
    return np.sqrt(moved / spread) if np.ptp(upright, 0).any() else np.full(len(z), np.nan)


def standardised(z: Floats) -> Floats:
    """``z`` (A, N, D) with unit variance over unturned cells, less the dimensions of variance below 0.01."""
    variance = z[0].astype(np.float64).var(0)
    kept = variance >= LEAST_VARIANCE
    return np.asarray(z[..., kept] / np.sqrt(variance[kept]), dtype=np.float32)


def _rows(name: str, z: Floats, evidence: Evidence) -> Iterator[Score]:
    values = movement(z)
    yield from per_angle(name, values, evidence)
    yield Score(name, root_mean_square(values[1:]))
    yield from by_group(name, values[1:], evidence.is_multiple_of_90[1:], root_mean_square)
