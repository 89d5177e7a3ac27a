"""Holm's correction for several comparisons (Scandinavian Journal of Statistics 6, 1979)."""

import numpy as np

from orbicyte.arrays import Doubles


def holm(p: Doubles) -> Doubles:
    """Corrected p of several tests, from their ``p`` (K,): (K,).

    The smallest p is multiplied by K, the next by K - 1, and so on; none becomes smaller than one before it, or larger
    than 1. Rejecting where the result is below .05 makes any false rejection, among all K tests, at most .05 likely.
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected
