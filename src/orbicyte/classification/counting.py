"""The differential count: share of each type on a slide, with intervals that include the classifier's errors.

Counts of predicted types are biased: errors on frequent types inflate the counts of rare ones (Rogan and Gladen 1978).
Here the true types of the unlabelled cells are sampled, given the confusion matrix of the labelled ones (Gibbs
sampling, as in Joseph, Gyorkos and Coupal 1995). Cells that are out of distribution have their own confusion matrix and
their own shares. ``docs/counting.md`` describes the method.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbicyte.arrays import Counts, Doubles, Flags

PRIOR = 0.5
"""Jeffreys' prior of the shares of types."""
CHAINS = 500
NAIVE_SAMPLES = 5000
BURN_IN = 200
STEPS = 250
KEEP_EVERY = 10
"""Steps of each chain; those after the burn-in, one in ten, are kept."""
LEVEL = 0.95


@dataclass(frozen=True)
class Differential:
    """Shares of K types, 0 to 1, and the ends of their 95 % intervals, each (K,); ``share`` adds up to 1."""

    share: Doubles
    low: Doubles
    high: Doubles


@dataclass(frozen=True)
class Classified:
    """Unlabelled cells of a slide, and the errors of their classifier, for its J types.

    ``predicted`` (J,): the cells by predicted type; ``confusion`` (J, J): labelled cells of all slides that are like
    them, by label and by the type that a classifier not fitted on them predicts.
    """

    predicted: Counts
    confusion: Counts


def corrected(
    labelled: Counts,
    classified: Sequence[Classified],
    seed: int = 0,
    chains: int = CHAINS,
    known: Flags | None = None,
) -> Differential:
    """The differential of one slide, corrected for the classifier's errors.

    ``labelled`` (K,): labelled cells by label; ``classified``: groups of unlabelled cells, such as those within and
    those out of distribution, each with its own errors and shares. ``known`` (K,): True for the J types that the
    classifier knows, by default all; of the others only labelled cells are counted, as their number among the
    unlabelled ones is unknown. ``chains``: number of independent Markov chains.
    """
    groups = [group for group in classified if group.predicted.any()]
    if not groups:
        return naive(labelled, np.zeros_like(labelled), seed)
    rng = np.random.default_rng(seed)
    true = np.sum([_true_types(group, chains, rng) for group in groups], axis=0)
    counted = np.tile(labelled, (len(true), 1))
    counted[:, slice(None) if known is None else known] += true
    return _summary(_dirichlet(counted + PRIOR, rng))


def naive(labelled: Counts, predicted: Counts, seed: int = 0) -> Differential:
    """The differential of one slide as if the classifier made no errors; both counts are by type, (K,)."""
    return _summary(_dirichlet(np.tile(labelled + predicted + PRIOR, (NAIVE_SAMPLES, 1)), np.random.default_rng(seed)))


def _error_rates(confusion: Counts, chains: int, rng: np.random.Generator) -> Doubles:
    """For each chain, the probability of each predicted type given the true type: (chains, J, J)."""
    return _dirichlet(np.tile(confusion + 1 / confusion.shape[1], (chains, 1, 1)), rng)


def _true_types(group: Classified, chains: int, rng: np.random.Generator) -> Counts:
    """Numbers of cells of ``group`` by true type, sampled by Gibbs sampling: (samples, J)."""
    rows = _error_rates(group.confusion, chains, rng)
    share: Doubles = rng.dirichlet(np.ones(len(group.predicted)), chains)
    kept = []
    for step in range(STEPS):
        true = _given_shares(group.predicted, share, rows, rng)
        share = _dirichlet(true + PRIOR, rng)
        if step >= BURN_IN and step % KEEP_EVERY == 0:
            kept.append(true)
    return np.concatenate(kept)


def _given_shares(predicted: Counts, share: Doubles, rows: Doubles, rng: np.random.Generator) -> Counts:
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
