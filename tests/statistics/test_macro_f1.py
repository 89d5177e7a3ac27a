import numpy as np
import pytest
from sklearn.metrics import f1_score

from orbicyte.metrics.f1 import f1_table
from orbicyte.metrics.f1 import macro_f1 as measured
from orbicyte.statistics.macro_f1 import macro_f1


def test_each_weighting_is_the_measure_of_the_repeated_cells() -> None:
    random = np.random.default_rng(0)
    true, fold = random.integers(0, 4, 80), np.arange(80) % 3
    predicted = np.where(random.uniform(size=80) < 0.6, true, random.integers(0, 4, 80))
    weights = np.stack([np.ones(80), random.integers(0, 3, 80), (true > 0) * random.integers(0, 3, 80)], 1)
    found = macro_f1(true, predicted, fold, weights.astype(np.float32))
    for column, value in zip(weights.T.astype(int), found, strict=True):
        repeated = np.repeat(np.arange(80), column)
        parts = [repeated[fold[repeated] == i] for i in range(3)]
        table = f1_table([true[part].astype(str) for part in parts], [predicted[part].astype(str) for part in parts])
        assert value == pytest.approx(measured(table))


def test_a_fold_without_weight_is_left_out() -> None:
    true, predicted = np.array([0, 1, 0, 1]), np.array([0, 0, 0, 1])
    weights = np.array([[1, 1, 0, 0]], np.float32).T
    expected = f1_score([0, 1], [0, 0], average="macro")
    assert macro_f1(true, predicted, np.array([0, 0, 1, 1]), weights) == pytest.approx(expected)
