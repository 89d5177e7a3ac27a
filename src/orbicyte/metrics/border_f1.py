"""F1 of types predicted without the cell: from the border ring of the patch, and from the most frequent type.

The same probes, grid and folds as ``f1`` on the test part, on the colours of the border ring only: of each channel
the mean, the standard deviation and the quantiles 0.1, 0.25, 0.5, 0.75 and 0.9. Staining and background can identify
the slide, and the slide can predict the type: only an F1 (paper 2.4) above this comes from the cell.

Yields ``border_f1/linear`` and ``border_f1/mlp``, and ``majority_f1``: macro F1 if every cell is predicted to have the
most frequent type of the training folds. Nothing without labels.
"""

from collections.abc import Iterator

import numpy as np

from orbicyte.arrays import Floats, Pixels
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.probes import PROBES, cross_validated, majority
from orbicyte.classification.splits import splits
from orbicyte.metrics.evidence import Evidence
from orbicyte.metrics.f1 import f1_table, macro_f1
from orbicyte.study.scores import Score

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring. Raises ``OrbicyteError`` as ``f1``."""
    labelled = evidence.labelled
    if labelled is None:
        return
    test = labelled.cells.test
    x, cells = labelled.border[test], labelled.cells[test]
    for name, probe in PROBES.items():
        folds = cross_validated(probe, x, cells, evidence.evaluation.folds, evidence.seed)
        truths = [cells.types[fold.test] for fold in folds]
        predictions = [fold.probe.predict(x[fold.test]) for fold in folds]
        yield Score(f"border_f1/{name}", macro_f1(f1_table(truths, predictions)))
    yield Score("majority_f1", majority_f1(cells, evidence.evaluation.folds, evidence.seed))


def majority_f1(cells: LabelledCells, folds: int, seed: int) -> float:
    """Macro F1 if every one of ``cells`` is predicted to have the most frequent type of the training folds."""
    parts = splits(cells, folds, seed)
    majorities = [np.full(len(test), majority(cells.types[train])) for train, test in parts]
    return macro_f1(f1_table([cells.types[test] for _, test in parts], majorities))


def border_pixels(images: Pixels) -> Floats:
    """Colours of the border of patches (M, S, S, 3), a frame of a sixteenth of the side: (M, B, 3) in [0, 1]."""
    side = images.shape[1]
    width = max(1, side // 16)
    frame = np.ones((side, side), dtype=bool)
    frame[width:-width, width:-width] = False
    return np.asarray(images[:, frame] / np.float32(255), np.float32)


def border_colours(border: Floats) -> Floats:
    """Features for the probe of the border pixels (M, B, 3), colours in [0, 1]: (M, 21)."""
    quantiles = np.quantile(border, QUANTILES, axis=1)
    return np.concatenate((border.mean(1), border.std(1), *quantiles), axis=1).astype(np.float32)
