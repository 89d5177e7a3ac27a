"""Which labelled cells a network's typing is measured on: those of types with enough of them to report on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbicyte.data.folds import group_column
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.probes import Cells, inner_splits, split_choose, splits
from orbicyte.settings import EvaluationSettings


@dataclass(frozen=True)
class Named:
    """``cells`` (M), their ``rows`` (M,) of the store, and whether each is in the part to ``choose`` on (M,).

    ``left_out``: types that are not among them, with how many labelled cells they have.
    """

    cells: Cells
    rows: NDArray[np.int64]
    choose: NDArray[np.bool_]
    left_out: dict[str, int]


def labelled_cells(store: PatchStore) -> Cells:
    """The labelled cells, in the store's order, with nothing yet for a probe to see: ``x`` (M, 0)."""
    rows = store.labelled
    grouped_by, groups = group_column(store.cells.iloc[rows])
    names = np.arange(len(rows)).astype(str) if groups is None else np.asarray(groups).astype(str)
    types = store.cells["label"].to_numpy()[rows].astype(str)
    return Cells(np.zeros((len(rows), 0), np.float32), types, names, grouped_by)


def named_cells(store: PatchStore, evaluation: EvaluationSettings, seed: int) -> Named:
    """The labelled cells of ``store`` without types of which fewer than ``evaluation.folds`` are to be reported on.

    Where two types would not be left, no more are left out.
    """
    cells, rows = labelled_cells(store), store.labelled
    left_out: dict[str, int] = {}
    while True:
        choose = np.zeros(0, dtype=np.bool_)
        if len(cells):
            choose = split_choose(cells.types, cells.groups, cells.grouped_by, evaluation.choose_share, seed)
        names, counts = np.unique(cells.types, return_counts=True)
        reported = np.array([(cells.types[~choose] == name).sum() for name in names])
        rare = reported < evaluation.folds
        if not rare.any() or (~rare).sum() < 2:
            return Named(cells, rows, choose, left_out)
        left_out |= {str(name): int(count) for name, count in zip(names[rare], counts[rare], strict=True)}
        kept = np.flatnonzero(~np.isin(cells.types, names[rare]))
        cells, rows = cells[kept], rows[kept]


def check_evaluable(store: PatchStore, evaluation: EvaluationSettings, seed: int) -> Named:
    """``named_cells``; raises ``OrbicyteError`` if they are too few or too alike for the measures of typing.

    Takes a second, so that nobody learns it after a day of training. Without any label there is nothing to type.
    """
    named = named_cells(store, evaluation, seed)
    if not len(named.rows):
        return named
    try:
        for part in (named.cells[np.flatnonzero(~named.choose)], named.cells):
            for train, _ in splits(part, evaluation.folds, seed):
                inner_splits(part[train], seed)
    except OrbicyteError as error:
        if not named.left_out:
            raise
        raise OrbicyteError(f"{error} (without {counted(named.left_out)}, too few to report on)") from error
    return named


def counted(types: Mapping[str, int]) -> str:
    """Types and how many cells there are of each, for a message."""
    return ", ".join(f"{name} ({count})" for name, count in types.items())
