"""The labelled cells on which typing is measured: those of types with enough cells in the test part."""

import numpy as np

from orbicyte.classification.labelled import LabelledCells, counted, labelled_cells
from orbicyte.classification.splits import check_splittable, select
from orbicyte.data.folds import check_groups
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings


def measured_cells(store: PatchStore, evaluation: EvaluationSettings, seed: int) -> LabelledCells:
    """The labelled cells on which typing is measured, split into a selection and a test part.

    Without the types of which fewer than ``evaluation.folds`` cells are in the test part (``left_out``). Where fewer
    than two types would remain, no more types are left out. Raises ``OrbicyteError`` for a known slide or patient that
    folds would split.
    """
    cells = labelled_cells(store)
    check_groups(store.cells.iloc[cells.rows], cells.groups)
    left_out: dict[str, int] = {}
    while True:
        is_selection = cells.is_selection
        if len(cells):
            is_selection = select(cells.types, cells.groups, cells.grouped_by, evaluation.selection_share, seed)
        names, counts = np.unique(cells.types, return_counts=True)
        tested = np.array([(cells.types[~is_selection] == name).sum() for name in names])
        rare = tested < evaluation.folds
        if not rare.any() or (~rare).sum() < 2:
            return LabelledCells(cells.rows, cells.types, cells.groups, cells.grouped_by, is_selection, left_out)
        left_out |= {str(name): int(count) for name, count in zip(names[rare], counts[rare], strict=True)}
        cells = cells[np.flatnonzero(~np.isin(cells.types, names[rare]))]


def check_measurable(cells: LabelledCells, evaluation: EvaluationSettings, seed: int) -> None:
    """Raise ``OrbicyteError`` if ``cells`` are too few, or of too few types, for the measures of cell typing.

    Fast, so it can be called before training. Without any label nothing is measured, and there is no error.
    """
    if not len(cells):
        return
    try:
        for part in (cells[cells.test], cells):
            check_splittable(part, evaluation.folds, seed)
    except OrbicyteError as error:
        if not cells.left_out:
            raise
        raise OrbicyteError(f"{error} (without {counted(cells.left_out)}, too few for the test part)") from error
