"""Splits of labelled cells: into a selection and a test part, and into folds (paper 2.4).

No split separates copies of a cell (``LabelledCells.repeated``), also if it is by cell.
"""

import warnings

import numpy as np
from sklearn.model_selection import BaseCrossValidator, StratifiedGroupKFold, StratifiedKFold

from orbicyte.arrays import Flags, Rows, Strings
from orbicyte.classification.labelled import LabelledCells
from orbicyte.errors import OrbicyteError
from orbicyte.text import number_of

INNER_FOLDS = 3

Split = tuple[Rows, Rows]
"""Positions to fit on, and positions to test on."""


def splits(cells: LabelledCells, folds: int, seed: int) -> list[Split]:
    """Positions to fit and to test on, per fold: stratified by type, groups not split, shuffled by ``seed``.

    Raises ``OrbicyteError`` for a single type, a type with fewer cells than folds, fewer groups than folds, or a fold
    that leaves only one type to fit on.
    """
    check(cells, folds)
    parts = _split(cells, cells.grouped_by, folds, seed)
    for train, _ in parts:
        if len(np.unique(cells.types[train])) < 2:
            raise OrbicyteError(
                f"folds by {cells.grouped_by} leave only {str(cells.types[train][0])!r} to learn from: "
                f"label cells of the other types on more than one {cells.grouped_by}"
            )
    return parts


def splits_by_cell(cells: LabelledCells, folds: int, seed: int) -> list[Split]:
    """Positions as of ``splits``, but groups may be split; one type of ``folds`` cells is sufficient."""
    return _split(cells, "cell", folds, seed)


def inner_splits(cells: LabelledCells, seed: int) -> list[Split]:
    """Splits to choose hyperparameters on: by group where that leaves two types to fit on, else by cell.

    Raises ``OrbicyteError`` if no split leaves two types.
    """
    for grouped_by in (cells.grouped_by, "cell"):
        groups = len(np.unique(cells.groups if grouped_by != "cell" else cells.rows))
        count = min(INNER_FOLDS, groups, _most_of_a_type(cells))
        parts = _split(cells, grouped_by, count, seed) if count >= 2 else []
        usable = [(train, test) for train, test in parts if len(np.unique(cells.types[train])) >= 2]
        if usable:
            return usable
    raise OrbicyteError(f"{len(cells)} labelled cells are too few to choose the classifier's settings: label more")


def check(cells: LabelledCells, folds: int) -> None:
    """Raise ``OrbicyteError`` if ``cells`` cannot be split into ``folds``."""
    names, counts = np.unique(cells.types, return_counts=True)
    if len(names) < 2:
        found = f"all are {str(names[0])!r}" if len(names) else "there is none"
        raise OrbicyteError(f"classification needs labelled cells of at least two types, but {found}: check the labels")
    rarest = int(counts.argmin())
    if counts[rarest] < folds:
        fewer = f", or --set evaluation.folds={counts[rarest]}" if counts[rarest] > 1 else ""
        raise OrbicyteError(
            f"type {str(names[rarest])!r} has {number_of(int(counts[rarest]), 'labelled cell')} in the test "
            f"part, fewer than the {folds} folds: label more cells of it, or merge it with another type{fewer}"
        )
    groups = len(np.unique(cells.groups))
    if cells.grouped_by != "cell" and groups < folds:
        fewer = f", or --set evaluation.folds={groups}" if groups > 1 else ""
        raise OrbicyteError(
            f"the labelled cells of the test part come from {groups} {cells.grouped_by}(s), fewer than the {folds} "
            f"folds of the classifier: label cells of more{fewer}"
        )


def check_splittable(cells: LabelledCells, folds: int, seed: int) -> None:
    """Raise ``OrbicyteError`` if a probe cannot be cross-validated on ``cells``."""
    for train, _ in splits(cells, folds, seed):
        inner_splits(cells[train], seed)


def select(types: Strings, groups: Strings, grouped_by: str, share: float, seed: int) -> Flags:
    """Split labelled cells into a selection part (True, about ``share`` of them) and a test part: (M,).

    ``types``, ``groups``: (M,). Stratified by type; slides and patients are not split, and chosen so that each type is
    close to its share. No type is selected completely; with very few groups nothing may be selected.
    """
    rng = np.random.default_rng(seed)
    names, kind = np.unique(types, return_inverse=True)
    if grouped_by != "cell":
        return _select_groups(kind, groups, share, rng)
    is_selection = np.zeros(len(types), dtype=np.bool_)
    for i in range(len(names)):
        rows = rng.permutation(np.flatnonzero(kind == i))
        is_selection[rows[: min(round(share * len(rows)), len(rows) - 1)]] = True
    return is_selection


def _most_of_a_type(cells: LabelledCells) -> int:
    """The number of cells of the most frequent type, without copies."""
    first = np.unique(cells.rows, return_index=True)[1]
    return int(np.unique(cells.types[first], return_counts=True)[1].max())


def _split(cells: LabelledCells, grouped_by: str, folds: int, seed: int) -> list[Split]:
    groups = cells.rows.astype(str) if grouped_by == "cell" else cells.groups
    alone = grouped_by == "cell" and len(np.unique(groups)) == len(cells)
    kind: type[BaseCrossValidator] = StratifiedKFold if alone else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # `check` raises where it matters
        parts = splitter.split(np.zeros(len(cells)), cells.types, None if alone else groups)
        return [(train, test) for train, test in parts if len(test)]


def _select_groups(kind: Rows, groups: Strings, share: float, rng: np.random.Generator) -> Flags:
    """Add groups in random order, each if the selected shares of the types come closer to ``share``: (M,)."""
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), kind.max() + 1))
    np.add.at(counts, (group, kind), 1)
    shares = counts / counts.sum(0)
    selected, taken = np.zeros(len(names), dtype=np.bool_), np.zeros(shares.shape[1])
    for i in rng.permutation(len(names)):
        more = taken + shares[i]
        if (more < 1 - 1e-9).all() and np.sum((more - share) ** 2) < np.sum((taken - share) ** 2):
            selected[i], taken = True, more
    return np.asarray(selected[group])
