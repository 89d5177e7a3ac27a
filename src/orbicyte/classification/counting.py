"""The differential count: how many of a slide's cells are of each type, with the classifier's errors in the interval.

A count of predicted types is biased: rare types collect the errors of frequent ones (Rogan and Gladen 1978). Here the
true types of the unlabelled cells are sampled, given the confusion of the labelled ones (Gibbs sampling, as in Joseph,
Gyorkos and Coupal 1995). ``docs/counting.md`` describes the method.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Doubles, Flags

PRIOR = 0.5
"""Jeffreys' prior of the shares of types."""
CHAINS = 500
NAIVE_DRAWS = 5000
BURN_IN = 200
STEPS = 250
KEEP_EVERY = 10
"""Steps of each chain; those after the burn-in, one in ten, are kept."""
LEVEL = 0.95

Counts = NDArray[np.integer]
"""(K,) or (K, K) numbers of cells, by type."""


@dataclass(frozen=True)
class Differential:
    """Shares of types (K,), 0 to 1, that add up to 1, each with the ends of its 95 % interval."""

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
    (J, J): labelled cells of all slides, by label and by the type that a classifier predicts which had not seen them.
    ``known`` (K,): the J types that the classifier knows, all by default; of the other types only labelled cells are
    counted, as nothing is known about how many more there are. ``chains`` are run side by side.
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
    """The differential of one slide as if the classifier made no error; both counts are by type, (K,)."""
    return _summary(_dirichlet(np.tile(labelled + predicted + PRIOR, (NAIVE_DRAWS, 1)), np.random.default_rng(seed)))


def _error_rates(confusion: Counts, chains: int, rng: np.random.Generator) -> Doubles:
    """For each chain the probability that a cell of each type is called each type: (chains, J, J)."""
    return _dirichlet(np.tile(confusion + 1 / confusion.shape[1], (chains, 1, 1)), rng)


def _true_types(predicted: Counts, share: Doubles, rows: Doubles, rng: np.random.Generator) -> Counts:
    """For each chain, how many of the predicted cells are of each type in truth: (chains, J)."""
    joint = share[:, :, None] * rows + 1e-300
    of_called = np.moveaxis(joint / joint.sum(1, keepdims=True), 1, 2)
    return np.asarray(rng.multinomial(predicted, of_called).sum(1))


def _dirichlet(concentration: NDArray[np.floating], rng: np.random.Generator) -> Doubles:
    """One draw for each row of the last axis."""
    gamma = rng.standard_gamma(concentration) + 1e-300
    return np.asarray(gamma / gamma.sum(-1, keepdims=True))


def _summary(share: Doubles) -> Differential:
    low, high = np.quantile(share, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Differential(share.mean(0), low, high)
