"""The paired bootstrap over labelled cells and trainings.

Two things vary at random in a comparison of networks by F1: the labelled cells on which they are scored, and the
trainings (folds of the unlabelled cells, seeds). Both are resampled: cells in whole groups (slides or patients, where
known), and on a second level trainings. Every network gets the same resample, so what is common to them cancels in
their difference. Of n groups or trainings, n - 1 are drawn with replacement, which makes the variance of a mean
unbiased also for a small n (Rao and Wu, Journal of the American Statistical Association 83, 1988). The probes are not
fitted again.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from orbicyte.arrays import Doubles, Floats
from orbicyte.statistics.corrected_t import POWER, SIGNIFICANCE, Interval

RESAMPLES = 2000
CELLS, TRAININGS = 0, 1
"""The two levels; each has random numbers of its own."""


def resampled_weights(n: int, level: int, resamples: int = RESAMPLES) -> Floats:
    """How many times each of ``n`` units counts in each resample of n - 1 of them: (n, resamples); 1 for one unit.

    The same for every call with the same ``n`` and ``level`` (``CELLS`` or ``TRAININGS``).
    """
    if n == 1:
        return np.ones((1, resamples), np.float32)
    random = np.random.default_rng([level, n])
    drawn = random.integers(n, size=(resamples, n - 1)) + n * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n * resamples).reshape(resamples, n)
    return np.ascontiguousarray(counts.T, np.float32)  # its rows are selected


@dataclass(frozen=True)
class Bootstrapped:
    """An estimate, and its values in the resamples, sorted: (B,)."""

    estimate: float
    resamples: Doubles

    @classmethod
    def over(cls, estimate: float, trainings: Doubles) -> "Bootstrapped":
        """The mean over trainings, in resamples of them.

        ``trainings`` (n, B): the value of each training in each resample of the cells, such as the difference of two
        networks. With the same n, the resamples of the trainings are the same.
        """
        weights = resampled_weights(len(trainings), TRAININGS, trainings.shape[1])
        return cls(estimate, np.sort((weights * trainings).sum(0) / weights.sum(0)))

    def interval(self, level: float = 0.95) -> Interval:
        """The central percentiles that contain a share of ``level`` of the resamples."""
        low, high = np.quantile(self.resamples, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)

    def probability_within(self, margin: float) -> float:
        """Share of the resamples within ±``margin``."""
        return float((np.abs(self.resamples) <= margin).mean())

    @property
    def detectable(self) -> float:
        """The smallest true value that would be found with a power of .8 in a two-sided test at .05.

        (z(.975) + z(.8)) = 2.80 times the standard deviation of the resamples.
        """
        normal = NormalDist()
        quantiles = normal.inv_cdf(1 - SIGNIFICANCE / 2) + normal.inv_cdf(POWER)
        return quantiles * float(self.resamples.std(ddof=1))
