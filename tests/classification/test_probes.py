import numpy as np
import pytest
from tests.classification.made_cells import cells_of, labelled, representations

from orbicyte.classification.probes import (
    PROBES,
    Probe,
    cross_validated,
    fitted,
    linear_probe,
    majority,
    mlp_probe,
    out_of_fold,
)
from orbicyte.classification.splits import splits
from orbicyte.errors import OrbicyteError


@pytest.mark.parametrize("probe", PROBES.values())
def test_each_cell_is_tested_once_by_a_probe_that_was_not_fitted_on_it(probe: Probe) -> None:
    cells = cells_of({"a": 20, "b": 12, "c": 7})
    x = representations(cells)
    folds = cross_validated(probe, x, cells, 5, 0)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(39))
    for fold in folds:
        assert fold.probe.best_estimator_["scale"].n_samples_seen_ == 39 - len(fold.test)
        assert (fold.probe.predict(x[fold.test]) == cells.types[fold.test]).mean() > 0.8


def test_out_of_fold_predictions_are_in_the_order_of_the_cells() -> None:
    cells = cells_of({"a": 20, "b": 12})
    x = representations(cells)
    folds = cross_validated(linear_probe, x, cells, 4, 0)
    number, predicted = out_of_fold(folds, x)
    for i, fold in enumerate(folds):
        assert np.flatnonzero(number == i).tolist() == fold.test.tolist()
        assert predicted[fold.test].tolist() == fold.probe.predict(x[fold.test]).tolist()


def test_scaling_comes_from_the_training_fold() -> None:
    cells = cells_of({"a": 20, "b": 20})
    x = representations(cells)
    folds = cross_validated(linear_probe, x, cells, 4, 0)
    for (train, _), fold in zip(splits(cells, 4, 0), folds, strict=True):
        np.testing.assert_allclose(fold.probe.best_estimator_["scale"].mean_, x[train].mean(0), rtol=1e-4, atol=1e-6)


def test_a_curved_boundary_needs_the_perceptron() -> None:
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    ring = labelled(np.where(np.hypot(*x.T) < 1.2, "in", "out"))
    linear, mlp = (fitted(probe, x, ring, 0).best_score_ for probe in (linear_probe, mlp_probe))
    assert linear < 0.7
    assert mlp > 0.9


@pytest.mark.parametrize("probe", [linear_probe, mlp_probe])
def test_a_probe_is_reproducible(probe: Probe) -> None:
    cells = cells_of({"a": 20, "b": 12, "c": 9})
    x = representations(cells)
    probabilities = [fitted(probe, x, cells, 1).predict_proba(x) for _ in range(2)]
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
    np.testing.assert_allclose(probabilities[0].sum(1), 1, rtol=1e-6)


def test_too_few_cells_to_choose_hyperparameters() -> None:
    cells = cells_of({"a": 1, "b": 1})
    with pytest.raises(OrbicyteError, match="2 labelled cells are too few"):
        fitted(linear_probe, representations(cells), cells, 0)


def test_majority() -> None:
    assert majority(np.array(["b", "a", "b"])) == "b"
    assert majority(np.array(["b", "a"])) == "a"
