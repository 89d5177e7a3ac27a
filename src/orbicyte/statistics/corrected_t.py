"""The corrected resampled t, for results of a cross-validation.

Results of several folds share most of their training data, so they vary less than independent trainings would. Nadeau
and Bengio (Inference for the generalization error, Machine Learning 52, 2003) widen the variance of the mean of n
results from s²/n to

    s² (1/n + test/train)

with the sizes of a fold's test and training set. The same numbers, read as a posterior distribution of the true mean (t
with n - 1 degrees of freedom), are Corani and Benavoli's correlated t-test (Machine Learning 100, 2015).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from orbicyte.arrays import Doubles

POWER = 0.8
SIGNIFICANCE = 0.05

Interval = tuple[float, float]
"""The lower and the upper end."""


def held_out_ratio(folds: int) -> float:
    """Size of a test set, as a fraction of the rest, in a cross-validation with ``folds`` folds: 1 / (folds - 1).

    The rest includes the validation set: early stopping learns from it.
    """
    return 1 / (folds - 1)


@dataclass(frozen=True)
class CorrectedT:
    """The mean of ``n`` results (at least 2), its corrected standard error, and what follows from both."""

    mean: float
    standard_error: float
    n: int

    @classmethod
    def of(cls, values: Doubles, ratio: float) -> "CorrectedT":
        """From ``values`` (n,), one per fold and seed, such as differences of two networks; ``ratio``: test/train."""
        variance = float(np.var(values, ddof=1)) * (1 / len(values) + ratio)
        return cls(float(np.mean(values)), variance**0.5, len(values))

    def interval(self, level: float = 0.95) -> Interval:
        """The central interval that contains the true mean with probability ``level``."""
        half = self.standard_error * self._quantile(0.5 + level / 2)
        return self.mean - half, self.mean + half

    @property
    def p(self) -> float:
        """Two-sided p of a true mean of 0."""
        if self.standard_error == 0:
            return float(self.mean == 0)
        return float(2 * stats.t.sf(abs(self.mean) / self.standard_error, self.n - 1))

    def probability_within(self, margin: float) -> float:
        """Probability that the true mean is within ±``margin``."""
        if self.standard_error == 0:
            return float(abs(self.mean) <= margin)
        t = stats.t(self.n - 1, self.mean, self.standard_error)
        return float(t.cdf(margin) - t.cdf(-margin))

    @property
    def detectable(self) -> float:
        """The smallest true mean that would be found with a power of .8 in a two-sided test at .05.

        (t(.975) + t(.8)) times the standard error, with n - 1 degrees of freedom.
        """
        return self.standard_error * (self._quantile(1 - SIGNIFICANCE / 2) + self._quantile(POWER))

    def _quantile(self, probability: float) -> float:
        return float(stats.t.ppf(probability, self.n - 1))
