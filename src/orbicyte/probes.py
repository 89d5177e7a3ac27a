"""Shallow classifiers of representations, and how labelled cells are split for them (paper 2.4).

The paper's "shallow classification network" is not described; here it is a linear probe (logistic regression) and
a multi-layer perceptron of one hidden layer. Scaling and settings come from inside the cells that a probe is
fitted on, from the same grid for every network.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import BaseCrossValidator, GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from orbicyte.errors import OrbicyteError

INNER_FOLDS = 3

Names = NDArray[np.str_]
Rows = NDArray[np.int64]
Split = tuple[Rows, Rows]


@dataclass(frozen=True)
class Cells:
    """Labelled cells: ``x`` (M, D) what a probe sees, ``types`` (M,) names, ``groups`` (M,) slides or patients.

    ``grouped_by``: "slide", "patient", or "cell" where neither is known; ``groups`` is not looked at then.
    """

    x: NDArray[np.float32]
    types: Names
    groups: Names
    grouped_by: str

    def __getitem__(self, rows: Rows) -> "Cells":
        return Cells(self.x[rows], self.types[rows], self.groups[rows], self.grouped_by)

    def __len__(self) -> int:
        return len(self.types)


@dataclass(frozen=True)
class Fold:
    """A probe and the rows that it was not fitted on."""

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

    Fitted by L-BFGS on all cells at once for at most 200 steps: unlike early stopping on a part of the cells this
    works for a type of a handful of cells, and a few hundred cells are fitted as thoroughly as thousands.
    """
    perceptron = MLPClassifier((64,), solver="lbfgs", max_iter=200, random_state=seed)
    return _search(perceptron, {"alpha": (3.0, 10.0, 30.0)}, splits)


Probe = Callable[[int, Iterable[Split]], GridSearchCV]
PROBES: dict[str, Probe] = {"linear": linear_probe, "mlp": mlp_probe}


def fitted(probe: Probe, cells: Cells, seed: int) -> GridSearchCV:
    """``probe`` fitted on all ``cells``, its settings chosen by splits inside them.

    That the perceptron reaches its last step is no warning: the number of steps is part of the probe. Raises
    ``OrbicyteError`` if the cells are too few to choose settings on.
    """
    search = probe(seed, inner_splits(cells, seed))
    # On matrices this small, threads that wait for each other make it ten times slower.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return search.fit(cells.x, cells.types)


def cross_validated(probe: Probe, cells: Cells, folds: int, seed: int) -> list[Fold]:
    """``probe`` fitted on all folds but one, for each; every cell is in the ``test`` of one. Raises as ``splits``."""
    return [Fold(test, fitted(probe, cells[train], seed)) for train, test in splits(cells, folds, seed)]


def splits(cells: Cells, folds: int, seed: int) -> list[Split]:
    """Rows to fit and to test on, for each fold: stratified by type, groups whole, shuffled by ``seed``.

    Raises ``OrbicyteError``: one type only, a type of fewer cells than folds, fewer groups than folds, or groups
    that leave one type only to fit on.
    """
    check(cells, folds)
    parts = _split(cells, _splitter(cells.grouped_by, folds, seed))
    for train, _ in parts:
        if len(np.unique(cells.types[train])) < 2:
            raise OrbicyteError(
                f"folds by {cells.grouped_by} leave only {str(cells.types[train][0])!r} to learn from: "
                f"label cells of the other types on more than one {cells.grouped_by}"
            )
    return parts


def splits_by_cell(cells: Cells, folds: int, seed: int) -> list[Split]:
    """Rows as ``splits`` gives them, groups not kept whole; one type of ``folds`` cells is enough."""
    return _split(cells, _splitter("cell", folds, seed))


