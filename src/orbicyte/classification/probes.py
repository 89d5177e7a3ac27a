"""Shallow classifiers of representations (paper 2.4).

The paper's "shallow classification network" is not described; here it is a linear probe (logistic regression) and
a multi-layer perceptron with one hidden layer. Scaling and hyperparameters are determined on the cells that a probe
is fitted on, from the same grid for every network.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from orbicyte.arrays import Floats, Rows, Strings
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.splits import INNER_FOLDS, Split, inner_splits, splits


@dataclass(frozen=True)
class FittedProbe:
    """A probe and the positions of the cells that it was not fitted on."""

    test: Rows
    probe: GridSearchCV


def linear_probe(seed: int, splits: Iterable[Split] | int = INNER_FOLDS) -> GridSearchCV:
    """Scaling and logistic regression, its penalty chosen by macro F1 over ``splits`` when fitted.

    ``fit(x, types)``, ``predict(x)``, ``predict_proba(x)``; ``best_estimator_`` is the pipeline of ``scale``
    (StandardScaler) and ``classify`` (LogisticRegression).
    """
    return _search(LogisticRegression(max_iter=1000, random_state=seed), {"C": (0.001, 0.01, 0.1, 1.0, 10.0)}, splits)


def mlp_probe(seed: int, splits: Iterable[Split] | int = INNER_FOLDS) -> GridSearchCV:
    """Scaling and a perceptron with one hidden layer of 64, its weight decay chosen by macro F1 over ``splits``.

    Fitted by L-BFGS on all cells at once for at most 200 steps: unlike early stopping, which needs held-out cells,
    this works for types of a few cells, and a few hundred cells are fitted as well as thousands.
    """
    perceptron = MLPClassifier((64,), solver="lbfgs", max_iter=200, random_state=seed)
    return _search(perceptron, {"alpha": (3.0, 10.0, 30.0)}, splits)


Probe = Callable[[int, Iterable[Split]], GridSearchCV]
PROBES: dict[str, Probe] = {"linear": linear_probe, "mlp": mlp_probe}


def fitted(probe: Probe, x: Floats, cells: LabelledCells, seed: int) -> GridSearchCV:
    """``probe`` fitted on ``x`` (M, D) of all ``cells`` (M), its hyperparameters chosen by cross-validation on them.

    There is no warning if the perceptron reaches its last step: the number of steps is part of the probe. Raises
    ``OrbicyteError`` if the cells are too few to choose hyperparameters.
    """
    search = probe(seed, inner_splits(cells, seed))
    # On matrices this small, several threads are ten times slower than one.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return search.fit(x, cells.types)


def cross_validated(probe: Probe, x: Floats, cells: LabelledCells, folds: int, seed: int) -> list[FittedProbe]:
    """``probe`` fitted once per fold, on the other folds; every cell is in the ``test`` of one fold.

    ``x``: (M, D) of ``cells`` (M). Raises ``OrbicyteError`` as ``splits``.
    """
    return [
        FittedProbe(test, fitted(probe, x[train], cells[train], seed)) for train, test in splits(cells, folds, seed)
    ]


def out_of_fold(folds: Iterable[FittedProbe], x: Floats) -> tuple[Rows, Strings]:
    """The fold, from 0, in which each cell is tested, and the type that its probe predicts: (M,), (M,).

    ``folds``: of ``cross_validated`` on ``x`` (M, D).
    """
    number, predicted = np.empty(len(x), np.int64), np.empty(len(x), object)
    for i, fold in enumerate(folds):
        number[fold.test], predicted[fold.test] = i, fold.probe.predict(x[fold.test])
    return number, predicted.astype(np.str_)


def majority(types: Strings) -> str:
    """The most frequent of ``types`` (M,); if there are several, the first by name."""
    names, counts = np.unique(types, return_counts=True)
    return str(names[counts.argmax()])


def _search(classifier: object, grid: dict[str, tuple[float, ...]], splits: Iterable[Split] | int) -> GridSearchCV:
    pipeline = Pipeline([("scale", StandardScaler()), ("classify", classifier)])
    parameters = {f"classify__{name}": values for name, values in grid.items()}
    return GridSearchCV(pipeline, parameters, scoring="f1_macro", cv=splits, error_score="raise")
