"""Folds of cross-validation, such that all cells of one patient or slide are in one fold."""

from dataclasses import dataclass
from typing import Any

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


def check_groups(cells: pd.DataFrame, fold: NDArray[Any]) -> None:
    """Raise ``OrbicyteError`` if a known patient, or a known slide where patients are not used, is in two folds.

    ``cells``: N rows with the columns ``patient`` and ``slide``; ``fold``: (N,). This happens where the column is known
    for some of the cells only, so that they cannot be grouped by it.
    """
    grouped_by, _ = group_column(cells)
    columns = ("patient", "slide")
    for column in columns[: columns.index(grouped_by)] if grouped_by in columns else columns:
        known = cells[column].notna().to_numpy()
        folds = pd.Series(fold[known]).groupby(cells[column].to_numpy(dtype=object)[known]).nunique()
        if (folds > 1).any():
            raise OrbicyteError(
                f"{column} {folds.idxmax()!r} has cells in more than one fold, so scores would be too high: the "
                f"{column} is known for {known.sum():,} of {len(cells):,} cells only, and folds are by {grouped_by}; "
                "give it for all of these cells, or for none"
            )


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
            f"training in {folds} folds needs at least {folds} {kind}, there are {len(sizes)}: add some, or "
            "choose fewer folds"
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
    Raises ``OrbicyteError`` for a fold that does not exist, too few cells, or a slide or patient in two folds.
    """
    check_fold(fold, settings)
    rows, numbers = _assigned(store, settings)
    check_groups(store.cells.iloc[rows], numbers)
    return _of_store(rows, fold_of(numbers, fold))


def fold_of_run(store: PatchStore, record: RunRecord) -> Fold:
    """The fold that a run with this ``record`` was trained on; for the shipped network, all those cells are test cells.

    As ``training_fold``, but without a check of slides and patients, which older versions did not have.
    """
    if not record.data.train:
        nothing = np.array([], dtype=np.intp)
        return Fold(nothing, nothing, learning_rows(store))
    rows, numbers = _assigned(store, record.settings)
    return _of_store(rows, fold_of(numbers, record.fold))


def check_fold(fold: int, settings: Settings) -> None:
    """Raise ``OrbicyteError`` for a fold that does not exist."""
    if not 1 <= fold <= settings.folds:
        raise OrbicyteError(f"--fold: expected 1 to {settings.folds} (--folds), got {fold}")


def learning_rows(store: PatchStore) -> Rows:
    """The rows (n,) from which representations are learned: unlabelled cells, or if there are none, all; sorted."""
    return store.unlabelled if len(store.unlabelled) else store.labelled


def _assigned(store: PatchStore, settings: Settings) -> tuple[Rows, NDArray[np.intp]]:
    """The rows from which representations are learned, and the fold of each."""
    rows = learning_rows(store)
    _, groups = group_column(store.cells.iloc[rows])
    return rows, split(groups, len(rows), settings.folds, settings.seed)


def _of_store(rows: Rows, parts: Fold) -> Fold:
    return Fold(rows[parts.train], rows[parts.validation], rows[parts.test])


def _numbered(groups: NDArray[np.object_]) -> NDArray[np.intp]:
    return pd.factorize(groups, sort=True)[0]
