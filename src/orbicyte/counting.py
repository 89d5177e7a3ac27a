"""The differential count: how many of a slide's cells are of each type, with the classifier's errors in the interval.

A count of what a classifier says is biased: rare types collect the errors of frequent ones (Rogan and Gladen 1978).
Here the true types of the cells without a name are sampled, given how often cells of each type that have a name were
taken for which (Gibbs sampling, as in Joseph, Gyorkos and Coupal 1995). The method is told in ``docs/counting.md``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
Doubles = NDArray[np.floating]


@dataclass(frozen=True)
class Differential:
    """Shares of types (K,), 0 to 1, that add up to 1, each with the ends of its 95 % interval."""

    share: Doubles
    low: Doubles
    high: Doubles


def corrected(
    named: Counts,
    predicted: Counts,
    confusion: Counts,
    seed: int = 0,
    chains: int = CHAINS,
    known: NDArray[np.bool_] | None = None,
) -> Differential:
    """The differential of one slide, corrected for the classifier's errors.

    ``named`` (K,): cells with a name, by type; ``predicted`` (J,): cells without one, by what the classifier calls
    them; ``confusion`` (J, J): cells with a name of any slide, by name and by what a classifier that had not seen
    them calls them. ``known`` (K,): the J types that the classifier knows, all by default; no cell without a name is
    taken for one of the others, of which nothing tells how many there are. ``chains`` are run side by side.
    """
    if not predicted.any():
        return naive(named, np.zeros_like(named), seed)
    rng = np.random.default_rng(seed)
    rows = _error_rates(confusion, chains, rng)
    share: Doubles = rng.dirichlet(np.ones(len(predicted)), chains)
    kept = []
    for step in range(STEPS):
        true = _true_types(predicted, share, rows, rng)
        share = _dirichlet(true + PRIOR, rng)
        if step >= BURN_IN and step % KEEP_EVERY == 0:
            kept.append(true)
    counted = np.tile(named, (len(kept) * chains, 1))
    counted[:, slice(None) if known is None else known] += np.concatenate(kept)
    return _summary(_dirichlet(counted + PRIOR, rng))


def naive(named: Counts, predicted: Counts, seed: int = 0) -> Differential:
    """The differential of one slide as if the classifier made no error; both counts are by type, (K,)."""
    return _summary(_dirichlet(np.tile(named + predicted + PRIOR, (NAIVE_DRAWS, 1)), np.random.default_rng(seed)))


def _error_rates(confusion: Counts, chains: int, rng: np.random.Generator) -> Doubles:
    """For each chain the probability that a cell of each type is called each type: (chains, J, J)."""
    return _dirichlet(np.tile(confusion + 1 / confusion.shape[1], (chains, 1, 1)), rng)


def _true_types(predicted: Counts, share: Doubles, rows: Doubles, rng: np.random.Generator) -> Counts:
    """For each chain, how many of the predicted cells are of each type in truth: (chains, J)."""
    joint = share[:, :, None] * rows + 1e-300
    of_called = np.moveaxis(joint / joint.sum(1, keepdims=True), 1, 2)
    return np.asarray(rng.multinomial(predicted, of_called).sum(1))


def _dirichlet(concentration: Doubles, rng: np.random.Generator) -> Doubles:
    """One draw for each row of the last axis."""
    gamma = rng.standard_gamma(concentration) + 1e-300
    return np.asarray(gamma / gamma.sum(-1, keepdims=True))


def _summary(share: Doubles) -> Differential:
    low, high = np.quantile(share, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Differential(share.mean(0), low, high)
