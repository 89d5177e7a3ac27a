"""The differential count: share of each type on a slide, with intervals that include the classifier's errors.

Counts of predicted types are biased: errors on frequent types inflate the counts of rare ones (Rogan and Gladen 1978).
Here the true types of the unlabelled cells are sampled, given the confusion matrix of the labelled ones (Gibbs
sampling, as in Joseph, Gyorkos and Coupal 1995). ``docs/counting.md`` describes the method.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Doubles, Flags

PRIOR = 0.5
"""Jeffreys' prior of the shares of types."""
CHAINS = 500
NAIVE_SAMPLES = 5000
BURN_IN = 200
STEPS = 250
KEEP_EVERY = 10
"""Steps of each chain; those after the burn-in, one in ten, are kept."""
LEVEL = 0.95

Counts = NDArray[np.integer]
"""(K,) or (K, K) numbers of cells, by type."""


@dataclass(frozen=True)
class Differential:
    """Shares of K types, 0 to 1, and the ends of their 95 % intervals, each (K,); ``share`` adds up to 1."""

    share: Doubles
    low: Doubles
    high: Doubles


def corrected(
    labelled: Counts,
    predicted: Counts,
    confusion: Counts,
    seed: int = 0,
    chains: int = CHAINS,
    known: Flags | None = None,
) -> Differential:
    """The differential of one slide, corrected for the classifier's errors.

    ``labelled`` (K,): labelled cells by label; ``predicted`` (J,): unlabelled cells by predicted type; ``confusion``
    (J, J): labelled cells of all slides, by label and by the type that a classifier not fitted on them predicts.
    ``known`` (K,): True for the J types that the classifier knows, by default all; of the others only labelled cells
    are counted, as their number among the unlabelled ones is unknown. ``chains``: number of independent Markov chains.
    """
    if not predicted.any():
        return naive(labelled, np.zeros_like(labelled), seed)
    rng = np.random.default_rng(seed)
    rows = _error_rates(confusion, chains, rng)
    share: Doubles = rng.dirichlet(np.ones(len(predicted)), chains)
    kept = []
    for step in range(STEPS):
        true = _true_types(predicted, share, rows, rng)
        share = _dirichlet(true + PRIOR, rng)
        if step >= BURN_IN and step % KEEP_EVERY == 0:
            kept.append(true)
    counted = np.tile(labelled, (len(kept) * chains, 1))
    counted[:, slice(None) if known is None else known] += np.concatenate(kept)
    return _summary(_dirichlet(counted + PRIOR, rng))


def naive(labelled: Counts, predicted: Counts, seed: int = 0) -> Differential:
    """The differential of one slide as if the classifier made no errors; both counts are by type, (K,)."""
    return _summary(_dirichlet(np.tile(labelled + predicted + PRIOR, (NAIVE_SAMPLES, 1)), np.random.default_rng(seed)))


def _error_rates(confusion: Counts, chains: int, rng: np.random.Generator) -> Doubles:
    """For each chain, the probability of each predicted type given the true type: (chains, J, J)."""
    return _dirichlet(np.tile(confusion + 1 / confusion.shape[1], (chains, 1, 1)), rng)


def _true_types(predicted: Counts, share: Doubles, rows: Doubles, rng: np.random.Generator) -> Counts:
    """For each chain, the number of predicted cells by sampled true type: (chains, J)."""
    joint = share[:, :, None] * rows + 1e-300
    given_predicted = np.moveaxis(joint / joint.sum(1, keepdims=True), 1, 2)
    return np.asarray(rng.multinomial(predicted, given_predicted).sum(1))


def _dirichlet(concentration: NDArray[np.floating], rng: np.random.Generator) -> Doubles:
    """One sample for each row of the last axis, of the same shape."""
    gamma = rng.standard_gamma(concentration) + 1e-300
    return np.asarray(gamma / gamma.sum(-1, keepdims=True))


def _summary(share: Doubles) -> Differential:
    low, high = np.quantile(share, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Differential(share.mean(0), low, high)
