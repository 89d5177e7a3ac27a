"""Folds of cross-validation, such that all cells of one patient or slide are in one fold."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orbicyte.arrays import Rows
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings
from orbicyte.study.runs import RunRecord


@dataclass(frozen=True)
class Fold:
    """Indices of the cells for training, for early stopping (validation) and for testing, each sorted."""

    train: Rows
    validation: Rows
    test: Rows


def group_column(cells: pd.DataFrame) -> tuple[str, NDArray[np.object_] | None]:
    """The column by which cells are grouped, and its values (N,).

    ``patient`` if known for all cells, else ``slide`` if known for all, else ``cell`` and None: no groups.
    """
    for column in ("patient", "slide"):
        if len(cells) and cells[column].notna().all():
            return column, cells[column].to_numpy(dtype=object)
    return "cell", None


def split(groups: NDArray[np.object_] | None, n: int, folds: int, seed: int) -> NDArray[np.intp]:
    """The fold, 0 to ``folds - 1``, of each of ``n`` cells: (n,).

    Cells of one group are in one fold: groups are assigned from the largest to the smallest, each to the fold with the
    fewest cells so far. ``groups``: (n,), None for no groups. Raises ``OrbicyteError`` for fewer cells or groups than
    folds.
    """
    of_cell, kind = (np.arange(n), "cells") if groups is None else (_numbered(groups), "slides or patients")
    sizes = np.bincount(of_cell)
    if len(sizes) < folds:
        raise OrbicyteError(
            f"training in {folds} folds needs at least {folds} {kind}, got {len(sizes)}: choose fewer with --folds"
        )
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    fold_of_group = np.empty(len(sizes), dtype=np.intp)
    filled = np.zeros(folds, dtype=np.intp)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of_group[group] = np.argmin(filled)
        filled[np.argmin(filled)] += sizes[group]
    return fold_of_group[of_cell]


def fold_of(assignment: NDArray[np.intp], fold: int) -> Fold:
    """Fold number ``fold`` (from 1) for testing, the next (after the last, the first) for validation, others to train.

    ``assignment`` (n,): the fold of each cell, from 0, as returned by ``split``. Raises ``OrbicyteError`` for a fold
    that does not exist.
    """
    folds = int(assignment.max()) + 1
    if not 1 <= fold <= folds:
        raise OrbicyteError(f"--fold {fold}: expected 1 to {folds}")
    test, validation = fold - 1, fold % folds
    parts = assignment == test, assignment == validation
    return Fold(np.flatnonzero(~(parts[0] | parts[1])), np.flatnonzero(parts[1]), np.flatnonzero(parts[0]))


def training_fold(store: PatchStore, settings: Settings, fold: int) -> Fold:
    """Rows of the store for training, validation and testing of the networks of fold number ``fold``.

    They are the unlabelled cells; if all cells have a label, all cells (their labels are not used).
    Raises ``OrbicyteError`` for a fold that does not exist or too few cells.
    """
    check_fold(fold, settings)
    rows = learning_rows(store)
    _, groups = group_column(store.cells.iloc[rows])
    numbers = split(groups, len(rows), settings.folds, settings.seed)
    parts = fold_of(numbers, fold)
    return Fold(rows[parts.train], rows[parts.validation], rows[parts.test])


def fold_of_run(store: PatchStore, record: RunRecord) -> Fold:
    """``training_fold`` of a run with this ``record``; for the shipped network, all those cells are test cells.

    Raises ``OrbicyteError`` as ``training_fold``.
    """
    if not record.data.train:
        nothing = np.array([], dtype=np.intp)
        return Fold(nothing, nothing, learning_rows(store))
    return training_fold(store, record.settings, record.fold)


def check_fold(fold: int, settings: Settings) -> None:
    """Raise ``OrbicyteError`` for a fold that does not exist."""
    if not 1 <= fold <= settings.folds:
        raise OrbicyteError(f"--fold: expected 1 to {settings.folds} (--folds), got {fold}")


def learning_rows(store: PatchStore) -> Rows:
    """The rows (n,) from which representations are learned: unlabelled cells, or if there are none, all; sorted."""
    return store.unlabelled if len(store.unlabelled) else store.labelled


def _numbered(groups: NDArray[np.object_]) -> NDArray[np.intp]:
    return pd.factorize(groups, sort=True)[0]
