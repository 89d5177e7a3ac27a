"""How much the posterior changes when the cell is rotated (paper 2.2, Fig. 3), in nats.

Symmetric Kullback-Leibler divergence (Kullback & Leibler 1951) of two diagonal Gaussians p and q, summed over
latent dimensions d, always KL(p||q) + KL(q||p), for every setting of the training loss:

    J = sum_d [ cosh(lnv_p - lnv_q) - 1 + (m_p - m_q)² (1/v_p + 1/v_q) / 2 ]

Yields ``rotation_kl`` at each angle (between the view at that angle and at angle 0, mean over cells);
``rotation_kl``: the mean over cells and over all pairs of two different angles ("two arbitrarily rotated versions",
paper 2.2); ``rotation_kl/multiples_of_90`` and ``rotation_kl/other_angles``: the same over the pairs that differ, and
do not differ, by a multiple of 90°; ``rotation_kl/between_cells``: the mean over pairs of different cells at angle 0
(each cell with 100 others, sampled by the seed); ``rotation_kl/ratio``: ``rotation_kl`` over
``rotation_kl/between_cells``, 0 for perfect invariance, about 1 if rotation changes the posterior as much as replacing
the cell by another.
"""

from collections.abc import Iterator

import numpy as np

from orbicyte.arrays import Doubles, Flags, Floats
from orbicyte.metrics.angles import by_group, mean, per_angle
from orbicyte.metrics.evidence import Evidence
from orbicyte.study.scores import Score

OTHER_CELLS = 100


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring; ``rotation_kl/ratio`` is NaN if all cells have the same posterior."""
    pairs = angle_pairs_kl(evidence.mean, evidence.log_variance)
    yield from per_angle("rotation_kl", np.concatenate(([0.0], pairs[0, 1:])), evidence)
    i, j = np.triu_indices(len(pairs), 1)
    overall = mean(pairs[i, j])
    yield Score("rotation_kl", overall)
    yield from by_group("rotation_kl", pairs[i, j], _is_multiple_of_90(evidence.angles_deg[j] - evidence.angles_deg[i]))
    between = between_cells_kl(evidence.mean[0], evidence.log_variance[0], evidence.seed)
    yield Score("rotation_kl/between_cells", between)
    yield Score("rotation_kl/ratio", overall / between if between > 0 else float("nan"))


def symmetric_kl(mean_p: Floats, log_variance_p: Floats, mean_q: Floats, log_variance_q: Floats) -> Doubles:
    """KL(p||q) + KL(q||p) in nats of diagonal Gaussians (..., D), with broadcasting: (...)."""
    lnv_p, lnv_q = log_variance_p.astype(np.float64), log_variance_q.astype(np.float64)
    squared = (mean_p.astype(np.float64) - mean_q) ** 2
    terms = np.cosh(lnv_p - lnv_q) - 1 + squared * (np.exp(-lnv_p) + np.exp(-lnv_q)) / 2
    return np.asarray(terms.sum(-1))


def angle_pairs_kl(mean: Floats, log_variance: Floats) -> Doubles:
    """Symmetric KL in nats, mean over cells, of each pair of angles: (A, A), above the diagonal; 0 elsewhere.

    ``mean``, ``log_variance``: (A, N, D).
    """
    pairs = np.zeros((len(mean), len(mean)))
    for i in range(len(mean) - 1):
        later = symmetric_kl(mean[i], log_variance[i], mean[i + 1 :], log_variance[i + 1 :])
        pairs[i, i + 1 :] = later.mean(-1)
    return pairs


def between_cells_kl(mean: Floats, log_variance: Floats, seed: int) -> float:
    """Symmetric KL in nats, mean over pairs of different cells; NaN for one cell.

    ``mean``, ``log_variance``: (N, D). All pairs of up to 101 cells; else each cell with 100 others, by the seed.
    """
    order = np.random.default_rng(seed).permutation(len(mean))
    mean, log_variance = mean[order], log_variance[order]
    shifts = range(1, min(len(mean), OTHER_CELLS + 1))
    divergences = [
        symmetric_kl(mean, log_variance, np.roll(mean, k, 0), np.roll(log_variance, k, 0)).mean() for k in shifts
    ]
    return float(np.mean(divergences)) if divergences else float("nan")


def _is_multiple_of_90(difference_deg: Doubles) -> Flags:
    quarters = difference_deg / 90
    return np.isclose(quarters, np.round(quarters))
