"""How well shallow classifiers predict the cell types from the representation (paper 2.4, Fig. 5).

Probes (``orbicyte.classification.probes``): ``linear`` and ``mlp``, PROBE below. Folds of the test part of the
labelled cells, grouped by slide or patient if known; settings and scaling are fitted inside each training fold. A
fold's macro F1 is the mean, over the types that are true or predicted in it, of 2 TP / (2 TP + FP + FN).

Yields

- ``f1/PROBE``: mean of the folds' macro F1; with ``type``: that type's F1, mean over the folds that contain it;
  ``f1/PROBE/sd``: standard deviation of the folds' macro F1;
- ``confusion/PROBE``: counts over all folds, ``type`` is the true type, a tab, and the predicted type;
- ``f1_all/PROBE``: as ``f1/PROBE`` on both parts together, to compare with the paper, which has no selection part;
- ``every_angle_f1/PROBE``: macro F1 over the rotated cells of the test part; a cell is correct only if correct
  at all angles (otherwise its prediction is the first wrong one); the probe that predicts it was not trained on it;
- ``one_type/PROBE``: share of those cells with the same predicted type, correct or not, at all angles;
- ``every_angle_f1/PROBE/multiples_of_90``, ``one_type/PROBE/multiples_of_90``: at 0° and multiples of 90° only;
  ``every_angle_f1/PROBE/other_angles``, ``one_type/PROBE/other_angles``: at 0° and the other angles only.

Nothing without labels. Plain F1 on rotated cells is not informative: cells have random orientations already.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from orbicyte.arrays import Doubles, Strings
from orbicyte.classification.probes import PROBES, FittedProbe, cross_validated
from orbicyte.metrics.angles import groups_of_angles
from orbicyte.metrics.evidence import Evidence, LabelledEvidence
from orbicyte.study.scores import Score


def measure(evidence: Evidence) -> Iterator[Score]:
    """Rows as in the module's docstring. Raises ``OrbicyteError`` for types or groups too small for the folds."""
    labelled = evidence.labelled
    if labelled is None:
        return
    cells, x = labelled.cells, labelled.x
    test = cells.test
    for name, probe in PROBES.items():
        folds = evidence.probes[name]
        predictions = [fold.probe.predict(x[test[fold.test]]) for fold in folds]
        truths = [cells.types[test[fold.test]] for fold in folds]
        yield from _fold_scores(name, truths, predictions)
        if len(labelled.rotated):
            predicted = rotated_predictions(labelled, folds)
            yield from _rotated_scores(name, evidence, predicted, cells.types[labelled.rotated])
        folds = cross_validated(probe, x, cells, evidence.evaluation.folds, evidence.seed)
        predictions = [fold.probe.predict(x[fold.test]) for fold in folds]
        table = f1_table([cells.types[fold.test] for fold in folds], predictions)
        yield Score(f"f1_all/{name}", macro_f1(table))


def f1_table(truths: list[Strings], predictions: list[Strings]) -> Doubles:
    """F1 of each type in each fold: (folds, sorted types); NaN where it is neither true nor predicted."""
    names = np.unique(np.concatenate(truths))
    rows = [
        f1_score(true, predicted, labels=names, average=None, zero_division=np.nan)
        for true, predicted in zip(truths, predictions, strict=True)
    ]
    return np.array(rows)


def macro_f1(table: Doubles) -> float:
    """Mean over folds of the mean over types, without NaN, from ``f1_table`` (folds, types): 0 to 1."""
    return float(np.nanmean(table, axis=1).mean())


def rotated_predictions(labelled: LabelledEvidence, folds: list[FittedProbe]) -> Strings:
    """Types of the rotated cells at every angle (A, K), each by the probe of the fold that was not trained on it."""
    angles, cells, _ = labelled.rotated_x.shape
    predicted = np.empty((angles, cells), dtype=labelled.cells.types.dtype)
    for fold in folds:
        unseen = np.isin(labelled.rotated, labelled.cells.test[fold.test])
        if unseen.any():
            x = labelled.rotated_x[:, unseen]
            predicted[:, unseen] = fold.probe.predict(x.reshape(-1, x.shape[-1])).reshape(angles, -1)
    return predicted


def every_angle(predicted: Strings, true: Strings) -> Strings:
    """One type per cell (K,) from those predicted at every angle (A, K): the first wrong one, if any is wrong."""
    first_wrong = (predicted != true).argmax(0)
    return np.asarray(predicted[first_wrong, np.arange(len(true))])


def one_type(predicted: Strings) -> float:
    """Share of cells with the same type at all angles, from predictions (A, K): 0 to 1."""
    return float((predicted == predicted[0]).all(0).mean())


def _fold_scores(probe: str, truths: list[Strings], predictions: list[Strings]) -> Iterator[Score]:
    table = f1_table(truths, predictions)
    yield Score(f"f1/{probe}", macro_f1(table))
    yield Score(f"f1/{probe}/sd", float(np.nanmean(table, axis=1).std(ddof=1)))
    true = np.concatenate(truths)
    names = np.unique(true)
    for name, value in zip(names, np.nanmean(table, axis=0), strict=True):
        yield Score(f"f1/{probe}", float(value), type=str(name))
    counts = confusion_matrix(true, np.concatenate(predictions), labels=names)
    for (name, other), count in zip(product(names, names), counts.ravel(), strict=True):
        yield Score(f"confusion/{probe}", float(count), type=f"{name}\t{other}")


def _rotated_scores(probe: str, evidence: Evidence, predicted: Strings, true: Strings) -> Iterator[Score]:
    for end, some in groups_of_angles(evidence):
        enough = some.sum() > 1
        f1 = f1_score(true, every_angle(predicted[some], true), average="macro") if enough else np.nan
        yield Score(f"every_angle_f1/{probe}{end}", float(f1))
        yield Score(f"one_type/{probe}{end}", one_type(predicted[some]) if enough else np.nan)