def check(cells: Cells, folds: int) -> None:
    """Raise ``OrbicyteError`` if ``cells`` cannot be parted into ``folds``."""
    names, counts = np.unique(cells.types, return_counts=True)
    if len(names) < 2:
        told = f"all are {str(names[0])!r}" if len(names) else "there is none"
        raise OrbicyteError(f"typing takes labelled cells of two types or more, but {told}: check the labels' column")
    rarest = int(counts.argmin())
    if counts[rarest] < folds:
        fewer = f", or --set evaluation.folds={counts[rarest]}" if counts[rarest] > 1 else ""
        raise OrbicyteError(
            f"type {str(names[rarest])!r} has {counts[rarest]} labelled cells to report on, fewer than the {folds} "
            f"folds: label more of it, or merge it with another type{fewer}"
        )
    groups = len(np.unique(cells.groups))
    if cells.grouped_by != "cell" and groups < folds:
        fewer = f", or --set evaluation.folds={groups}" if groups > 1 else ""
        raise OrbicyteError(
            f"the labelled cells to report on come from {groups} {cells.grouped_by}(s), fewer than the {folds} folds: "
            f"label cells of more{fewer}"
        )


def inner_splits(cells: Cells, seed: int) -> list[Split]:
    """Splits to choose settings on: by group where that leaves two types to fit on, else by cell.

    Raises ``OrbicyteError`` if no split does.
    """
    for grouped_by in (cells.grouped_by, "cell"):
        groups = len(np.unique(cells.groups)) if grouped_by != "cell" else len(cells)
        largest = int(np.unique(cells.types, return_counts=True)[1].max())
        count = min(INNER_FOLDS, groups, largest)
        parts = _split(cells, _splitter(grouped_by, count, seed)) if count >= 2 else []
        usable = [(train, test) for train, test in parts if len(np.unique(cells.types[train])) >= 2]
        if usable:
            return usable
    raise OrbicyteError(f"{len(cells)} labelled cells are too few to choose a classifier's settings on: label more")


def split_choose(types: Names, groups: Names, grouped_by: str, share: float, seed: int) -> NDArray[np.bool_]:
    """Part labelled cells (M,) into *choose* (True, about ``share``), where choices are made, and *report*.

    Stratified by type; slides and patients stay whole, as many as bring each type closest to its share. No type
    is chosen as a whole; with very few groups none may be.
    """
    rng = np.random.default_rng(seed)
    names, kind = np.unique(types, return_inverse=True)
    if grouped_by != "cell":
        return _choose_groups(kind, groups, share, rng)
    choose = np.zeros(len(types), dtype=np.bool_)
    for i in range(len(names)):
        rows = rng.permutation(np.flatnonzero(kind == i))
        choose[rows[: min(round(share * len(rows)), len(rows) - 1)]] = True
    return choose


def majority(types: Names) -> str:
    """The most frequent type, the first by name of several."""
    names, counts = np.unique(types, return_counts=True)
    return str(names[counts.argmax()])


def _search(classifier: object, grid: dict[str, tuple[float, ...]], splits: Iterable[Split] | int) -> GridSearchCV:
    pipeline = Pipeline([("scale", StandardScaler()), ("classify", classifier)])
    named = {f"classify__{name}": values for name, values in grid.items()}
    return GridSearchCV(pipeline, named, scoring="f1_macro", cv=splits, error_score="raise")


def _splitter(grouped_by: str, folds: int, seed: int) -> BaseCrossValidator:
    kind = StratifiedKFold if grouped_by == "cell" else StratifiedGroupKFold
    return kind(folds, shuffle=True, random_state=seed)


def _split(cells: Cells, splitter: BaseCrossValidator) -> list[Split]:
    groups = cells.groups if isinstance(splitter, StratifiedGroupKFold) else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # `check` refuses what matters
        return [(train, test) for train, test in splitter.split(cells.x, cells.types, groups) if len(test)]


def _choose_groups(kind: Rows, groups: Names, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Take groups in random order, each if that brings the types' chosen shares closer to ``share``."""
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), kind.max() + 1))
    np.add.at(counts, (group, kind), 1)
    shares = counts / counts.sum(0)
    chosen, taken = np.zeros(len(names), dtype=np.bool_), np.zeros(shares.shape[1])
    for i in rng.permutation(len(names)):
        more = taken + shares[i]
        if (more < 1 - 1e-9).all() and np.sum((more - share) ** 2) < np.sum((taken - share) ** 2):
            chosen[i], taken = True, more
    return np.asarray(chosen[group])
