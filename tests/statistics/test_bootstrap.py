"""Known variances, and calibration on simulated experiments."""

from typing import NamedTuple

import numpy as np
import pytest

from orbicyte.arrays import Doubles, Floats, Rows
from orbicyte.statistics.bootstrap import CELLS, TRAININGS, Bootstrapped, resampled_weights
from orbicyte.statistics.macro_f1 import macro_f1

CELLS_SCORED, TRAINED, TYPES, PROBE_FOLDS, RESAMPLES = 300, 6, 4, 5, 300


@pytest.mark.parametrize("n", [2, 6, 40])
def test_the_variance_of_a_mean_is_unbiased(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    weights = resampled_weights(n, TRAININGS, 20_000)
    assert (weights.sum(0) == n - 1).all()
    means = (weights * values[:, None]).sum(0) / weights.sum(0)
    assert means.var() == pytest.approx(values.var(ddof=1) / n, rel=0.05)


def test_the_two_levels_are_resampled_independently() -> None:
    cells, trainings = (resampled_weights(6, level, 5000) for level in (CELLS, TRAININGS))
    assert abs(np.corrcoef(cells[0], trainings[0])[0, 1]) < 0.05
    assert (resampled_weights(6, TRAININGS, 5000) == trainings).all()


def test_one_training_leaves_the_resamples_of_the_cells() -> None:
    found = Bootstrapped.over(0.5, np.array([[0.4, 0.6, 0.5]]))
    assert found.resamples.tolist() == [0.4, 0.5, 0.6]
    assert found.probability_within(0.45) == pytest.approx(1 / 3)


class Simulated(NamedTuple):
    """Predictions of two networks in several trainings: (2, trainings, cells)."""

    true: Rows
    predicted: Rows


def simulate(random: np.random.Generator, better: float, cells: int, trainings: int) -> Simulated:
    """Cells of different difficulty, trainings of different quality; the second network is ``better``."""
    true = random.integers(0, TYPES, cells)
    difficulty = random.normal(0, 0.8, cells)
    quality = random.normal(0, 0.15, (2, trainings, 1)) + np.array([0, better])[:, None, None]
    right = 0.5 + quality - difficulty + random.normal(0, 0.7, (2, trainings, cells)) > 0
    return Simulated(true, np.where(right, true, (true + random.integers(1, TYPES, right.shape)) % TYPES))


def values(simulated: Simulated, weights: Floats) -> Doubles:
    """Macro F1 of each network and training in each weighting: (2, trainings, B)."""
    fold = np.arange(len(simulated.true)) % PROBE_FOLDS
    f1 = [macro_f1(simulated.true, row, fold, weights) for network in simulated.predicted for row in network]
    return np.reshape(f1, (*simulated.predicted.shape[:2], -1))


@pytest.mark.parametrize("better", [0.0, 0.25])
def test_intervals_of_a_difference_contain_the_truth_in_about_95_of_100_experiments(better: float) -> None:
    random = np.random.default_rng(0)
    large = values(simulate(random, better, 20_000, 300), np.ones((20_000, 1), np.float32))
    truth = (large[1] - large[0]).mean()
    resampled = resampled_weights(CELLS_SCORED, CELLS, RESAMPLES)
    covered, excludes_zero = [], []
    for _ in range(250):
        f1 = values(simulate(random, better, CELLS_SCORED, TRAINED), resampled)
        low, high = Bootstrapped.over(0.0, f1[1] - f1[0]).interval()
        covered.append(low <= truth <= high)
        excludes_zero.append(not low <= 0 <= high)
    assert 0.9 < np.mean(covered) <= 0.995
    assert np.mean(excludes_zero) < 0.1 if better == 0 else np.mean(excludes_zero) > 0.5
