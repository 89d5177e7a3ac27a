"""Where each cell is used: in which set, fold of training, and part and fold of the labelled cells."""

import numpy as np
import pandas as pd

from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.measured import measured_cells
from orbicyte.classification.splits import splits
from orbicyte.data.folds import training_fold
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.settings import Settings

LABELLED, UNLABELLED, SHARED = "labelled", "unlabelled", "shared"
SELECTION, TEST = "selection", "test"


def places(store: PatchStore, settings: Settings) -> tuple[pd.DataFrame, list[str]]:
    """One row per cell of ``store``, and what could not be determined, in words.

    ``set``: labelled, unlabelled, or shared (unlabelled, not used: from a slide with labelled cells);
    ``training_fold``: from 1, 0 if networks are not trained on it; ``part``: of the labelled cells, selection or test,
    empty if it is not used; ``probe_fold``: of the test part, from 1, else 0; ``place``: all of this as text.
    """
    cells = store.cells
    table = pd.DataFrame({"set": np.where(cells["label"].notna(), LABELLED, UNLABELLED)})
    table.loc[cells["shared"].to_numpy(bool), "set"] = SHARED
    table = table.assign(training_fold=0, part="", probe_fold=0)
    notes = []
    try:
        for fold in range(1, settings.folds + 1):
            table.loc[training_fold(store, settings, fold).test, "training_fold"] = fold
    except OrbicyteError as error:
        notes.append(f"the folds of training are not known: {error}")
    try:
        measured = measured_cells(store, settings.evaluation, settings.seed)
        table.loc[measured.rows, "part"] = np.where(measured.is_selection, SELECTION, TEST)
        if len(measured):
            table.loc[measured.rows[measured.test], "probe_fold"] = _probe_folds(measured, settings)
    except OrbicyteError as error:
        notes.append(f"the folds of the labelled cells are not known: {error}")
    columns = (table[name].tolist() for name in ("set", "training_fold", "part", "probe_fold"))
    return table.assign(place=list(map(_text, *columns))), notes


def _probe_folds(measured: LabelledCells, settings: Settings) -> list[int]:
    test = measured[measured.test]
    found = np.zeros(len(test), dtype=np.int64)
    for number, (_, rows) in enumerate(splits(test, settings.evaluation.folds, settings.seed), 1):
        found[rows] = number
    return found.tolist()


def _text(set_: str, training_fold: int, part: str, probe_fold: int) -> str:
    words = [set_]
    if training_fold:
        words.append(f"fold {training_fold}")
    if part:
        words.append(f"{part} part" + (f" (fold {probe_fold})" if probe_fold else ""))
    return ", ".join(words)
