"""What a linear probe predicts without the cell: types from the border of the patch, and the slide of a cell.

A border that predicts the type, or a representation that predicts the slide, means that scores may come from stain and
background. Both are cross-validated macro F1, beside that of always predicting the most frequent class.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from orbicyte.arrays import Floats, Rows
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.measured import measured_cells
from orbicyte.classification.probes import cross_validated, linear_probe
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.metrics.border_f1 import border_colours, border_pixels, majority_f1
from orbicyte.metrics.f1 import f1_table, macro_f1
from orbicyte.settings import Settings

SLIDE_CELLS = 2000
CHUNK = 512
BORDER = "border of the patch"
COLUMNS = ["predicts", "from", "cells", "classes", "f1", "majority_f1"]


def confounders(
    store: PatchStore, settings: Settings, embeddings: Mapping[str, Floats]
) -> tuple[pd.DataFrame, list[str]]:
    """One row per probe, with the columns ``COLUMNS``, and which probes are missing, in words.

    ``predicts``: type (of the test part of the labelled cells) or slide (of at most SLIDE_CELLS cells, sampled, where
    known); ``from``: the border, or the name of a run in ``embeddings``, which have a row (D,) for every cell.
    """
    rows, notes = [], []
    try:
        rows.append(_of_types(store, settings))
    except OrbicyteError as error:
        notes.append(f"types were not predicted from the {BORDER}: {error}")
    try:
        rows += _of_slides(store, settings, embeddings)
    except OrbicyteError as error:
        notes.append(f"slides were not predicted: {error}")
    return pd.DataFrame(rows, columns=COLUMNS), notes


def _of_types(store: PatchStore, settings: Settings) -> tuple[object, ...]:
    if not len(store.labelled):
        raise OrbicyteError("no cell has a label")
    cells = measured_cells(store, settings.evaluation, settings.seed)
    cells = cells[cells.test]
    return ("type", BORDER, *_score(_border(store, cells.rows), cells, settings))


def _of_slides(store: PatchStore, settings: Settings, embeddings: Mapping[str, Floats]) -> list[tuple[object, ...]]:
    cells = _cells_of_slides(store, settings)
    sources: dict[str, Callable[[], Floats]] = {BORDER: lambda: _border(store, cells.rows)}
    sources |= {name: lambda x=x: x[cells.rows] for name, x in embeddings.items()}  # type: ignore[misc]
    return [("slide", name, *_score(features(), cells, settings)) for name, features in sources.items()]


def _cells_of_slides(store: PatchStore, settings: Settings) -> LabelledCells:
    """Sampled cells whose slide is known, with the slide as their type; each cell is a group of its own."""
    known = np.flatnonzero(store.cells["slide"].notna())
    if not len(known):
        raise OrbicyteError("the slide is not known for any cell (column slide of the labels)")
    rows = np.sort(np.random.default_rng([settings.seed, 10]).permutation(known)[:SLIDE_CELLS])
    slides = store.cells["slide"].to_numpy(dtype=object)[rows].astype(str)
    names, counts = np.unique(slides, return_counts=True)
    enough = np.isin(slides, names[counts >= settings.evaluation.folds])
    rows, slides = rows[enough], slides[enough]
    if len(np.unique(slides)) < 2:
        raise OrbicyteError(f"expected at least two slides with {settings.evaluation.folds} cells each")
    return LabelledCells(rows, slides, rows.astype(str), "cell", np.zeros(len(rows), np.bool_))


def _border(store: PatchStore, rows: Rows) -> Floats:
    starts = range(0, len(rows), CHUNK)
    return np.concatenate([border_colours(border_pixels(store.images[rows[i : i + CHUNK]])) for i in starts])


def _score(x: Floats, cells: LabelledCells, settings: Settings) -> tuple[int, int, float, float]:
    """Cells, classes, macro F1 of the linear probe, and of the most frequent class."""
    folds = cross_validated(linear_probe, x, cells, settings.evaluation.folds, settings.seed)
    truths = [cells.types[fold.test] for fold in folds]
    f1 = macro_f1(f1_table(truths, [fold.probe.predict(x[fold.test]) for fold in folds]))
    return len(cells), len(np.unique(cells.types)), f1, majority_f1(cells, settings.evaluation.folds, settings.seed)
